"""Reports for regressors: predictions and residuals against the truth, a figure for each target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.components.reports.general import which_rows
from expfw.report.charts import Chart, scatter
from expfw.results import Predictions, Results
from expfw.services import ReportCollector

MAX_TARGETS = 4


class Residuals:
    """True minus predicted value over the predicted value.

    Args:
        collector: takes the figure.

    Example:
        >>> frame = pd.DataFrame({"fold": 0, "y_true": [1.0, 2.0], "y_pred": [1.5, 2.0]})
        >>> Residuals(ReportCollector("unused", step="report")).chart(Predictions(frame)).table.rows
        ((1.5, -0.5), (2.0, 0.0))
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Add a figure for each target, at most four, if this is regression."""
        for target, predictions in _by_target(results.best_predictions):
            chart = self.chart(predictions)
            if chart is None:
                continue
            caption = (
                "A good model leaves a shapeless band around zero: a bend is something it has not learned, a funnel an "
                f"error that grows with the value. {which_rows(results)}{_many(results.best_predictions)}"
            )
            self.collector.add_figure(chart, title=f"{chart.title}{target}", caption=caption)

    def chart(self, predictions: Predictions) -> Chart | None:
        """The residuals of one set of predictions; None if they are not those of a regression."""
        pairs = _numbers(predictions)
        if pairs is None:
            return None
        true, predicted = pairs
        return scatter(
            predicted,
            true - predicted,
            title="Residuals",
            x_label="predicted value",
            y_label="true − predicted value",
            description=f"{len(true):,} rows.",
            zero=True,
        )


class PredictionVsTruth:
    """Predicted over true value.

    Args:
        collector: takes the figure.

    Example:
        >>> frame = pd.DataFrame({"fold": 0, "y_true": [1.0, 2.0], "y_pred": [1.5, 2.0]})
        >>> PredictionVsTruth(ReportCollector("unused", step="report")).chart(Predictions(frame)).table.rows
        ((1.0, 1.5), (2.0, 2.0))
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Add a figure for each target, at most four, if this is regression."""
        for target, predictions in _by_target(results.best_predictions):
            chart = self.chart(predictions)
            if chart is None:
                continue
            caption = (
                "On the dashed line the prediction is right; a cloud flatter than it draws towards the mean. "
                f"{which_rows(results)}{_many(results.best_predictions)}"
            )
            self.collector.add_figure(chart, title=f"{chart.title}{target}", caption=caption)

    def chart(self, predictions: Predictions) -> Chart | None:
        """One set of predictions over the truth; None if they are not those of a regression."""
        pairs = _numbers(predictions)
        if pairs is None:
            return None
        return scatter(
            *pairs,
            title="Prediction and truth",
            x_label="true value",
            y_label="predicted value",
            description=f"{len(pairs[0]):,} rows.",
            identity=True,
        )


def _by_target(predictions: Predictions) -> Iterator[tuple[str, Predictions]]:
    """What to write behind the title, and the predictions of one target; of many targets the first four."""
    if "y_pred" in predictions.frame:
        yield "", predictions
        return
    if predictions.task == "unlabelled":
        return
    columns = [str(name) for name in predictions.frame.select_dtypes(np.floating) if str(name).startswith("y_pred_")]
    for name in (column.removeprefix("y_pred_") for column in columns[:MAX_TARGETS]):
        known = {f"y_true_{name}": "y_true", f"y_pred_{name}": "y_pred"}
        of_all = f" of {len(columns):,}" if len(columns) > MAX_TARGETS else ""
        yield (
            f", target {name}{of_all}",
            Predictions(predictions.frame.rename(columns=known)[["fold", *known.values()]]),
        )


def _many(predictions: Predictions) -> str:
    number = 1 if "y_pred" in predictions.frame else predictions.y_pred.shape[1]
    return f" The first {MAX_TARGETS} of {number:,} targets have figures." if number > MAX_TARGETS else ""


def _numbers(predictions: Predictions) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    known = len(predictions) and {"y_true", "y_pred"} <= set(predictions.frame.columns)
    if not known or predictions.task != "regression":
        return None
    true, predicted = (pd.to_numeric(predictions.frame[name], errors="coerce") for name in ("y_true", "y_pred"))
    return true.to_numpy(dtype=np.float64, na_value=np.nan), predicted.to_numpy(dtype=np.float64, na_value=np.nan)
