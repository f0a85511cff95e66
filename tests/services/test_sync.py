"""Bringing a whole result folder to a real database: what is missing and nothing else, said in a few lines."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from runs.lab import Lab, trial, wait_for
from services.folders import HERE, make_experiment, running, write
from services.server import PASSWORD, USER, Mongod, free_port
from services.test_upload import assert_nothing_left_over, content

from expfw.database import synchronise as module
from expfw.database.address import Address
from expfw.database.store import Store
from expfw.database.synchronise import Candidate, synchronise
from expfw.database.upload import Upload, place_of, upload
from expfw.errors import DatabaseError, RecordError
from expfw.run.folder import ResultFolder

pytestmark = pytest.mark.services


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three experiments."""
    for number in (1, 2, 3):
        make_experiment(tmp_path / "project" / "result", number)
    return tmp_path / "project" / "result"


def test_all_that_is_missing_is_brought_and_then_nothing(
    store: Store, database: Database[dict[str, Any]], root: Path
) -> None:
    upload(ResultFolder(root / "result_experiment_2"), store)
    report = synchronise(root, store)
    assert (report.uploaded, report.unchanged, report.failed) == ({1: 1, 3: 3}, [2], {})
    before = content(database)
    report = synchronise(root, store)
    assert (report.uploaded, report.unchanged) == ({}, [1, 2, 3])
    assert content(database) == before
    assert_nothing_left_over(database)


def test_only_the_experiments_that_are_asked_for_are_brought(store: Store, root: Path) -> None:
    assert synchronise(root, store, [3]).uploaded == {3: 3}
    with pytest.raises(RecordError, match="there is no experiment 9"):
        synchronise(root, store, [9])


def test_what_changed_is_brought_again(store: Store, database: Database[dict[str, Any]], root: Path) -> None:
    synchronise(root, store)
    write(root / "result_experiment_2" / "report" / "index.html", "other")
    assert synchronise(root, store).uploaded == {2: 2}
    assert_nothing_left_over(database)


def test_a_database_that_was_emptied_is_filled_again_whatever_the_marks_say(
    store: Store, database: Database[dict[str, Any]], root: Path
) -> None:
    synchronise(root, store)
    for name in ("runs", "metrics", "fs.files", "fs.chunks"):
        database[name].delete_many({})
    assert synchronise(root, store).uploaded == {1: 1, 2: 2, 3: 3}
    assert_nothing_left_over(database)


