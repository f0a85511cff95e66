"""Metrics over recorded predictions: one function computes every figure that is recorded or reported."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from expfw.errors import ComponentError
from expfw.interfaces import Fold
from expfw.results import Predictions
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

    def _value(self, predictions: Predictions) -> Any:
        if is_scorer(self.metric):
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


def validation_metrics(predictions: Predictions, folds: Sequence[Fold], metrics: Sequence[Any]) -> dict[str, Any]:
    """Each metric on each fold, with mean, standard deviation and confidence interval.

    Args:
        predictions: predictions on validation rows.
        folds: rows of each fold.
        metrics: scorer names or metric objects.

    Returns:
        ``{"accuracy": {"mean", "std", "ci95": [lo, hi], "ci95_method", "folds": [...]}}``; None for a value that is not
        defined (and so for mean, deviation and interval).
    """
    parts = [predictions.of_fold(fold) for fold in range(len(folds))]
    named = named_metrics(metrics) if folds else []
    return {metric.name: plain(summary([metric(part) for part in parts], folds)) for metric in named}


def held_out_metrics(predictions: Predictions, metrics: Sequence[Any]) -> dict[str, float]:
    """Each metric on the held-out rows, ``{"accuracy": value}``; empty without a hold-out."""
    named = named_metrics(metrics) if len(predictions) else []
    return {metric.name: plain(metric(predictions)) for metric in named}


CI_METHOD = "corrected resampled t (Nadeau & Bengio 2003)"


def summary(values: Sequence[float], folds: Sequence[Fold]) -> Mapping[str, Any]:
    """Mean, sample standard deviation and 95 % confidence interval of a metric over folds.

    The folds' training rows overlap, so their values are not independent and the plain standard error is too small.
    The interval is ``mean ± t(0.975, k - 1) · std · sqrt(1/k + n_validation/n_train)``, the corrected resampled t
    statistic of Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003), 239-281,
    equation 12; ``n_validation/n_train`` is the mean ratio over the folds.

    Args:
        values: the metric on each fold.
        folds: rows of each fold.

    Returns:
        ``{"mean", "std", "ci95", "ci95_method", "folds"}``; ``std`` and ``ci95`` are None for a single fold.

    Example:
        >>> folds = [Fold(np.arange(120), np.arange(30))] * 5
        >>> result = summary([29 / 30, 1.0, 29 / 30, 29 / 30, 1.0], folds)
        >>> round(result["mean"], 4), round(result["std"], 4), [round(bound, 4) for bound in result["ci95"]]
        (0.98, 0.0183, [0.946, 1.014])
    """
    scores = np.asarray(values, dtype=np.float64)
    mean, k = float(np.mean(scores)), len(scores)
    result: dict[str, Any] = {"mean": mean, "std": None, "ci95": None, "ci95_method": CI_METHOD}
    if k > 1:
        std = float(np.std(scores, ddof=1))
        half = half_width(std, k, validation_to_train(folds))
        result |= {"std": std, "ci95": [mean - half, mean + half]}
    return {**result, "folds": scores.tolist()}


def validation_to_train(folds: Sequence[Fold]) -> float:
    """How many validation rows a fold has for each training row, the mean over the folds.

    Example:
        >>> validation_to_train([Fold(np.arange(80), np.arange(20))] * 5)
        0.25
    """
    return float(np.mean([len(fold.validation) / len(fold.train) for fold in folds]))


def correction(k: int, ratio: float) -> float:
    """What a standard deviation over ``k`` folds is multiplied by to give the standard error of their mean.

    ``sqrt(1/k + n_validation/n_train)``; the second term stands for the overlap of the training rows (Nadeau & Bengio
    2003, equation 12).

    Args:
        k: number of folds; of a repeated k-fold those of all repetitions.
        ratio: validation rows for each training row, from :func:`validation_to_train`.

    Example:
        >>> correction(5, 0.25)
        0.6708203932499369
    """
    return math.sqrt(1 / k + ratio)


def half_width(std: float, k: int, ratio: float) -> float:
    """Half the width of the 95 % interval of a mean over ``k`` folds: ``t(0.975, k - 1) · std · correction``.

    Args:
        std: sample standard deviation over the folds.
        k: number of folds, at least 2.
        ratio: validation rows for each training row.

    Example:
        >>> round(half_width(0.01, 10, 1 / 9), 6)
        0.010394
    """
    return float(stdtrit(k - 1, 0.975)) * std * correction(k, ratio)
