"""Default components for the key ``metrics``: measures that scikit-learn has no scorer for.

The name of a scikit-learn scorer, such as ``accuracy`` or ``neg_root_mean_squared_error``, is a metric as it stands,
and so is one of its functions: ``{"type": "sklearn.metrics.fbeta_score", "params": {"beta": 2}}``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


class NormalizedRootMeanSquaredError:
    r"""Root mean squared error in units of the target's standard deviation: 0 is perfect, 1 as good as the mean.

    .. math:: \sqrt{\sum_i (y_i - \hat y_i)^2} \Big/ \sqrt{\sum_i (y_i - \bar y)^2}

    Lower is better. It compares regressions across targets of different units, and equals the square root of
    1 - R². Source: D. N. Moriasi et al., *Model evaluation guidelines for systematic quantification of accuracy in
    watershed simulations*, Transactions of the ASABE 50 (2007), 885-900, where it is called RSR.

    Example:
        >>> NormalizedRootMeanSquaredError()([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
        1.0
    """

    def __call__(self, y_true: Any, y_pred: Any, /) -> float:
        """The error, without unit.

        Args:
            y_true: true values, shape ``(n_rows,)``.
            y_pred: predicted values, shape ``(n_rows,)``.

        Returns:
            The error; ``nan``, with a warning, if all true values are equal, as scikit-learn does.
        """
        true, predicted = np.asarray(y_true, dtype=np.float64), np.asarray(y_pred, dtype=np.float64)
        spread = np.sqrt(np.sum((true - true.mean()) ** 2))
        if spread == 0:
            return _undefined(len(true))
        return float(np.sqrt(np.sum((true - predicted) ** 2)) / spread)


def _undefined(rows: int) -> float:
    from sklearn.exceptions import UndefinedMetricWarning

    message = f"NormalizedRootMeanSquaredError: all {rows} true values are equal, so the error has no unit"
    warnings.warn(message, UndefinedMetricWarning, stacklevel=3)
    return float("nan")
