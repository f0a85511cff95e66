"""Rows for early stopping: a part of a fold's training rows that a model watches while it learns from the others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from expfw.interfaces import Data, Rows

SWITCHES = ("early_stopping", "early_stopping_rounds")
"""Parameters of models by which they stop early, or do not."""


def takes_watched(model: Any) -> str | None:
    """By which argument a model's ``fit`` takes rows to watch: ``X_val``, ``eval_set``, or None for none.

    Args:
        model: a class or an estimator.

    Example:
        >>> from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
        >>> takes_watched(HistGradientBoostingClassifier), takes_watched(RandomForestClassifier)
        ('X_val', None)
    """
    try:
        names = set(inspect.signature(model.fit).parameters)
    except (AttributeError, TypeError, ValueError):
        return None
    if {"X_val", "y_val"} <= names:
        return "X_val"
    return "eval_set" if "eval_set" in names else None


def switched_off(model: Callable[..., Any], params: Mapping[str, Any]) -> str | None:
    """The parameter that must be set for a model to stop early, and is not; None if nothing is amiss.

    Args:
        model: its class.
        params: what it is constructed with.

    Example:
        >>> from sklearn.ensemble import HistGradientBoostingClassifier as Boosting
        >>> switched_off(Boosting, {}), switched_off(Boosting, {"early_stopping": True})
        ('early_stopping', None)
    """
    names = inspect.signature(model).parameters
    return next((n for n in SWITCHES if n in names and params.get(n) in (None, False, "auto")), None)


def watched_arguments(model: Any, X: Any, y: Any) -> dict[str, Any]:
    """What a model's ``fit`` is given beside the training rows.

    Args:
        model: an estimator.
        X: rows to watch, as the model takes them.
        y: their target.
    """
    return {"X_val": X, "y_val": y} if takes_watched(model) == "X_val" else {"eval_set": [(X, y)]}


def distinct(data: Data, rows: Rows | None) -> tuple[Data, Rows]:
    """Each row once, for a bootstrap's training part holds some several times, and none may be on both sides.

    Args:
        data: training rows.
        rows: where they come from, one position each; None if no row comes twice.

    Returns:
        The distinct rows, and for each row of ``data`` its position among them.

    Example:
        >>> one, places = distinct(Data(X=np.array([[7], [8], [7]])), np.array([3, 5, 3]))
        >>> one.X.tolist(), places.tolist()
        ([[7], [8]], [0, 1, 0])
    """
    if rows is None:
        return data, np.arange(len(data), dtype=np.intp)
    _, first, places = np.unique(np.asarray(rows), return_index=True, return_inverse=True)
    order = np.argsort(first)  # in the order of the training part, which may follow time
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return data.take(first[order]), rank[places]
