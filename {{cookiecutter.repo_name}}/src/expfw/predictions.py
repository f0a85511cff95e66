"""Making the table of predictions that :class:`expfw.results.Predictions` reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from expfw.checks import check_predictions
from expfw.errors import ComponentError
from expfw.interfaces import Data, Rows
from expfw.model import FittedModel
from expfw.results import DECISION, PROBABILITY


def prediction_table(model: Any, data: Data, rows: Rows, fold: int, labels: Any = None) -> pd.DataFrame:
    """Predict ``rows`` of ``data`` and put everything that a metric or a report may need beside the truth.

    Args:
        model: a fitted model with ``predict``, and where it has them ``predict_proba``, ``decision_function`` and
            ``classes_``, which are taken as well.
        data: the rows' data.
        rows: positions in ``data``.
        fold: number of the fold.
        labels: class labels beyond those that the model knows (a class that its training rows lacked).

    Returns:
        One row per predicted row; columns as :class:`expfw.results.Predictions` says.
    """
    part = data.take(rows)
    asked, X = (model.model, model.transform(part.X)) if isinstance(model, FittedModel) else (model, part.X)
    columns: dict[str, Any] = {
        "fold": np.full(len(part), fold, dtype=np.int64),
        "row": np.asarray(rows, dtype=np.int64),
    }
    classes = single_target_classes(model)
    labels = None if classes is None else class_labels(classes, labels)
    if part.y is not None:
        columns |= _target_columns("y_true", part.y, labels)
    columns |= _target_columns("y_pred", check_predictions(asked.predict(X), len(part), "predict"), labels)
    if classes is not None:
        columns |= _score_columns(asked, X, len(part), classes, labels)
    return pd.DataFrame(columns)


def single_target_classes(model: Any) -> Any:
    """A classifier's ``classes_``; None for a regressor, and for several targets, where scikit-learn gives a list."""
    classes = getattr(model, "classes_", None)
    return None if isinstance(classes, list) else classes


def class_labels(classes: Any, y: Any = None) -> Any:
    """All labels there are: those of a classifier, and those of ``y`` that its training rows lacked, sorted.

    Example:
        >>> class_labels(np.array(["a", "c"]), np.array(["b", "a"]))
        array(['a', 'b', 'c'], dtype='<U1')
    """
    return np.asarray(classes) if y is None else np.union1d(np.asarray(classes), np.asarray(y))


def empty_table(labelled: bool) -> pd.DataFrame:
    """A table without rows, for an experiment without folds or without a hold-out."""
    columns = {"fold": np.int64, "row": np.int64, **({"y_true": np.float64} if labelled else {}), "y_pred": np.float64}
    return pd.DataFrame({name: np.empty(0, dtype=kind) for name, kind in columns.items()})


def _target_columns(name: str, values: Any, labels: Any) -> dict[str, Any]:
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] > 1:
        return {f"{name}_{i}": values[:, i] for i in range(values.shape[1])}
    values = values.reshape(len(values))
    if labels is None:
        return {name: values}
    known = pd.Categorical(values, categories=labels)
    strange = values[(known.codes < 0) & ~pd.isna(values)]
    if len(strange):
        raise ComponentError(f"{name} holds {strange[:1].tolist()[0]!r}, which is none of the classes {list(labels)}")
    return {name: known}


def _score_columns(model: Any, X: Any, rows: int, classes: Any, labels: Any) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if hasattr(model, "predict_proba"):
        probability = check_predictions(model.predict_proba(X), rows, "predict_proba").astype(np.float64)
        known = {label: probability[:, i] for i, label in enumerate(np.asarray(classes).tolist())}
        absent = np.zeros(len(probability))
        columns = {f"{PROBABILITY}{label}": known.get(label, absent) for label in np.asarray(labels).tolist()}
    if hasattr(model, "decision_function"):
        decision = check_predictions(model.decision_function(X), rows, "decision_function").astype(np.float64)
        columns |= _decision_columns(decision, np.asarray(classes).tolist(), np.asarray(labels).tolist())
    return columns


def _decision_columns(decision: Any, classes: list[Any], labels: list[Any]) -> dict[str, Any]:
    """The decision function in the order of the labels, whatever order the model has its classes in."""
    known = [label for label in labels if label in classes]
    if decision.ndim == 1:
        return {DECISION: decision if known == classes else -decision}
    if decision.shape[1] != len(classes):
        return {f"{DECISION}{i}": column for i, column in enumerate(decision.T)}
    return {f"{DECISION}{label}": decision[:, classes.index(label)] for label in known}
