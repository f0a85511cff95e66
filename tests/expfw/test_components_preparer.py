"""Default preparers: rows stay with their target and group, and the input stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expfw.components.preparer import Chain, DropColumns, DropMissing, FilterRows, SelectColumns
from expfw.errors import ComponentError
from expfw.interfaces import Data, Preparer

ALL = [
    DropMissing(["a"]),
    SelectColumns(["a"]),
    DropColumns(["a"]),
    FilterRows("b > 1"),
    Chain([DropMissing(["a"]), SelectColumns(["b"])]),
]


def example() -> Data:
    table = pd.DataFrame(
        {"a": [1.0, None, 3.0, None], "b": [1.0, 2.0, 3.0, None], "my city": ["Rome", "Bern", "x.y", "Rome"]},
        index=[7, 5, 5, 1],
    )
    return Data(table, y=np.array([0, 1, 2, 3]), groups=pd.Series(["p", "q", "r", "s"]))


@pytest.mark.parametrize(
    ("columns", "how", "kept"),
    [(None, "any", [0, 2]), (["a"], "any", [0, 2]), (["a", "b"], "all", [0, 1, 2]), (["my city"], "any", [0, 1, 2, 3])],
)
def test_rows_with_missing_values_are_dropped(columns: Any, how: Any, kept: list[int]) -> None:
    prepared = DropMissing(columns, how).prepare(example())
    assert prepared.y.tolist() == kept
    assert prepared.groups.to_list() == [["p", "q", "r", "s"][row] for row in kept]
    assert len(prepared.X) == len(kept)


def test_columns_are_selected_in_the_order_given_and_dropped() -> None:
    assert list(SelectColumns(["my city", "a"]).prepare(example()).X) == ["my city", "a"]
    assert list(DropColumns(["b", "a"]).prepare(example()).X) == ["my city"]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("b > 1", [1, 2]),
        ("b > 1.", [1, 2]),
        ("`my city` == 'x.y'", [2]),
        ("`my city`.isin(['Rome', 'Bern']) and not a.isna()", [0]),
        ("`my city`.str.contains('o') or b == 2", [0, 1, 3]),
    ],
)
def test_rows_are_filtered_by_a_condition(query: str, kept: list[int]) -> None:
    prepared = FilterRows(query).prepare(example())
    assert prepared.y.tolist() == kept
    assert prepared.X.equals(example().X.iloc[kept])


def test_a_missing_answer_to_a_condition_means_no() -> None:
    data = Data(pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64")}), y=np.array([0, 1, 2]))
    assert FilterRows("n > 0").prepare(data).y.tolist() == [0, 2]


@pytest.mark.parametrize(
    "query",
    [
        "b.to_csv('written')",
        "b. to_csv('written')",
        "`my city`.to_csv('written')",
        "'x'.join(b)",
        "b.__class__.__base__",
        "__import__('os').system('touch written')",
        "b.map(print)",
    ],
)
def test_a_condition_runs_no_code(query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ComponentError, match=r"FilterRows: '\.\w+' is not allowed in .*; .*isin"):
        FilterRows(query).prepare(example())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("query", ["@pd.io.common", "b > @x", "b.\\\nto_csv('written')", "b > 1\nb > 2"])
def test_a_condition_has_no_variables_and_one_line(query: str) -> None:
    with pytest.raises(ComponentError, match=r"is not allowed in .*; write values as such, on one line"):
        FilterRows(query)


@pytest.mark.parametrize(
    ("preparer", "message"),
    [
        (DropMissing(["xyz"]), "DropMissing: columns names 'xyz', which is not there; valid are: a, b, my city"),
        (
            SelectColumns(["my_city"]),
            "SelectColumns: columns names 'my_city', which is not there; did you mean 'my city'?",
        ),
        (DropColumns(["cit"]), "DropColumns: columns names 'cit', which is not there; did you mean 'my city'?"),
        (FilterRows("c > 1"), "FilterRows: 'c > 1' failed: name 'c' is not defined; columns are: a, b, my city"),
        (FilterRows("b"), "FilterRows: 'b' is no condition on rows; compare a column with something"),
        (FilterRows("b > 9"), "FilterRows: none of the 4 rows is left; loosen the condition"),
    ],
)
def test_a_wrong_column_or_condition_is_named(preparer: Preparer, message: str) -> None:
    with pytest.raises(ComponentError) as error:
        preparer.prepare(example())
    assert str(error.value) == message


def test_a_wrong_choice_gets_the_valid_ones() -> None:
    with pytest.raises(ComponentError, match=r"DropMissing: how is 'some'; valid are: all, any"):
        DropMissing(how="some")  # type: ignore[arg-type]


@pytest.mark.parametrize("preparer", [DropMissing(), SelectColumns(["a"]), DropColumns(["a"]), FilterRows("a > 1")])
def test_data_that_are_no_table_are_refused(preparer: Preparer) -> None:
    with pytest.raises(ComponentError, match=r"needs a table, but X is of type ndarray; leave \w+ out"):
        preparer.prepare(Data(np.eye(2)))


def test_a_chain_applies_its_steps_in_order() -> None:
    prepared = Chain([FilterRows("b > 1"), DropColumns(["b"]), DropMissing()]).prepare(example())
    assert (list(prepared.X), prepared.y.tolist()) == (["a", "my city"], [2])


def test_an_empty_chain_changes_nothing() -> None:
    data = example()
    assert Chain([]).prepare(data) is data


@pytest.mark.parametrize("preparer", ALL, ids=lambda preparer: type(preparer).__name__)
def test_the_input_is_never_changed(preparer: Preparer) -> None:
    data, before = example(), example()
    prepared = preparer.prepare(data)
    prepared.X.iloc[:, 0] = prepared.X.iloc[-1, 0]
    pd.testing.assert_frame_equal(data.X, before.X)
    assert data.y.tolist() == before.y.tolist()
    assert isinstance(preparer, Preparer)
    assert len(prepared.X) == len(prepared.y) == len(prepared.groups)


def test_unlabelled_rows_pass() -> None:
    prepared = DropMissing(["a"]).prepare(Data(example().X))
    assert (prepared.y, prepared.groups, len(prepared)) == (None, None, 2)
