"""Intervals: the method is read off the folds, and each gives what its source says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import model_selection
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, get_scorer, mean_squared_error, roc_auc_score

from expfw.components.splitter import Bootstrap
from expfw.interfaces import Data, Fold
from expfw.intervals import (
    CI_METHOD,
    DRAWS_METHOD,
    IN_ORDER,
    NO_DRAWS,
    NO_SPREAD,
    ROWS_METHOD,
    drawn_interval,
    percentile_interval,
    summary,
)
from expfw.predictions import prediction_table
from expfw.results import Predictions
from expfw.rowwise import row_values
from expfw.scoring import validation_metrics

RANDOM = np.random.default_rng(5)
ROWS = 40
CLASSES = np.arange(ROWS) % 2
DATA = Data(RANDOM.normal(size=(ROWS, 2)) + CLASSES[:, None], CLASSES)


def folds_of(splitter: Any, groups: Any = None) -> list[Fold]:
    """A splitter's folds of :data:`DATA`."""
    return [Fold(*pair) for pair in splitter.split(DATA.X, DATA.y, groups)]


def measured(splitter: Any, metrics: list[Any], **more: Any) -> dict[str, Any]:
    """Metrics of logistic regressions on a splitter's folds."""
    folds = folds_of(splitter)
    tables = []
    for number, fold in enumerate(folds):
        part = DATA.take(fold.train)
        model = LogisticRegression().fit(part.X, part.y)
        tables.append(prediction_table(model, DATA, fold.validation, number, DATA.y))
    return validation_metrics(Predictions(pd.concat(tables, ignore_index=True)), folds, metrics, **more)


