"""The work of the nodes: what is asked of a component, and what is refused as an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expfw import steps
from expfw.config.experiment import load_experiment
from expfw.construct.blueprint import Blueprint
from expfw.construct.plan import Plan
from expfw.errors import ComponentError
from expfw.interfaces import Data, Fold
from expfw.run.build import Builder, RunContext
from expfw.run.folder import ResultFolder, take_folder

DATA = Data(pd.DataFrame({"a": np.arange(6.0)}), np.array([0, 1, 0, 1, 0, 1]))
FOLDS = [Fold(np.array([0, 1, 2, 3]), np.array([4, 5])), Fold(np.array([2, 3, 4, 5]), np.array([0, 1]))]


class Component:
    """Does what it is told.

    Args:
        answer: what every method gives.
    """

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def load(self) -> Any:
        """Give the answer."""
        return self.answer

    def prepare(self, data: Data) -> Any:
        """Give the answer."""
        return self.answer

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Give the answer."""
        return self.answer

    def fit(self, X: Any, y: Any = None) -> Any:
        """Note what came; refuse if told so."""
        if isinstance(self.answer, Exception):
            raise self.answer
        self.seen_ = X
        return self

    def predict(self, X: Any) -> Any:
        """As many zeros as there are rows."""
        return np.zeros(len(X))


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    """A folder of an experiment."""
    return take_folder(tmp_path)


def builder(folder: ResultFolder, key: str, answer: Any = None, target: Any = Component) -> Builder:
    """A builder of a component; of none for ``target`` None."""
    text = '{"data_source": {"type": "A"}, "model": {"type": "B"}, "holdout": {"type": "C"}}'
    experiment = load_experiment("a", {"a.json": ""}, lambda where: text, base={}, params={})
    params = {"answer": answer} if target is Component else {}
    blueprint = None if target is None else Blueprint("mine.Component", target, params)
    return Builder(key, RunContext(Plan(experiment, {key: blueprint}), folder))


def test_loading_gives_data_and_refuses_anything_else(folder: ResultFolder) -> None:
    assert steps.load(builder(folder, "data_source", DATA)) is DATA
    for answer, words in ((DATA.X, "DataFrame"), (None, "NoneType"), (DATA.take([]), "no rows")):
        with pytest.raises(ComponentError, match=words):
            steps.load(builder(folder, "data_source", answer))


def test_without_a_preparer_rows_pass_unchanged(folder: ResultFolder) -> None:
    assert steps.prepare(DATA, builder(folder, "preparer", target=None)) is DATA
    with pytest.raises(ComponentError, match="no rows"):
        steps.prepare(DATA, builder(folder, "preparer", DATA.take([])))
    with pytest.raises(ComponentError):
        steps.prepare(DATA, builder(folder, "preparer", None))


def test_a_hold_out_is_one_split(folder: ResultFolder) -> None:
    pairs = [(fold.train, fold.validation) for fold in FOLDS]
    development, test = steps.hold_out(DATA, builder(folder, "holdout", pairs[:1]))
    assert (development.y.tolist(), test.y.tolist()) == ([0, 1, 0, 1], [0, 1])
    with pytest.raises(ComponentError, match="gives 2 splits, a hold-out is one"):
        steps.hold_out(DATA, builder(folder, "holdout", pairs))


def test_without_a_hold_out_no_row_is_held_out(folder: ResultFolder) -> None:
    development, test = steps.hold_out(DATA, builder(folder, "holdout", target=None))
    assert (len(development), len(test)) == (6, 0)


def test_without_resampling_there_are_no_folds(folder: ResultFolder) -> None:
    assert steps.resample(DATA, builder(folder, "resampling", target=None)) == []


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [([0, 1], [])],
        [([], [0])],
        [([0, 1], [1, 2])],
        [([0, 1], [6])],
        [([0, 1], [-1])],
        [([0, 1, 5], [-1])],
        [([0.0, 1.0], [2.5])],
        [([True] * 3 + [False] * 3, [False] * 3 + [True] * 3)],
        [([[0, 1]], [[2]])],
        [([0, 1],)],
        [3],
        3,
        [(["a"], ["b"])],
        [([0, 1], [3, 3])],
    ],
    ids=str,
)
def test_a_split_that_is_none_is_refused(folder: ResultFolder, pairs: Any) -> None:
    with pytest.raises(ComponentError, match=r"resampling mine\.Component"):
        steps.resample(DATA, builder(folder, "resampling", pairs))


def test_a_row_may_be_learnt_from_twice(folder: ResultFolder) -> None:
    (fold,) = steps.resample(DATA, builder(folder, "resampling", [([0, 0, 1], [4, 5])]))
    assert fold.train.tolist() == [0, 0, 1]


def test_each_fold_is_fitted_on_its_training_rows(folder: ResultFolder) -> None:
    model = builder(folder, "model")
    fitted = list(steps.fit(DATA, FOLDS, builder(folder, "features", target=None), model))
    assert [list(part) for part in fitted] == [[0], [1]]
    seen = [vars(part[number].model)["seen_"]["a"].tolist() for number, part in enumerate(fitted)]
    assert seen == [[0, 1, 2, 3], [2, 3, 4, 5]]
    assert [event["fold"] for event in model.events.read("fold")] == [0, 1]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("Input X contains NaN.\nmany lines"), "fit failed in fold 1: ValueError: Input X contains NaN"),
        (ValueError("Input X contains NaN."), "TabularFeatures"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError: no message"),
        (ComponentError("told the user"), "told the user"),
    ],
)
def test_an_error_says_which_component_and_which_fold(folder: ResultFolder, error: Exception, words: str) -> None:
    with pytest.raises(ComponentError) as caught:
        list(steps.fit(DATA, FOLDS, builder(folder, "features", target=None), builder(folder, "model", error)))
    assert "model mine.Component" in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.__cause__ is error


def test_an_empty_experiment_has_empty_predictions(folder: ResultFolder) -> None:
    table = steps.predict({}, DATA, [])  # type: ignore[arg-type]
    assert list(table.columns) == ["fold", "row", "y_true", "y_pred"]
    assert len(table) == 0


def test_without_held_out_rows_nothing_is_tested(folder: ResultFolder) -> None:
    table, metrics = steps.test(None, DATA.take([]), builder(folder, "metrics"))
    assert (len(table), metrics) == (0, {})
