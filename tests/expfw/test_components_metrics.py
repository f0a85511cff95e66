"""Default metrics: their values against known ones."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import make_scorer, r2_score, root_mean_squared_error

from expfw.components.metrics import NormalizedRootMeanSquaredError
from expfw.interfaces import Metric

metric = NormalizedRootMeanSquaredError()
generator = np.random.default_rng(0)
TRUE = generator.normal(size=50)
PREDICTED = TRUE + generator.normal(scale=0.5, size=50)


def test_it_is_the_error_in_standard_deviations() -> None:
    assert metric(TRUE, PREDICTED) == pytest.approx(root_mean_squared_error(TRUE, PREDICTED) / TRUE.std())


def test_it_is_the_root_of_what_r2_leaves_unexplained() -> None:
    assert metric(TRUE, PREDICTED) == pytest.approx(math.sqrt(1 - r2_score(TRUE, PREDICTED)))


def test_perfect_is_zero_and_the_mean_is_one() -> None:
    assert metric(TRUE, TRUE) == 0.0
    assert metric(TRUE, np.full(50, TRUE.mean())) == pytest.approx(1.0)


def test_the_targets_unit_does_not_matter() -> None:
    assert metric(TRUE * 1000, PREDICTED * 1000) == pytest.approx(metric(TRUE, PREDICTED))


def test_series_with_other_indices_are_compared_by_position() -> None:
    assert metric(pd.Series(TRUE, index=range(50, 0, -1)), pd.Series(PREDICTED)) == metric(TRUE, PREDICTED)


def test_equal_targets_give_nan_and_a_warning() -> None:
    with pytest.warns(UndefinedMetricWarning, match="all 2 true values are equal"):
        assert math.isnan(metric([1, 1], [1, 2]))


def test_scikit_learn_takes_it_as_a_scorer() -> None:
    assert isinstance(metric, Metric)
    assert isinstance(metric(TRUE, PREDICTED), float)
    assert make_scorer(metric, greater_is_better=False)