@pytest.mark.parametrize(
    ("splitter", "method"),
    [
        (model_selection.KFold(5), CI_METHOD),
        (model_selection.RepeatedKFold(n_splits=4, n_repeats=2, random_state=0), CI_METHOD),
        (model_selection.ShuffleSplit(5, random_state=0), CI_METHOD),
        (model_selection.LeaveOneOut(), ROWS_METHOD),
        (model_selection.KFold(20), ROWS_METHOD),
        (model_selection.TimeSeriesSplit(4), IN_ORDER),
        (model_selection.ShuffleSplit(1, random_state=0), NO_SPREAD),
        (Bootstrap(200, random_state=0), DRAWS_METHOD),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_method_is_read_off_the_folds(splitter: Any, method: str) -> None:
    found = measured(splitter, ["accuracy"])["accuracy"]
    assert found["ci95_method"] == method
    assert (found["ci95"] is None) == method.startswith("none")


def test_few_draws_give_no_interval_and_say_so() -> None:
    found = measured(Bootstrap(5, random_state=0), ["accuracy", "f1"])
    assert (found["accuracy"]["ci95"], found["f1"]["ci95"]) == (None, None)
    assert found["accuracy"]["ci95_method"].startswith("none: 5 draws are too few for 40 rows")
    assert found["f1"]["ci95_method"] == NO_DRAWS


def test_rows_that_belong_together_are_not_taken_for_independent() -> None:
    groups = np.arange(ROWS) // 4
    assert measured(model_selection.KFold(20), ["accuracy"], groups=groups)["accuracy"]["ci95_method"] == CI_METHOD
    assert measured(Bootstrap(200, random_state=0), ["accuracy"], groups=groups)["accuracy"]["ci95_method"] == NO_DRAWS


def test_the_interval_of_leave_one_out_is_that_of_a_mean_over_rows() -> None:
    found = measured(model_selection.LeaveOneOut(), ["accuracy"])["accuracy"]
    values = np.array(found["folds"])
    expected = stats.t.interval(0.95, ROWS - 1, values.mean(), values.std(ddof=1) / np.sqrt(ROWS))
    assert found["ci95"] == pytest.approx(expected)


@pytest.mark.slow
def test_a_metric_of_single_rows_that_is_no_mean_over_rows_is_pooled() -> None:
    found = measured(model_selection.LeaveOneOut(), ["roc_auc", "f1", "accuracy"])
    assert [found[name].get("pooled") for name in found] == [True, True, None]
    assert len(found["f1"]["folds"]) == ROWS
    assert found["f1"]["ci95"][0] < found["f1"]["mean"] < found["f1"]["ci95"][1]


@pytest.mark.slow
def test_a_pooled_value_has_the_same_interval_for_the_same_seed_alone() -> None:
    first, again, other = (
        measured(model_selection.LeaveOneOut(), ["roc_auc"], seed=seed)["roc_auc"]["ci95"] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_groups_are_drawn_as_a_whole() -> None:
    values = np.repeat(RANDOM.normal(size=10), 20)
    rows = percentile_interval(lambda at: float(values[at].mean()), np.arange(200), 0)
    groups = percentile_interval(lambda at: float(values[at].mean()), np.repeat(np.arange(10), 20), 0)
    assert rows is not None
    assert groups is not None
    assert np.diff(groups) > 2 * np.diff(rows)


def test_a_metric_that_most_draws_do_not_define_has_no_interval() -> None:
    assert percentile_interval(lambda at: np.nan if len(set(at)) < 9 else 1.0, np.arange(10), 0) is None


def test_folds_whose_values_are_not_needed_alone_stay_as_they_are() -> None:
    """Stratified folds define the metric everywhere: nothing is pooled."""
    found = measured(model_selection.StratifiedKFold(5), ["roc_auc"])["roc_auc"]
    assert "pooled" not in found
    assert found["mean"] == pytest.approx(np.mean(found["folds"]))


def test_the_delta_method_is_that_of_a_mean_where_every_draw_says_the_same() -> None:
    """A model that learns nothing has a value per row that no draw changes: the standard error is that of the mean."""
    folds = folds_of(Bootstrap(1500, random_state=1))
    loss = (np.arange(ROWS) % 4 == 0).astype(float)
    number = np.repeat(np.arange(len(folds)), [len(fold.validation) for fold in folds])
    positions = np.concatenate([fold.validation for fold in folds])
    ends, method = drawn_interval(0.25, (number, positions, loss[positions]), folds)
    assert method == DRAWS_METHOD
    assert ends is not None
    assert (ends[1] - ends[0]) / 2 == pytest.approx(1.96 * loss.std(ddof=1) / np.sqrt(ROWS), rel=0.1)


@pytest.mark.parametrize("name", ["accuracy", "neg_log_loss", "neg_brier_score"])
def test_the_values_of_rows_are_those_of_scikit_learn_on_each_row(name: str) -> None:
    model = LogisticRegression().fit(DATA.X, DATA.y)
    predictions = Predictions(prediction_table(model, DATA, np.arange(ROWS), 0))
    scorer = get_scorer(name)
    values = row_values(scorer, predictions, scorer(model, DATA.X, DATA.y))
    assert values is not None
    if name != "neg_brier_score":
        return
    expected = [-((predictions.probability[row, 1] - DATA.y[row]) ** 2) for row in range(ROWS)]  # type: ignore[index]
    assert values.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("metric", [roc_auc_score, lambda y_true, y_pred: 1.0, get_scorer("f1")])
def test_other_metrics_are_no_means_over_rows(metric: Any) -> None:
    model = LogisticRegression().fit(DATA.X, DATA.y)
    assert row_values(metric, Predictions(prediction_table(model, DATA, np.arange(ROWS), 0)), 1.0) is None


def test_a_mean_that_keywords_change_is_not_taken_for_one() -> None:
    frame = pd.DataFrame({"fold": 0, "row": [0, 1], "y_true": [1.0, 2.0], "y_pred": [1.5, 2.0]})
    assert row_values(mean_squared_error, Predictions(frame), 99.0) is None
    assert row_values(accuracy_score, Predictions(frame), 0.5) is not None


def test_a_single_fold_keeps_its_value() -> None:
    found = summary([0.5], folds_of(model_selection.ShuffleSplit(1, random_state=0)))
    assert (found["mean"], found["std"], found["ci95"], found["ci95_method"]) == (0.5, None, None, NO_SPREAD)
