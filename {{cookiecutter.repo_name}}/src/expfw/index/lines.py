"""How rows are written down: lines of a checksum and JSON, each with some rows and the settings that they have.

A configuration consists of sections, most of which many experiments share; each is written once, with the first row
that has it. A line that is torn or altered is none, nor is one of another make.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from expfw.index.row import Row, Settings

AT_ONCE = 500
"""Rows of a line at most; as many are read anew where a line is torn."""

Entry = list[Any]
"""Name of the folder, stamp, digests of the sections, then what else a row has, in its order."""

Sections = dict[str, dict[str, Any]]
"""By digest, the settings of a section."""

WIDTH = 18
"""Parts of an entry."""


@dataclass
class Kept:
    """What a file holds.

    Args:
        rows: by the names of their folders, the last of each.
        sections: those that rows refer to.
        entries: how many rows there are, those that others replaced and lines that say nothing included.
    """

    rows: dict[str, Entry] = field(default_factory=dict)
    sections: Sections = field(default_factory=dict)
    entries: int = 0


def read_kept(path: Path) -> Kept:
    """What a file holds, as far as it is whole.

    Example:
        >>> read_kept(Path("no such file"))
        Kept(rows={}, sections={}, entries=0)
    """
    kept = Kept()
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            rows, sections = _content(line)
            kept.rows |= rows
            kept.sections |= sections
            kept.entries += len(rows) or len(line) > 1
    return kept


def _content(line: bytes) -> tuple[dict[str, Entry], Sections]:
    """Rows by the names of their folders, and sections; nothing of a line that is torn, altered or of another make."""
    text = memoryview(line)[9:-1]
    with suppress(ValueError, TypeError, LookupError):
        if line[:9] == b"%08x " % zlib.crc32(text):
            found = orjson.loads(text)
            sections = found["sections"]
            if set(map(len, found["rows"])) == {WIDTH} and isinstance(sections, dict):
                return {row[0]: row for row in found["rows"]}, sections
    return {}, {}


def restored(number: int, folder: str, entry: Entry, sections: Sections) -> Row:
    """The row of an entry.

    Args:
        number: of the experiment.
        folder: where it lies.
        entry: as it was written.
        sections: those of the file.

    Raises:
        KeyError: if a section that it refers to is lacking.
    """
    _, _, keys, name, status, description, tags, started, stopped, seconds, metrics, parents, *rest = entry
    error, digest, data, folds, findings, search = rest
    settings = Settings(tuple([sections[key] for key in keys]))
    return Row(
        number, name, status, description, tuple(tags), started, stopped, seconds, settings, metrics, tuple(parents),
        folder, error, digest, data, folds, tuple(findings), search,
    )  # fmt: skip


def dissected(name: str, stamp: int, row: Row) -> tuple[Entry, Sections]:
    """A row as what is written, and the sections that it refers to.

    Args:
        name: of its folder.
        stamp: that of the files that it was made from.
        row: the row.
    """
    shared = row.settings.sections if isinstance(row.settings, Settings) else (dict(row.settings),)
    sections = {_digest(section): section for section in shared}
    described = [row.name, row.status, row.description, list(row.tags), row.started, row.stopped, row.seconds]
    measured = [row.metrics, list(row.parents), row.error, row.hash, row.data, row.folds, list(row.findings)]
    return [name, stamp, list(sections), *described, *measured, row.search], sections


def _digest(section: dict[str, Any]) -> str:
    return hashlib.blake2b(repr(section).encode(), digest_size=10).hexdigest()


def lines(entries: Sequence[Entry], sections: Sections) -> Iterator[bytes]:
    """What to write, line by line; rows that would not come back as they are are left out.

    Those have not-a-number, whole numbers above 64 bits, or half of a character.

    Args:
        entries: the rows.
        sections: those of the sections that they refer to which are to be written.
    """
    left = dict(sections)
    for at in range(0, len(entries), AT_ONCE):
        some = entries[at : at + AT_ONCE]
        yield _line(some, left) or b"".join(_line([entry], left) for entry in some)


def _line(entries: Sequence[Entry], left: Sections) -> bytes:
    """Rows as a line, with those of the sections that are left to write; nothing if it would not come back as it is."""
    sections = {key: left[key] for entry in entries for key in entry[2] if key in left}
    content = {"rows": entries, "sections": sections}
    try:
        text = orjson.dumps(content)
    except TypeError:
        return b""
    if orjson.loads(text) != content:
        return b""
    for key in sections:
        del left[key]
    return b"%08x %b\n" % (zlib.crc32(text), text)
