"""Metrics that are means over rows: their value on each row alone, for intervals and the .632 estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expfw.results import Predictions

Values = NDArray[np.float64]


def row_values(metric: Callable[..., Any], predictions: Predictions, whole: float) -> Values | None:
    """A metric's value on each row alone; None if it is not known to be a mean over rows.

    Args:
        metric: a scikit-learn scorer or function, or whatever is a metric.
        predictions: what it is measured on.
        whole: its value on all of them, with which the mean must agree.

    Example:
        >>> import pandas as pd
        >>> from sklearn.metrics import mean_absolute_error, r2_score
        >>> frame = pd.DataFrame({"fold": [0, 0], "row": [0, 1], "y_true": [1.0, 2.0], "y_pred": [1.5, 2.0]})
        >>> row_values(mean_absolute_error, Predictions(frame), 0.25)
        array([0.5, 0. ])
        >>> row_values(r2_score, Predictions(frame), 0.5) is None
        True
    """
    function, sign = _function(metric)
    error = _ERRORS.get(getattr(function, "__name__", ""))
    module = str(getattr(function, "__module__", ""))
    if error is None or not module.startswith("sklearn.") or predictions.y_true is None or not len(predictions):
        return None
    try:
        values = sign * error(predictions)
    except (TypeError, ValueError, IndexError):  # of a kind that the metric may take, but a row's value is not known
        return None
    return values if np.isclose(np.mean(values), whole, rtol=1e-9, atol=1e-12) else None


def error_is_lower(metric: Callable[..., Any]) -> bool:
    """Whether a metric of :func:`row_values` is an error, of which less is better.

    Example:
        >>> from sklearn.metrics import accuracy_score, get_scorer, zero_one_loss
        >>> error_is_lower(zero_one_loss), error_is_lower(accuracy_score), error_is_lower(get_scorer("accuracy"))
        (True, False, False)
    """
    function, sign = _function(metric)
    return (sign > 0) != (getattr(function, "__name__", "") == "accuracy_score")


def _function(metric: Callable[..., Any]) -> tuple[Any, int]:
    """The function of true and predicted values behind a metric, and the sign that its scorer gives it."""
    sign = int(getattr(metric, "_sign", 1))
    function = getattr(metric, "_score_func", metric)
    while isinstance(function, partial):
        function = function.func
    return function, sign


def _equal(predictions: Predictions) -> Values:
    return np.asarray(predictions.y_true == predictions.y_pred, dtype=np.float64)


def _unequal(predictions: Predictions) -> Values:
    return 1.0 - _equal(predictions)


def _difference(predictions: Predictions) -> Values:
    difference = np.asarray(predictions.y_true, dtype=np.float64) - np.asarray(predictions.y_pred, dtype=np.float64)
    return difference.reshape(len(difference), -1)


def _squared(predictions: Predictions) -> Values:
    return np.asarray(np.mean(_difference(predictions) ** 2, axis=1))


def _absolute(predictions: Predictions) -> Values:
    return np.asarray(np.mean(np.abs(_difference(predictions)), axis=1))


def _one_hot(predictions: Predictions) -> tuple[Values, Values]:
    probability, classes = predictions.probability, predictions.classes
    if probability is None or classes is None:
        raise ValueError("no probabilities")
    return probability, np.asarray(np.asarray(predictions.y_true)[:, None] == classes[None, :], dtype=np.float64)


def _log_loss(predictions: Predictions) -> Values:
    probability, truth = _one_hot(predictions)
    least = np.finfo(probability.dtype).eps
    return np.asarray(-np.log(np.clip(np.sum(probability * truth, axis=1), least, 1 - least)))


def _brier(predictions: Predictions) -> Values:
    probability, truth = _one_hot(predictions)
    squares = np.sum((probability - truth) ** 2, axis=1)
    return np.asarray(squares / 2 if probability.shape[1] == 2 else squares)


_ERRORS: Mapping[str, Callable[[Predictions], Values]] = {
    "accuracy_score": _equal,
    "zero_one_loss": _unequal,
    "mean_squared_error": _squared,
    "mean_absolute_error": _absolute,
    "log_loss": _log_loss,
    "brier_score_loss": _brier,
}
"""By name of scikit-learn's function, its value on each row."""
