"""A search and the team's database: each trial is there under its own number; one that is away costs nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runs.lab import SMALL, Lab, Outcome
from services.server import Mongod
from services.test_runs import document, metrics, status

pytestmark = pytest.mark.services

SEARCH = {"space": {"model.params.C": {"low": 0.01, "high": 10.0, "log": True}}, "n_trials": 4}


def searched(lab: Lab, url: str, **changes: Any) -> Outcome:
    """A search of four trials with a database."""
    name = lab.write({**SMALL, "search": SEARCH, **changes})
    return lab.start("experiment", "search", name, "--no-test", env={"EXPFW_MONGODB_URL": url}).wait().ok()


@pytest.mark.parametrize("parallel", [None, {"type": "loky", "params": {"n_jobs": 2}}], ids=["serial", "loky"])
def test_each_trial_is_in_the_database_under_its_own_number(lab: Lab, mongod: Mongod, parallel: Any) -> None:
    with mongod.client() as client:
        client.get_default_database()["runs"].insert_one({"_id": 3, "status": "COMPLETED"})
    outcome = searched(lab, mongod.uri, parallel=parallel)
    numbers = [int(folder.name.rpartition("_")[2]) for folder in outcome.folders]
    assert len(numbers) == 6
    assert 3 not in numbers
    for folder, number in zip(outcome.folders, numbers, strict=True):
        entry = status(mongod, number, "COMPLETED")
        run = json.loads((folder / "log" / "run.json").read_text())
        if "trial" in run:
            recorded = json.loads((folder / "report" / "validation_metrics.json").read_text())["accuracy"]
            assert metrics(mongod, number)["validation.accuracy"]["values"] == recorded["folds"]
            assert any(name.endswith("steps.py") for name, _ in entry["experiment"]["sources"])


def test_trials_that_the_database_missed_are_brought_by_sync(lab: Lab, mongod: Mongod) -> None:
    mongod.kill()
    outcome = searched(lab, mongod.uri)
    mongod.start()
    lab.start("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri}).wait().ok()
    for folder in outcome.folders:
        assert document(mongod, int(folder.name.rpartition("_")[2]))["status"] == "COMPLETED"
