"""Your metrics."""

from __future__ import annotations

from typing import Any

import numpy as np


class MyMetric:
    """Share of right predictions in the class that fares worst; edit :meth:`__call__`, which measures one fold.

    The name of a scorer of scikit-learn, such as ``accuracy``, can be used in its place.
    """

    def __call__(self, y_true: Any, y_pred: Any, /) -> float:
        """Measure predicted against true values."""
        true, right = np.asarray(y_true), np.asarray(y_true) == np.asarray(y_pred)
        return float(min(right[true == label].mean() for label in np.unique(true)))
