"""The estimates .632 and .632+, against a computation by hand."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, zero_one_loss
from sklearn.neighbors import KNeighborsClassifier

from expfw.components.splitter import Bootstrap
from expfw.interfaces import Data, Fold
from expfw.optimism import estimates, no_information
from expfw.predictions import prediction_table
from expfw.results import Predictions
from expfw.scoring import NamedMetric, validation_metrics

RANDOM = np.random.default_rng(0)
ROWS = 30
DATA = Data(RANDOM.normal(size=(ROWS, 3)), RANDOM.integers(3, size=ROWS))
MODEL = KNeighborsClassifier(1)
"""It knows its training rows by heart and nothing else: the case that .632+ was made for."""


@functools.cache
def metrics() -> dict[str, dict[str, dict[str, float]]]:
    """Error and accuracy of :data:`MODEL` on twenty draws."""
    folds = [Fold(*pair) for pair in Bootstrap(20, random_state=0).split(DATA.X)]
    tables = [
        prediction_table(MODEL.fit(DATA.X[f.train], DATA.y[f.train]), DATA, f.validation, number, DATA.y)
        for number, f in enumerate(folds)
    ]
    fitted = Predictions(prediction_table(MODEL.fit(DATA.X, DATA.y), DATA, np.arange(ROWS), 0))
    whole = Predictions(pd.concat(tables, ignore_index=True))
    return validation_metrics(whole, folds, [zero_one_loss, "accuracy", "f1_macro"], apparent=lambda: fitted)


def test_the_estimates_are_those_of_a_computation_by_hand() -> None:
    out = []
    for train, validation in Bootstrap(20, random_state=0).split(DATA.X):
        answers = MODEL.fit(DATA.X[train], DATA.y[train]).predict(DATA.X[validation])
        out.append(np.mean(answers != DATA.y[validation]))
    answers = MODEL.fit(DATA.X, DATA.y).predict(DATA.X)
    apparent, mean = np.mean(answers != DATA.y), np.mean(out)
    shares = np.bincount(DATA.y) / ROWS
    chance = np.sum(shares * (1 - np.bincount(answers) / ROWS))
    rate = (min(mean, chance) - apparent) / (chance - apparent)
    weight = 0.632 / (1 - 0.368 * rate)
    found = metrics()["zero_one_loss"]["bootstrap"]
    assert found["apparent"] == pytest.approx(apparent) == 0
    assert found["no_information"] == pytest.approx(chance)
    assert found["632"] == pytest.approx(0.368 * apparent + 0.632 * mean)
    assert found["632+"] == pytest.approx((1 - weight) * apparent + weight * min(mean, chance))


def test_a_score_has_the_same_estimates_as_its_error() -> None:
    error, score = metrics()["zero_one_loss"], metrics()["accuracy"]
    for name, value in error["bootstrap"].items():
        assert score["bootstrap"][name] == pytest.approx(1 - value)


def test_a_metric_that_is_no_mean_over_rows_has_none() -> None:
    assert "bootstrap" not in metrics()["f1_macro"]


def test_a_model_that_memorises_noise_is_put_at_chance_by_the_plus() -> None:
    found = estimates(out_of_bag=0.5, apparent=0.0, no_information=0.5, lower=True)
    assert found["632"] == pytest.approx(0.316)
    assert found["632+"] == pytest.approx(0.5)


def test_without_overfitting_both_are_the_same() -> None:
    found = estimates(out_of_bag=0.2, apparent=0.2, no_information=0.5, lower=True)
    assert found["632"] == pytest.approx(found["632+"]) == pytest.approx(0.2)


def test_many_rows_are_paired_by_a_sample() -> None:
    truth = RANDOM.integers(2, size=1500)
    frame = pd.DataFrame({"fold": 0, "row": np.arange(1500), "y_true": truth, "y_pred": truth})
    metric = NamedMetric("accuracy", accuracy_score)
    chance = np.mean(truth) ** 2 + np.mean(1 - truth) ** 2
    assert no_information(metric, Predictions(frame), seed=0) == pytest.approx(chance, abs=0.005)
