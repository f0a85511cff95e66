"""Default components for the step ``model``: the baseline that every model has to beat.

scikit-learn's estimators are components as they stand, for example ``sklearn.ensemble.RandomForestClassifier``.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from expfw.errors import ComponentError, did_you_mean


def _classifies(model: MajorityOrMean) -> bool:
    return hasattr(model, "classes_")


class MajorityOrMean(BaseEstimator):  # type: ignore[misc]
    """Baseline without features: predicts the most frequent class, or the mean of a continuous target.

    It wraps :class:`sklearn.dummy.DummyClassifier` and :class:`sklearn.dummy.DummyRegressor`; after ``fit`` it is a
    classifier (with ``classes_`` and ``predict_proba``) or a regressor, as the target demands.

    Args:
        task: ``auto`` takes a target of decimal numbers for a regression, unless it has just two values, and any other
            target for a classification; set the task for counts and other whole numbers to be estimated.

    Raises:
        ComponentError: if ``fit`` is given no target, or a target of another kind than numbers or labels.

    Example:
        >>> MajorityOrMean().fit([[0], [0], [0]], ["a", "b", "b"]).predict([[7]])
        array(['b'], dtype='<U1')
        >>> MajorityOrMean().fit([[0], [0]], [1.5, 2.5]).predict([[7]])
        array([2.])
    """

    def __init__(self, task: Literal["auto", "classification", "regression"] = "auto") -> None:
        self.task = task

    def fit(self, X: Any, y: Any = None) -> MajorityOrMean:
        """Learn the majority class or the mean of ``y``, shape ``(n_rows,)``; ``X`` is only counted."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        if y is None:
            raise ComponentError("MajorityOrMean: there is no target; name one in the data source's 'target'")
        dummy = DummyClassifier(strategy="prior") if self._is_classification(y) else DummyRegressor(strategy="mean")
        self.baseline_ = dummy.fit(X, y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The same prediction for each row, shape ``(n_rows,)``."""
        check_is_fitted(self)
        return np.asarray(self.baseline_.predict(X))

    @available_if(_classifies)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Share of each class in the training rows, shape ``(n_rows, n_classes)``; classification only."""
        return np.asarray(self.baseline_.predict_proba(X))

    @property
    def classes_(self) -> NDArray[Any]:
        """Class labels, ascending; classification only."""
        return np.asarray(self.baseline_.classes_)

    def __sklearn_tags__(self) -> Any:
        """Those of the wrapped baseline as soon as it is known, so that scorers know what it is."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        known = {"classification": DummyClassifier(), "regression": DummyRegressor()}.get(self.task)
        baseline = getattr(self, "baseline_", known)
        if baseline is not None:
            return baseline.__sklearn_tags__()
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.input_tags.sparse = True
        return tags

    def _is_classification(self, y: Any) -> bool:
        from sklearn.utils.multiclass import type_of_target

        if self.task not in ("auto", "classification", "regression"):
            nearest = did_you_mean(self.task, ("auto", "classification", "regression"))
            raise ComponentError(f"MajorityOrMean: task is '{self.task}'; {nearest}")
        if self.task != "auto":
            return self.task == "classification"
        kind = type_of_target(y)
        if kind == "unknown":
            raise ComponentError("MajorityOrMean: the target is neither numbers nor labels; convert it in a preparer")
        decimal = np.issubdtype(np.asarray(y).dtype, np.floating)
        return kind == "binary" or not (decimal or kind.startswith("continuous"))
