"""What a run brings to the team's database holds no secret, not even the database's own password."""

from __future__ import annotations

import json
from collections.abc import Iterator

import gridfs
import pytest
from runs.lab import Lab
from runs.test_secrets import LEAKS, OF_A_SERVER, check_silence, environment, leaky, model, told, watched_processes
from services.server import PASSWORD, Mongod

pytestmark = pytest.mark.services

__all__ = ["leaky"]


def contents(mongod: Mongod) -> Iterator[tuple[str, bytes]]:
    """Name and content of whatever is in the database."""
    with mongod.client() as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            for document in database[name].find():
                yield name, json.dumps(document, default=repr, ensure_ascii=False).encode()
                yield name, repr(document).encode()
        for file in gridfs.GridFS(database).find():
            yield str(file.filename), file.read()


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_no_secret_gets_into_the_database(leaky: Lab, mongod_with_password: Mongod, ends: str) -> None:
    assert PASSWORD == OF_A_SERVER, "it is one of those that are looked for"
    url = mongod_with_password.uri
    variables = {**environment(leaky), "EXPFW_MONGODB_URL": url, "LEAK": json.dumps([url])}
    changes = {**model(ends=ends), "reports": [{"type": f"{LEAKS}.LeakingReport"}]}
    with watched_processes() as processes:
        outcome = leaky.begin(changes, env=variables).wait()
        leaky.kedro("experiment", "sync", env=variables).ok()
    found = dict.fromkeys(name for name, _ in contents(mongod_with_password))
    assert {"runs", "fs.files", "fs.chunks"} <= set(found)
    telling = [(name, told(content)) for name, content in contents(mongod_with_password)]
    assert [entry for entry in telling if entry[1]] == []
    assert any(b"(secret, not recorded)" in content for _, content in contents(mongod_with_password))
    check_silence(leaky, outcome, processes)
