"""Runs and the team's database: it follows, and whatever it does, the run ends as it would have without."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gridfs
import pytest
from runs.lab import SMALL, Command, Lab, Outcome, sklearn, trial, wait_for
from services.server import Mongod

pytestmark = pytest.mark.services

Document = dict[str, Any]
PATIENT: dict[str, Any] = {"resampling": sklearn("model_selection.KFold", n_splits=3)}


def with_database(lab: Lab, url: str, changes: dict[str, Any] | None = None, *args: str, **env: str) -> Outcome:
    """Run an experiment with a database, to its end."""
    return lab.run(changes, *args, env={"EXPFW_MONGODB_URL": url, **env})


def begin(lab: Lab, url: str, changes: dict[str, Any] | None = None, *args: str) -> Command:
    """Start an experiment with a database."""
    return lab.begin(changes, *args, env={"EXPFW_MONGODB_URL": url})


def document(mongod: Mongod, number: int) -> Document:
    """A run's document; empty if there is none."""
    with mongod.client() as client:
        return client.get_default_database()["runs"].find_one({"_id": number}) or {}


def documents(mongod: Mongod) -> list[Document]:
    """All documents of runs."""
    with mongod.client() as client:
        return list(client.get_default_database()["runs"].find())


def metrics(mongod: Mongod, number: int) -> dict[str, Document]:
    """A run's metrics by name."""
    with mongod.client() as client:
        return {entry["name"]: entry for entry in client.get_default_database()["metrics"].find({"run_id": number})}


