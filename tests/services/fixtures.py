"""Fixtures with a real database server, for any folder of tests: its ``conftest.py`` imports the names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from services.server import Mongod, find_binary

from expfw.database.address import Address
from expfw.database.store import Store

_databases = itertools.count()


@pytest.fixture(scope="session")
def mongod_binary() -> Path:
    """The server's program."""
    return find_binary()


@pytest.fixture
def mongod(mongod_binary: Path, tmp_path: Path) -> Iterator[Mongod]:
    """A running server of the test's own, to do anything to."""
    server = Mongod(mongod_binary, tmp_path / "mongod")
    yield server.start()
    server.end()


@pytest.fixture
def mongod_with_password(mongod_binary: Path, tmp_path: Path) -> Iterator[Mongod]:
    """The same, but it asks for a password."""
    server = Mongod(mongod_binary, tmp_path / "mongod", auth=True)
    yield server.start()
    server.end()


@pytest.fixture(scope="session")
def shared_mongod(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A running server that all tests of a process share: leave it running."""
    server = Mongod(mongod_binary, tmp_path_factory.mktemp("mongod"))
    yield server.start()
    server.end()


@pytest.fixture
def database_url(shared_mongod: Mongod) -> str:
    """The address of an empty database of the test's own on the shared server."""
    return shared_mongod.url(f"test_{next(_databases)}")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A connection to that database."""
    with Store(Address.parse(database_url)) as store:
        yield store


@pytest.fixture
def database(store: Store) -> Database[dict[str, Any]]:
    """That database, as the test's own eyes see it."""
    found: Database[dict[str, Any]] = store._database
    return found


@pytest.fixture
def faulty_mongod(mongod_binary: Path, tmp_path: Path) -> Iterator[Mongod]:
    """A running server that can be told to fail, see :meth:`services.server.Mongod.fail`."""
    server = Mongod(mongod_binary, tmp_path / "mongod", options=("--setParameter", "enableTestCommands=1"))
    yield server.start()
    server.end()
