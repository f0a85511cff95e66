"""Bringing an experiment to a real database: whole, once, under its own number or another, cut off wherever it is."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import gridfs
import psutil
import pytest
from pymongo.database import Database
from services.folders import CURVE, HERE, STARTED, make_experiment, running, write
from services.server import PASSWORD, Mongod

from baking import PROJECT
from expfw.database.address import Address
from expfw.database.files import File
from expfw.database.filestore import FileStore, Kept
from expfw.database.mark import Mark, read_mark
from expfw.database.store import Store
from expfw.database.upload import Upload, upload
from expfw.errors import DatabaseError
from expfw.run.folder import ResultFolder

pytestmark = pytest.mark.services


def content(database: Database[dict[str, Any]]) -> dict[str, Any]:
    """Everything in a database."""
    names = sorted(database.list_collection_names())
    return {name: list(database[name].find(sort=[("_id", 1)])) for name in names}


def artifacts(database: Database[dict[str, Any]], number: int = 1) -> dict[str, bytes]:
    """An experiment's artifacts, read as anybody reads files from MongoDB."""
    files = gridfs.GridFS(database)
    entry = database.runs.find_one({"_id": number}) or {}
    return {artifact["name"]: files.get(artifact["file_id"]).read() for artifact in entry["artifacts"]}


def assert_nothing_left_over(database: Database[dict[str, Any]]) -> None:
    """Each file belongs to a run, each chunk to a file, and no file is there twice."""
    named = set()
    for entry in database.runs.find():
        named |= {artifact["file_id"] for artifact in entry["artifacts"]}
        named |= {source for _, source in entry["experiment"]["sources"]}
    files = list(database.fs.files.find())
    assert {file["_id"] for file in files} == named
    assert set(database.fs.chunks.distinct("files_id")) == {file["_id"] for file in files if file["length"]}
    assert len({(file["filename"], file.get("md5")) for file in files}) == len(files)


