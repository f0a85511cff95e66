"""Reports for every task: metrics, their spread over folds, time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from expfw.report.charts import Chart, strip
from expfw.report.ranges import shown_interval
from expfw.results import Results
from expfw.services import ReportCollector


class MetricsTable:
    """Every metric on every fold, one row per fold.

    Args:
        collector: takes the table.

    Example:
        >>> MetricsTable.rows({"accuracy": {"mean": 0.75, "folds": [0.5, 1.0]}})
        [{'fold': 1, 'accuracy': 0.5}, {'fold': 2, 'accuracy': 1.0}]
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Add the table, if there was resampling."""
        rows = self.rows(results.validation_metrics)
        if rows:
            caption = "A fold that stands out in every metric holds unusual rows; look at those first."
            self.collector.add_table(rows, title="Metrics per fold", caption=caption)

    @staticmethod
    def rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One record per fold, numbered from 1, with the value of each metric."""
        folds = max((len(metric.get("folds") or ()) for metric in metrics.values()), default=0)
        return [{"fold": fold + 1} | _values_of(fold, metrics) for fold in range(folds)]


class FoldSpread:
    """How far each metric varies from fold to fold, with its mean and 95 % interval; pooled ones do not.

    Args:
        collector: takes the figure.

    Example:
        >>> metrics = {"accuracy": {"mean": 0.75, "ci95": [0.5, 1.0], "folds": [0.5, 1.0]}}
        >>> FoldSpread(ReportCollector("unused", step="report")).chart(metrics).table.rows
        (('accuracy', 1, 0.5), ('accuracy', 2, 1.0))
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Add the figure, if there are at least two folds."""
        chart = self.chart(results.validation_metrics)
        if chart is not None:
            caption = (
                "One dot per fold; the line is the mean, the band its 95 % interval, as far as the metric can go. A "
                "difference to another experiment that is smaller than the band may be chance."
            )
            self.collector.add_figure(chart, title=chart.title, caption=caption)

    def chart(self, metrics: Mapping[str, Mapping[str, Any]]) -> Chart | None:
        """The spread of metrics over folds; None if no metric has two folds."""
        several = {name: metric for name, metric in metrics.items() if len(metric.get("folds") or ()) > 1}
        rows = {name: _spread(name, metric) for name, metric in several.items() if not metric.get("pooled")}
        if not rows:
            return None
        return strip(rows, title="Spread over the folds", description=f"{', '.join(rows)} on each fold.")


class TimingTable:
    """Seconds per node of the workflow and their share of the whole.

    Args:
        collector: takes the table.

    Example:
        >>> TimingTable.rows({"fit": 3.0, "predict": 1.0})[0]
        {'step': 'fit', 'seconds': 3.0, 'share': '75.0 %'}
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Add the table, if any time was recorded."""
        if results.timing:
            caption = "Up to this report, which is not counted itself."
            self.collector.add_table(self.rows(results.timing), title="Time per step", caption=caption)

    @staticmethod
    def rows(timing: Mapping[str, float]) -> list[dict[str, Any]]:
        """One record per node, in the order given."""
        whole = sum(timing.values()) or 1.0
        return [
            {"step": node, "seconds": float(seconds), "share": f"{100 * seconds / whole:.1f} %"}
            for node, seconds in timing.items()
        ]


def _values_of(fold: int, metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: metric["folds"][fold] for name, metric in metrics.items() if fold < len(metric.get("folds") or ())}


def _spread(name: str, metric: Mapping[str, Any]) -> tuple[list[float], float, tuple[float, float]]:
    values = [np.nan if value is None else float(value) for value in (*metric["folds"], metric.get("mean"))]
    return values[:-1], values[-1], shown_interval(name, metric) or (np.nan, np.nan)


def which_rows(results: Results) -> str:
    """A sentence for captions: the rows that :attr:`expfw.results.Results.best_predictions` holds."""
    if not len(results.predictions):
        return "Test rows."
    folds = len(results.folds)
    return f"Validation rows of {folds:,} folds, pooled." if folds > 1 else "Validation rows."
