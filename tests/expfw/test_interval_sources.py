"""Intervals and bootstrap estimates against plain loops over what their sources say, and against other libraries."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from benchmarks.coverage_of_intervals import measured
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

from expfw.components.splitter import Bootstrap
from expfw.interfaces import Fold
from expfw.intervals import DRAWS_METHOD, drawn_interval, percentile_interval, rows_interval, summary
from expfw.optimism import estimates

ROWS, DRAWS = 24, 400
RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(ROWS, 2))
Y = (X[:, 0] + RANDOM.normal(size=ROWS) > 0).astype(int)

Loss = NDArray[np.float64]


@functools.cache
def drawn() -> tuple[list[Fold], NDArray[np.int64], Loss]:
    """Draws of :data:`X`; how often each holds each row, and the loss of its model on each row."""
    folds = [Fold(*pair) for pair in Bootstrap(DRAWS, random_state=2).split(X)]
    counts = np.array([[int(np.sum(fold.train == row)) for row in range(ROWS)] for fold in folds])
    models = [KNeighborsClassifier(3).fit(X[fold.train], Y[fold.train]) for fold in folds]
    return folds, counts, np.array([model.predict(X) != Y for model in models], dtype=float)


def variance_of(counts: NDArray[np.int64], loss: Loss) -> float:
    """The delta method after bootstrap by loops: Efron & Tibshirani 1997, equations 35 to 40.

    ``D_i = (2 + 1/(n-1)) (E_i - Err) / n + e_n cov(N_i, q)``; ``E_i`` is the loss on a row over the draws without it,
    ``q`` the sum of a draw's losses on rows that it lacks, over ``n``; ``e_n`` makes up for their share.
    """
    draws, n = counts.shape
    e = [sum(loss[b, i] for b in range(draws) if not counts[b, i]) / sum(counts[:, i] == 0) for i in range(n)]
    err = sum(e) / n
    q = [sum(loss[b, i] for i in range(n) if not counts[b, i]) / n for b in range(draws)]
    total = 0.0
    for i in range(n):
        covariance = sum((counts[b, i] - np.mean(counts[:, i])) * (q[b] - np.mean(q)) for b in range(draws)) / draws
        total += ((2 + 1 / (n - 1)) * (e[i] - err) / n + (1 - 1 / n) ** -n * covariance) ** 2
    return total


def half_width_of(draws: int) -> float:
    """Half the width of the interval from so many draws."""
    folds, _, loss = drawn()
    number = np.repeat(np.arange(draws), [len(fold.validation) for fold in folds[:draws]])
    at = np.concatenate([fold.validation for fold in folds[:draws]])
    ends, method = drawn_interval(0.3, (number, at, loss[number, at]), folds[:draws])
    assert method == DRAWS_METHOD
    assert ends is not None
    return (ends[1] - ends[0]) / 2


def test_the_delta_method_is_that_of_efron_and_tibshirani_less_what_the_number_of_draws_adds() -> None:
    """Their own estimate of that part is a jackknife over the draws (equations 42 and 43)."""
    _, counts, loss = drawn()
    whole = variance_of(counts, loss)
    without = [variance_of(np.delete(counts, b, 0), np.delete(loss, b, 0)) for b in range(0, DRAWS, 100)]
    assert without == pytest.approx([whole] * len(without), rel=0.1)
    noise = _jackknife(counts, loss)
    assert 0 < noise < whole
    assert (half_width_of(DRAWS) / 1.959964) ** 2 == pytest.approx(whole - noise, rel=0.1)
    assert half_width_of(DRAWS) < 1.959964 * math.sqrt(whole)


def _jackknife(counts: NDArray[np.int64], loss: Loss) -> float:
    """What the number of draws adds: sum over rows of the jackknife variance of ``D_i`` over the draws."""
    draws, n = counts.shape
    out = counts == 0
    parts = []
    for b in range(draws):
        kept = np.arange(draws) != b
        e = (loss * out)[kept].sum(axis=0) / out[kept].sum(axis=0)
        q = (loss * out)[kept].sum(axis=1) / n
        covariance = ((counts[kept] - counts[kept].mean(axis=0)).T @ (q - q.mean())) / (draws - 1)
        parts.append((2 + 1 / (n - 1)) * (e - e.mean()) / n + (1 - 1 / n) ** -n * covariance)
    return float(np.sum(np.var(parts, axis=0, ddof=1)) * (draws - 1) ** 2 / draws)


errors = st.floats(0, 1)


@given(apparent=errors, out_of_bag=errors, no_information=errors)
def test_the_plus_is_equation_32_of_efron_and_tibshirani_up_to_chance(
    apparent: float, out_of_bag: float, no_information: float
) -> None:
    """``Err.632 + (Err' - err) · .368 · .632 · R / (1 - .368 R)``, with ``Err'`` for ``Err`` throughout."""
    bounded = min(out_of_bag, no_information)
    rate = (bounded - apparent) / (no_information - apparent) if bounded > apparent else 0.0
    expected = 0.368 * apparent + 0.632 * bounded
    expected += (bounded - apparent) * 0.368 * 0.632 * rate / (1 - 0.368 * rate)
    found = estimates(out_of_bag, apparent, no_information, lower=True)
    assert found["632+"] == pytest.approx(expected, abs=1e-12)
    assert found["632"] == pytest.approx(0.368 * apparent + 0.632 * out_of_bag, abs=1e-12)
    assert found["632+"] <= max(apparent, no_information) + 1e-12


def test_the_632_error_of_discriminant_analysis_on_iris_is_that_which_r_prints() -> None:
    """The R package sortinghat prints 0.02194132 in the example of ``errorest_632``, for draws of its own."""
    x, y = load_iris(return_X_y=True)
    model: Any = LinearDiscriminantAnalysis()
    out = [
        float(np.mean(model.fit(x[train], y[train]).predict(x[validation]) != y[validation]))
        for train, validation in Bootstrap(200, random_state=0).split(x)
    ]
    apparent = float(np.mean(model.fit(x, y).predict(x) != y))
    assert apparent == 0.02
    assert estimates(float(np.mean(out)), apparent, 2 / 3, lower=True)["632"] == pytest.approx(0.02194132, abs=0.002)


def test_percentiles_are_those_of_scipys_bootstrap() -> None:
    values = RANDOM.exponential(size=60)
    ends = percentile_interval(lambda at: float(np.median(values[at])), np.arange(60), seed=0, draws=9999)
    theirs = stats.bootstrap(
        (values,), np.median, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ends == pytest.approx([theirs.low, theirs.high], abs=0.03)


def test_leave_one_out_is_the_estimate_of_bayle_and_others_with_t() -> None:
    """``R ± q · sigma / sqrt(n)`` with ``sigma² = mean((loss - R)²)``, over all rows (NeurIPS 2020)."""
    loss = RANDOM.exponential(size=200)
    mean = sum(loss) / 200
    sigma = math.sqrt(sum((value - mean) ** 2 for value in loss) / 200)
    low, high = rows_interval(mean, (np.arange(200), np.arange(200), loss))
    assert (high - low) / 2 == pytest.approx(1.959964 * sigma / math.sqrt(200), rel=0.01)
    assert (high - low) / 2 > 1.959964 * sigma / math.sqrt(200)
    assert (low + high) / 2 == pytest.approx(mean)


def test_k_folds_are_corrected_by_the_factor_of_nadeau_and_bengio() -> None:
    """As R's MachineShop puts it: the variance of the mean times ``1 + K/(K-1)`` for ``K`` folds."""
    values = [0.8, 0.9, 0.7, 0.85, 0.95]
    folds = [Fold(np.setdiff1d(np.arange(100), part), part) for part in np.split(np.arange(100), 5)]
    error = math.sqrt((1 + 5 / 4) * float(np.var(values, ddof=1)) / 5)
    assert summary(values, folds)["ci95"] == pytest.approx(list(stats.t.interval(0.95, 4, 0.84, error)))


@pytest.mark.parametrize("scheme", ["5-fold, 10 times", "leave one out"])
def test_an_interval_holds_the_truth_about_as_often_as_it_says(scheme: str) -> None:
    """Without the correction for overlap, that of a repeated k-fold would do so in about half of all cases."""
    answers = [next(iter(measured(scheme, 60, 1.4, seed))) for seed in range(120)]
    held = [answer.ends is not None and answer.ends[0] <= answer.final <= answer.ends[1] for answer in answers]
    assert 0.87 <= np.mean(held) <= 0.99
