"""Files in the database, in the layout of GridFS: written in few requests, and so that cut off it can go on.

A file's id is made from what it is and what it holds. So two processes that bring the same file write the same thing,
what is there is not sent again, and what a killed process left of a file is completed, not left behind.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from bson import Binary, ObjectId
from pymongo.errors import BulkWriteError

from expfw.database.files import File

CHUNK = 255 * 1024
"""Bytes of one chunk, as GridFS has it."""

BATCH = 1_000_000
"""Bytes that are sent at once, about: so much fits into the time that one answer may take, on slow lines too."""

DUPLICATE = 11000
"""MongoDB's code for something that is there already."""


@dataclass(frozen=True)
class Kept:
    """A file as it is to be kept.

    Args:
        file: the file.
        filename: its name in the database.
        digest: MD5 of its content for a source, as Sacred looks it up, else SHA-256.
        owner: what goes into its id beside its content.
        is_source: whether it is a source, which experiments share.
    """

    file: File
    filename: str
    digest: str
    owner: str
    is_source: bool = False

    @cached_property
    def id(self) -> ObjectId:
        """Its id, always the same for the same content."""
        return made_id(self.owner, self.filename, self.digest)

    def entry(self, length: int) -> dict[str, Any]:
        """What the database notes of it."""
        mark = {"md5": self.digest} if self.is_source else {"metadata": {"sha256": self.digest, "uuid": self.owner}}
        return {
            "_id": self.id,
            "filename": self.filename,
            "length": length,
            "chunkSize": CHUNK,
            "uploadDate": datetime.now(UTC),
            "contentType": mimetypes.guess_type(self.filename)[0],
            **mark,
        }


def made_id(*parts: str) -> ObjectId:
    """An id that anybody makes from the same parts.

    Example:
        >>> made_id("a", "b") == made_id("a", "b") != made_id("ab", "")
        True
    """
    return ObjectId(hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:12])


def digest_of_content(file: File, method: str) -> str | None:
    """Checksum of a file's content; None if it cannot be read."""
    with suppress(OSError):
        if file.path is None:
            return hashlib.new(method, file.content, usedforsecurity=False).hexdigest()
        if file.path.stat().st_size <= BATCH:
            return hashlib.new(method, file.path.read_bytes(), usedforsecurity=False).hexdigest()
        with file.path.open("rb") as opened:
            return hashlib.file_digest(opened, lambda: hashlib.new(method, usedforsecurity=False)).hexdigest()
    return None


class FileStore:
    """The files of a database.

    Args:
        database: pymongo's database.
    """

    def __init__(self, database: Any) -> None:
        self.files, self.chunks = database.fs.files, database.fs.chunks

    def put(self, wanted: Sequence[Kept]) -> None:
        """Bring files that are not there yet. One that cannot be read, or changed meanwhile, is left out."""
        there = {
            entry["_id"] for entry in self.files.find({"_id": {"$in": [kept.id for kept in wanted]}}, {"_id": True})
        }
        missing = {kept.id: kept for kept in wanted if kept.id not in there}
        for batch in _batches(missing.values()):
            _insert(self.chunks, [_chunk(kept, number, data) for kept, number, data, _ in batch if data])
            _insert(self.files, [kept.entry(length) for kept, _, _, length in batch if length >= 0])

    def remove(self, ids: Sequence[ObjectId]) -> None:
        """Remove files; the entries first, so that no entry stands for a file that is half gone."""
        if ids:
            self.files.delete_many({"_id": {"$in": list(ids)}})
            self.chunks.delete_many({"files_id": {"$in": list(ids)}})


Piece = tuple[Kept, int, Binary, int]
"""A file, the number of a chunk, what the chunk holds, and with the last one the file's length (else -1)."""


def _chunk(kept: Kept, number: int, data: Binary) -> dict[str, Any]:
    return {"_id": made_id(str(kept.id), str(number)), "files_id": kept.id, "n": number, "data": data}


def _batches(wanted: Iterable[Kept]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    full = 0
    for kept in wanted:
        for piece in _pieces(kept):
            batch.append(piece)
            full += len(piece[2]) + 500
            if full >= BATCH:
                yield batch
                batch, full = [], 0
    if batch:
        yield batch


def _pieces(kept: Kept) -> Iterator[Piece]:
    """A file in chunks; the last one, which makes it a file, comes only if it all is what the digest says."""
    seen = hashlib.new("md5" if kept.is_source else "sha256", usedforsecurity=False)
    number, length, waiting = 0, 0, b""
    for data in _blocks(kept.file):
        if waiting:
            yield kept, number, Binary(waiting), -1
            number += 1
        seen.update(data)
        length += len(data)
        waiting = data
    if seen.hexdigest() == kept.digest:
        yield kept, number, Binary(waiting), length


def _blocks(file: File) -> Iterator[bytes]:
    if file.path is None:
        yield from (file.content[start : start + CHUNK] for start in range(0, len(file.content), CHUNK))
        return
    with suppress(OSError), file.path.open("rb") as opened:
        while block := opened.read(CHUNK):
            yield block


def _insert(collection: Any, documents: list[dict[str, Any]]) -> None:
    """Insert what is not there yet."""
    if not documents:
        return
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(fault.get("code") != DUPLICATE for fault in (error.details or {}).get("writeErrors", [])):
            raise
