"""Metrics over recorded predictions: scikit-learn's scorers, functions, names, what is not defined."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, fbeta_score, get_scorer, get_scorer_names, make_scorer

from expfw.errors import ComponentError
from expfw.interfaces import Data, Fold
from expfw.intervals import summary
from expfw.predictions import empty_table, prediction_table
from expfw.results import Predictions
from expfw.scoring import NamedMetric, held_out_metrics, named_metrics, validation_metrics

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 2))
LABELS = np.array(["no", "yes"])[(X[:, 0] + RANDOM.normal(size=40) > 0).astype(int)]
NUMBERS = X[:, 0] + RANDOM.normal(size=40)
ROWS = np.arange(40)


def table(model: Any, y: Any) -> Predictions:
    """Predictions of a fitted model for all rows."""
    return Predictions(prediction_table(model, Data(X, y), ROWS, 0))


CLASSIFIER, REGRESSOR = LogisticRegression().fit(X, LABELS), Ridge().fit(X, NUMBERS)


def defined(model: Any, y: Any) -> list[str]:
    """Names of the scorers that scikit-learn can compute."""
    names = []
    for name in get_scorer_names():
        try:
            value = get_scorer(name)(model, X, y)
        except Exception:
            continue
        if not math.isnan(value):
            names.append(name)
    return names


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "y"), [(CLASSIFIER, LABELS), (REGRESSOR, NUMBERS)], ids=["classifier", "regressor"])
def test_every_scorer_of_scikit_learn_gives_what_it_gives_on_the_model(model: Any, y: Any) -> None:
    names = defined(model, y)
    expected = {name: float(get_scorer(name)(model, X, y)) for name in names}
    assert len(names) > 10
    assert held_out_metrics(table(model, y), names) == expected


def test_a_function_is_given_truth_and_prediction() -> None:
    metrics = [accuracy_score, functools.partial(fbeta_score, beta=2.0, pos_label="yes")]
    predicted = CLASSIFIER.predict(X)
    assert held_out_metrics(table(CLASSIFIER, LABELS), metrics) == {
        "accuracy_score": accuracy_score(LABELS, predicted),
        "fbeta_score": fbeta_score(LABELS, predicted, beta=2.0, pos_label="yes"),
    }


def test_a_scorer_object_is_a_metric() -> None:
    scorer = make_scorer(accuracy_score)
    (value,) = held_out_metrics(table(CLASSIFIER, LABELS), [scorer]).values()
    assert value == CLASSIFIER.score(X, LABELS)


def test_names_are_told_apart() -> None:
    names = [metric.name for metric in named_metrics(["r2", accuracy_score, "r2", accuracy_score, "r2"])]
    assert names == ["r2", "accuracy_score", "r2_2", "accuracy_score_2", "r2_3"]


@pytest.mark.parametrize(
    ("metric", "predictions", "words"),
    [
        ("roc_auc", table(REGRESSOR, NUMBERS), "metric 'roc_auc' cannot be computed for this regression"),
        ("r2", table(CLASSIFIER, LABELS), "metric 'r2' cannot be computed for this classification"),
        ("accuracy", Predictions(table(CLASSIFIER, LABELS).frame.drop(columns="y_true")), "needs a target"),
    ],
)
def test_a_metric_that_does_not_fit_says_so(metric: str, predictions: Predictions, words: str) -> None:
    with pytest.raises(ComponentError, match=words):
        held_out_metrics(predictions, [metric])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_defined_is_null(value: float) -> None:
    def undefined(y_true: Any, y_pred: Any) -> float:
        return value

    predictions = table(REGRESSOR, NUMBERS)
    assert held_out_metrics(predictions, [undefined]) == {"undefined": None}
    folds = [Fold(ROWS, ROWS)] * 2
    two = pd.concat([predictions.frame, predictions.frame.assign(fold=1)])
    result = validation_metrics(Predictions(two), folds, [undefined])["undefined"]
    assert (result["folds"], result["mean"], result["std"]) == ([None, None], None, None)


def test_without_folds_or_rows_there_are_no_metrics() -> None:
    nothing = Predictions(empty_table(labelled=True))
    assert validation_metrics(nothing, [], ["accuracy"]) == {}
    assert held_out_metrics(nothing, ["accuracy"]) == {}


@pytest.mark.parametrize("k", [2, 5, 10])
def test_the_interval_is_nadeaus_and_bengios(k: int) -> None:
    values = RANDOM.normal(size=k)
    folds = [Fold(np.arange(90), np.arange(30))] * k
    result = summary(values.tolist(), folds)
    half = stats.t.ppf(0.975, k - 1) * np.std(values, ddof=1) * math.sqrt(1 / k + 1 / 3)
    assert result["ci95"] == pytest.approx([np.mean(values) - half, np.mean(values) + half])
    assert result["std"] == pytest.approx(np.std(values, ddof=1))


def test_a_single_fold_has_neither_deviation_nor_interval() -> None:
    result = summary([0.5], [Fold(ROWS, ROWS)])
    assert (result["mean"], result["std"], result["ci95"]) == (0.5, None, None)


def test_a_metric_changes_nothing() -> None:
    predictions = table(CLASSIFIER, LABELS)
    before = predictions.frame.copy()
    NamedMetric("roc_auc", get_scorer("roc_auc"))(predictions)
    pd.testing.assert_frame_equal(predictions.frame, before)


def test_a_metric_that_alters_what_it_is_given_alters_nothing_for_the_next() -> None:
    def careless(true: Any, given: Any) -> float:
        true[:] = given[:] = true[0]
        return 0.0

    predictions = table(CLASSIFIER, LABELS)
    expected = NamedMetric("accuracy", get_scorer("accuracy"))(predictions)
    assert NamedMetric("careless", careless)(predictions) == 0.0
    assert NamedMetric("accuracy", get_scorer("accuracy"))(predictions) == expected < 1.0
