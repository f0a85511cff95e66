"""The bootstrap's estimates .632 and .632+: the out-of-bag mean, put right by what the model scores on its own rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from expfw.results import Predictions

MOST_PAIRS = 1_000_000
"""Pairs of rows of which the no-information value is the mean; of more a sample is taken."""


def estimates(out_of_bag: float, apparent: float, no_information: float, *, lower: bool) -> dict[str, float]:
    """The estimates .632 and .632+ of a metric that is a mean over rows.

    A model trained on a bootstrap sample knows about 63.2 % of the rows, so the out-of-bag mean is too careful;
    the apparent value, on the very rows that the model was trained on, is too good. With the errors ``e`` (apparent),
    ``o`` (out of bag) and ``g`` (no information):

    - .632: ``0.368 e + 0.632 o`` (B. Efron, "Estimating the Error Rate of a Prediction Rule", Journal of the American
      Statistical Association 78 (1983), 316-331);
    - .632+: ``(1 - w) e + w min(o, g)`` with ``w = 0.632 / (1 - 0.368 R)`` and the relative overfitting rate ``R = (o -
      e) / (g - e)``, which is 0 where ``min(o, g) <= e``, and 1 at most (B. Efron, R. Tibshirani, "Improvements on
      Cross-Validation: The .632+ Bootstrap Method", Journal of the American Statistical Association 92 (1997),
      548-560).

    Args:
        out_of_bag: mean over the draws of the metric on the rows that were not drawn.
        apparent: the metric of the final model on the rows that it was trained on.
        no_information: the metric if truth and prediction had nothing to do with each other.
        lower: whether less is better; else all values are turned round for the computation.

    Example:
        >>> found = estimates(out_of_bag=0.3, apparent=0.0, no_information=0.5, lower=True)
        >>> round(found["632"], 4), round(found["632+"], 4)
        (0.1896, 0.2433)
    """
    sign = 1.0 if lower else -1.0
    e, o, g = sign * apparent, sign * out_of_bag, sign * no_information
    bounded = min(o, g)
    rate = (bounded - e) / (g - e) if bounded > e else 0.0
    weight = 0.632 / (1 - 0.368 * rate)
    return {
        "apparent": apparent,
        "no_information": no_information,
        "632": sign * (0.368 * e + 0.632 * o),
        "632+": sign * ((1 - weight) * e + weight * bounded),
    }


def no_information(metric: Callable[[Predictions], float], predictions: Predictions, seed: int) -> float:
    """A metric over all pairs of one row's truth with another row's prediction.

    Args:
        metric: a metric that is a mean over rows.
        predictions: the final model's, on the rows that it was trained on.
        seed: seed of the sample that is taken of more than a million pairs.

    Example:
        >>> frame = pd.DataFrame({"fold": [0, 0], "row": [0, 1], "y_true": [1.0, 3.0], "y_pred": [1.0, 3.0]})
        >>> no_information(lambda pairs: float(np.mean((pairs.y_true - pairs.y_pred) ** 2)), Predictions(frame), seed=0)
        2.0
    """
    frame, rows = predictions.frame.reset_index(drop=True), len(predictions)
    truth, given = np.divmod(np.arange(rows * rows), rows) if rows * rows <= MOST_PAIRS else _sample(rows, seed)
    true = [column for column in frame.columns if str(column).startswith("y_true")]
    parts = [frame[true].iloc[truth], frame.drop(columns=true).iloc[given]]
    return metric(Predictions(pd.concat([part.reset_index(drop=True) for part in parts], axis=1)))


def _sample(rows: int, seed: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...]:
    random = np.random.default_rng(seed)
    return random.integers(rows, size=MOST_PAIRS), random.integers(rows, size=MOST_PAIRS)
