"""Mean, deviation and 95 % interval of a metric over folds, by a method that is right for how the folds were made.

How they were made is read off the folds themselves: their sizes, rows that come twice, their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from expfw.interfaces import Fold

CI_METHOD = "corrected resampled t (Nadeau & Bengio 2003)"
ROWS_METHOD = "normal approximation over rows (Bayle et al. 2020)"
DRAWS_METHOD = "delta method after bootstrap (Efron & Tibshirani 1997)"
POOLED_METHOD = "percentile bootstrap over the rows of the pooled predictions (Efron & Tibshirani 1993)"
NO_SPREAD = "none: one split shows no spread between splits"
IN_ORDER = "none: splits that follow the order of rows are neither independent nor alike"
NOT_REDRAWN = "none: pooled, and a metric with services of the run is not called hundreds of times"
UNDEFINED = "none: pooled, and not defined for most draws of rows"
NO_DRAWS = "none: drawn with replacement, and known only for a mean over rows without groups"

TINY = 5
"""Below this mean number of validation rows a fold's value is no mean that is roughly normal."""

MOST_NOISE = 0.75
"""Part of the delta method's variance that may come from the small number of draws; it is taken off."""

LEAST_DRAWS = 50
"""Draws below which no interval is given by the delta method."""

DRAWS = 500
"""Draws of the percentile bootstrap over rows."""

Interval = tuple[list[float] | None, str]
"""Lower and upper end, or None; and the method, or why there is none."""

RowValues = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Of each predicted row its fold, its position in the development data, and the metric's value on it alone."""


def summary(
    values: Sequence[float], folds: Sequence[Fold], rows: Callable[[], RowValues | None] = lambda: None
) -> Mapping[str, Any]:
    """Mean, sample standard deviation and 95 % confidence interval of a metric over folds.

    Args:
        values: the metric on each fold.
        folds: rows of each fold.
        rows: gives the metric on each row alone, if it is a mean over rows, and rows are independent of each other.

    Returns:
        ``{"mean", "std", "ci95", "ci95_method", "folds"}``; ``std`` is None for a single fold, ``ci95`` where no sound
        method is known; ``ci95_method`` then says why.

    Example:
        >>> folds = [Fold(np.arange(120), np.arange(30))] * 5
        >>> result = summary([29 / 30, 1.0, 29 / 30, 29 / 30, 1.0], folds)
        >>> round(result["mean"], 4), round(result["std"], 4), [round(bound, 4) for bound in result["ci95"]]
        (0.98, 0.0183, [0.946, 1.014])
    """
    scores = np.asarray(values, dtype=np.float64)
    std = float(np.std(scores, ddof=1)) if len(scores) > 1 else None
    ci95, method = interval(scores, folds, rows)
    return {"mean": float(np.mean(scores)), "std": std, "ci95": ci95, "ci95_method": method, "folds": scores.tolist()}


def interval(
    scores: NDArray[np.float64], folds: Sequence[Fold], rows: Callable[[], RowValues | None] = lambda: None
) -> Interval:
    """The 95 % interval of a mean over folds, and the method that fits the folds.

    ========================================  ======================================================
    folds                                     method
    ========================================  ======================================================
    one                                       none
    each trained on rows before its own       none: the values depend on each other, and each belongs
                                              to another number of training rows (C. Bergmeir,
                                              J. Benítez, Information Sciences 191 (2012), 192-213)
    training rows that come twice             :func:`drawn_interval`
    fewer than five validation rows each,     :func:`rows_interval`, of a mean over rows
    and every row validated equally often
    any other                                 :func:`half_width`
    ========================================  ======================================================

    Args:
        scores: the metric on each fold, shape ``(n_folds,)``.
        folds: rows of each fold.
        rows: as for :func:`summary`.
    """
    if len(scores) < 2:
        return None, NO_SPREAD
    if follow_order(folds):
        return None, IN_ORDER
    mean = float(np.mean(scores))
    if drawn_with_replacement(folds):
        known = rows()
        return (None, NO_DRAWS) if known is None else drawn_interval(mean, known, folds)
    if np.mean([len(fold.validation) for fold in folds]) < TINY and validate_alike(folds):
        known = rows()
        if known is not None:
            return rows_interval(mean, known), ROWS_METHOD
    half = half_width(float(np.std(scores, ddof=1)), len(scores), validation_to_train(folds))
    return [mean - half, mean + half], CI_METHOD


def follow_order(folds: Sequence[Fold]) -> bool:
    """Whether each fold is trained on rows that come before those that it is validated on, as for time series.

    Example:
        >>> follow_order([Fold(np.arange(4), np.arange(4, 6)), Fold(np.arange(6), np.arange(6, 8))])
        True
    """
    return all(np.max(fold.train) < np.min(fold.validation) for fold in folds)


def drawn_with_replacement(folds: Sequence[Fold]) -> bool:
    """Whether a fold is trained on a row more than once, as the bootstrap does.

    Example:
        >>> drawn_with_replacement([Fold(np.array([0, 0, 1]), np.array([2]))])
        True
    """
    return any(int(np.max(np.bincount(fold.train))) > 1 for fold in folds)


def validate_alike(folds: Sequence[Fold]) -> bool:
    """Whether every row is validated equally often, as in cross-validation, and not in random splits.

    Example:
        >>> validate_alike([Fold(np.array([0]), np.array([1])), Fold(np.array([1]), np.array([0]))])
        True
    """
    counts = np.bincount(np.concatenate([fold.validation for fold in folds]))
    return len(np.unique(counts)) == 1 and len(counts) > max(int(np.max(fold.train)) for fold in folds)


