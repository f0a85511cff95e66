"""How much a search's choice is worth: Holm's correction over all that was tried, and ranks over the folds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from searched import FOLDS, broken_off, complete, failed

from expfw.interfaces import Fold
from expfw.search.stability import against_default, over_folds
from expfw.search.trials import DEFAULT, Ending, Trial


def default_of(folds: list[float]) -> Trial:
    """The trial of the file's own values."""
    return complete(0, folds, {}, study=DEFAULT)


OWN = [0.8, 0.82, 0.79, 0.81, 0.8]


def by_hand(ours: list[float], theirs: list[float]) -> float:
    """p of the corrected resampled t-test, as Nadeau and Bengio give it, for five folds of a fifth each."""
    differences = np.subtract(ours, theirs)
    error = math.sqrt((1 / 5 + 10 / 40) * differences.var(ddof=1))
    return float(2 * stats.t.sf(abs(differences.mean() / error), 4))


def test_the_best_is_compared_with_holms_correction_for_all_that_were_tried() -> None:
    rows = [[0.85, 0.86, 0.83, 0.88, 0.84], [0.81, 0.8, 0.82, 0.83, 0.78], [0.7, 0.75, 0.72, 0.71, 0.69]]
    trials = [complete(number, row, {}) for number, row in enumerate(rows)]
    told = against_default(trials, trials[0], default_of(OWN), FOLDS)
    p = [by_hand(row, OWN) for row in rows]
    assert told["p"] == pytest.approx(p[0])
    assert told["comparisons"] == 3
    assert sorted(p).index(p[0]) == 1  # the second smallest: Holm takes twice this, or thrice the smallest
    assert told["p_holm"] == pytest.approx(max(2 * p[0], 3 * min(p)))
    assert told["difference"] == pytest.approx(np.mean(rows[0]) - np.mean(OWN))
    assert told["significant"] is (told["p_holm"] <= 0.05)


def test_the_more_were_tried_the_less_a_difference_counts() -> None:
    row = [0.83, 0.86, 0.81, 0.85, 0.83]
    alone = against_default([complete(0, row, {})], complete(0, row, {}), default_of(OWN), FOLDS)
    rng = np.random.default_rng(0)
    others = [complete(n, (np.array(OWN) + 0.02 * rng.normal(size=5)).tolist(), {}) for n in range(1, 40)]
    among = against_default([complete(0, row, {}), *others], complete(0, row, {}), default_of(OWN), FOLDS)
    assert alone["significant"]
    assert not among["significant"]
    assert among["p"] == alone["p"] == alone["p_holm"]
    assert among["comparisons"] == 40


def test_twins_failures_and_broken_off_trials_are_no_comparisons() -> None:
    row = [0.83, 0.86, 0.81, 0.85, 0.83]
    trials = [complete(0, row, {}), complete(1, row, {}, same_as=0), broken_off(2, {}), failed(3, {})]
    assert against_default(trials, trials[0], default_of(OWN), FOLDS)["comparisons"] == 1


@pytest.mark.parametrize(
    ("row", "default", "folds", "why"),
    [
        (OWN, default_of(OWN), [], "there was no resampling"),
        (OWN, default_of(OWN), FOLDS[:1], "there is one fold"),
        (
            OWN,
            Trial(DEFAULT, 0, {}, 2, ending=Ending("FAIL", error="no")),
            FOLDS,
            "the file's own values gave no result",
        ),
        (OWN, Trial(DEFAULT, 0, {}, 2), FOLDS, "the file's own values gave no result"),
        (OWN, default_of(OWN), FOLDS, "the difference is the same on every fold"),
        ([0.9, 0.92, 0.89, 0.91, 0.9], default_of(OWN), FOLDS, "the difference is the same on every fold"),
    ],
)
def test_why_nothing_can_be_tested_is_told(row: list[float], default: Trial, folds: list[Fold], why: str) -> None:
    trials = [complete(0, row, {})]
    assert why in against_default(trials, trials[0], default, folds)["why_not"]


def test_a_fold_without_a_value_makes_no_test() -> None:
    trials = [complete(0, [None, 0.9, 0.8, 0.9, 0.7], {})]
    assert "why_not" in against_default(trials, trials[0], default_of(OWN), FOLDS)
    assert over_folds(trials, trials[0], "accuracy") == {}


def test_ranks_say_how_often_the_best_is_first() -> None:
    rows = [[0.9, 0.5, 0.9], [0.8, 0.9, 0.9], [0.1, 0.6, 0.2]]
    trials = [complete(number, row, {}) for number, row in enumerate(rows)]
    assert over_folds(trials, trials[1], "accuracy") == {
        "folds": 3,
        "first_on": 2,
        "mean_rank": pytest.approx(4 / 3),
        "of": 3,
    }
    assert over_folds(trials, trials[0], "accuracy")["first_on"] == 2
    assert over_folds(trials, trials[2], "max_error")["first_on"] == 2


@settings(max_examples=50, deadline=None)
@given(table=st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=6), lower=st.booleans())
def test_ranks_are_one_and_the_number_of_better_ones(table: list[list[int]], lower: bool) -> None:
    trials = [complete(number, [float(value) for value in row], {}) for number, row in enumerate(table)]
    metric = "max_error" if lower else "accuracy"
    for at, row in enumerate(table):
        better = [sum((o[k] < row[k]) if lower else (o[k] > row[k]) for o in table) for k in range(4)]
        told = over_folds(trials, trials[at], metric)
        assert told["mean_rank"] == pytest.approx(1 + sum(better) / 4)
        assert told["first_on"] == better.count(0)
