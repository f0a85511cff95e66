"""Real servers, and a project to run experiments in, for the tests of this folder."""

from browser.fixtures import browser
from services.fixtures import (
    database,
    database_url,
    faulty_mongod,
    mongod,
    mongod_binary,
    mongod_with_password,
    shared_mongod,
    store,
)

__all__ = [
    "browser",
    "database",
    "database_url",
    "faulty_mongod",
    "mongod",
    "mongod_binary",
    "mongod_with_password",
    "shared_mongod",
    "store",
]
