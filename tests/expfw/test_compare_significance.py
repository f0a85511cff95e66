"""The corrected resampled t-test against published and independently computed values; when it must not be made."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.svm import SVC

from expfw.compare.significance import PairedTest, caution, constant, corrected_t_test, holm, unfit
from expfw.components.splitter import Bootstrap, LastRows
from expfw.interfaces import Fold
from expfw.intervals import summary, validation_to_train


def folds_of(splitter: object, rows: int = 60, **given: object) -> list[Fold]:
    return [Fold(*pair) for pair in splitter.split(np.zeros((rows, 1)), **given)]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def published() -> tuple[dict[str, list[float]], float]:
    """The models of scikit-learn's example "Statistical comparison of models using grid search", by their kernels."""
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    grid = [
        {"kernel": ["linear"]},
        {"kernel": ["poly"], "degree": [2, 3]},
        {"kernel": ["rbf"]},
    ]
    splitter = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    search = GridSearchCV(SVC(random_state=0), grid, scoring="roc_auc", cv=splitter).fit(X, y)
    found = search.cv_results_
    scores = np.column_stack([found[f"split{at}_test_score"] for at in range(100)])
    names = ["_".join(str(value) for value in sorted(map(str, each.values()))) for each in found["params"]]
    folds = [Fold(*pair) for pair in splitter.split(X, y)]
    return dict(zip(names, scores.tolist(), strict=True)), validation_to_train(folds)


@pytest.mark.parametrize(
    ("one", "other", "t", "p"),
    [
        ("rbf", "linear", 0.750, 0.227),
        ("rbf", "3_poly", 1.657, 0.302 / 6),
        ("rbf", "2_poly", 4.565, 0.000),
        ("linear", "3_poly", 1.111, 0.807 / 6),
        ("linear", "2_poly", 4.276, 0.000),
        ("3_poly", "2_poly", 3.851, 0.001 / 6),
    ],
)
def test_the_published_statistics_of_scikit_learns_example_come_out(
    published: tuple[dict[str, list[float]], float], one: str, other: str, t: float, p: float
) -> None:
    """The example prints t, and one-sided p, the pairwise ones times the 6 comparisons, to three decimals."""
    scores, ratio = published
    result = corrected_t_test(np.subtract(scores[one], scores[other]).tolist(), ratio)
    assert result.degrees == 99
    assert result.t == pytest.approx(t, abs=6e-4)
    assert result.p / 2 == pytest.approx(p, abs=6e-4)


def test_p_and_interval_are_those_of_the_t_distribution() -> None:
    d = np.random.default_rng(3).normal(0.01, 0.02, 10)
    result = corrected_t_test(d.tolist(), 1 / 9)
    error = np.sqrt((1 / 10 + 1 / 9) * np.var(d, ddof=1))
    assert result.t == pytest.approx(d.mean() / error, rel=1e-12)
    assert result.p == pytest.approx(2 * stats.t.sf(abs(result.t), 9), rel=1e-12)
    assert result.ci95 == pytest.approx(stats.t.interval(0.95, 9, d.mean(), error), rel=1e-12)


def test_without_overlap_it_is_the_plain_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(12), rng.random(12)
    plain = stats.ttest_rel(b, a)
    result = corrected_t_test((b - a).tolist(), 0.0)
    assert result.t == pytest.approx(plain.statistic)
    assert result.p == pytest.approx(plain.pvalue)


def test_it_takes_chance_for_a_difference_about_as_often_as_it_says() -> None:
    """Two learners of equal worth: the plain test cries wolf far more often than in 5 of 100 cases."""
    rng = np.random.default_rng(1)
    splitter = ShuffleSplit(40, test_size=0.2, random_state=0)
    corrected = plain = 0
    for _ in range(200):
        y = rng.normal(size=60)
        x = rng.normal(size=(2, 60))
        folds = folds_of(splitter)
        losses = [[_loss(row, y, fold) for fold in folds] for row in x]
        d = np.subtract(losses[0], losses[1])
        corrected += corrected_t_test(d.tolist(), validation_to_train(folds)).p < 0.05
        plain += stats.ttest_1samp(d, 0).pvalue < 0.05
    assert corrected / 200 < 0.1
    assert plain / 200 > 0.2


def _loss(x: NDArray[np.float64], y: NDArray[np.float64], fold: Fold) -> float:
    slope = float(x[fold.train] @ y[fold.train] / (x[fold.train] @ x[fold.train]))
    return float(np.mean((y[fold.validation] - slope * x[fold.validation]) ** 2))


def test_the_interval_of_a_difference_is_that_of_a_metric() -> None:
    """One formula: the recorded interval of a metric whose values are the differences is the interval of the test."""
    folds = folds_of(KFold(5))
    d = [0.1, 0.2, 0.15, 0.3, 0.05]
    assert corrected_t_test(d, validation_to_train(folds)).ci95 == tuple(summary(d, folds)["ci95"])


def test_holm_multiplies_the_smallest_most_and_keeps_the_order() -> None:
    """By hand: 5 · 0.01, 4 · 0.02, 3 · 0.03, then 2 · 0.04, which must not get below the one before it."""
    assert holm([0.03, 0.01, 0.5, 0.02, 0.04]) == pytest.approx([0.09, 0.05, 0.5, 0.08, 0.09])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_significance_goes_by_the_corrected_p() -> None:
    known = PairedTest(0.1, 0.1, (0.0, 0.2), 2.5, 9, p=0.03, p_holm=0.06, comparisons=2)
    assert not known.significant
    assert PairedTest(0.1, 0.1, (0.0, 0.2), 2.5, 9, p=0.03, p_holm=0.03).significant


@pytest.mark.parametrize(
    ("splitter", "why"),
    [
        (Bootstrap(10, random_state=0), "drawn with replacement"),
        (TimeSeriesSplit(5), "follow time"),
        (LastRows(0.2), "there is one fold"),
        (ShuffleSplit(1, random_state=0), "there is one fold"),
        (KFold(5), ""),
        (KFold(5, shuffle=True, random_state=0), ""),
        (ShuffleSplit(10, test_size=0.3, random_state=0), ""),
        (LeaveOneOut(), ""),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value or "fit",
)
def test_the_folds_say_whether_the_test_fits(splitter: object, why: str) -> None:
    told = unfit(folds_of(splitter))
    assert (why in told) if why else told == ""


def test_no_folds_give_nothing_to_see_chance_by() -> None:
    assert "no resampling" in unfit([])


def test_groups_of_uneven_size_get_a_word_of_caution() -> None:
    groups = np.repeat([0, 1, 2, 3], [40, 10, 5, 5])
    folds = folds_of(GroupKFold(3), groups=groups)
    assert unfit(folds) == ""
    assert "uneven size" in caution(folds)
    assert caution(folds_of(KFold(7))) == ""


def test_differences_that_vary_by_rounding_only_are_constant() -> None:
    values = [0.1 + 0.2, 0.7 + 0.1, 0.3, 0.8]
    assert constant([values[0] - values[2], values[1] - values[3]], values)
    assert constant([0.0, 0.0], [0.0, 0.0])
    assert not constant([0.0, 1e-9], [0.5, 0.5])
