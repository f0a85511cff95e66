"""The team's database: the only module that talks to MongoDB. Layout and names are those of Sacred's observer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import pymongo
from bson.errors import BSONError
from pymongo import DESCENDING, ReplaceOne
from pymongo.errors import ConfigurationError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from expfw.database.address import Address
from expfw.database.documents import RunState
from expfw.database.entries import (
    Document,
    file_ids,
    kept_artifacts,
    kept_sources,
    make_indexes,
    placeholder,
    whole_document,
)
from expfw.database.fields import MAX_VALUES
from expfw.database.filestore import FileStore, made_id
from expfw.database.omniboard import columns_of, show_columns, with_all_columns
from expfw.database.troubles import explained

TIMEOUT = 5.0
"""Seconds after which one request counts as unanswered. A frozen server costs that much, once."""

HIGHEST = 2**53
"""Numbers above are somebody's hashes or time stamps, nothing to count on from."""

OPTIONAL = ("stop_time", "fail_trace")
"""Fields that a document has only after certain endings."""


@dataclass(frozen=True)
class Known:
    """What the database has of an experiment.

    Args:
        id: its number there.
        digest: the state of its folder that was brought there whole; None while it runs, or was cut off.
    """

    id: Any
    digest: str | None


class Store:
    """A connection to the team's database; made on first use.

    Each method raises :class:`DatabaseError` if the database cannot be reached, refuses, is full or does not answer in
    time, and none takes much longer than ``timeout`` to find out.

    Args:
        address: where it is.
        timeout: seconds to wait for an answer, for each request.
    """

    def __init__(self, address: Address, *, timeout: float = TIMEOUT) -> None:
        self.address, self.timeout = address, timeout
        self._sent: dict[str, dict[str, tuple[Any, ...]]] = {}
        self._shown: list[str] | None = None

    @property
    def shown(self) -> str:
        """The database's address, as people may see it."""
        return self.address.shown

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        client = self.__dict__.pop("_client", None)
        self.__dict__.pop("_database", None)
        if client is not None:
            client.close()

    @cached_property
    def _client(self) -> pymongo.MongoClient[Document]:
        milliseconds = int(self.timeout * 1000)
        return pymongo.MongoClient(
            self.address.url,
            appname="expfw",
            connectTimeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            timeoutMS=milliseconds,
        )

    @cached_property
    def _database(self) -> Any:
        """The database, its indexes made."""
        self._client.admin.command("ping")  # a refusal is told as one, before anything else meets it
        database = self._client[self.address.database]
        make_indexes(database)
        return database

    def reach(self) -> None:
        """Wait for the server's first answer."""
        with self._translated():
            self._client.admin.command("ping")

    def reserve(self, minimum: int, owner: Mapping[str, str]) -> int:
        """Take a number that nobody has in the whole database, by a placeholder under it.

        Args:
            minimum: the least number wanted.
            owner: ``{"uuid": …}``, the identity of the experiment that will begin; with ``place``, see
                :func:`expfw.database.upload.place_of`, forgotten placeholders are cleared away later.
        """
        entry = placeholder({**owner, "reserved": True, "reserved_at": _now()}, "")
        with self._translated(), pymongo.timeout(self.timeout):
            return self._insert(max(minimum, self._highest() + 1), entry, self._lasting)

    def _highest(self) -> int:
        query = {"_id": {"$lt": HIGHEST}}  # compares with numbers alone, whatever else is used for ids
        last = self._database.runs.find_one(query, {"_id": True}, sort=[("_id", DESCENDING)])
        return 0 if last is None else max(int(last["_id"]), 0)

    @property
    def _lasting(self) -> Any:
        """The runs, to be written so that a server that is killed at the next moment has not forgotten."""
        return self._database.runs.with_options(write_concern=WriteConcern(w=1, j=True))

    def _insert(self, number: int, entry: Document, runs: Any, *, or_beyond: bool = False) -> int:
        """Insert an entry at ``number``, or at the next that is free; beyond all others if that is wanted.

        Raises:
            DuplicateKeyError: if the experiment has an entry already.
        """
        while True:
            try:
                runs.insert_one({"_id": number, **entry})
            except DuplicateKeyError as error:
                if not _is_about_id(error):
                    raise
                number = max(number, self._highest() if or_beyond else 0) + 1
            else:
                return number

    def release(self, id: int, owner: Mapping[str, str]) -> None:
        """Give a reserved number back; nothing happens if it was not reserved by ``owner``, or is in use."""
        with self._translated(), pymongo.timeout(self.timeout):
            self._database.runs.delete_one({"_id": id, "expfw.uuid": owner["uuid"], "expfw.reserved": True})

    def claim(self, uuid: str, number: int, name: str) -> int:
        """The number of an experiment: the one that it has, else ``number`` if it is free, else the next that is free.

        Args:
            uuid: the experiment's identity.
            number: the number wanted.
            name: the experiment's name.
        """
        with self._translated():
            while True:
                if (found := self._number_of(uuid)) is not None:
                    return found
                try:
                    return self._insert(number, placeholder({"uuid": uuid}, name), self._database.runs, or_beyond=True)
                except DuplicateKeyError:
                    continue  # another process brings the same experiment at this moment, and was first

    def _number_of(self, uuid: str) -> int | None:
        found = self._database.runs.find_one({"expfw.uuid": uuid}, {"_id": True})
        return None if found is None else int(found["_id"])

    def save(self, state: RunState, id: int) -> bool:
        """Bring an experiment's document up to date: files and metrics first, so that what is called complete is whole.

        Args:
            state: the experiment.
            id: its number, from :meth:`claim`.

        Returns:
            False if there is no document of this experiment under ``id`` any more; then nothing was overwritten.
        """
        sent = self._sent.pop(state.uuid, {})
        with self._translated():
            files = FileStore(self._database)
            artifacts, sources = kept_artifacts(state, id), kept_sources(state)
            files.put([*artifacts, *sources])
            metrics = self._save_metrics(state, id, sent)
            document = self._in_columns(whole_document(state, artifacts, sources, metrics))
            before = self._replace(state, id, document)
            if before is None:
                return False
            current = {kept.id for kept in artifacts}
            files.remove([old for old in file_ids(before) if old not in current])
        if not state.ended:
            self._sent[state.uuid] = sent
        return True

    def _replace(self, state: RunState, id: int, document: Document) -> Document | None:
        """Write the document's fields, those that people added to it aside; gives what it was before."""
        merged = {"$mergeObjects": ["$$fields", "$$ROOT", "$$fields"]}  # the fields' order is ours, too
        pipeline: list[Document] = [
            {"$replaceWith": {"$let": {"vars": {"fields": {"$literal": document}}, "in": merged}}},
            *({"$unset": name} for name in OPTIONAL if name not in document),
        ]
        before: Document | None = self._lasting.find_one_and_update(
            {"_id": id, "expfw.uuid": state.uuid}, pipeline, projection={"artifacts.file_id": True}
        )
        return before

    def _save_metrics(self, state: RunState, id: int, sent: dict[str, tuple[Any, ...]]) -> list[Document]:
        """Write the curves that changed since they were last written from here, which ``sent`` tells."""
        listed, requests, count = [], [], 0
        for metric in state.metrics:
            key, number = made_id(state.uuid, metric.name), len(metric.values)
            listed.append({"name": metric.name, "id": str(key)})
            last = (number, *(column[-1] for column in (metric.steps, metric.values, metric.timestamps) if column))
            if sent.get(metric.name) == last:
                continue
            sent[metric.name] = last
            requests.append(ReplaceOne({"_id": key}, {"_id": key, "run_id": id, **vars(metric)}, upsert=True))
            count += number
            if count > MAX_VALUES:
                self._write_metrics(requests)
                requests, count = [], 0
        self._write_metrics(requests)
        return listed

    def _write_metrics(self, requests: list[ReplaceOne[Document]]) -> None:
        if requests:
            with pymongo.timeout(self.timeout * 3):  # a curve of a hundred thousand values has five megabytes
                self._database.metrics.bulk_write(requests, ordered=False)

    def _in_columns(self, document: Document) -> Document:
        """Let Omniboard show the main metrics as columns. Without the right to do so, it shows the rest."""
        names = columns_of(document)
        if self._shown is None or not set(names) <= set(self._shown):
            with suppress(OperationFailure):
                self._shown = show_columns(self._database, names)
        return with_all_columns(document, self._shown or ())

    def known(self) -> dict[str, Known]:
        """Of all experiments in the database, by identity: number, and the state that was last brought whole."""
        fields = {"_id": True, "expfw.uuid": True, "expfw.digest": True}
        with self._translated():
            found = self._database.runs.find({"expfw.uuid": {"$gt": ""}}, fields)
            return {entry["expfw"]["uuid"]: Known(entry["_id"], entry["expfw"].get("digest")) for entry in found}

    def forgotten(self, ids: Sequence[int], place: str, age: timedelta) -> dict[int, str]:
        """Placeholders among ``ids`` that ``place`` reserved long ago: number → identity of what never came.

        Args:
            ids: numbers to look at.
            place: see :func:`expfw.database.upload.place_of`.
            age: how long ago at least.
        """
        query = {
            "_id": {"$in": list(ids)},
            "expfw.place": place,
            "expfw.reserved": True,
            "expfw.reserved_at": {"$lt": _now() - age},
        }
        with self._translated():
            found = self._database.runs.find(query, {"expfw.uuid": True})
            return {entry["_id"]: entry["expfw"]["uuid"] for entry in found}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Every trouble with the database as one sentence, without its full address."""
        try:
            yield
        except (PyMongoError, BSONError, OSError, OverflowError) as error:
            raise explained(error, self.address) from (None if isinstance(error, ConfigurationError) else error)


def _is_about_id(error: DuplicateKeyError) -> bool:
    details = error.details or {}
    return "_id" in details["keyPattern"] if "keyPattern" in details else "index: _id_ " in str(error)


def _now() -> datetime:
    """As Sacred writes time stamps: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)
