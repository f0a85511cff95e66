"""What every component promises (see ``expfw.interfaces``), checked with the data of each experiment that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from kedro.framework.project import settings

from expfw.config.loader import ExperimentConfigLoader
from expfw.interfaces import Data, count, take
from expfw.run.build import Builder, RunContext
from expfw.run.folder import take_folder
from expfw.run.project import plan_of

PROJECT = Path(__file__).resolve().parent.parent
FILES = [file for folder in ("smoke", "experiments") for file in sorted((PROJECT / "config" / folder).glob("*.json"))]
# An experiment that builds on another one's result cannot be checked on its own.
EXPERIMENTS = [file.stem for file in FILES if "from_experiment" not in file.read_text(encoding="utf-8")]


class Experiment:
    """The components of one experiment, built one at a time, and the data that reach them."""

    def __init__(self, name: str, result_root: Path) -> None:
        session = settings.SESSION_CLASS.create(PROJECT, env="smoke", runtime_params={"experiment": name})
        context = session.load_context()
        loader = context.config_loader
        assert isinstance(loader, ExperimentConfigLoader)
        self.run, self.catalog = RunContext(plan_of(loader), take_folder(result_root)), context.catalog

    def build(self, key: str) -> Any:
        """A fresh component; the test is skipped where the experiment has none."""
        builder = Builder(key, self.run, self.catalog)
        if builder.blueprint is None:
            pytest.skip(f"the experiment has no {key}")
        return builder.build()

    def prepared(self) -> Data:
        """What leaves the preparer."""
        data: Data = self.build("data_source").load()
        return self.build("preparer").prepare(data) if self.has("preparer") else data

    def featured(self) -> Data:
        """What reaches the model."""
        data = self.prepared()
        return (
            Data(self.build("features").fit(data.X, data.y).transform(data.X), data.y) if self.has("features") else data
        )

    def has(self, key: str) -> bool:
        """Whether the experiment has a component at a key."""
        return self.run.plan.components[key] is not None


@pytest.fixture(params=EXPERIMENTS)
def experiment(request: pytest.FixtureRequest, result_root: Path) -> Experiment:
    """Each experiment of the project."""
    return Experiment(request.param, result_root)


def test_a_data_source_gives_the_same_rows_each_time(experiment: Experiment) -> None:
    first, second = experiment.build("data_source").load(), experiment.build("data_source").load()
    assert isinstance(first, Data)
    assert len(first) > 0
    assert joblib.hash(first) == joblib.hash(second)


def test_a_preparer_leaves_its_input_as_it_was(experiment: Experiment) -> None:
    preparer, data = experiment.build("preparer"), experiment.build("data_source").load()
    before = joblib.hash(data)
    assert isinstance(preparer.prepare(data), Data)
    assert joblib.hash(data) == before


@pytest.mark.parametrize("key", ["holdout", "resampling"])
def test_a_splitter_keeps_training_and_validation_rows_apart(experiment: Experiment, key: str) -> None:
    splitter, data = experiment.build(key), experiment.prepared()
    before = joblib.hash(data)
    splits = list(splitter.split(data.X, data.y, data.groups))
    assert len(splits) == splitter.get_n_splits(data.X, data.y, data.groups)
    for train, validation in splits:
        assert len(train) > 0
        assert len(validation) > 0
        assert not set(train) & set(validation)
        assert set(train) | set(validation) <= set(range(len(data)))
    assert joblib.hash(data) == before


def test_features_keep_the_rows_and_their_input(experiment: Experiment) -> None:
    features, data = experiment.build("features"), experiment.prepared()
    before = joblib.hash(data)
    table = features.fit(data.X, data.y).transform(data.X)
    assert count(table) == len(data)
    assert joblib.hash(data) == before


def test_features_of_a_row_do_not_depend_on_the_other_rows(experiment: Experiment) -> None:
    features, data = experiment.build("features"), experiment.prepared()
    features.fit(data.X, data.y)
    rows = list(range(min(5, len(data))))
    alone, together = features.transform(take(data.X, rows)), take(features.transform(data.X), rows)
    np.testing.assert_allclose(dense(alone), dense(together))


def test_a_model_predicts_one_value_for_each_row(experiment: Experiment) -> None:
    model, data = experiment.build("model"), experiment.featured()
    before = joblib.hash(data)
    model.fit(data.X, data.y)
    assert count(model.predict(data.X)) == len(data)
    assert joblib.hash(data) == before


def dense(table: Any) -> Any:
    """A frame or a sparse matrix as a plain array."""
    return table.toarray() if hasattr(table, "toarray") else np.asarray(table, dtype=float)
