"""The baseline: what it predicts, and that scikit-learn takes it as a model."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from expfw.components.model import MajorityOrMean
from expfw.errors import ComponentError
from expfw.interfaces import Model

X = np.zeros((4, 1))

LABELS: list[Any] = [
    np.array([0, 1, 1, 1]),
    np.array(["a", "b", "b", "b"]),
    np.array([0.0, 1.0, 1.0, 1.0]),
    np.array([False, True, True, True]),
    [3, 7, 7, 7],
    pd.Series(["a", "b", "b", "b"]),
    pd.Series(["a", "b", "b", "b"], dtype="category"),
    pd.Series([1, 2, 2, 2], dtype="Int64"),
]


@pytest.mark.parametrize("y", LABELS, ids=[str(getattr(y, "dtype", "list")) for y in LABELS])
def test_of_labels_the_most_frequent_is_predicted(y: Any) -> None:
    labels = list(y)[:2]
    model = MajorityOrMean().fit(X, y)
    assert model.predict(X[:2]).tolist() == [labels[1]] * 2
    assert model.predict_proba(X[:2]).tolist() == [[0.25, 0.75]] * 2
    assert model.classes_.tolist() == labels
    assert is_classifier(model)


@pytest.mark.parametrize("y", [np.array([1.5, 2.5, 3.0, 5.0]), np.array([1.0, 2.0, 3.0, 6.0])])
def test_of_decimal_numbers_the_mean_is_predicted(y: Any) -> None:
    model = MajorityOrMean().fit(X, y)
    assert model.predict(X[:2]).tolist() == [3.0, 3.0]
    assert is_regressor(model)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "classes_")


def test_the_diabetes_data_are_a_regression_though_their_target_holds_whole_numbers() -> None:
    features, y = load_diabetes(return_X_y=True)
    assert MajorityOrMean().fit(features, y).predict(features[:1])[0] == pytest.approx(y.mean())


def test_the_task_can_be_set() -> None:
    counts = np.array([1, 2, 3, 6])
    assert is_classifier(MajorityOrMean().fit(X, counts))
    assert MajorityOrMean(task="regression").fit(X, counts).predict(X[:1]).tolist() == [3.0]
    assert is_classifier(MajorityOrMean(task="classification").fit(X, counts.astype(float)))


def test_a_second_fit_forgets_the_first() -> None:
    model = MajorityOrMean().fit(X, ["a", "b", "b", "b"]).fit(X, [1.5, 2.5, 3.5, 4.5])
    assert not hasattr(model, "classes_")
    assert is_regressor(model)


@pytest.mark.parametrize("rows", [["a text", "another", "a third", "a fourth"], np.zeros((4, 2, 2)), pd.DataFrame(X)])
def test_any_kind_of_rows_will_do(rows: Any) -> None:
    assert MajorityOrMean().fit(rows, [0, 1, 1, 1]).predict(rows).tolist() == [1, 1, 1, 1]


def test_without_a_target_it_says_what_to_do() -> None:
    with pytest.raises(
        ComponentError, match="MajorityOrMean: there is no target; name one in the data source's 'target'"
    ):
        MajorityOrMean().fit(X)


def test_a_target_of_objects_is_refused() -> None:
    with pytest.raises(ComponentError, match="the target is neither numbers nor labels; convert it in a preparer"):
        MajorityOrMean().fit(X, np.array([object(), 1, 2, 3], dtype=object))


def test_a_wrong_task_gets_a_suggestion() -> None:
    with pytest.raises(ComponentError, match=r"task is 'clasification'; did you mean 'classification'\?"):
        MajorityOrMean(task="clasification").fit(X, [0, 1, 1, 1])  # type: ignore[arg-type]


def test_predicting_before_fitting_is_scikit_learns_error() -> None:
    with pytest.raises(NotFittedError):
        MajorityOrMean().predict(X)


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"])
def test_scorers_of_classifications_take_it(scoring: str) -> None:
    features, y = load_iris(return_X_y=True)
    assert np.isfinite(get_scorer(scoring)(MajorityOrMean().fit(features, y), features, y))


def test_searches_and_cross_validation_take_it() -> None:
    features, y = load_iris(return_X_y=True)
    folds, tasks = StratifiedKFold(5), {"task": ["auto", "classification"]}
    search = GridSearchCV(MajorityOrMean(), tasks, scoring="accuracy", cv=folds)
    assert search.fit(features, y).best_score_ == pytest.approx(1 / 3)
    assert len(cross_val_score(MajorityOrMean(), features, y, scoring="accuracy", cv=folds)) == 5


def test_it_can_be_cloned_and_its_parameters_read() -> None:
    model = MajorityOrMean(task="regression").fit(X, [1, 2, 3, 4])
    assert clone(model).get_params() == {"task": "regression"}
    assert not hasattr(clone(model), "baseline_")
    assert isinstance(model, Model)


def test_a_fitted_one_works_in_another_process(tmp_path: Path) -> None:
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps(MajorityOrMean().fit(X, ["a", "b", "b", "b"])))
    script = f"import pickle; print(pickle.load(open({str(file)!r}, 'rb')).predict([[0.0]])[0])"
    path = {"PYTHONPATH": str(Path(sys.modules["expfw.errors"].__file__ or "").parents[1])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=path)
    assert done.stdout.strip() == "b"


def expected_failures(estimator: MajorityOrMean) -> dict[str, str]:
    reason = "the check asks an unfitted model with predict_proba for its kind, which the target decides"
    names = ("check_estimator_sparse_array", "check_estimator_sparse_matrix")
    return dict.fromkeys(names, reason) if estimator.task == "auto" else {}


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [MajorityOrMean(), MajorityOrMean(task="classification"), MajorityOrMean(task="regression")],
    expected_failed_checks=expected_failures,
)
def test_it_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)
