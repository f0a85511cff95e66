"""Reports for classifiers: who is taken for whom, and what the probabilities are worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.components.reports.general import which_rows
from expfw.report.charts import Chart, heatmap, line_chart
from expfw.results import Predictions, Results
from expfw.services import ReportCollector

MAX_CLASSES = 20
MAX_LINES = 8


class ConfusionMatrix:
    """How often each class was predicted as which, for validation and test predictions, where there are any.

    Args:
        collector: takes the figures.
        normalize: null for counts; "true" for shares of each true class (the diagonal is the recall), "pred" for shares
            of each predicted class (the diagonal is the precision), "all" for shares of all rows.

    Example:
        >>> labels = pd.CategoricalDtype(["cat", "dog"])
        >>> true, predicted = pd.Series(["cat", "dog"], dtype=labels), pd.Series(["cat", "cat"], dtype=labels)
        >>> frame = pd.DataFrame({"fold": 0, "row": [0, 1], "y_true": true, "y_pred": predicted})
        >>> reporter = ConfusionMatrix(ReportCollector("unused", step="report"))
        >>> reporter.chart(Predictions(frame), "validation").table.rows
        (('cat', 1, 0), ('dog', 1, 0))
    """

    def __init__(self, collector: ReportCollector, normalize: Literal["true", "pred", "all"] | None = None) -> None:
        self.collector = collector
        self.normalize = normalize

    def report(self, results: Results) -> None:
        """Add one figure for the validation rows and one for the test rows, if this is classification."""
        for rows, predictions in (("validation", results.predictions), ("test", results.test_predictions)):
            chart = self.chart(predictions, rows)
            if chart is not None:
                self.collector.add_figure(chart, title=chart.title, caption=self._caption(predictions))

    def chart(self, predictions: Predictions, rows: str) -> Chart | None:
        """The matrix of one set of predictions; None if they are not those of a classifier."""
        from sklearn.metrics import confusion_matrix

        if not _is_classified(predictions):
            return None
        true, predicted, labels = _codes(predictions)
        shown = _frequent(true, len(labels), MAX_CLASSES)
        matrix = confusion_matrix(true, predicted, labels=range(len(labels)), normalize=self.normalize)
        names = [str(labels[at]) for at in shown]
        description = (
            f"{len(true):,} {rows} rows in {len(labels)} classes, {np.mean(true == predicted):.1%} on the diagonal."
        )
        return heatmap(
            matrix[np.ix_(shown, shown)],
            rows=names,
            columns=names,
            title=f"Confusion matrix, {rows} rows",
            row_label="true",
            column_label="predicted",
            description=description,
        )

    def _caption(self, predictions: Predictions) -> str:
        unit = {
            "true": "Shares of each true class",
            "pred": "Shares of each predicted class",
            "all": "Shares of all rows",
        }
        what = unit[self.normalize] if self.normalize else "Number of rows"
        classes = predictions.classes
        many = (
            ""
            if classes is None or len(classes) <= MAX_CLASSES
            else f" The {MAX_CLASSES} most frequent classes are shown."
        )
        return f"{what}. Off the diagonal: which classes are taken for which.{many}"


class RocCurve:
    """Receiver operating characteristic: for two classes that of the second one, for more each class against the rest.

    Curve and area are ``sklearn.metrics.roc_curve`` and ``sklearn.metrics.auc``.

    Args:
        collector: takes the figure.

    Example:
        >>> labels = pd.CategoricalDtype([0, 1])
        >>> true = pd.Series([0, 0, 1, 1], dtype=labels)
        >>> frame = pd.DataFrame({"fold": 0, "y_true": true, "y_pred": true, "proba_0": [0.9, 0.4, 0.6, 0.1]})
        >>> frame["proba_1"] = 1 - frame["proba_0"]
        >>> "1 (area 0.750)" in RocCurve(ReportCollector("unused", step="report")).chart(Predictions(frame)).svg
        True
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Add the figure, if there are probabilities, and rows of more than one class."""
        chart = self.chart(results.best_predictions)
        if chart is not None:
            caption = (
                "The further towards the upper left, the better the ranking; on the dashed line it is chance. "
                f"{which_rows(results)}"
            )
            self.collector.add_figure(chart, title=chart.title, caption=caption + _many(results.best_predictions))

    def chart(self, predictions: Predictions) -> Chart | None:
        """The curves of one set of predictions; None if there are none to draw."""
        from sklearn.metrics import auc, roc_curve

        lines = {}
        for label, is_class, probability in _one_against_rest(predictions):
            false_positive, true_positive, _ = roc_curve(is_class, probability)
            lines[f"{label} (area {auc(false_positive, true_positive):.3f})"] = (false_positive, true_positive)
        if not lines:
            return None
        return line_chart(
            lines,
            title="ROC curve" if len(lines) == 1 else "ROC curves, each class against the rest",
            x_label="false positive rate",
            y_label="true positive rate",
            description=", ".join(lines),
            diagonal=True,
            limits=(0.0, 1.0),
        )


class CalibrationCurve:
    """Whether predicted probabilities can be taken at their word (``sklearn.calibration.calibration_curve``).

    Args:
        collector: takes the figure.
        n_bins: number of bins that the predicted probabilities are put in; empty bins are not drawn.
        strategy: "uniform" for bins of equal width, "quantile" for bins with equally many rows.

    Example:
        >>> labels = pd.CategoricalDtype([0, 1])
        >>> true = pd.Series([0, 0, 1, 1], dtype=labels)
        >>> frame = pd.DataFrame({"fold": 0, "y_true": true, "y_pred": true, "proba_0": [0.9, 0.9, 0.1, 0.1]})
        >>> frame["proba_1"] = 1 - frame["proba_0"]
        >>> chart = CalibrationCurve(ReportCollector("unused", step="report"), n_bins=2).chart(Predictions(frame))
        >>> [(line, round(x, 2), y) for line, x, y in chart.table.rows]
        [('1', 0.1, 0.0), ('1', 0.9, 1.0)]
    """

    def __init__(
        self, collector: ReportCollector, n_bins: int = 10, strategy: Literal["uniform", "quantile"] = "uniform"
    ) -> None:
        self.collector = collector
        self.n_bins = n_bins
        self.strategy = strategy

    def report(self, results: Results) -> None:
        """Add the figure, if there are probabilities, and rows of more than one class."""
        chart = self.chart(results.best_predictions)
        if chart is not None:
            caption = (
                "On the dashed line probabilities hold what they promise; above it the model is too cautious, below it "
                f"too sure. Points with few rows scatter. {which_rows(results)}"
            )
            self.collector.add_figure(chart, title=chart.title, caption=caption + _many(results.best_predictions))

    def chart(self, predictions: Predictions) -> Chart | None:
        """The curves of one set of predictions; None if there are none to draw."""
        from sklearn.calibration import calibration_curve

        lines = {}
        for label, is_class, probability in _one_against_rest(predictions):
            bounded = np.clip(probability, 0.0, 1.0)
            share, mean = calibration_curve(is_class, bounded, n_bins=self.n_bins, strategy=self.strategy)
            lines[str(label)] = (mean, share)
        if not lines:
            return None
        return line_chart(
            lines,
            title="Calibration" if len(lines) == 1 else "Calibration, each class against the rest",
            x_label="mean predicted probability",
            y_label="share of rows in the class",
            description=f"{self.n_bins} bins, {self.strategy}.",
            diagonal=True,
            markers=True,
            limits=(0.0, 1.0),
        )


def _is_classified(predictions: Predictions) -> bool:
    known = len(predictions) and {"y_true", "y_pred"} <= set(predictions.frame.columns)
    return bool(known) and predictions.task == "classification" and bool((predictions.frame["y_true"].notna()).any())


def _codes(predictions: Predictions) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]:
    """Positions of the true and predicted classes among the labels, of the rows that have both."""
    true, predicted, labels = _all_codes(predictions)
    known = (true >= 0) & (predicted >= 0)
    return true[known], predicted[known], labels


def _all_codes(predictions: Predictions) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]:
    """The same for all rows, with -1 where a class is missing; classes that the model does not know come last."""
    frame, model = predictions.frame, predictions.frame["y_pred"].cat.categories
    if frame["y_true"].dtype == frame["y_pred"].dtype:
        true_codes, codes = (np.asarray(frame[name].cat.codes, dtype=np.intp) for name in ("y_true", "y_pred"))
        return true_codes, codes, np.asarray(model)
    true = pd.Index(frame["y_true"].dropna().unique())
    labels = model.append(pd.Index(sorted(true.difference(model, sort=False), key=str), dtype=true.dtype))
    return (
        labels.get_indexer(pd.Index(frame["y_true"])),
        labels.get_indexer(pd.Index(frame["y_pred"])),
        np.asarray(labels),
    )


def _frequent(codes: NDArray[np.intp], classes: int, limit: int) -> list[int]:
    """The most frequent classes, in the order of their labels."""
    order = np.argsort(-np.bincount(codes, minlength=classes), kind="stable")
    return sorted(int(at) for at in order[:limit])


def _one_against_rest(predictions: Predictions) -> Iterator[tuple[Any, NDArray[np.bool_], NDArray[np.float64]]]:
    """Label, membership and probability of each class that has rows inside and outside; of two classes the second."""
    probability = predictions.probability if _is_classified(predictions) else None
    classes = predictions.classes if probability is not None else None
    if probability is None or classes is None or probability.shape[1] != len(classes):
        return
    true, _, _ = _all_codes(predictions)
    known = (true >= 0) & np.isfinite(probability).all(axis=1)
    true, probability = true[known], probability[known]
    candidates = [1] if len(classes) == 2 else _frequent(true, len(classes), MAX_LINES)
    for at in candidates:
        is_class = true == at
        if 0 < is_class.sum() < len(is_class):
            yield classes[at], is_class, probability[:, at]


def _many(predictions: Predictions) -> str:
    classes = predictions.classes
    return (
        f" The {MAX_LINES} most frequent of {len(classes):,} classes."
        if classes is not None and len(classes) > MAX_LINES
        else ""
    )
