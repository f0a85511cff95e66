"""The table of predictions: what a model says beside the truth, read back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from expfw.datasets import TableDataset
from expfw.interfaces import Data
from expfw.predictions import class_labels, empty_table, prediction_table
from expfw.results import Predictions

X = np.column_stack([np.linspace(-1, 1, 30), np.tile([0.0, 1.0, 2.0], 10)])
THREE = np.digitize(X[:, 0], [-0.3, 0.3])
ROWS = np.array([3, 1, 29])


def fitted(model: Any, y: Any) -> Predictions:
    """Predictions of three rows."""
    return Predictions(prediction_table(model.fit(X, y), Data(X, y), ROWS, 2))


LABELS = {
    "integers": THREE,
    "texts": np.array(["low", "middle", "high"], dtype=object)[THREE],
    "truth values": X[:, 0] > 0,
    "decimals": THREE.astype(float),
    "negative integers": THREE - 5,
    "series of texts": pd.Series(np.array(["low", "middle", "high"])[THREE]),
    "categorical": pd.Series(pd.Categorical(np.array(["low", "middle", "high"])[THREE])),
}


@pytest.mark.parametrize("name", LABELS)
def test_a_classifiers_table_comes_back_from_disk_as_it_was(name: str, tmp_path: Path) -> None:
    y = LABELS[name]
    model = LogisticRegression()
    predictions = fitted(model, y)
    dataset = TableDataset(filepath=str(tmp_path / "table.feather"))
    dataset.save(predictions.frame)
    loaded = Predictions(dataset.load())
    truth = np.asarray(y)[ROWS]
    for table in (predictions, loaded):
        assert table.task == "classification"
        assert table.y_true is not None
        assert table.y_true.tolist() == truth.tolist()
        assert table.y_true.dtype.kind == truth.dtype.kind or truth.dtype == object
        assert table.y_pred.tolist() == model.predict(X[ROWS]).tolist()
        assert np.asarray(table.classes).tolist() == model.classes_.tolist()
        assert table.probability is not None
        np.testing.assert_array_equal(table.probability, model.predict_proba(X[ROWS]))


def test_fold_and_row_are_kept() -> None:
    frame = fitted(LogisticRegression(), THREE).frame
    assert (frame["fold"].tolist(), frame["row"].tolist()) == ([2, 2, 2], ROWS.tolist())


@pytest.mark.parametrize("y", [THREE > 0, THREE], ids=["two classes", "three classes"])
def test_a_decision_function_is_kept(y: Any) -> None:
    model = SVC()
    predictions = fitted(model, y)
    assert predictions.probability is None
    np.testing.assert_array_equal(predictions.decision, model.decision_function(X[ROWS]))


def test_a_regressors_table() -> None:
    model = LinearRegression()
    predictions = fitted(model, X[:, 0] * 2)
    assert (predictions.task, predictions.classes, predictions.probability) == ("regression", None, None)
    np.testing.assert_array_equal(predictions.y_pred, model.predict(X[ROWS]))


def test_several_targets_are_several_columns_in_the_order_of_the_targets() -> None:
    y = np.column_stack([X[:, 0] * factor for factor in range(12)])
    predictions = fitted(LinearRegression(), y)
    assert predictions.y_true is not None
    np.testing.assert_array_equal(predictions.y_true, y[ROWS])
    assert predictions.y_true.flags.c_contiguous


def test_a_target_in_one_column_is_a_single_target() -> None:
    assert fitted(LinearRegression(), X[:, [0]]).y_pred.shape == (3,)


def test_unlabelled_rows_have_no_truth() -> None:
    from sklearn.cluster import KMeans

    model = KMeans(2, n_init=1).fit(X)
    predictions = Predictions(prediction_table(model, Data(X), ROWS, 0))
    assert (predictions.task, predictions.y_true) == ("unlabelled", None)
    assert "y_true" not in predictions.frame


def test_a_class_that_the_model_does_not_know_has_probability_zero() -> None:
    model = LogisticRegression().fit(X[THREE < 2], THREE[THREE < 2])
    labels = class_labels(model.classes_, THREE)
    predictions = Predictions(prediction_table(model, Data(X, THREE), np.arange(30), 0, labels))
    assert predictions.probability is not None
    assert predictions.probability.shape == (30, 3)
    assert set(predictions.probability[:, 2]) == {0.0}
    assert not pd.Series(predictions.y_true).isna().any()


@pytest.mark.parametrize("labelled", [True, False])
def test_an_empty_table_has_the_columns_of_a_full_one(labelled: bool) -> None:
    table = Predictions(empty_table(labelled))
    assert len(table) == 0
    assert table.task == ("regression" if labelled else "unlabelled")


def test_the_part_of_a_fold_is_that_folds() -> None:
    frame = pd.DataFrame({"fold": [0, 1, 1], "row": [5, 6, 7], "y_true": [1.0, 2.0, 3.0], "y_pred": [1.0, 2.0, 3.0]})
    assert Predictions(frame).of_fold(1).frame["row"].tolist() == [6, 7]
    assert Predictions(frame).folds == [0, 1]
