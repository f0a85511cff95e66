"""What was predicted for data without a target, where there is no truth to compare it with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expfw.report.collector import Fragment
from expfw.report.distribution import class_shares, histogram
from expfw.results import Predictions

MAX_FOLDS = 4
MAX_LABELS = 20
_LABELS = (
    "A label with few rows may be a handful of outliers. Folds should find groups of similar sizes; what one fold "
    "calls 0 another may call 1."
)
_NUMBERS = "Look for values far from all others, and for folds that differ."


def predicted(predictions: Predictions) -> Fragment | None:
    """How predictions are distributed, fold by fold; None if there is a target, or nothing to draw.

    Args:
        predictions: predictions for rows without a target, one value for each.

    Example:
        >>> frame = pd.DataFrame({"fold": 0, "row": [0, 1, 2], "y_pred": [1, 0, 1]})
        >>> predicted(Predictions(frame)).table.rows
        ((1, 2, '66.7 %'), (0, 1, '33.3 %'))
    """
    if predictions.task != "unlabelled" or not len(predictions) or predictions.y_pred.ndim != 1:
        return None
    folds = predictions.folds
    values = {f"fold {fold + 1}": pd.Series(predictions.of_fold(fold).y_pred) for fold in folds[:MAX_FOLDS]}
    part = f" The first {MAX_FOLDS} of {len(folds):,} folds." if len(folds) > MAX_FOLDS else ""
    return _labels(values, part) if _are_labels(values) else _numbers(values, part)


def _are_labels(values: dict[str, pd.Series]) -> bool:
    """Whether the predictions name groups: they are no numbers, or few whole ones."""
    whole = pd.concat(values.values())
    return whole.dtype.kind not in "iuf" or (whole.dtype.kind in "iu" and whole.nunique() <= MAX_LABELS)


def _labels(values: dict[str, pd.Series], part: str) -> Fragment:
    order = pd.concat(values.values()).value_counts().index
    counts = {name: each.value_counts().reindex(order, fill_value=0).to_dict() for name, each in values.items()}
    title = "Rows by predicted label"
    chart = class_shares(counts, title=title, description=f"{len(order):,} labels.")
    return Fragment("chart", title, chart.svg, f"{_LABELS}{part} {chart.note}".strip(), chart.table)


def _numbers(values: dict[str, pd.Series], part: str) -> Fragment:
    title = "Distribution of the predictions"
    arrays = {name: each.to_numpy(dtype=np.float64, na_value=np.nan) for name, each in values.items()}
    chart = histogram(arrays, title=title, x_label="predicted value")
    return Fragment("chart", title, chart.svg, f"{_NUMBERS}{part}".strip(), chart.table)