def status(mongod: Mongod, number: int, expected: str) -> Document:
    """Wait until a run's document has a status, give the document."""
    found: Document = wait_for(
        f"{expected} in the database",
        lambda: (entry := document(mongod, number)).get("status") == expected and entry,
    )
    return found


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Changes that make an experiment wait in its second fold, until the file ``marker.go`` is there."""
    yield {"model": trial("Waiting", marker=str(tmp_path / "marker"), fold=1)}
    (tmp_path / "marker.go").touch()


def test_a_run_ends_with_all_that_omniboard_shows(lab: Lab, mongod: Mongod) -> None:
    outcome = with_database(lab, mongod.uri).ok()
    entry = status(mongod, 1, "COMPLETED")
    assert outcome.folder.name == "result_experiment_1"
    assert entry["result"]["test"] == outcome.metrics["test"]
    assert entry["config"]["model"]["type"] == SMALL["model"]["type"]
    assert "fitted" in entry["captured_out"]
    assert entry["stop_time"] > entry["start_time"]
    names = {artifact["name"] for artifact in entry["artifacts"]}
    assert {"report.html", "config.json", "environment.json"} <= {name.rpartition("/")[2] for name in names}
    recorded = outcome.metrics["validation"]["accuracy"]["folds"]
    assert metrics(mongod, 1)["validation.accuracy"]["values"] == recorded
    assert any(name.endswith("steps.py") for name, _ in entry["experiment"]["sources"])
    assert entry["host"]["hostname"]


def test_a_run_is_seen_while_it_runs(lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path) -> None:
    command = begin(lab, mongod.uri, waiting)
    entry = status(mongod, 1, "RUNNING")
    first = wait_for("a heartbeat", lambda: document(mongod, 1).get("heartbeat"))
    wait_for("the next heartbeat", lambda: document(mongod, 1)["heartbeat"] > first)
    assert "a word before waiting" in document(mongod, 1)["captured_out"]
    assert entry["config"]["model"]["type"].endswith("Waiting")
    (tmp_path / "marker.go").touch()
    command.wait().ok()
    status(mongod, 1, "COMPLETED")


def test_metrics_of_a_fold_come_before_the_next_is_fitted(lab: Lab, mongod: Mongod, tmp_path: Path) -> None:
    slow = {"model": trial("Waiting", marker=str(tmp_path / "marker"), seconds=2)}
    command = begin(lab, mongod.uri, slow)
    found = wait_for("a metric", lambda: metrics(mongod, 1).get("validation.accuracy"))
    assert command.running
    outcome = command.wait().ok()
    status(mongod, 1, "COMPLETED")
    final = metrics(mongod, 1)["validation.accuracy"]
    assert final["steps"] == [0, 1, 2]
    assert final["values"] == outcome.metrics["validation"]["accuracy"]["folds"]
    assert final["values"][: len(found["values"])] == found["values"]


def test_numbers_are_the_databases(lab: Lab, mongod: Mongod) -> None:
    with mongod.client() as client:
        client.get_default_database()["runs"].insert_one({"_id": 41, "status": "COMPLETED"})
    assert with_database(lab, mongod.uri).ok().folder.name == "result_experiment_42"
    assert document(mongod, 41) == {"_id": 41, "status": "COMPLETED"}


@pytest.mark.slow
def test_a_hundred_runs_from_two_checkouts_have_a_number_each(
    lab: Lab, own_lab: Lab, mongod: Mongod, tmp_path: Path
) -> None:
    other = own_lab.at(tmp_path / "other")
    commands = [begin(here, mongod.uri) for _ in range(50) for here in (lab, other)]
    outcomes = [command.wait().ok() for command in commands]
    assert not [outcome.text for outcome in outcomes if "recorded in files" in outcome.text]
    ours = {outcome.root: outcome.folders for outcome in outcomes}
    numbers = sorted(int(folder.name.rpartition("_")[2]) for folders in ours.values() for folder in folders)
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 100
    wait_for("all runs", lambda: [entry["status"] for entry in documents(mongod)].count("COMPLETED") == 100)
    assert sorted(entry["_id"] for entry in documents(mongod)) == numbers


def test_away_at_the_start_is_said_once_and_made_up_for(lab: Lab, mongod: Mongod) -> None:
    mongod.stop()
    outcome = with_database(lab, mongod.uri).ok()
    assert outcome.text.count("kedro experiment sync") == 1
    mongod.start()
    synced = lab.kedro("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri}).ok()
    assert "1" in synced.out
    assert document(mongod, 1)["status"] == "COMPLETED"


def test_a_server_that_is_off_is_not_even_asked(lab: Lab, mongod: Mongod) -> None:
    mongod.stop()
    assert f"{mongod.uri} cannot be reached; this run is recorded in files" in with_database(lab, mongod.uri).ok().text


def test_a_server_that_hangs_at_the_start_is_not_waited_for(lab: Lab, mongod: Mongod) -> None:
    mongod.freeze()
    outcome = with_database(lab, mongod.uri).ok()
    assert outcome.text.count("kedro experiment sync") == 1
    mongod.thaw()
    lab.kedro("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri}).ok()
    assert [entry["status"] for entry in documents(mongod)] == ["COMPLETED"]


@pytest.mark.parametrize("how", ["stop", "kill", "freeze"])
def test_a_server_that_goes_in_the_middle_changes_nothing(
    how: str, lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path
) -> None:
    expected = lab.run({"model": {**waiting["model"], "params": {**waiting["model"]["params"], "fold": 99}}}).ok()
    command = begin(lab, mongod.uri, waiting)
    status(mongod, 2, "RUNNING")
    getattr(mongod, how)()
    (tmp_path / "marker.go").touch()
    outcome = command.wait().ok()
    assert outcome.metrics == expected.metrics
    assert outcome.sacred["status"] == "COMPLETED"
    assert outcome.text.count("kedro experiment sync") == 1
    mongod.thaw() if how == "freeze" else mongod.start()
    lab.kedro("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri}).ok()
    assert document(mongod, 2)["status"] == "COMPLETED"


def test_what_is_missing_at_the_end_follows_in_the_background(
    lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path
) -> None:
    command = begin(lab, mongod.uri, waiting)
    status(mongod, 1, "RUNNING")
    mongod.stop()
    (tmp_path / "marker.go").touch()
    command.wait().ok()
    mongod.start()
    status(mongod, 1, "COMPLETED")


def test_a_server_that_comes_back_gets_the_rest(
    lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path
) -> None:
    mongod.stop()
    command = begin(lab, mongod.uri, waiting)
    wait_for("the second fold", (tmp_path / "marker").exists)
    mongod.start()
    status(mongod, 1, "RUNNING")
    (tmp_path / "marker.go").touch()
    command.wait().ok()
    status(mongod, 1, "COMPLETED")


@pytest.mark.parametrize("broken", [False, True], ids=["unbroken", "restarted"])
def test_the_verdict_on_a_rerun_is_there_without_sync(
    broken: bool, lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path
) -> None:
    go = tmp_path / "marker.go"
    go.touch()
    with_database(lab, mongod.uri, waiting).ok()
    (tmp_path / "marker.count").unlink()
    if broken:
        go.unlink()
        (tmp_path / "marker").unlink()
        command = lab.start("experiment", "rerun", "1", env={"EXPFW_MONGODB_URL": mongod.uri})
        wait_for("the second fold", (tmp_path / "marker").exists)
        command.send(signal.SIGKILL)
        command.wait()
        go.touch()
    args = ("restart", "2") if broken else ("rerun", "1")
    outcome = lab.kedro("experiment", *args, env={"EXPFW_MONGODB_URL": mongod.uri}).ok()
    assert "identical to the bit" in outcome.out
    expected = (outcome.folder / "log" / "rerun.json").read_bytes()
    wait_for("the verdict", lambda: artifact(mongod, 2, "rerun.json") == expected)
    status(mongod, 2, "COMPLETED")
    synced = lab.kedro("experiment", "sync", "--format", "json", env={"EXPFW_MONGODB_URL": mongod.uri}).ok()
    assert json.loads(synced.out)["unchanged"] == [1, 2]


def artifact(mongod: Mongod, number: int, name: str) -> bytes | None:
    """An artifact of a run, if it is there."""
    with mongod.client() as client:
        database = client.get_default_database()
        run = database["runs"].find_one({"_id": number}) or {}
        found = [entry["file_id"] for entry in run.get("artifacts", []) if entry["name"] == name]
        return gridfs.GridFS(database).get(found[0]).read() if found else None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_an_interrupted_run_says_so_in_the_database(
    number: signal.Signals, code: int, runner: str, lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path
) -> None:
    command = begin(lab, mongod.uri, waiting, "--runner", runner)
    status(mongod, 1, "RUNNING")
    wait_for("the second fold", (tmp_path / "marker").exists)
    command.send(number, group=runner == "ParallelRunner")
    (tmp_path / "marker.go").touch()
    assert command.wait().code == code
    status(mongod, 1, "INTERRUPTED")


def test_a_failed_run_has_its_traceback_in_the_database(lab: Lab, mongod: Mongod) -> None:
    outcome = with_database(lab, mongod.uri, {"model": trial("Faulty", at="fit")})
    outcome.message()
    entry = status(mongod, 1, "FAILED")
    assert "Traceback" in "".join(entry["fail_trace"])


def test_a_killed_run_does_not_beat_any_more(lab: Lab, mongod: Mongod, waiting: dict[str, Any], tmp_path: Path) -> None:
    command = begin(lab, mongod.uri, waiting)
    wait_for("the second fold", (tmp_path / "marker").exists)
    status(mongod, 1, "RUNNING")
    command.send(signal.SIGKILL)
    command.wait()
    assert "DEAD" in lab.kedro("experiment", "list").ok().out
    lab.kedro("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri}).ok()
    entry = document(mongod, 1)
    assert (entry["status"], entry.get("stop_time")) == ("RUNNING", None)


def test_a_wrong_password_is_said_without_showing_it(lab: Lab, mongod_with_password: Mongod) -> None:
    url = mongod_with_password.url(password="wr0ng-one")
    outcome = with_database(lab, url).ok()
    assert outcome.text.count("kedro experiment sync") == 1
    assert "wr0ng-one" not in outcome.text
    synced = lab.kedro("experiment", "sync", env={"EXPFW_MONGODB_URL": url})
    assert "password" in synced.message()
    assert "wr0ng-one" not in synced.text


def test_a_malformed_address_is_said_and_the_run_goes_on(lab: Lab) -> None:
    outcome = with_database(lab, "not an address").ok()
    assert outcome.text.count("kedro experiment sync") == 1
    assert "EXPFW_MONGODB_URL" in outcome.text


def test_credentials_name_the_database(own_lab: Lab, mongod_with_password: Mongod) -> None:
    local = own_lab.project.path / "config" / "local" / "credentials.yml"
    local.write_text(f"mongodb:\n  url: {mongod_with_password.uri}\n", encoding="utf-8")
    own_lab.run().ok()
    status(mongod_with_password, 1, "COMPLETED")
