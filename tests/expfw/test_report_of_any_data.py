"""The page stays right and small whatever was tried: any task, any number of rows and columns, any form of data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pages import Page, page_of, results_of
from scipy import sparse

from expfw.components import reports
from expfw.interfaces import Data, Fold
from expfw.report.collector import ReportCollector
from expfw.results import Predictions, Results

REPORTS = (
    *("MetricsTable", "FoldSpread", "ConfusionMatrix", "RocCurve", "CalibrationCurve"),
    *("PredictionVsTruth", "Residuals", "TimingTable"),
)
RANDOM = np.random.default_rng(3)


def folds(rows: int) -> list[Fold]:
    at = np.arange(rows)
    return [Fold(at[at % 2 != fold], at[at % 2 == fold]) for fold in (0, 1)]


def given(X: Any, y: Any, columns: dict[str, Any], **changes: Any) -> Results:
    rows = len(next(iter(columns.values())))
    frame = pd.DataFrame({"fold": np.arange(rows) % 2, "row": np.arange(rows), **columns})
    data, nothing = Data(X, y), Data(X, y).take([])
    return results_of(
        **{
            "development_data": data,
            "test_data": nothing,
            "folds": folds(rows),
            "predictions": Predictions(frame),
            "test_predictions": Predictions(frame.iloc[:0]),
            **changes,
        }
    )


def classified(rows: int, classes: int, columns: int = 3, *, probable: bool = True) -> Results:
    labels = [f"class {at}" for at in range(classes)]
    kind = pd.CategoricalDtype(labels)
    chances = RANDOM.dirichlet(np.ones(classes), rows)
    codes = np.arange(rows) % classes
    columns_of = {
        "y_true": pd.Categorical.from_codes(codes, dtype=kind),
        "y_pred": pd.Categorical.from_codes(chances.argmax(axis=1), dtype=kind),
        **({f"proba_{label}": chances[:, at] for at, label in enumerate(labels)} if probable else {}),
    }
    X = pd.DataFrame(RANDOM.normal(size=(rows, columns)), columns=[f"column {at}" for at in range(columns)])
    return given(X, np.array(labels)[codes], columns_of)


def measured(rows: int, targets: int = 1) -> Results:
    y = RANDOM.normal(size=(rows, targets))
    names = [""] if targets == 1 else [f"_{at}" for at in range(targets)]
    columns = {f"{kind}{name}": y[:, at] * part for at, name in enumerate(names) for kind, part in KINDS.items()}
    return given(RANDOM.normal(size=(rows, 2)), y[:, 0] if targets == 1 else y, columns)


KINDS = {"y_true": 1.0, "y_pred": 0.8}


def unlabelled(values: Any) -> Results:
    X = pd.DataFrame(RANDOM.normal(size=(len(values), 2)))
    return given(X, None, {"y_pred": values}, validation_metrics={}, test_metrics={})


CASES: dict[str, tuple[Callable[[], Results], tuple[str, ...]]] = {
    "two classes": (lambda: classified(200, 2), ("Confusion matrix", "ROC curve", "Calibration", "class 1")),
    "no probabilities": (lambda: classified(200, 2, probable=False), ("Confusion matrix, validation rows",)),
    "thirty classes": (lambda: classified(900, 30), ("The 20 most frequent classes are shown.", "of 30 classes")),
    "two thousand classes": (
        lambda: classified(4_000, 2_000, probable=False),
        ("The 12 most frequent of 2,000 classes are drawn.", "Evenly spaced: 50 of 2,000 rows."),
    ),
    "regression": (lambda: measured(300), ("Residuals", "Prediction and truth", "Distribution of the target")),
    "two targets": (lambda: measured(100, 2), ("Residuals, target 0", "Prediction and truth, target 1", "2 columns")),
    "thirty targets": (
        lambda: measured(100, 30),
        ("Residuals, target 3", "The first 4 of 30 targets have figures.", "The first 20 of 30 targets."),
    ),
    "clusters": (lambda: unlabelled(np.arange(90) % 3), ("Rows by predicted label", "There is no target.")),
    "scores of outliers": (lambda: unlabelled(RANDOM.normal(size=90)), ("Distribution of the predictions",)),
    "two rows": (lambda: classified(2, 2, 2), ("Confusion matrix", "2 folds, each trained on 1 rows")),
    "two rows of numbers": (lambda: measured(2), ("Residuals", "regression")),
    "two thousand columns": (lambda: classified(500, 2, 2_000), ("30 of 2,000 columns", "2,000 × float64")),
    "two hundred thousand rows": (lambda: classified(200_000, 2, 2), ("200,000", "Values are those of 10,000")),
    "two hundred thousand numbers": (lambda: measured(200_000), ("2,000 of 200,000 points are drawn",)),
}


def rendered(results: Results, folder: Path) -> str:
    for order, name in enumerate(REPORTS):
        collector = ReportCollector(folder, step="report", component=name, order=order)
        getattr(reports, name)(collector).report(results)
    return page_of(results, folder)


@pytest.mark.parametrize("name", CASES)
def test_the_page_is_right_and_small(tmp_path: Path, name: str) -> None:
    make, parts = CASES[name]
    html = rendered(make(), tmp_path)
    page = Page(html)
    text = re.sub(r"\s+", " ", page.text)
    assert page.open == []
    assert len(html.encode()) < 3_000_000
    for part in parts:
        assert part in text, part
    assert not re.search(r"\b(nan|None|NaT|inf)\b", text)
    assert not re.search(r'="[^"]*\bnan\b', html)
    assert 'class="foreign"' not in html


FORMS: dict[str, Any] = {
    "a list of texts": ["a", "b", "c", "d"],
    "a sparse matrix": sparse.csr_matrix(np.eye(4)),
    "an array of objects": np.array([["a", 1], [None, 2.5], ["b", 3], ["c", 4]], dtype=object),
    "an array of three dimensions": np.zeros((4, 2, 2)),
    "no columns": pd.DataFrame(index=range(4)),
    "lists in cells": pd.DataFrame({"a": [[1], [2], [3], [4]]}),
    "numbers without end": pd.DataFrame({"a": [np.inf, -np.inf, np.nan, 1.0], "b": [np.nan] * 4}),
    "integers with gaps": pd.DataFrame({"a": pd.array([1, None, 3, 4], dtype="Int64")}),
    "booleans with gaps": pd.DataFrame({"a": pd.array([True, None, False, True], dtype="boolean")}),
    "texts with gaps": pd.DataFrame({"a": pd.array(["x", None, "y", "z"], dtype="string")}),
    "moments in a zone": pd.DataFrame({"a": pd.date_range("2026-01-01", periods=4, tz="UTC")}),
    "time spans": pd.DataFrame({"a": pd.to_timedelta([1, 2, 3, None], unit="h")}),
    "complex numbers": pd.DataFrame({"a": np.array([1j, 2, 3, 4])}),
    "columns of one name": pd.DataFrame(np.eye(4)[:, :2], columns=["a", "a"]),
    "columns of two levels": pd.DataFrame(np.eye(4)[:, :2], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
}


@pytest.mark.parametrize("name", FORMS)
def test_features_of_any_form_are_summed_up(tmp_path: Path, name: str) -> None:
    columns = {"y_true": [1.0, 2.0, 3.0, 4.0], "y_pred": [1.0, 2.0, 3.0, 3.0]}
    html = rendered(given(FORMS[name], np.array([1.0, 2.0, 3.0, 4.0]), columns), tmp_path)
    assert Page(html).open == []
    assert re.search(r"development\s+4\s", Page(html).text)


TARGETS: dict[str, Any] = {
    "a list": ["a", "b", "a", "b"],
    "texts with gaps": np.array(["a", None, "b", "a"], dtype=object),
    "numbers with gaps": np.array([1.0, np.nan, np.inf, 2.0]),
    "one column": np.array([[1.0], [2.0], [3.0], [4.0]]),
    "a frame": pd.DataFrame({"a": [1, 2, 3, 4], "b": [1.5, 2.5, 3.5, 4.5]}),
    "labels, several columns": np.array([["a", "x"], ["b", "x"], ["a", "y"], ["b", "y"]]),
    "booleans": np.array([True, False, True, True]),
    "categories": pd.Series(pd.Categorical(["a", "b", "a", "b"], categories=["c", "b", "a"])),
    "moments": pd.Series(pd.date_range("2026-01-01", periods=4)),
    "always the same": np.full(4, 7.0),
    "never known": np.full(4, np.nan),
}


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("name", TARGETS)
def test_targets_of_any_form_are_summed_up(tmp_path: Path, name: str, classes: bool) -> None:
    same = pd.Categorical(["a", "b", "a", "b"]) if classes else [1.0, 2.0, 3.0, 4.0]
    html = rendered(given(np.zeros((4, 1)), TARGETS[name], {"y_true": same, "y_pred": same}), tmp_path)
    assert Page(html).open == []
    assert 'id="data"' in html


def test_two_thousand_folds_and_a_hundred_nodes_keep_the_page_small(tmp_path: Path) -> None:
    values = RANDOM.uniform(size=2_000).tolist()
    metric = {"mean": 0.5, "std": 0.1, "ci95": [0.4, 0.6], "folds": values}
    results = results_of(validation_metrics={"f1": metric}, timing={f"node {at}": 1.0 for at in range(100)})
    for order, name in enumerate(("MetricsTable", "FoldSpread")):
        getattr(reports, name)(ReportCollector(tmp_path, step="report", component=name, order=order)).report(results)
    html = page_of(results, tmp_path, timing={"folds": {str(at): 1.0 for at in range(2_000)}})
    assert len(html.encode()) < 500_000
    assert "mean of 2,000 folds" in html
    assert Page(html).open == []
