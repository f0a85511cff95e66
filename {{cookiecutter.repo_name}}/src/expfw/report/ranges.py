"""What values a metric can take, by its name, so that an interval is not shown beyond them.

The record holds an interval as its method gives it. Whatever shows one to people, in words or as a band, shows it by
:func:`shown_interval`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_SHARE = re.compile(
    r"(accuracy|balanced_accuracy|top_k_accuracy|average_precision|roc_auc(_ov[or](_weighted)?)?|"
    r"(f1|precision|recall|jaccard)(_(micro|macro|weighted|samples))?)"
)
_CORRELATION = re.compile(r"matthews_corrcoef|cohen_kappa_score|adjusted_rand_score")
_AT_MOST_ONE = re.compile(r"r2|explained_variance|d2_\w+")


def metric_range(name: str) -> tuple[float, float]:
    """The least and the greatest value that a metric can take.

    Args:
        name: the name of one of scikit-learn's scorers; nothing is known of others.

    Returns:
        Both ends, infinite where there is none.

    Example:
        >>> metric_range("f1_macro"), metric_range("neg_log_loss"), metric_range("r2"), metric_range("profit")
        ((0.0, 1.0), (-inf, 0.0), (-inf, 1.0), (-inf, inf))
    """
    if _SHARE.fullmatch(name):
        return 0.0, 1.0
    if _CORRELATION.fullmatch(name):
        return -1.0, 1.0
    if _AT_MOST_ONE.fullmatch(name):
        return -math.inf, 1.0
    return (-math.inf, 0.0) if name.startswith("neg_") else (-math.inf, math.inf)


def clipped(name: str, interval: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """An interval as far as the metric's values can lie.

    Args:
        name: the metric's name.
        interval: both ends.
        values: measured values; if one of them lies outside, the name means another metric, and nothing is clipped.

    Example:
        >>> clipped("accuracy", (0.9, 1.1), [0.95]), clipped("accuracy", (0.9, 1.1), [95.0])
        ((0.9, 1.0), (0.9, 1.1))
    """
    low, high = metric_range(name)
    if any(not low <= value <= high for value in values):
        return interval[0], interval[1]
    return max(interval[0], low), min(interval[1], high)


def recorded_interval(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    """The 95 % interval of an entry of validation metrics as it is on record; None if there is none.

    Args:
        entry: ``{"mean", "ci95", "folds", …}``.

    Example:
        >>> recorded_interval({"mean": 0.95, "ci95": [0.8, 1.1]}), recorded_interval({"mean": 0.95, "ci95": None})
        ((0.8, 1.1), None)
    """
    ends = [end for end in map(_known, entry.get("ci95") or ()) if end is not None]
    return (ends[0], ends[1]) if len(ends) == 2 else None


def shown_interval(name: str, entry: Mapping[str, Any]) -> tuple[float, float] | None:
    """The same as far as the metric can go, which is how it is shown.

    Args:
        name: the metric's name.
        entry: ``{"mean", "ci95", "folds", …}``.

    Example:
        >>> shown_interval("accuracy", {"mean": 0.95, "ci95": [0.8, 1.1], "folds": [0.9, 1.0]})
        (0.8, 1.0)
    """
    ends = recorded_interval(entry)
    measured = map(_known, (entry.get("mean"), *(entry.get("folds") or ())))
    return None if ends is None else clipped(name, ends, [value for value in measured if value is not None])


def _known(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
