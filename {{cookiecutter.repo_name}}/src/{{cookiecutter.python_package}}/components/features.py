"""Your features: from raw columns to what the model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class MyFeatures:
    """Computes features; edit :meth:`fit`, which learns from training rows, and :meth:`transform`.

    It is written like a transformer of scikit-learn, and each of those can be used in its place.

    Args:
        limit: values further from the mean than so many standard deviations are cut off.
    """

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = limit

    def fit(self, X: Any, y: Any = None) -> MyFeatures:
        """Learn mean and standard deviation of each column."""
        values = np.asarray(X, dtype=np.float64)
        self.mean_ = values.mean(axis=0)
        self.scale_ = np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Scale rows by what :meth:`fit` learnt."""
        values = (np.asarray(X, dtype=np.float64) - self.mean_) / self.scale_
        return np.asarray(values.clip(-self.limit, self.limit))
