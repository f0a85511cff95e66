"""Each default report adds what fits the task, and nothing where it does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pages import end_of_band, last_dot
from sklearn.metrics import confusion_matrix, roc_auc_score

from expfw.components import reports
from expfw.interfaces import Data, Fold, Report
from expfw.report.collector import Fragment, ReportCollector, read_fragments
from expfw.results import Predictions, Results

EMPTY = Predictions(pd.DataFrame({"fold": [], "row": [], "y_pred": []}))
ALL = [
    *("MetricsTable", "ConfusionMatrix", "RocCurve", "CalibrationCurve"),
    *("Residuals", "PredictionVsTruth", "FoldSpread", "TimingTable"),
]


def classified(labels: list[Any], rows: int = 60, *, probabilities: bool = True, true: Any = None) -> Predictions:
    random = np.random.default_rng(1)
    kind = pd.CategoricalDtype(labels)
    shares = random.dirichlet(np.ones(len(labels)), rows)
    codes = random.integers(0, len(labels), rows)
    frame = pd.DataFrame({"fold": np.arange(rows) % 3, "row": np.arange(rows)})
    frame["y_true"] = pd.Categorical([labels[code] for code in codes] if true is None else true, dtype=kind)
    frame["y_pred"] = pd.Categorical([labels[code] for code in shares.argmax(axis=1)], dtype=kind)
    for at, label in enumerate(labels if probabilities else []):
        frame[f"proba_{label}"] = shares[:, at]
    return Predictions(frame)


def measured(rows: int = 60) -> Predictions:
    true = np.linspace(0, 1, rows)
    frame = pd.DataFrame({"fold": 0, "row": range(rows), "y_true": true, "y_pred": true**2})
    return Predictions(frame)


def unlabelled(rows: int = 60) -> Predictions:
    return Predictions(pd.DataFrame({"fold": 0, "row": range(rows), "y_pred": np.arange(rows) % 2}))


def total(row: tuple[Any, ...]) -> float:
    return float(sum(row[1:]))


def results_of(validation: Predictions = EMPTY, test: Predictions = EMPTY, **changes: Any) -> Results:
    folds = [Fold(np.arange(4), np.arange(4, 6))] * (3 if len(validation) else 0)
    metric = {"mean": 0.8, "std": 0.1, "ci95": [0.7, 0.9], "folds": [0.7, 0.8, 0.9]}
    values: dict[str, Any] = {
        "id": 3,
        "name": "demo",
        "config": {"metrics": ["score"]},
        "development_data": Data(np.zeros((6, 2)), np.zeros(6)),
        "test_data": Data(np.zeros((0, 2)), np.zeros(0)),
        "folds": folds,
        "predictions": validation,
        "test_predictions": test,
        "validation_metrics": {"score": metric} if len(validation) else {},
        "test_metrics": {"score": 0.75} if len(test) else {},
        "final_model": None,
        "timing": {"fit": 3.0, "predict": 1.0},
        "environment": {"python": "3.11"},
    }
    return Results(**(values | changes))


def added(folder: Path, name: str, results: Results, **params: Any) -> list[Fragment]:
    collector = ReportCollector(folder, step="report", component=name)
    reporter: Report = getattr(reports, name)(collector=collector, **params)
    reporter.report(results)
    return read_fragments(folder)


TASKS = {
    "two classes": (results_of(classified(["no", "yes"])), {"ConfusionMatrix", "RocCurve", "CalibrationCurve"}),
    "three classes": (results_of(classified([0, 1, 2])), {"ConfusionMatrix", "RocCurve", "CalibrationCurve"}),
    "no probabilities": (results_of(classified(["a", "b"], probabilities=False)), {"ConfusionMatrix"}),
    "regression": (results_of(measured()), {"Residuals", "PredictionVsTruth"}),
    "unlabelled": (results_of(unlabelled(), validation_metrics={}), set()),
    "nothing": (results_of(timing={}), set()),
    "nothing, no columns": (results_of(Predictions(pd.DataFrame()), Predictions(pd.DataFrame()), timing={}), set()),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ALL)
def test_a_report_adds_something_exactly_where_it_fits(tmp_path: Path, name: str, task: str) -> None:
    results, fitting = TASKS[task]
    general = {"TimingTable"} if results.timing else set()
    general |= {"MetricsTable", "FoldSpread"} if results.validation_metrics else set()
    assert bool(added(tmp_path, name, results)) == (name in fitting | general)


@pytest.mark.parametrize("name", ALL)
def test_each_figure_has_a_title_a_caption_and_the_numbers_behind_it(tmp_path: Path, name: str) -> None:
    for task in ("three classes", "regression"):
        for fragment in added(tmp_path, name, TASKS[task][0]):
            assert fragment.title
            assert fragment.caption
            assert fragment.table.rows


def test_the_confusion_matrix_is_that_of_scikit_learn_for_validation_and_test(tmp_path: Path) -> None:
    validation, test = classified(["a", "b", "c"]), classified(["a", "b", "c"], rows=20)
    fragments = added(tmp_path, "ConfusionMatrix", results_of(validation, test))
    assert [fragment.title for fragment in fragments] == [
        "Confusion matrix, validation rows",
        "Confusion matrix, test rows",
    ]
    for fragment, predictions in zip(fragments, (validation, test), strict=True):
        expected = confusion_matrix(predictions.y_true, predictions.y_pred, labels=["a", "b", "c"])
        assert [list(row[1:]) for row in fragment.table.rows] == expected.tolist()


def test_a_normalized_confusion_matrix_has_the_recall_on_its_diagonal(tmp_path: Path) -> None:
    rows = added(tmp_path, "ConfusionMatrix", results_of(classified(["a", "b"])), normalize="true")[0].table.rows
    assert [total(row) for row in rows] == pytest.approx([1.0, 1.0])


def test_the_area_under_the_roc_curve_is_that_of_scikit_learn(tmp_path: Path) -> None:
    predictions = classified(["no", "yes"])
    area = roc_auc_score(predictions.y_true == "yes", predictions.frame["proba_yes"])
    assert f"yes (area {area:.3f})" in added(tmp_path, "RocCurve", results_of(predictions))[0].body


def test_of_more_than_two_classes_each_has_its_curve_against_the_rest(tmp_path: Path) -> None:
    body = added(tmp_path, "RocCurve", results_of(classified(["a", "b", "c"])))[0].body
    assert body.count("<polyline") == 3


@pytest.mark.parametrize("name", ["RocCurve", "CalibrationCurve"])
def test_a_class_without_rows_has_no_curve(tmp_path: Path, name: str) -> None:
    only_two = classified(["a", "b", "c"], true=["a", "b"] * 30)
    assert added(tmp_path, name, results_of(only_two))[0].body.count("<polyline") == 2
    only_one = classified(["a", "b"], true=["a"] * 60)
    assert added(tmp_path / "one", name, results_of(only_one)) == []


def test_rows_whose_true_class_is_missing_are_left_out_of_the_matrix(tmp_path: Path) -> None:
    predictions = classified(["a", "b"], rows=4, true=["a", "b", None, None])
    rows = added(tmp_path, "ConfusionMatrix", results_of(predictions))[0].table.rows
    assert sum(total(row) for row in rows) == 2


def test_a_true_class_that_the_model_never_saw_has_its_row(tmp_path: Path) -> None:
    predictions = classified(["a", "b"], rows=4)
    frame = predictions.frame.assign(y_true=pd.Categorical(["a", "b", "new", "new"]))
    rows = added(tmp_path, "ConfusionMatrix", results_of(Predictions(frame)))[0].table.rows
    assert [row[0] for row in rows] == ["a", "b", "new"]
    assert total(rows[2]) == 2


def test_very_many_classes_are_cut_to_the_most_frequent(tmp_path: Path) -> None:
    predictions = classified([f"class {number}" for number in range(60)], rows=600)
    matrix = added(tmp_path / "a", "ConfusionMatrix", results_of(predictions))[0]
    assert len(matrix.table.rows) == 20
    assert "20 most frequent classes" in matrix.caption
    curves = added(tmp_path / "b", "RocCurve", results_of(predictions))[0]
    assert curves.body.count("<polyline") == 8
    assert "8 most frequent of 60 classes" in curves.caption


def test_residuals_are_true_minus_predicted_over_predicted(tmp_path: Path) -> None:
    predictions = measured(5)
    rows = added(tmp_path, "Residuals", results_of(predictions))[0].table.rows
    true, predicted = predictions.y_true, predictions.y_pred
    assert true is not None
    assert rows == tuple(zip(predicted.tolist(), (true - predicted).tolist(), strict=True))


def test_without_resampling_the_test_predictions_are_shown(tmp_path: Path) -> None:
    fragments = added(tmp_path, "PredictionVsTruth", results_of(test=measured(7)))
    assert len(fragments[0].table.rows) == 7
    assert "Test rows." in fragments[0].caption


def test_a_fold_whose_metric_is_missing_does_not_stop_the_report(tmp_path: Path) -> None:
    metric = {"mean": None, "std": None, "ci95": [None, None], "folds": [0.5, None, float("nan")]}
    results = results_of(measured(), validation_metrics={"score": metric})
    assert added(tmp_path / "a", "FoldSpread", results)[0].body.count("<circle") == 1
    assert [row[1] for row in added(tmp_path / "b", "MetricsTable", results)[0].table.rows] == [0.5, None, None]


@pytest.mark.parametrize(("metric", "within"), [("f1", True), ("own_score", False)])
def test_a_band_reaches_as_far_as_its_metric_can_go(tmp_path: Path, metric: str, within: bool) -> None:
    wide = {"mean": 0.96, "std": 0.04, "ci95": [0.85, 1.07], "folds": [0.92, 1.0]}
    drawn = added(tmp_path, "FoldSpread", results_of(measured(), validation_metrics={metric: wide}))[0].body
    assert (end_of_band(drawn) == pytest.approx(last_dot(drawn), abs=0.2)) == within


def test_the_fold_spread_shows_the_recorded_mean(tmp_path: Path) -> None:
    assert "0.8000" in added(tmp_path, "FoldSpread", results_of(measured()))[0].body
