"""What ``compose.yaml`` runs in its containers, run here on a real server: user, health checks, no secret in sight."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest
from pymongo.errors import OperationFailure
from services.omniboard import PASSWORD, Omniboard, address, content, health_check, set_up
from services.server import Mongod

from expfw.database.address import Address

pytestmark = pytest.mark.services


@pytest.fixture
def server(mongod_binary: Path, tmp_path: Path) -> Iterator[Mongod]:
    """A server as the container sets it up."""
    server = Mongod(mongod_binary, tmp_path / "mongod")
    yield set_up(server)
    server.kill()


@pytest.fixture
def omniboard(server: Mongod, tmp_path: Path) -> Iterator[Omniboard]:
    """Omniboard on that server; it looks after the database twice a second."""
    omniboard = Omniboard(server, tmp_path, patience=500)
    yield omniboard.start()
    omniboard.stop()


@contextmanager
def command_lines() -> Iterator[list[str]]:
    """All command lines that were seen while the block ran, in this list when it has ended."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            seen.update(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    found: list[str] = []
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
        found.extend(seen)


def client(url: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(url, serverSelectionTimeoutMS=5000)


def test_the_user_may_do_everything_in_the_teams_database_and_nothing_elsewhere(server: Mongod) -> None:
    assert Address.parse(address(server)).database == "experiments"
    with client(address(server)) as team:
        team.experiments.runs.insert_one({"_id": 1})
        assert team.experiments.runs.count_documents({}) == 1
        with pytest.raises(OperationFailure):
            team.other.runs.insert_one({"_id": 1})
        with pytest.raises(OperationFailure):
            team.admin.command("createUser", "thief", pwd="x", roles=["root"])


def test_the_user_changes_the_password(server: Mongod) -> None:
    with client(address(server)) as team:
        team.experiments.command("updateUser", "expfw", pwd="another")
    with client(f"mongodb://expfw:another@127.0.0.1:{server.port}/experiments") as team:
        assert team.experiments.runs.count_documents({}) == 0
    with client(address(server)) as team, pytest.raises(OperationFailure):
        team.experiments.runs.find_one()


def test_nobody_reads_without_the_password(server: Mongod) -> None:
    with client(f"mongodb://127.0.0.1:{server.port}") as nobody, pytest.raises(OperationFailure):
        nobody.experiments.runs.find_one()


def test_the_databases_health_check_tells_whether_it_answers_and_takes_the_password(
    server: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"127.0.0.1:{server.port}"
    assert health_check("mongodb", place) == 0
    with monkeypatch.context() as patch:
        patch.setattr("services.omniboard.PASSWORD", "another")
        assert health_check("mongodb", place) != 0
    server.stop()
    assert health_check("mongodb", place) != 0


def test_omniboards_health_check_tells_whether_it_reads_from_the_database(omniboard: Omniboard) -> None:
    place = f"127.0.0.1:{omniboard.port}"
    assert health_check("omniboard", place) == 0
    omniboard.server.stop()
    assert health_check("omniboard", place) != 0


def test_omniboard_ends_when_the_database_is_gone_so_that_it_is_started_anew(omniboard: Omniboard) -> None:
    """Left to itself it would go on without the database, also when that is back."""
    assert omniboard.process is not None
    omniboard.server.stop()
    assert omniboard.process.wait(timeout=30) == 1
    omniboard.server.start()
    omniboard.start()
    assert health_check("omniboard", f"127.0.0.1:{omniboard.port}") == 0


def test_the_password_is_on_no_command_line_and_in_no_log(mongod_binary: Path, tmp_path: Path) -> None:
    server = Mongod(mongod_binary, tmp_path / "mongod")
    omniboard = Omniboard(server, tmp_path)
    with command_lines() as seen:
        try:
            set_up(server)
            omniboard.start()
            health_check("mongodb", f"127.0.0.1:{server.port}")
            health_check("omniboard", f"127.0.0.1:{omniboard.port}")
        finally:
            omniboard.stop()
            server.kill()
    for program in ("mongosh", "omniboard/dist/start.js", "db.auth(", "fetch("):
        assert any(program in line for line in seen), f"{program} was not seen"
    said = [*seen, server.log, omniboard.log]
    encoded = address(server).split(":")[2].split("@")[0]
    assert [text for text in said for secret in (PASSWORD, encoded) if secret in text] == []


def test_the_shell_sends_nothing_about_its_use(tmp_path: Path) -> None:
    assert content("mongosh").split() == ["mongosh:", "enableTelemetry:", "false"]
