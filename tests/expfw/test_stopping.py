"""Early stopping: rows that a model watches come from the training rows, each on one side only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from expfw import steps
from expfw.config.experiment import load_experiment
from expfw.construct.blueprint import Blueprint
from expfw.construct.find import Components
from expfw.construct.plan import Plan, make_plan
from expfw.errors import ConfigurationError
from expfw.interfaces import Data
from expfw.model import FittedModel
from expfw.run.build import Builder, RunContext
from expfw.run.folder import take_folder

ROWS = 40
DATA = Data(pd.DataFrame({"row": np.arange(ROWS), "x": np.arange(ROWS) % 7}), np.arange(ROWS) % 2, np.arange(ROWS) // 4)


class Boosted(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps the rows that it was given, in the way of XGBoost and LightGBM."""

    def fit(self, X: Any, y: Any, *, eval_set: Any = None) -> Boosted:
        """Note the rows."""
        self.classes_ = np.unique(y)
        self.trained_ = X["row"].tolist()
        self.watched_ = [part["row"].tolist() for part, _ in eval_set]
        self.targets_ = [target.tolist() for _, target in eval_set]
        return self

    def predict(self, X: Any) -> Any:
        """Zeros."""
        return np.zeros(len(X), dtype=int)


def fitted(tmp_path: Path, resampling: dict[str, Any], stopping: dict[str, Any]) -> tuple[list[Any], list[FittedModel]]:
    """Folds, and the models of the folds and of all rows."""
    text = json.dumps(
        {
            "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
            "holdout": None,
            "resampling": resampling,
            "model": {"type": "sklearn.ensemble.HistGradientBoostingClassifier", "params": {"early_stopping": True}},
            "early_stopping": stopping,
            "defaults": {"random_state": 1},
        }
    )
    experiment = load_experiment("a", {"a.json": ""}, lambda where: text, base={}, params={})
    plan = make_plan(experiment, Components("", ("sklearn",)))
    plan = Plan(experiment, {**plan.components, "model": Blueprint("mine.Boosted", Boosted, {})})
    context = RunContext(plan, take_folder(tmp_path))
    build = {key: Builder(key, context) for key in plan.components}
    folds = steps.resample(DATA, build["resampling"])
    parts = list(steps.fit(DATA, folds, build["features"], build["model"]))
    final = steps.refit(DATA, build["features"], build["model"])
    assert isinstance(final, FittedModel)
    return folds, [*(part[number] for number, part in enumerate(parts)), final]


def split(name: str, **params: Any) -> dict[str, Any]:
    """A splitter of scikit-learn."""
    return {"type": f"sklearn.model_selection.{name}", "params": params}


def test_what_is_watched_comes_from_the_training_rows(tmp_path: Path) -> None:
    folds, models = fitted(tmp_path, split("KFold", n_splits=4), split("ShuffleSplit", n_splits=1, test_size=0.2))
    for rows, model in zip([*(fold.train for fold in folds), np.arange(ROWS)], models, strict=True):
        trained, (watched,) = vars(model.model)["trained_"], vars(model.model)["watched_"]
        assert sorted([*trained, *watched]) == rows.tolist()
        assert len(watched) == len(rows) / 5
        assert vars(model.model)["targets_"] == [[row % 2 for row in watched]]


def test_groups_stay_together(tmp_path: Path) -> None:
    _, models = fitted(tmp_path, split("GroupKFold", n_splits=2), split("GroupShuffleSplit", n_splits=1, test_size=0.3))
    for model in models:
        sides = [{row // 4 for row in rows} for rows in (vars(model.model)["trained_"], *vars(model.model)["watched_"])]
        assert not sides[0] & sides[1]


def test_a_row_that_a_bootstrap_drew_twice_is_on_one_side(tmp_path: Path) -> None:
    folds, models = fitted(
        tmp_path, {"type": "Bootstrap", "params": {"n_splits": 3}}, split("ShuffleSplit", n_splits=1, test_size=0.3)
    )
    for fold, model in zip(folds, models, strict=False):
        trained, (watched,) = vars(model.model)["trained_"], vars(model.model)["watched_"]
        assert not set(trained) & set(watched)
        assert set(trained) | set(watched) == set(fold.train.tolist())
        assert len(trained) > len(set(trained))
        assert len(watched) == len(set(watched))


def test_the_same_configuration_without_it_has_the_hash_it_had() -> None:
    base = {
        "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
        "holdout": split("ShuffleSplit", n_splits=1),
        "model": {"type": "sklearn.ensemble.HistGradientBoostingClassifier", "params": {"early_stopping": True}},
    }
    hashes = []
    changes: list[dict[str, Any]] = [
        {},
        {"early_stopping": None},
        {"early_stopping": split("ShuffleSplit", n_splits=1)},
    ]
    for more in changes:
        texts = {"a.json": json.dumps({**base, **more})}
        experiment = load_experiment("a", texts, texts.__getitem__, base={}, params={})
        hashes.append(make_plan(experiment, Components("", ("sklearn",))).hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_time_is_respected(tmp_path: Path) -> None:
    stopping = {"type": "LastRows", "params": {"test_size": 0.25}}
    _, models = fitted(tmp_path, split("TimeSeriesSplit", n_splits=3), stopping)
    for model in models:
        assert max(vars(model.model)["trained_"]) < min(vars(model.model)["watched_"][0])


def test_what_is_no_single_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="gives 3 splits, early stopping is one"):
        fitted(tmp_path, split("KFold", n_splits=4), split("KFold", n_splits=3))
