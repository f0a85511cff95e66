"""Your reports: what is added to an experiment's page."""

from __future__ import annotations

from expfw.results import Results
from expfw.services import ReportCollector


class MyReport:
    """Adds to the page the rows that were predicted wrongly; edit :meth:`report`, where all results are at hand.

    The collector, which the framework passes, takes texts, tables and figures.

    Args:
        collector: takes what is added.
        rows: how many rows to show at most.
    """

    def __init__(self, collector: ReportCollector, rows: int = 10) -> None:
        self.collector = collector
        self.rows = rows

    def report(self, results: Results) -> None:
        """Add this report's part, if it fits the task."""
        predictions = results.best_predictions
        if predictions.task != "classification" or predictions.y_true is None:
            return
        frame = predictions.frame
        wrong = frame.loc[predictions.y_true != predictions.y_pred, ["row", "y_true", "y_pred"]]
        caption = f"{len(wrong)} of {len(frame)} rows."
        self.collector.add_table(wrong.head(self.rows), title="Predicted wrongly", caption=caption)
