"""Whether experiments differ by more than chance explains: the corrected resampled t-test, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr

from expfw.interfaces import Fold
from expfw.intervals import correction, drawn_with_replacement, half_width

METHOD = "corrected resampled t-test (Nadeau & Bengio 2003), two-sided"
LEVEL = 0.05
"""Up to this p-value a difference counts as more than chance explains."""

UNEVEN = 1.5
"""From this factor between the folds' shares of validation rows on, the sizes are told to be uneven."""


@dataclass(frozen=True)
class PairedTest:
    """What the test says of a metric's differences on shared folds.

    Args:
        mean: mean difference, the other experiment minus the reference: the size of the effect, in the metric's unit.
        std: sample standard deviation of the differences.
        ci95: 95 % interval of the mean difference, of this comparison by itself.
        t: the statistic.
        degrees: degrees of freedom, the number of folds minus one.
        p: two-sided p-value of this comparison by itself.
        p_holm: the same after Holm's correction for all experiments that were compared with the reference.
        comparisons: how many these are.
    """

    mean: float
    std: float
    ci95: tuple[float, float]
    t: float
    degrees: int
    p: float
    p_holm: float
    comparisons: int = 1

    @property
    def significant(self) -> bool:
        """Whether chance explains such a difference in less than 5 of 100 cases, after Holm's correction."""
        return self.p_holm <= LEVEL

    def as_json(self) -> dict[str, Any]:
        """All fields, the method and the verdict."""
        return {"method": METHOD, **asdict(self), "level": LEVEL, "significant": self.significant}


def corrected_t_test(differences: Sequence[float], ratio: float) -> PairedTest:
    """The corrected resampled t-test on a metric's differences, one for each fold.

    ``t = mean(d) / sqrt((1/J + n_validation/n_train) · var(d))`` with ``J - 1`` degrees of freedom, where ``J`` is the
    number of folds (of ``r`` times repeated k-fold cross-validation ``J = k·r``) and ``var`` the sample variance.
    The training rows of any two folds overlap, so the differences are correlated; the plain paired t-test, which
    divides by ``sqrt(var(d)/J)``, takes chance for a difference far too often. ``n_validation/n_train`` in the place of
    the unknown correlation makes up for it.

    Source: C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003), 239-281, section
    4 and equation 12; for (repeated) k-fold cross-validation as recommended by R. Bouckaert, E. Frank, "Evaluating the
    Replicability of Significance Tests for Comparing Learning Algorithms", PAKDD 2004.

    Assumptions: both experiments were fitted and measured on the same rows in each fold; training rows are drawn
    without replacement, at random, from rows (or groups) that are independent of each other; the folds are of about
    equal size; the differences are roughly normal; the correlation of two folds is ``n_validation / (n_validation +
    n_train)``. The last is a rule of thumb, not a theorem: no unbiased estimate exists. What is tested is the way to
    make a model, trained on so many rows, on data of this kind; not one fitted model.

    Args:
        differences: the other experiment's value minus the reference's, on each fold, shape ``(J,)`` with ``J >= 2``;
            they must vary (see :func:`constant`).
        ratio: validation rows for each training row (:func:`expfw.intervals.validation_to_train`).

    Example:
        >>> test = corrected_t_test([0.02, 0.01, 0.03, 0.02, 0.04], ratio=0.25)
        >>> round(test.mean, 3), round(test.t, 4), test.degrees, round(test.p, 4)
        (0.024, 3.1379, 4, 0.0349)
    """
    d = np.asarray(differences, dtype=np.float64)
    mean, std, k = float(np.mean(d)), float(np.std(d, ddof=1)), len(d)
    t = mean / (std * correction(k, ratio))
    half = half_width(std, k, ratio)
    p = float(2 * stdtr(k - 1, -abs(t)))
    return PairedTest(mean, std, (mean - half, mean + half), t, k - 1, p, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several: valid however the tests depend on each other.

    The smallest of ``m`` is multiplied by ``m``, the next by ``m - 1``, and so on; none gets smaller than the one
    before it, or above 1. Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
    Journal of Statistics 6 (1979), 65-70.

    Example:
        >>> [round(p, 10) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = highest
    return corrected


def constant(differences: Sequence[float], values: Sequence[float]) -> bool:
    """Whether differences are the same on every fold, but for rounding: then there is no variance to test against.

    Args:
        differences: on each fold.
        values: what they are differences of, for the size of the rounding.

    Example:
        >>> constant([0.9 - 0.8, 0.7 - 0.6], [0.9, 0.8, 0.7, 0.6]), constant([0.1, 0.11], [0.9, 0.8])
        (True, False)
    """
    return float(np.ptp(differences)) <= 16 * math.ulp(max(map(abs, values), default=0.0))


def unfit(folds: Sequence[Fold]) -> str:
    """Why the test cannot be made on these folds; empty if it can.

    Args:
        folds: rows of each fold, which both experiments share.

    Example:
        >>> unfit([Fold(np.arange(8), np.arange(8, 10))])
        'there is one fold, and a test needs at least two to see how much chance does'
    """
    if not folds:
        return "there was no resampling, so there is one value each and nothing to see chance by"
    if len(folds) == 1:
        return "there is one fold, and a test needs at least two to see how much chance does"
    if drawn_with_replacement(folds):
        return (
            "the folds are drawn with replacement (a bootstrap, validated out of bag), and the test was not made for "
            "that: it assumes training rows without repetition"
        )
    if all(np.max(fold.train) < np.min(fold.validation) for fold in folds):
        return (
            "the folds follow time (each is trained on rows before those that it is validated on), so they are neither "
            "drawn at random nor of one size, as the test assumes"
        )
    return ""


def caution(folds: Sequence[Fold]) -> str:
    """What to keep in mind about a test that can be made on these folds; empty if there is nothing.

    Example:
        >>> caution([Fold(np.arange(8), np.arange(2)), Fold(np.arange(5), np.arange(5))])
        'The folds are of uneven size (0.25 to 1 validation rows for each training row): the test is an approximation.'
    """
    shares = [len(fold.validation) / len(fold.train) for fold in folds]
    if max(shares) <= UNEVEN * min(shares):
        return ""
    return (
        f"The folds are of uneven size ({min(shares):.2g} to {max(shares):.2g} validation rows for each training row): "
        "the test is an approximation."
    )
