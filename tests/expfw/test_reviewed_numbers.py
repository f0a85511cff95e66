"""Numbers and records that go wrong quietly: unsorted classes, folds that lack a class, converted values, secrets."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, top_k_accuracy_score

from expfw.config.experiment import load_experiment
from expfw.config.secrets import MARK, redacted
from expfw.construct.blueprint import Blueprint
from expfw.construct.find import Components
from expfw.construct.plan import make_plan
from expfw.construct.values import checked_value
from expfw.errors import ComponentError
from expfw.interfaces import Data
from expfw.predictions import class_labels, prediction_table
from expfw.results import Predictions
from expfw.scoring import named_metrics


def rows(classes: int, n: int = 60) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    y = np.arange(n) % classes
    return generator.normal(size=(n, 3)) + y[:, None] * 0.7, y


class Reversed:
    """A classifier whose classes stand in descending order, with its decision function to match."""

    def __init__(self, X: Any, y: Any) -> None:
        self.inner = LogisticRegression().fit(X, y)
        self.classes_ = self.inner.classes_[::-1]

    def predict(self, X: Any) -> Any:
        return self.inner.predict(X)

    def decision_function(self, X: Any) -> Any:
        decision = self.inner.decision_function(X)
        return -decision if decision.ndim == 1 else decision[:, ::-1]


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_in_another_order_do_not_change_a_metric(classes: int) -> None:
    X, y = rows(classes)
    model = Reversed(X, y)
    table = prediction_table(model, Data(X, y), np.arange(len(y)), 0, class_labels(model.classes_, y))
    decision = model.inner.decision_function(X)
    if classes == 2:
        (metric,), expected = named_metrics(["roc_auc"]), roc_auc_score(y, decision)
    else:
        (metric,), expected = named_metrics(["top_k_accuracy"]), top_k_accuracy_score(y, decision)
    assert metric(Predictions(table)) == expected


def test_a_fold_that_lacks_a_class_leaves_its_neighbours_alone() -> None:
    X, y = rows(3)
    lacking, whole = LogisticRegression().fit(X[y < 2], y[y < 2]), LogisticRegression().fit(X, y)
    labels = class_labels(whole.classes_, y)
    data, half = Data(X, y), np.arange(30)
    table = pd.concat(
        [prediction_table(model, data, half + 30 * fold, fold, labels) for fold, model in enumerate((lacking, whole))],
        ignore_index=True,
    )
    (metric,) = named_metrics(["top_k_accuracy"])
    sound = metric(Predictions(table).of_fold(1))
    assert sound == top_k_accuracy_score(y[30:], whole.decision_function(X[30:]))


def test_a_prediction_that_is_no_class_is_refused() -> None:
    class Odd:
        classes_ = np.array([0, 1])

        def predict(self, X: Any) -> Any:
            return np.full(len(X), 0.4)

    with pytest.raises(ComponentError, match=r"y_pred holds 0\.4, which is none of the classes"):
        prediction_table(Odd(), Data(np.zeros((4, 1)), np.array([0, 1, 0, 1])), np.arange(4), 0, np.array([0, 1]))


class Mode(Enum):
    SLOW = "slow"


class Hinted:
    def __init__(self, mode: Mode, path: Path, names: set[str]) -> None:
        self.mode, self.path, self.names = mode, path, names


def test_a_converted_value_is_built_converted_and_recorded_as_configured() -> None:
    given = {"mode": "slow", "path": "a/b", "names": ["x", "y"]}
    converted = {name: checked_value(Hinted, name, value) for name, value in given.items()}
    blueprint = Blueprint("Hinted", Hinted, converted, given=given)
    assert blueprint.describe() == {"type": "Hinted", "params": given}
    built = blueprint.build()
    assert (built.mode, built.path, built.names) == (Mode.SLOW, Path("a/b"), {"x", "y"})


def test_no_secret_reaches_the_resolved_configuration() -> None:
    content = """{
        "data_source": {"type": "CsvFile", "params": {"path": "https://me:hunter2@host/x.csv", "target": "y"}},
        "resampling": {"type": "sklearn.model_selection.KFold"}, "metrics": [],
        "model": {"type": "sklearn.svm.SVC"}}"""
    files = {"config/experiments/a.json": content}
    plan = make_plan(load_experiment("a", files, files.__getitem__, base={}, params={}), Components("", ("sklearn",)))
    assert "hunter2" not in str(plan.config)
    assert redacted({"db_password": "hunter2", "max_tokens": 3, "api_key": "k"}) == {
        "db_password": MARK,
        "max_tokens": 3,
        "api_key": MARK,
    }
