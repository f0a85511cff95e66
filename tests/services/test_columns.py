"""Columns of Omniboard's table: each is made once, however many make it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest

from expfw.database.omniboard import COLUMNS, show_columns

pytestmark = pytest.mark.services

NAMES = ["validation_accuracy", "test_accuracy", "validation_r2"]


def test_many_at_once_make_each_column_once(database_url: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](database_url) as client, ThreadPoolExecutor(32) as pool:
        database = client.get_default_database()
        list(pool.map(lambda _: show_columns(database, NAMES), range(64)))
        columns = list(database[COLUMNS].find({}, {"_id": False}))
    assert sorted(column["name"] for column in columns) == sorted(NAMES)
    assert all(column["config_path"] == column["name"] for column in columns)


def test_a_column_that_was_removed_does_not_come_back(database_url: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](database_url) as client:
        database = client.get_default_database()
        show_columns(database, NAMES)
        database[COLUMNS].delete_one({"name": "test_accuracy"})
        assert show_columns(database, ["test_accuracy", "test_r2"]) == [*NAMES, "test_r2"]
        assert {column["name"] for column in database[COLUMNS].find()} == {*NAMES, "test_r2"} - {"test_accuracy"}
