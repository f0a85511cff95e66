"""Reports for regressors: predictions and residuals against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.components.reports.general import which_rows
from expfw.report.charts import Chart, scatter
from expfw.results import Predictions, Results
from expfw.services import ReportCollector


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
        """Add the figure, if this is regression."""
        chart = self.chart(results.best_predictions)
        if chart is not None:
            caption = (
                "A good model leaves a shapeless band around zero: a bend is something it has not learned, a funnel an "
                f"error that grows with the value. {which_rows(results)}"
            )
            self.collector.add_figure(chart, title=chart.title, caption=caption)

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
        """Add the figure, if this is regression."""
        chart = self.chart(results.best_predictions)
        if chart is not None:
            caption = (
                "On the dashed line the prediction is right; a cloud flatter than it draws towards the mean. "
                f"{which_rows(results)}"
            )
            self.collector.add_figure(chart, title=chart.title, caption=caption)

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


def _numbers(predictions: Predictions) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    known = len(predictions) and {"y_true", "y_pred"} <= set(predictions.frame.columns)
    if not known or predictions.task != "regression":
        return None
    true, predicted = (pd.to_numeric(predictions.frame[name], errors="coerce") for name in ("y_true", "y_pred"))
    return true.to_numpy(dtype=np.float64, na_value=np.nan), predicted.to_numpy(dtype=np.float64, na_value=np.nan)
