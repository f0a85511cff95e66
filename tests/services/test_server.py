"""The server that other tests rely on: it starts, ends, hangs, and keeps its data."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest
from pymongo.errors import NetworkTimeout, OperationFailure, PyMongoError
from services.server import Mongod

pytestmark = pytest.mark.services


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_data_outlive_a_server_that_ends(mongod: Mongod, end: str) -> None:
    with mongod.client(journal=True) as client:  # what is not in its journal, a killed server may forget
        client.test.things.insert_one({"_id": 1})
    getattr(mongod, end)()
    mongod.start()
    with mongod.client() as client:
        assert client.test.things.count_documents({}) == 1


def test_a_frozen_server_holds_the_line_until_it_thaws(mongod: Mongod) -> None:
    with mongod.client(socketTimeoutMS=500, retryReads=False) as client:
        client.admin.command("ping")
        mongod.freeze()
        with pytest.raises(NetworkTimeout):
            client.admin.command("ping")
        mongod.thaw()
        client.admin.command("ping")


def test_a_server_with_a_password_refuses_a_wrong_one(mongod_with_password: Mongod) -> None:
    with mongod_with_password.client() as client:
        assert client.test.things.count_documents({}) == 0
    wrong = mongod_with_password.url(password="wrong")
    with pymongo.MongoClient[dict[str, Any]](wrong) as client, pytest.raises(OperationFailure):
        client.test.things.count_documents({})
    anonymous = f"mongodb://127.0.0.1:{mongod_with_password.port}"
    with pymongo.MongoClient[dict[str, Any]](anonymous) as client, pytest.raises(PyMongoError):
        client.test.things.count_documents({})