def test_an_experiment_is_there_as_sacreds_observer_would_have_written_it(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    folder = make_experiment(tmp_path)
    assert upload(folder, store) == Upload(1, 1, "uploaded", complete=True)
    entry = database.runs.find_one({"_id": 1})
    assert entry is not None
    assert list(entry)[:4] == ["_id", "experiment", "host", "validation_accuracy"]
    assert (entry["status"], entry["experiment"]["name"]) == ("COMPLETED", "tree")
    assert entry["start_time"].isoformat() == STARTED
    (metric,) = database.metrics.find({"run_id": 1})
    assert metric["values"] == CURVE["values"]
    assert entry["info"]["metrics"] == [{"name": "validation.accuracy", "id": str(metric["_id"])}]
    found = artifacts(database)
    assert found["report.html"] == (folder.report / "index.html").read_bytes()
    assert found["config.json"] == (folder.log / "config.json").read_bytes()
    ((name, source),) = entry["experiment"]["sources"]
    assert (name, gridfs.GridFS(database).get(source).read()) == ("src/a.py", b"A = 1\n")
    assert database.fs.files.find_one({"filename": "src/a.py", "md5": hashlib.md5(b"A = 1\n").hexdigest()})
    assert read_mark(folder) == Mark(1, store.shown, entry["expfw"]["digest"], complete=True)
    assert_nothing_left_over(database)


def test_once_there_it_is_left_alone_and_again_it_is_the_same(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    folder = make_experiment(tmp_path)
    upload(folder, store)
    before = content(database)
    assert upload(folder, store).action == "unchanged"
    assert upload(folder, store, trusting=False).action == "uploaded"
    assert content(database) == before


def test_a_number_that_somebody_else_has_is_left_to_them_and_both_are_recorded(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    theirs = make_experiment(tmp_path / "theirs", 1, uuid="theirs")
    upload(theirs, store)
    database.runs.insert_one({"_id": 2, "status": "COMPLETED"})
    before = content(database)
    ours = make_experiment(tmp_path / "ours", 1, uuid="ours")
    assert upload(ours, store) == Upload(3, 1, "uploaded under another id", complete=True)
    after = content(database)
    assert [entry for entry in after["runs"] if entry["_id"] != 3] == before["runs"]
    assert [entry for entry in after["metrics"] if entry["run_id"] != 3] == before["metrics"]
    assert all(file in after["fs.files"] for file in before["fs.files"])
    entry = after["runs"][-1]
    assert (entry["_id"], entry["expfw"]["local_id"]) == (3, 1)
    mark = read_mark(ours)
    assert mark is not None
    assert (ours.id, mark.id) == (1, 3)
    write(ours.report / "index.html", "changed")
    assert upload(ours, store) == Upload(3, 1, "uploaded under another id", complete=True)


def test_a_number_that_was_reserved_for_it_is_its_own(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    assert store.reserve(1, {"uuid": "somebody"}) == 1
    assert store.reserve(1, {"uuid": "ours"}) == 2
    assert upload(make_experiment(tmp_path, 2, uuid="ours"), store).action == "uploaded"
    entry = database.runs.find_one({"_id": 2})
    assert entry is not None
    assert "reserved" not in entry["expfw"]


def test_sources_are_kept_once_for_all_experiments_that_have_them(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    for number in (1, 2):
        upload(make_experiment(tmp_path, number), store)
    upload(make_experiment(tmp_path, 3, files={"log/sources/src/a.py": "A = 2\n"}), store)
    assert database.fs.files.count_documents({"filename": "src/a.py"}) == 2
    assert_nothing_left_over(database)


def test_what_people_add_in_a_viewer_stays(store: Store, database: Database[dict[str, Any]], tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    upload(folder, store)
    added = {"omniboard": {"tags": ["best"], "notes": "look"}, "other": 1}
    database.runs.update_one({"_id": 1}, {"$set": added})
    write(folder.report / "index.html", "changed")
    upload(folder, store)
    entry = database.runs.find_one({"_id": 1})
    assert entry is not None
    assert {key: entry[key] for key in added} == added


def test_a_run_is_followed_from_its_first_file_to_its_end(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    folder = make_experiment(tmp_path)
    ended = (folder.log / "sacred" / "run.json").read_bytes()
    running(folder, HERE)
    steps: list[tuple[str, Any]] = [
        ("log/sacred/metrics.json", {"loss": {"steps": [0], "values": [1.0], "timestamps": [STARTED]}}),
        ("log/sacred/cout.txt", "fold 1\n"),
        ("log/sacred/metrics.json", {"loss": {"steps": [0, 1], "values": [1.0, 0.5], "timestamps": [STARTED] * 2}}),
    ]
    seen = []
    for name, what in steps:
        write(folder.path / name, what)
        assert not upload(folder, store).complete
        assert upload(folder, store).action == "unchanged"
        entry = database.runs.find_one({"_id": 1}) or {}
        metric = database.metrics.find_one({"run_id": 1, "name": "loss"}) or {}
        seen.append((entry["status"], entry["captured_out"], metric["values"], "digest" in entry["expfw"]))
    assert seen == [
        ("RUNNING", "it began\n", [1.0], False),
        ("RUNNING", "fold 1\n", [1.0], False),
        ("RUNNING", "fold 1\n", [1.0, 0.5], False),
    ]
    write(folder.log / "sacred" / "run.json", ended)
    assert upload(folder, store).complete
    entry = database.runs.find_one({"_id": 1}) or {}
    assert (entry["status"], "stop_time" in entry) == ("COMPLETED", True)
    assert {"experiment.log", "timing.json"} <= artifacts(database).keys()
    assert_nothing_left_over(database)


def test_a_run_that_goes_on_again_is_not_called_failed_any_more(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    folder = make_experiment(tmp_path, status="FAILED", fail_trace=["x\n"])
    upload(folder, store)
    running(folder, HERE)
    assert upload(folder, store) == Upload(1, 1, "uploaded", complete=False)
    entry = database.runs.find_one({"_id": 1}) or {}
    assert entry["status"] == "RUNNING"
    assert {"stop_time", "fail_trace"} & entry.keys() == set()
    assert "digest" not in entry["expfw"]


def test_a_killed_run_is_brought_when_nobody_else_does(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    folder = make_experiment(tmp_path)
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running(folder, {**HERE, "pid": run.pid, "created": psutil.Process(run.pid).create_time()})
    assert not upload(folder, store).complete
    run.kill()
    run.communicate()
    assert upload(folder, store).complete, "though no file has changed"
    assert upload(folder, store).action == "unchanged"
    entry = database.runs.find_one({"_id": 1}) or {}
    assert (entry["status"], entry["expfw"]["status"]) == ("RUNNING", "DEAD")


def test_a_curve_is_sent_again_only_when_it_has_grown(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a run goes on there may be a look every second, and a curve may have a hundred thousand values."""
    sent: list[int] = []
    monkeypatch.setattr(Store, "_write_metrics", lambda self, requests: sent.append(len(requests)))
    folder = make_experiment(tmp_path)
    running(folder, HERE)
    for number, curves in enumerate([{"a": CURVE}, {"a": CURVE}, {"a": CURVE, "b": CURVE}]):
        write(folder.log / "sacred" / "metrics.json", curves)
        write(folder.log / "sacred" / "cout.txt", str(number))
        upload(folder, store)
    assert sent == [1, 0, 1]


def test_a_file_that_changes_while_it_is_sent_is_no_file_yet(
    database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(b"more than there was")
    FileStore(database).put([Kept(File("growing.log", path), "growing.log", hashlib.sha256(b"more").hexdigest(), "u")])
    assert database.fs.files.count_documents({}) == 0


def test_an_empty_file_is_kept_too(store: Store, database: Database[dict[str, Any]], tmp_path: Path) -> None:
    upload(make_experiment(tmp_path, files={"report/empty.csv": "", "log/sources/src/__init__.py": ""}), store)
    assert artifacts(database)["empty.csv"] == b""
    assert_nothing_left_over(database)


def test_of_a_changed_artifact_the_old_version_goes(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    folder = make_experiment(tmp_path, files={"report/extra.csv": "a" * 600_000})
    upload(folder, store)
    write(folder.report / "index.html", "<h1>better</h1>")
    (folder.report / "extra.csv").unlink()
    upload(folder, store)
    assert artifacts(database)["report.html"] == b"<h1>better</h1>"
    assert "extra.csv" not in artifacts(database)
    assert_nothing_left_over(database)


def test_a_folder_that_cannot_be_marked_is_brought_all_the_same(store: Store, tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    (folder.log / "database.json" / "x").mkdir(parents=True)
    assert upload(folder, store).complete
    assert upload(folder, store).action == "uploaded"


def test_two_uploads_at_once_of_one_experiment_are_one(
    database_url: str, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    database.runs.insert_one({"_id": 1, "status": "COMPLETED"})
    folder = make_experiment(tmp_path, files={"report/large.bin": random.Random(1).randbytes(2_000_000)})
    start = threading.Barrier(8)

    def bring(_: int) -> Upload:
        with Store(Address.parse(database_url), timeout=30) as store:
            store.known()
            start.wait()
            return upload(folder, store, trusting=False)

    with ThreadPoolExecutor(8) as executor:
        ids = {done.id for done in executor.map(bring, range(8))}
    assert ids == {2}
    assert database.runs.count_documents({}) == 2
    assert database.metrics.count_documents({}) == 1
    assert artifacts(database, 2)["large.bin"] == (folder.report / "large.bin").read_bytes()
    assert_nothing_left_over_beside(database, {1})


def assert_nothing_left_over_beside(database: Database[dict[str, Any]], others: set[int]) -> None:
    database.runs.delete_many({"_id": {"$in": list(others)}})
    assert_nothing_left_over(database)


def test_two_people_who_bring_their_number_1_at_once_both_keep_theirs(database_url: str, tmp_path: Path) -> None:
    folders = [make_experiment(tmp_path / str(number), 1, uuid=str(number)) for number in range(10)]
    start = threading.Barrier(len(folders))

    def bring(folder: ResultFolder) -> Upload:
        with Store(Address.parse(database_url), timeout=30) as store:
            store.known()
            start.wait()
            return upload(folder, store)

    with ThreadPoolExecutor(len(folders)) as executor:
        assert sorted(done.id for done in executor.map(bring, folders)) == list(range(1, 11))


def test_a_document_that_is_removed_meanwhile_is_made_anew(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Store.save
    removals = [1]

    def interrupted(self: Store, *arguments: Any) -> bool:
        if removals:
            database.runs.delete_many({"_id": removals.pop()})
        return save(self, *arguments)

    monkeypatch.setattr(Store, "save", interrupted)
    assert upload(make_experiment(tmp_path), store).complete
    assert database.runs.count_documents({"status": "COMPLETED"}) == 1


UPLOADING = """
import sys
from pathlib import Path
from expfw.database.address import Address
from expfw.database.store import Store
from expfw.database.upload import upload
from expfw.run.folder import ResultFolder
store = Store(Address.parse(sys.argv[1]), timeout=30)
store.known()
print("begins", flush=True)
upload(ResultFolder(Path(sys.argv[2])), store)
print("done", flush=True)
"""


def start_upload(url: str, folder: ResultFolder) -> subprocess.Popen[str]:
    """A process that brings a folder, as soon as it begins."""
    command = [sys.executable, "-c", UPLOADING, url, str(folder.path)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    return process


def assert_whole_if_complete(database: Database[dict[str, Any]], folder: ResultFolder) -> bool:
    """What says that it is complete is; tells whether it says so."""
    entry = database.runs.find_one({"status": "COMPLETED"})
    if entry is None:
        return False
    found = artifacts(database)
    assert found["large.bin"] == (folder.report / "large.bin").read_bytes()
    assert found["report.html"] == (folder.report / "index.html").read_bytes()
    assert database.metrics.count_documents({"run_id": 1}) == len(entry["info"]["metrics"]) == 50
    return True


@pytest.fixture
def large(tmp_path: Path) -> ResultFolder:
    curves = {f"m{number}": CURVE for number in range(50)}
    files = {"report/large.bin": random.Random(2).randbytes(12_000_000), "log/sacred/metrics.json": curves}
    return make_experiment(tmp_path, files=files)


def test_an_upload_that_is_killed_at_any_moment_is_finished_by_the_next(
    database_url: str, database: Database[dict[str, Any]], large: ResultFolder
) -> None:
    chance, unfinished = random.Random(3), 0
    for _ in range(8):
        process = start_upload(database_url, large)
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        unfinished += not assert_whole_if_complete(database, large)
    with Store(Address.parse(database_url)) as store:
        assert upload(large, store) in (Upload(1, 1, "uploaded", True), Upload(1, 1, "unchanged", True))
    assert unfinished, "no upload was cut off: choose other moments"
    assert assert_whole_if_complete(database, large)
    assert database.runs.count_documents({}) == 1
    assert_nothing_left_over(database)


def test_a_server_that_dies_in_the_middle_fails_the_upload_and_has_it_all_the_next_time(
    mongod: Mongod, large: ResultFolder
) -> None:
    chance = random.Random(4)
    for _ in range(3):
        with Store(Address.parse(mongod.uri), timeout=1) as store:
            store.known()
            timer = threading.Timer(chance.uniform(0.005, 0.05), mongod.kill)
            timer.start()
            with suppress(DatabaseError):
                upload(large, store, trusting=False)
            timer.join()
        mongod.start()
        with mongod.client() as client:
            assert_whole_if_complete(client.experiments, large)
    with Store(Address.parse(mongod.uri)) as store, mongod.client() as client:
        assert upload(large, store, trusting=False).complete
        assert assert_whole_if_complete(client.experiments, large)
        assert_nothing_left_over(client.experiments)


def test_what_was_called_complete_outlives_a_server_that_is_killed_right_after(
    mongod: Mongod, large: ResultFolder
) -> None:
    with Store(Address.parse(mongod.uri)) as store:
        assert upload(large, store).complete
    mongod.kill()
    mongod.start()
    with mongod.client() as client:
        assert assert_whole_if_complete(client.experiments, large)


def test_a_server_that_hangs_in_the_middle_costs_seconds_and_has_it_all_after(
    mongod: Mongod, large: ResultFolder
) -> None:
    with Store(Address.parse(mongod.uri), timeout=1) as store:
        store.known()
        timer = threading.Timer(0.02, mongod.freeze)
        timer.start()
        started = time.monotonic()
        with pytest.raises(DatabaseError, match="did not answer in time"):
            upload(large, store)
        assert time.monotonic() - started < 5
        timer.join()
        mongod.thaw()
        assert upload(large, store).complete
        with mongod.client() as client:
            assert assert_whole_if_complete(client.experiments, large)
            assert_nothing_left_over(client.experiments)


def test_very_large_configurations_curves_outputs_and_artifacts_are_kept(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """20 MB of configuration, 100,000 and 300,000 scalars, 30 MB of output, an artifact of 40 MB."""
    config = {"model": {"type": "a.Tree", "params": {"depth": 3, "table": list(range(2_700_000))}}}
    curves = {
        name: {"steps": list(range(count)), "values": [1 / 3] * count, "timestamps": [STARTED] * count}
        for name, count in (("validation.a", 100_000), ("validation.b", 300_000))
    }
    files = {
        "log/config.json": config,
        "log/sacred/config.json": config,
        "log/sacred/metrics.json": curves,
        "log/sacred/cout.txt": "a line of output\n" * 1_800_000,
        "report/index.html": random.Random(5).randbytes(40_000_000),
    }
    folder = make_experiment(tmp_path, files=files)
    assert upload(folder, store).complete
    entry = database.runs.find_one({"_id": 1}) or {}
    assert entry["status"] == "COMPLETED"
    assert entry["config"]["model"]["params"]["depth"] == 3
    assert entry["captured_out"].endswith("a line of output\n")
    assert len(entry["expfw"]["notes"]) == 3
    lengths = {metric["name"]: (len(metric["values"]), metric["steps"][-1]) for metric in database.metrics.find()}
    assert lengths == {"validation.a": (100_000, 99_999), "validation.b": (100_000, 299_999)}
    found = artifacts(database)
    wholes = {
        "config.json": "log/config.json",
        "metrics.json": "log/sacred/metrics.json",
        "cout.txt": "log/sacred/cout.txt",
        "report.html": "report/index.html",
    }
    for artifact, name in wholes.items():
        assert found[artifact] == (folder.path / name).read_bytes()


def test_memory_does_not_grow_with_an_artifact(store: Store, tmp_path: Path) -> None:
    folder = make_experiment(tmp_path, files={"report/large.bin": bytes(200_000_000)})
    upload(make_experiment(tmp_path, 2), store)
    this = psutil.Process()
    highest, stop = [this.memory_info().rss], threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            highest.append(this.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    upload(folder, store)
    stop.set()
    thread.join()
    assert max(highest) - highest[0] < 40_000_000


RUBBISH: dict[str, bytes] = {
    "empty": b"",
    "torn": b'{"a": [1, 2',
    "binary": random.Random(6).randbytes(5000),
    "deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "very deep": b"[" * 100_000,
    "odd names": b'{"$a": 1, "a.b": {"$set": {"x.y": 1}}, "": 3, "\\u0000": 4, "_id": 5, "name": "\\udc00"}',
    "odd kinds": json.dumps(
        {key: [{"$a": 1}] for key in ("experiment", "host", "info", "meta", "result", "config")}
    ).encode(),
    "large numbers": b'{"a": 123456789012345678901234567890, "b": 1e999, "start_time": "0001-01-01T00:00:00"}',
    "early": b'{"start_time": "0001-01-01T00:00:00+14:00", "stop_time": "9999-12-31T23:59:59.999999"}',
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_the_database_takes_a_document_of_whatever_the_files_hold(
    store: Store, database: Database[dict[str, Any]], tmp_path: Path, rubbish: bytes
) -> None:
    names = """
    log/config.json log/sacred/config.json log/sacred/run.json log/sacred/metrics.json log/sacred/info.json
    log/sacred/cout.txt log/run.json report/validation_metrics.json report/sections/a.json log/sources/src/a.py
    """.split()
    for number, name in enumerate(names, start=1):
        folder = make_experiment(tmp_path, number, files={name: rubbish})
        assert upload(folder, store).complete, name
    upload(make_experiment(tmp_path, 50, files=dict.fromkeys(names, rubbish)), store)
    assert database.runs.count_documents({}) == len(names) + 1
    assert [entry["_id"] for entry in database.runs.find() if not entry["artifacts"]] == []


def test_the_password_is_in_nothing_that_an_upload_leaves(mongod_with_password: Mongod, tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    with Store(Address.parse(mongod_with_password.uri)) as store, mongod_with_password.client() as client:
        upload(folder, store)
        assert PASSWORD not in str(content(client.experiments))
    assert all(PASSWORD.encode() not in path.read_bytes() for path in tmp_path.rglob("log/**/*") if path.is_file())
