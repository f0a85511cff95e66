"""A fitted model: the features and the estimator that were fitted together, used together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from expfw.interfaces import Features, Model


@dataclass(frozen=True)
class FittedModel:
    """What ``fit`` and ``refit`` give: features (or None) and a model, fitted on the same rows.

    It answers like the model: ``predict``, and ``predict_proba``, ``decision_function`` and ``classes_`` where the
    model has them. scikit-learn's ``Pipeline`` would do the same for its own estimators only: it asks a step for
    attributes that a duck-typed model of one's own need not have.

    Args:
        features: the fitted transformer, or None.
        model: the fitted estimator.

    Example:
        >>> import numpy as np
        >>> from sklearn.dummy import DummyClassifier
        >>> fitted = FittedModel(None, DummyClassifier().fit(np.zeros((3, 1)), np.array([1, 1, 0])))
        >>> fitted.predict(np.zeros((2, 1)))
        array([1, 1])
        >>> hasattr(fitted, "decision_function")
        False
    """

    features: Features | None
    model: Model

    def predict(self, X: Any) -> Any:
        """Predictions for the rows of ``X``, before features."""
        return self.model.predict(self.transform(X))

    def transform(self, X: Any) -> Any:
        """The rows of ``X`` as the model takes them."""
        return X if self.features is None else self.features.transform(X)

    def __getattr__(self, name: str) -> Any:
        if name in ("predict_proba", "decision_function"):
            method = getattr(self.model, name)
            return lambda X: method(self.transform(X))
        if name == "classes_":
            return self.model.classes_  # type: ignore[attr-defined]
        raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}'")


class NoModel:
    """Stands for None where a node has no model to give: Kedro saves no None, but a file may hold one.

    Example:
        >>> import pickle
        >>> pickle.loads(pickle.dumps(NoModel())) is None
        True
    """

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


def fit_transform(features: Features, X: Any, y: Any) -> Any:
    """Fit features and give what they make of the same rows; by ``fit_transform`` where the class has it.

    Args:
        features: an unfitted transformer.
        X: training rows.
        y: their target, or None.
    """
    whole = getattr(features, "fit_transform", None)
    if whole is not None:
        return whole(X, y)
    features.fit(X, y)
    return features.transform(X)
