"""A run's documents as they are stored: with the names that its files and metrics have in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import OperationFailure

from expfw.database.documents import RunState
from expfw.database.filestore import Kept, digest_of_content

Document = dict[str, Any]


def make_indexes(database: Any) -> None:
    """Ask for the indexes; those that are there cost a moment. Without the right to make them it works, but slowly."""
    unique: Document = {"unique": True, "partialFilterExpression": {"expfw.uuid": {"$exists": True}}}
    wanted: tuple[tuple[Any, list[tuple[str, int]], Document], ...] = (
        (database.runs, [("expfw.uuid", ASCENDING)], unique),
        (database.runs, [("expfw.uuid", ASCENDING), ("expfw.digest", ASCENDING), ("_id", ASCENDING)], {}),
        (database.metrics, [("run_id", ASCENDING), ("name", ASCENDING)], {}),
        (database.fs.files, [("filename", ASCENDING), ("uploadDate", ASCENDING)], {}),
        (database.fs.chunks, [("files_id", ASCENDING), ("n", ASCENDING)], {"unique": True}),
    )
    for collection, keys, options in wanted:
        with suppress(OperationFailure):
            collection.create_index(keys, **options)


def placeholder(own: Document, name: str) -> Document:
    """A document before its time, with what Omniboard cannot do without."""
    return {
        "experiment": {"name": name, "sources": []},
        "host": {"hostname": own.get("host")},
        "status": "QUEUED",
        "config": {},
        "captured_out": "",
        "info": {},
        "artifacts": [],
        "expfw": own,
    }


def kept_artifacts(state: RunState, id: int) -> list[Kept]:
    """An experiment's artifacts that can be read, by the names that Sacred's observer gives them."""
    made = ((file, digest_of_content(file, "sha256")) for file in state.artifacts)
    return [Kept(file, f"artifact://runs/{id}/{file.name}", digest, state.uuid) for file, digest in made if digest]


def kept_sources(state: RunState) -> list[Kept]:
    """An experiment's source files that can be read."""
    made = ((file, digest_of_content(file, "md5")) for file in state.sources)
    return [Kept(file, file.name, digest, "source", is_source=True) for file, digest in made if digest]


def whole_document(
    state: RunState, artifacts: Sequence[Kept], sources: Sequence[Kept], metrics: list[Document]
) -> Document:
    """An experiment's document.

    Args:
        state: the experiment.
        artifacts: its artifacts as they were kept.
        sources: its sources as they were kept.
        metrics: its curves' names and ids.
    """
    document = state.document
    info = document["info"] if isinstance(document["info"], Mapping) else {"info": document["info"]}
    return {
        **document,
        "experiment": {**document["experiment"], "sources": [[kept.file.name, kept.id] for kept in sources]},
        "artifacts": [{"name": kept.file.name, "file_id": kept.id} for kept in artifacts],
        "info": {**info, **({"metrics": metrics} if metrics else {})},
        "expfw": {**document["expfw"], **({"digest": state.digest} if state.ended else {})},
    }


def file_ids(document: Document) -> list[Any]:
    """The ids of a document's artifacts."""
    return [entry["file_id"] for entry in document.get("artifacts") or [] if "file_id" in entry]