def rows_interval(mean: float, rows: RowValues) -> list[float]:
    """The interval of cross-validation with tiny folds: ``mean ± t(0.975, n - 1) · s / sqrt(n)`` over the ``n`` rows.

    ``s`` is the standard deviation of the rows' values, each the mean over the folds that predicted the row. It holds
    for a metric that is a mean over independent rows, and a model that a single row hardly changes. Source: P. Bayle,
    A. Bayle, L. Janson, L. Mackey, "Cross-validation Confidence Intervals for Test Error", NeurIPS 2020;
    with t in the place of z, which for few rows is a little wider.

    Args:
        mean: middle of the interval.
        rows: the metric on each row alone.

    Example:
        >>> values = np.array([1.0, 0.0, 1.0, 1.0])
        >>> [round(end, 3) for end in rows_interval(0.75, (np.arange(4), np.arange(4), values))]
        [-0.046, 1.546]
    """
    _, positions, values = rows
    counts = np.bincount(positions)
    means = np.bincount(positions, values)[counts > 0] / counts[counts > 0]
    half = float(stdtrit(len(means) - 1, 0.975)) * float(np.std(means, ddof=1)) / math.sqrt(len(means))
    return [mean - half, mean + half]


def drawn_interval(mean: float, rows: RowValues, folds: Sequence[Fold]) -> Interval:
    """The interval of an out-of-bag mean: ``mean ± 1.96`` standard errors by the delta method after bootstrap.

    How much each row matters to the estimate is read off the draws that held it. Source: B. Efron, R. Tibshirani,
    "Improvements on Cross-Validation: The .632+ Bootstrap Method", Journal of the American Statistical Association 92
    (1997), 548-560, the section on standard errors. The variance that only comes from the number of draws is taken
    off, as S. Wager, T. Hastie, B. Efron do, Journal of Machine Learning Research 15 (2014), 1625-1651; where it is
    more than three quarters of the whole, no interval is given.

    Args:
        mean: middle of the interval.
        rows: the metric on each row alone.
        folds: the draws.
    """
    number, positions, values = rows
    n = 1 + max(int(max(np.max(fold.train), np.max(fold.validation))) for fold in folds)
    if any(len(fold.train) != n for fold in folds):
        return None, NO_DRAWS
    drawn = np.stack([np.bincount(fold.train, minlength=n) for fold in folds])
    value, out = np.zeros(drawn.shape), np.zeros(drawn.shape)
    value[number, positions], out[number, positions] = values, 1.0
    times = np.maximum(out.sum(axis=0), 1.0)
    each = np.where(out.any(axis=0), value.sum(axis=0) / times, mean)
    part = value.sum(axis=1) / n
    influence = (2 + 1 / (n - 1)) * (each - each.mean()) / n + ((drawn - drawn.mean(axis=0)).T @ part) / times
    variance = float(np.sum(influence**2))
    noise = float(np.sum(len(folds) * (1 - 1 / n) * np.var(part, ddof=1) / times**2))
    if len(folds) < LEAST_DRAWS or noise > MOST_NOISE * variance:
        return None, f"none: {len(folds)} draws are too few for {n} rows (delta method after bootstrap)"
    half = 1.959963984540054 * math.sqrt(variance - noise)
    return [mean - half, mean + half], DRAWS_METHOD


def percentile_interval(
    metric: Callable[[NDArray[np.intp]], float], units: NDArray[Any], seed: int, draws: int = DRAWS
) -> list[float] | None:
    """The 95 % interval of a metric by drawing rows, or groups, with replacement, and taking percentiles.

    Source: B. Efron, R. Tibshirani, *An Introduction to the Bootstrap*, Chapman & Hall 1993, chapter 13. It tells how
    far the metric depends on the rows that it was measured on, not on those that the models were trained on.

    Args:
        metric: the metric on predictions at these positions.
        units: what is drawn as a whole, one label for each prediction: its row, or its group.
        seed: seed of the draws.
        draws: how many.

    Returns:
        Both ends; None if the metric is defined for less than half of the draws.

    Example:
        >>> values = np.arange(100.0)
        >>> [round(end) for end in percentile_interval(lambda at: values[at].mean(), np.arange(100), seed=0)]
        [44, 55]
    """
    _, unit = np.unique(units, return_inverse=True)
    members = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])
    random = np.random.default_rng(seed)
    drawn = (random.integers(len(members), size=len(members)) for _ in range(draws))
    values = np.array([metric(np.concatenate([members[number] for number in numbers])) for numbers in drawn])
    values = values[np.isfinite(values)]
    return [float(end) for end in np.percentile(values, [2.5, 97.5])] if 2 * len(values) >= draws else None


def validation_to_train(folds: Sequence[Fold]) -> float:
    """How many validation rows a fold has for each training row, the mean over the folds.

    Example:
        >>> validation_to_train([Fold(np.arange(80), np.arange(20))] * 5)
        0.25
    """
    return float(np.mean([len(fold.validation) / len(fold.train) for fold in folds]))


def correction(k: int, ratio: float) -> float:
    """What a standard deviation over ``k`` folds is multiplied by to give the standard error of their mean.

    ``sqrt(1/k + n_validation/n_train)``; the second term stands for the overlap of the training rows. The folds'
    training rows overlap, so their values are not independent and the plain standard error is too small. Source: C.
    Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003), 239-281, equation 12.

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
