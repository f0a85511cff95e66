"""Metrics over recorded predictions: one function computes every figure that is recorded or reported."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from expfw.errors import ComponentError
from expfw.interfaces import Fold
from expfw.intervals import (
    IN_ORDER,
    NOT_REDRAWN,
    POOLED_METHOD,
    UNDEFINED,
    Interval,
    RowValues,
    drawn_with_replacement,
    follow_order,
    percentile_interval,
    summary,
)
from expfw.optimism import estimates, no_information
from expfw.results import Predictions
from expfw.rowwise import error_is_lower, row_values
from expfw.run.files import plain

Score = Callable[[Predictions], float]
"""A metric, ready to be applied to predictions."""


@dataclass(frozen=True)
class NamedMetric:
    """A metric with the name under which its values are recorded.

    Args:
        name: for example ``accuracy``.
        metric: a scikit-learn scorer, or a function of the true and the predicted values.
    """

    name: str
    metric: Callable[..., Any]

    def __call__(self, predictions: Predictions) -> float:
        """The metric's value; NaN where it is not defined for these rows.

        Raises:
            ComponentError: if there is no target, or the metric cannot be computed from what the model predicts.
        """
        if predictions.y_true is None:
            raise ComponentError(
                f"metric '{self.name}' needs a target, and the data have none; "
                "name the target in data_source, or set metrics to []"
            )
        try:
            return float(self._value(predictions))
        except (Exception, SystemExit) as error:
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            what = what.replace("RecordedEstimator", "the model")
            raise ComponentError(
                f"metric '{self.name}' cannot be computed for this {predictions.task}: {what}; "
                f"{_several_classes(self.name, what)}choose a metric that fits the task and the model"
            ) from error

    @cached_property
    def _is_scorer(self) -> bool:
        return is_scorer(self.metric)

    def _value(self, predictions: Predictions) -> Any:
        if self._is_scorer:
            return self.metric(RecordedEstimator(predictions), predictions.frame, predictions.y_true)
        return self.metric(predictions.y_true, predictions.y_pred)


def _several_classes(name: str, what: str) -> str:
    """Which metric is meant for more than two classes, where one for two was asked for.

    Example:
        >>> _several_classes("roc_auc", "multi_class must be in ('ovo', 'ovr')")
        "for more than two classes take 'roc_auc_ovr', or "
    """
    if "multi_class must be in" in what:
        return f"for more than two classes take '{name}_ovr', or "
    return f"for more than two classes take '{name}_macro', or " if "average='binary'" in what else ""


def is_scorer(metric: Callable[..., Any]) -> bool:
    """Whether a metric has a scorer's signature ``(estimator, X, y)`` rather than ``(y_true, y_pred)``.

    Example:
        >>> from sklearn.metrics import accuracy_score, get_scorer
        >>> is_scorer(get_scorer("accuracy")), is_scorer(accuracy_score)
        (True, False)
    """
    names = list(inspect.signature(metric).parameters)
    return bool(names) and names[0] == "estimator"


def named_metrics(metrics: Sequence[Any]) -> list[NamedMetric]:
    """Scorer names and metric objects as named metrics; a name that comes twice gets a number.

    Example:
        >>> from sklearn.metrics import fbeta_score
        >>> [m.name for m in named_metrics(["accuracy", fbeta_score, functools.partial(fbeta_score, beta=2)])]
        ['accuracy', 'fbeta_score', 'fbeta_score_2']
    """
    named: list[NamedMetric] = []
    for metric in metrics:
        name = stem = _name(metric)
        number = 1
        while any(name == other.name for other in named):
            number += 1
            name = f"{stem}_{number}"
        named.append(NamedMetric(name, _scorer(metric) if isinstance(metric, str) else metric))
    return named


def metric_names(planned: Sequence[Any]) -> list[str]:
    """The names under which planned metrics will be recorded.

    Args:
        planned: names of scorers, and plans (:class:`expfw.construct.blueprint.Blueprint`).
    """
    return [metric.name for metric in named_metrics([getattr(metric, "target", metric) for metric in planned])]


def _scorer(name: str) -> Callable[..., Any]:
    from sklearn.metrics import get_scorer

    scorer: Callable[..., Any] = get_scorer(name)
    return scorer


def _name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    if isinstance(metric, functools.partial):
        return _name(metric.func)
    return str(getattr(metric, "__name__", type(metric).__name__))


def _has(block: str) -> Callable[[RecordedEstimator], bool]:
    return lambda self: getattr(self.predictions, block) is not None


class RecordedEstimator(BaseEstimator):  # type: ignore[misc]
    """Recorded predictions behind an estimator's methods, so that scikit-learn's scorers score the record itself.

    Args:
        predictions: what the methods give back, whatever they are called with.
    """

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions

    @property
    def classes_(self) -> Any:
        """Class labels in the model's order."""
        if self.predictions.classes is None:
            raise AttributeError("a regressor has no classes_")
        return self.predictions.classes

    def fit(self, X: Any, y: Any = None) -> RecordedEstimator:
        """Does nothing: what is predicted is on record."""
        return self

    def predict(self, X: Any) -> Any:
        """The recorded predictions."""
        return self.predictions.y_pred

    @available_if(_has("probability"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """The recorded probabilities."""
        return self.predictions.probability

    @available_if(_has("decision"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """The recorded decision function."""
        return self.predictions.decision

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.predictions.classes is not None else "regressor"
        return tags


def validation_metrics(
    predictions: Predictions,
    folds: Sequence[Fold],
    metrics: Sequence[Any],
    *,
    groups: Any = None,
    seed: int = 0,
    apparent: Callable[[], Predictions | None] = lambda: None,
    redraw: bool = True,
) -> dict[str, Any]:
    """Each metric on each fold, with mean, standard deviation and confidence interval.

    A metric that cannot be taken per fold (an area under the curve of one row) is taken over all predictions at once.

    Args:
        predictions: predictions on validation rows.
        folds: rows of each fold.
        metrics: scorer names or metric objects.
        groups: group of each development row, where rows belong together; else None.
        seed: seed of whatever is drawn for an interval.
        apparent: gives the final model's predictions on the rows that it was trained on, for the bootstrap's .632
            estimates; None where there are none.
        redraw: whether a metric may be called hundreds of times for the interval of a pooled value.

    Returns:
        ``{"accuracy": {"mean", "std", "ci95": [lo, hi], "ci95_method", "folds": [...]}}``, for a pooled value with
        ``"pooled": True``, for a bootstrap with ``"bootstrap": {"apparent", "no_information", "632", "632+"}``; None
        for a value that is not defined (and so for mean, deviation and interval).

    Raises:
        ComponentError: if a metric can be computed neither per fold nor over all predictions.
    """
    if not folds:
        return {}
    parts = [predictions.of_fold(fold) for fold in range(len(folds))]
    measured = [(metric, [_on_fold(metric, part) for part in parts]) for metric in named_metrics(metrics)]
    fitted = apparent() if metrics and drawn_with_replacement(folds) else None
    found = {}
    for metric, values in measured:
        over = _Over(metric, values, predictions, folds, groups, seed)
        found[metric.name] = plain(over.pooled(redraw) if over.is_pooled else over.summary(fitted))
    return found


def _on_fold(metric: NamedMetric, part: Predictions) -> float:
    """A metric on some of the rows, NaN where it cannot be computed there; that of all rows will say why."""
    try:
        return metric(part)
    except ComponentError:
        return math.nan


@dataclass(frozen=True)
class _Over:
    """One metric over all folds."""

    metric: NamedMetric
    values: Sequence[float]
    predictions: Predictions
    folds: Sequence[Fold]
    groups: Any
    seed: int

    @cached_property
    def whole(self) -> float:
        """The metric over all predictions at once."""
        return self.metric(self.predictions)

    @cached_property
    def is_pooled(self) -> bool:
        """Whether the folds' values say nothing: one is undefined, or all are of single rows and no mean over rows."""
        if not np.all(np.isfinite(self.values)):
            return math.isfinite(self.whole)
        if any(len(fold.validation) > 1 for fold in self.folds):
            return False
        return not np.isclose(np.mean(self.values), self.whole, rtol=1e-9, atol=1e-12)

    def pooled(self, redraw: bool) -> dict[str, Any]:
        """The metric over all predictions, with an interval by drawing rows."""
        ci95, method = self._redrawn() if redraw else (None, NOT_REDRAWN)
        found = {"mean": self.whole, "std": None, "ci95": ci95, "ci95_method": method}
        return {**found, "folds": list(self.values), "pooled": True}

    def _redrawn(self) -> Interval:
        if follow_order(self.folds):
            return None, IN_ORDER
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ci95 = percentile_interval(self._on_rows, self._units, self.seed)
        return ci95, UNDEFINED if ci95 is None else POOLED_METHOD

    def summary(self, fitted: Predictions | None) -> dict[str, Any]:
        """Mean and interval over the folds; of a bootstrap the .632 estimates as well."""
        found = dict(summary(self.values, self.folds, self._rows))
        if fitted is None:
            return found
        value = _on_fold(self.metric, fitted)
        if row_values(self.metric.metric, fitted, value) is not None:
            chance = no_information(self.metric, fitted, self.seed)
            lower = error_is_lower(self.metric.metric)
            found["bootstrap"] = estimates(found["mean"], value, chance, lower=lower)
        return found

    @property
    def _units(self) -> Any:
        rows = np.asarray(self.predictions.frame["row"])
        return rows if self.groups is None else np.asarray(self.groups)[rows]

    def _rows(self) -> RowValues | None:
        if self.groups is not None:
            return None
        values = row_values(self.metric.metric, self.predictions, self.whole)
        frame = self.predictions.frame
        return None if values is None else (np.asarray(frame["fold"]), np.asarray(frame["row"]), values)

    def _on_rows(self, at: Any) -> float:
        return _on_fold(self.metric, Predictions(self.predictions.frame.iloc[at]))


def held_out_metrics(predictions: Predictions, metrics: Sequence[Any]) -> dict[str, float]:
    """Each metric on the held-out rows, ``{"accuracy": value}``; empty without a hold-out."""
    named = named_metrics(metrics) if len(predictions) else []
    return {metric.name: plain(metric(predictions)) for metric in named}
