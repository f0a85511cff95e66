"""Features of tables: what becomes of each kind of column, in training and on new rows."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from expfw.components.features import TabularFeatures
from expfw.errors import ComponentError
from expfw.interfaces import Features


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "city": ["Rome", "Bern", None, "Rome"],
            "age": [20.0, 30.0, None, 70.0],
            "smoker": pd.array([True, None, True, False], dtype="boolean"),
            "visits": pd.array([1, None, 3, 4], dtype="Int64"),
            "grade": pd.Categorical([2, 1, 2, 2]),
            "ever": [True, False, False, True],
        }
    )


def test_numbers_come_first_then_yes_no_then_categories() -> None:
    features = TabularFeatures().fit(table())
    names = ["age", "visits", "smoker", "ever", "city=Bern", "city=Rome", "grade=1", "grade=2"]
    assert features.get_feature_names_out().tolist() == names
    assert features.transform(table()).shape == (4, 8)


def test_each_kind_of_column_is_filled_in_and_made_a_number() -> None:
    values = TabularFeatures(scaling=None).fit_transform(table())
    assert values.tolist() == [
        [20, 1, 1, 1, 0, 1, 0, 1],
        [30, 3, 1, 0, 1, 0, 1, 0],
        [30, 3, 1, 0, 0, 1, 0, 1],
        [70, 4, 0, 1, 0, 1, 0, 1],
    ]


@pytest.mark.parametrize(("imputation", "filled"), [("median", 30.0), ("mean", 40.0), ("most_frequent", 20.0)])
def test_a_missing_number_is_filled_in_as_asked(imputation: Any, filled: float) -> None:
    features = TabularFeatures(numeric_imputation=imputation, scaling=None).fit(table()[["age"]])
    assert features.transform(pd.DataFrame({"age": [np.nan]})).tolist() == [[filled]]


@pytest.mark.parametrize(
    ("scaling", "scaled"),
    [("standard", [-1.5, -0.5, 0.5, 1.5]), ("minmax", [0, 1 / 3, 2 / 3, 1]), ("robust", [-1, -1 / 3, 1 / 3, 1])],
)
def test_numbers_are_scaled_as_asked(scaling: Any, scaled: list[float]) -> None:
    values = TabularFeatures(scaling=scaling).fit_transform(pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]}))[:, 0]
    factor = np.std([1, 2, 3, 4]) if scaling == "standard" else 1
    assert (values * factor).tolist() == pytest.approx(scaled)


def test_categories_can_be_numbered() -> None:
    features = TabularFeatures(encoding="ordinal").fit(table()[["city"]])
    assert features.get_feature_names_out().tolist() == ["city"]
    assert features.transform(table()[["city"]]).ravel().tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(("encoding", "unseen"), [("onehot", [0.0, 0.0]), ("ordinal", [-1.0])])
def test_a_category_not_seen_in_training_never_fails(encoding: Any, unseen: list[float]) -> None:
    features = TabularFeatures(encoding=encoding).fit(table()[["city"]])
    assert features.transform(pd.DataFrame({"city": ["Oslo"]})).tolist() == [unseen]


def test_rare_categories_share_a_column_that_unseen_ones_fall_into() -> None:
    cities = pd.DataFrame({"city": ["a"] * 5 + ["b"] * 4 + ["c", "d"]})
    features = TabularFeatures(max_categories=3).fit(cities)
    assert features.get_feature_names_out().tolist() == ["city=a", "city=b", "city=infrequent_sklearn"]
    assert features.transform(pd.DataFrame({"city": ["d", "new"]})).tolist() == [[0, 0, 1], [0, 0, 1]]


@pytest.mark.parametrize("encoding", ["onehot", "ordinal"])
def test_a_column_without_any_value_in_training_stays_a_column(encoding: Any) -> None:
    empty = pd.DataFrame({"a": [np.nan, np.nan], "b": np.array([None, None], dtype=object)})
    features = TabularFeatures(encoding=encoding).fit(empty)
    assert features.transform(pd.DataFrame({"a": [1.0], "b": ["x"]})).shape == (1, 2)
    assert len(features.get_feature_names_out()) == 2


def test_a_matrix_of_numbers_is_scaled_as_by_scikit_learn() -> None:
    X = load_iris().data
    features = TabularFeatures().fit(X)
    np.testing.assert_allclose(features.transform(X), StandardScaler().fit_transform(X))
    assert features.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3"]


def test_numbers_in_columns_of_objects_are_numbers() -> None:
    X = np.array([[1, "a"], [2.5, "b"], [None, "a"]], dtype=object)
    assert TabularFeatures(scaling=None).fit(X).get_feature_names_out().tolist() == ["x0", "x1=a", "x1=b"]


def test_nothing_is_learnt_from_new_rows() -> None:
    features = TabularFeatures().fit(table())
    alone = features.transform(table().iloc[:1])
    np.testing.assert_array_equal(alone, features.transform(table())[:1])


def test_the_input_is_not_changed() -> None:
    given = table()
    TabularFeatures().fit(given).transform(given)
    pd.testing.assert_frame_equal(given, table())


def test_the_same_rows_give_the_same_numbers_to_the_bit() -> None:
    first, second = (TabularFeatures().fit_transform(table()).tobytes() for _ in range(2))
    assert first == second


def test_names_that_one_hot_columns_might_have_do_not_clash() -> None:
    clash = pd.DataFrame({"a": ["b", "c"], "a_b": [1, 2]})
    assert TabularFeatures().fit(clash).get_feature_names_out().tolist() == ["a_b", "a=b", "a=c"]


def test_scikit_learn_can_be_asked_for_a_table() -> None:
    features = TabularFeatures().set_output(transform="pandas")
    assert list(features.fit_transform(table())) == features.get_feature_names_out().tolist()


@pytest.mark.parametrize(
    ("X", "found"),
    [
        (["a text", "another"], "was given a list"),
        (np.zeros((2, 3, 4)), r"was given a ndarray of float64 with shape \(2, 3, 4\)"),
        (np.zeros(3), r"was given a ndarray of float64 with shape \(3,\)"),
        (pd.Series([1.0, 2.0]), r"was given a Series of float64 with shape \(2,\)"),
        ([[1, 2], [3]], "was given a list"),
        (None, "was given a NoneType"),
        (sparse.eye_array(3).tocsr(), "the input is a sparse matrix; use 'sklearn.preprocessing.MaxAbsScaler', or set"),
        (pd.DataFrame({"a": []}), r"the input has shape \(0, 1\); it needs rows and columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "columns occur more than once: a; give each its own name"),
    ],
)
def test_what_is_no_table_is_refused(X: Any, found: str) -> None:
    with pytest.raises(ComponentError, match=f"TabularFeatures: .*{found}"):
        TabularFeatures().fit(X)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.to_datetime(["2020", "2021"]), "column 'c' holds dates or times (datetime64["),
        (pd.to_timedelta([1, 2], unit="D"), "column 'c' holds dates or times (timedelta64["),
        (pd.period_range("2020", periods=2, freq="D"), "column 'c' holds dates or times (period[D])"),
        ([1, "a"], "column 'c' holds values of kind 'mixed-integer' (object), neither numbers nor text alone"),
        ([[1], [2]], "column 'c' holds values of kind 'mixed' (object), neither numbers nor text alone"),
        ([1j, 2j], "column 'c' holds values of kind 'complex' (complex128), neither numbers nor text alone"),
        ([1.0, np.inf], "column 'c' holds infinity; make it a number or a missing value first"),
    ],
)
def test_a_column_that_cannot_be_treated_is_named(column: Any, message: str) -> None:
    with pytest.raises(ComponentError) as error:
        TabularFeatures().fit(pd.DataFrame({"c": column}))
    assert message in str(error.value)
    assert "preparer" in str(error.value) or "first" in str(error.value)


def test_text_in_a_column_that_held_numbers_is_named() -> None:
    features = TabularFeatures().fit(pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(ComponentError, match=r"column 'a' held numbers in training, but now something else: .*'\?'"):
        features.transform(pd.DataFrame({"a": ["?"]}))


def test_a_column_that_is_missing_from_new_rows_is_named() -> None:
    features = TabularFeatures().fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(ComponentError, match=r"(?s)TabularFeatures: .*seen at fit time, yet now missing:\n- b"):
        features.transform(pd.DataFrame({"a": [1.0]}))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scaling": "standart"}, r"TabularFeatures: scaling is 'standart'; did you mean 'standard'\?"),
        ({"encoding": "onhot"}, r"TabularFeatures: encoding is 'onhot'; did you mean 'onehot'\?"),
    ],
)
def test_a_wrong_choice_gets_a_suggestion(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        TabularFeatures(**params).fit(table())


def test_transforming_before_fitting_is_scikit_learns_error() -> None:
    with pytest.raises(NotFittedError):
        TabularFeatures().transform(table())


def test_it_can_be_cloned_and_its_parameters_read() -> None:
    features = TabularFeatures(scaling=None, encoding="ordinal").fit(table())
    expected = {"numeric_imputation": "median", "scaling": None, "encoding": "ordinal", "max_categories": None}
    assert clone(features).get_params() == expected
    assert isinstance(features, Features)


def test_fitted_ones_give_the_same_in_another_process(tmp_path: Path) -> None:
    features, file = TabularFeatures().fit(table()), tmp_path / "features.pickle"
    file.write_bytes(pickle.dumps((features, table())))
    script = (
        f"import pickle; features, rows = pickle.load(open({str(file)!r}, 'rb'));"
        "print(features.transform(rows).tobytes().hex(), *features.get_feature_names_out())"
    )
    path = {"PYTHONPATH": str(Path(sys.modules["expfw.errors"].__file__ or "").parents[1])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=path)
    expected = [features.transform(table()).tobytes().hex(), *features.get_feature_names_out()]
    assert done.stdout.split() == expected


OWN_WORDS = {
    "check_complex_data": "refused in words of its own",
    "check_estimators_empty_data_messages": "refused in words of its own",
    "check_fit2d_predict1d": "refused in words of its own",
}


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [TabularFeatures(), TabularFeatures(scaling=None, encoding="ordinal")],
    expected_failed_checks=lambda _: OWN_WORDS,
)
def test_it_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)