def test_numbers_of_other_people_are_left_to_them_and_told(
    store: Store, database: Database[dict[str, Any]], root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "colleague" / "result"
    for number in (1, 2):
        make_experiment(other, number, uuid=f"colleague's {number}", result=number)
    synchronise(other, store)
    theirs = list(database.runs.find())
    report = synchronise(root, store)
    assert report.renumbered == {1: 3, 2: 4, 3: 5}
    assert list(database.runs.find({"_id": {"$lt": 3}})) == theirs
    assert [entry["expfw"]["local_id"] for entry in database.runs.find({"_id": {"$gt": 2}})] == [1, 2, 3]
    assert synchronise(root, store).unchanged == synchronise(root, store).unchanged == [1, 2, 3]
    assert synchronise(other, store).unchanged == [1, 2]


def test_a_running_experiment_is_left_to_its_run_and_a_killed_one_is_brought(store: Store, root: Path) -> None:
    running(ResultFolder(root / "result_experiment_1"), HERE)
    running(ResultFolder(root / "result_experiment_2"), {**HERE, "created": 0})
    report = synchronise(root, store)
    assert (report.running, report.uploaded) == ([1], {2: 2, 3: 3})
    assert synchronise(root, store).unchanged == [2, 3]


def test_a_copied_folder_is_not_a_second_experiment(store: Store, root: Path) -> None:
    for copy in (7, 8):
        make_experiment(root, copy, uuid="result-2", files={"log/run.json": {"id": 2, "uuid": "result-2"}})
    for number in (11, 12):
        make_experiment(root, number, uuid="moved", files={"log/run.json": {"id": 12, "uuid": "moved"}})
    report = synchronise(root, store)
    assert (report.uploaded, report.copies) == ({1: 1, 2: 2, 3: 3, 12: 12}, {7: 2, 8: 2, 11: 12})


def test_a_folder_that_is_in_the_way_does_not_keep_the_others(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(folder: ResultFolder, store: Store, **options: Any) -> Upload:
        if folder.id < 3:
            raise [DatabaseError("it is odd", hopeless=False), ZeroDivisionError()][folder.id - 1]
        return upload(folder, store, **options)

    monkeypatch.setattr(module, "upload", faulty)
    report = synchronise(root, store)
    assert report.uploaded == {3: 3}
    assert report.failed == {1: "it is odd", 2: "ZeroDivisionError while it was read"}
    assert not report.stopped


def test_placeholders_of_runs_that_never_came_are_given_back(
    store: Store, database: Database[dict[str, Any]], root: Path
) -> None:
    places = {"forgotten": place_of(root), "young": place_of(root), "result-1": place_of(root), "other": "elsewhere"}
    numbers = {uuid: store.reserve(1, {"uuid": uuid, "place": place}) for uuid, place in places.items()}
    old = {"_id": {"$ne": numbers["young"]}}
    stamp = {"$dateSubtract": {"startDate": "$$NOW", "unit": "hour", "amount": 2}}
    database.runs.update_many(old, [{"$set": {"expfw.reserved_at": stamp}}])
    report = synchronise(root, store)
    assert report.returned == [numbers["forgotten"]]
    assert report.uploaded[1] == numbers["result-1"]
    assert {entry["_id"] for entry in database.runs.find({"expfw.reserved": True})} == {
        numbers["young"],
        numbers["other"],
    }


def test_a_database_that_dies_in_the_middle_stops_the_work_which_goes_on_the_next_time(
    mongod: Mongod, tmp_path: Path
) -> None:
    for number in range(1, 11):
        make_experiment(tmp_path / "result", number)

    def killing(candidates: Sequence[Candidate]) -> Iterable[Candidate]:
        for place, candidate in enumerate(candidates):
            if place == 4:
                mongod.kill()
            yield candidate

    started = time.monotonic()
    with Store(Address.parse(mongod.uri), timeout=0.5) as store:
        report = synchronise(tmp_path / "result", store, progress=killing)
    assert list(report.uploaded) == [1, 2, 3, 4]
    assert list(report.failed) == [5, 6]
    assert report.stopped
    assert time.monotonic() - started < 6
    mongod.start()
    with Store(Address.parse(mongod.uri)) as store:
        report = synchronise(tmp_path / "result", store)
    assert report.unchanged == [1, 2, 3, 4]
    assert list(report.uploaded) == [5, 6, 7, 8, 9, 10]


def test_one_experiment_too_many_for_the_line_does_not_stop_the_rest(faulty_mongod: Mongod, root: Path) -> None:
    """A single request that is not answered is no proof that the database is away."""
    with Store(Address.parse(faulty_mongod.uri)) as store:
        store.known()
        faulty_mongod.fail(14031, "insert", times=1)
        report = synchronise(root, store)
    assert (list(report.failed), list(report.uploaded), report.stopped) == ([1], [2, 3], "")


# The command


def sync(lab: Lab, url: str, *args: str) -> Any:
    """``kedro experiment sync`` to its end."""
    return lab.kedro("experiment", "sync", *args, env={"EXPFW_MONGODB_URL": url})


def test_the_command_brings_real_runs_and_says_what_it_did(lab: Lab, mongod: Mongod) -> None:
    lab.run().ok()
    lab.run({"model": trial("Faulty", at="fit")})
    first = sync(lab, mongod.uri).ok()
    assert first.out == f"mongodb://127.0.0.1:{mongod.port}/experiments: 2 uploaded, 0 up to date already\n"
    assert sync(lab, mongod.uri).ok().out.endswith("0 uploaded, 2 up to date already\n")
    with mongod.client() as client:
        entries = list(client.experiments.runs.find())
        assert [entry["status"] for entry in entries] == ["COMPLETED", "FAILED"]
        assert entries[0]["result"]["validation"]["accuracy"] == lab_accuracy(lab)
        assert "Faulty" in "".join(entries[1]["fail_trace"])
        assert_nothing_left_over(client.experiments)


def lab_accuracy(lab: Lab) -> float:
    metrics = json.loads((lab.root / "result_experiment_1" / "report" / "validation_metrics.json").read_text())
    return float(metrics["accuracy"]["mean"])


def test_the_command_gives_json_to_programs(lab: Lab, mongod: Mongod) -> None:
    for number in (1, 2):
        make_experiment(lab.root, number)
    with mongod.client() as client:
        client.experiments.runs.insert_one({"_id": 1})
    report = json.loads(sync(lab, mongod.uri, "1", "--format", "json").ok().out)
    assert report["uploaded"] == {"1": 2}
    assert report["renumbered"] == {"1": 2}
    text = sync(lab, mongod.uri).ok().out
    assert "1 uploaded, 1 up to date already\nexperiment 2 is number 3 there, since 2 is somebody else's" in text


@pytest.mark.parametrize("numbers", [["0"], ["x"], ["7"]])
def test_the_command_refuses_a_number_that_is_none(lab: Lab, shared_mongod: Mongod, numbers: list[str]) -> None:
    assert sync(lab, shared_mongod.url("unused"), *numbers).message()


def test_the_command_says_where_an_address_belongs(lab: Lab) -> None:
    message = sync(lab, "").message()
    assert "config/local/credentials.yml" in message
    assert "EXPFW_MONGODB_URL" in message


def test_the_command_ends_with_one_message_when_the_database_is_away(lab: Lab) -> None:
    make_experiment(lab.root, 1)
    port = free_port()
    outcome = sync(lab, f"mongodb://{USER}:{PASSWORD}@127.0.0.1:{port}/team")
    assert outcome.code == 1
    assert outcome.message() == f"Error: the database mongodb://127.0.0.1:{port}/team cannot be reached"
    assert PASSWORD not in outcome.text


def test_the_command_ends_with_one_message_when_the_password_is_wrong(lab: Lab, mongod_with_password: Mongod) -> None:
    make_experiment(lab.root, 1)
    outcome = sync(lab, mongod_with_password.url(password="wr0ng-Pa55"))
    assert outcome.message().endswith("refuses the user or the password")
    assert "wr0ng-Pa55" not in outcome.text


def test_the_command_takes_the_address_from_the_projects_credentials(
    own_lab: Lab, mongod_with_password: Mongod
) -> None:
    make_experiment(own_lab.root, 1)
    where = own_lab.project.path / "config" / "local" / "credentials.yml"
    where.write_text(f'mongodb:\n  url: "{mongod_with_password.uri}"\n')
    outcome = own_lab.kedro("experiment", "sync").ok()
    assert "1 uploaded" in outcome.out
    assert PASSWORD not in outcome.text


def test_the_command_names_what_failed_and_exits_with_1(lab: Lab, faulty_mongod: Mongod) -> None:
    for number in (1, 2, 3):
        make_experiment(lab.root, number)
    sync(lab, faulty_mongod.uri, "1").ok()
    faulty_mongod.fail(14031, "insert")
    outcome = sync(lab, faulty_mongod.uri)
    assert outcome.code == 1
    assert "0 uploaded, 1 up to date already, 2 failed" in outcome.out
    assert (
        "is full; call 'kedro experiment sync' again when that is mended, it goes on where it was" in outcome.message()
    )
    faulty_mongod.fail(0)
    assert "2 uploaded, 1 up to date already" in sync(lab, faulty_mongod.uri).ok().out


def test_a_command_that_is_killed_goes_on_where_it_was(lab: Lab, mongod: Mongod) -> None:
    for number in range(1, 41):
        make_experiment(lab.root, number, files={"report/part.bin": random.Random(number).randbytes(1_000_000)})

    def there() -> int:
        with mongod.client() as client:
            return client.experiments.runs.count_documents({"status": "COMPLETED"})

    def passed(number: int) -> bool:
        return there() > number

    for already in (1, 15):
        command = lab.start("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri})
        wait_for("the first experiments", partial(passed, already))
        command.send(signal.SIGKILL)
        assert command.wait().code == -signal.SIGKILL
    before = there()
    assert before < 40, "it was too quick to be killed"
    assert f"{40 - before} uploaded, {before} up to date already" in sync(lab, mongod.uri).ok().out
    with mongod.client() as client:
        assert_nothing_left_over(client.experiments)


def test_ctrl_c_ends_the_command_without_a_traceback(lab: Lab, mongod: Mongod) -> None:
    make_experiment(lab.root, 1, files={"report/large.bin": bytes(300_000_000)})
    command = lab.start("experiment", "sync", env={"EXPFW_MONGODB_URL": mongod.uri})

    def begun() -> bool:
        with mongod.client() as client:
            return client.experiments.fs.chunks.find_one() is not None

    wait_for("the first part of a file", begun)
    command.send(signal.SIGINT)
    outcome = command.wait()
    assert outcome.code not in (0, None)
    assert "Traceback" not in outcome.text


def test_on_a_terminal_a_bar_shows_how_far_it_is(lab: Lab, mongod: Mongod) -> None:
    for number in range(1, 21):
        make_experiment(lab.root, number)
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "EXPFW_MONGODB_URL": mongod.uri,
        "EXPFW_RESULT_ROOT": str(lab.root),
        "PYTHONPATH": str(lab.project.path / "src"),
        "TERM": "xterm",
    }
    command = [sys.executable, "-m", "kedro", "experiment", "sync"]
    process = subprocess.Popen(command, cwd=lab.project.path, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 10_000):
            said += part
    except OSError:  # the terminal is gone with the process
        pass
    assert process.wait() == 0
    text = said.decode()
    assert "bringing experiments to the database" in text
    assert "20 uploaded" in text
