"""The file ``result/.experiments``: rows of the overview, kept so that experiments that have ended are not read again.

It holds a line for each row, and one for each section of settings, which many rows share: a checksum of the line, then
JSON. A row's line begins with the stamp of the files that it was made from. The folders are the truth: a row whose
stamp is not that of the files now is read anew, and so is one whose line is lacking, torn or altered, whose section is,
or whose run has not ended. New lines are appended by a single write, the last one of an experiment counts; a file that
grew to twice what it needs is written anew, atomically. It can be deleted at any time.
"""

from __future__ import annotations

import gc
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from expfw.index.reading import SOURCES, read_row
from expfw.index.row import Row, Settings
from expfw.index.stamp import is_settled, stamp_of
from expfw.run.files import atomic
from expfw.run.folder import ResultFolder, experiment_names

INDEX = ".experiments"
"""Name of the file, in the folder of all experiments."""

ENDED = frozenset(("COMPLETED", "FAILED", "INTERRUPTED"))
"""States that only a change of files can change."""

WIDTH = 18
"""Parts of a row's line."""

SLACK = 100
"""Lines that may be in vain before the file is written anew."""


def read_index(root: Path) -> list[Row]:
    """All experiments by ascending N, as their folders tell them.

    Args:
        root: folder of all experiments. If it cannot be written to, nothing is kept, and the rows are right as well.

    Example:
        >>> read_index(Path("no such folder"))
        []
    """
    with without_collections():
        names = experiment_names(root)
        index = _Index(root, *_kept(root))
        rows = [index.row(number, name) for number, name in names]
        index.write()
    return rows


@contextmanager
def without_collections() -> Iterator[None]:
    """Python's search for cycles takes longer than all else where so many objects come to be, none of them in one."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():  # what came to be counts as old, or the next object would have it searched
                gc.freeze()
                gc.unfreeze()
            gc.enable()


_Sections = dict[str, dict[str, Any]]
"""By digest, the settings of a section."""


def _kept(root: Path) -> tuple[int, dict[str, list[Any]], _Sections]:
    """How many lines there are, the rows by the names of their folders, and the sections; whole lines only."""
    lines, rows, sections = 0, dict[str, list[Any]](), _Sections()
    with suppress(OSError), (root / INDEX).open("rb") as file:
        for line in file:
            lines += 1
            entry = _entry(line)
            if isinstance(entry, dict):
                sections.update(entry)
            elif isinstance(entry, list) and len(entry) == WIDTH:
                rows[entry[0]] = entry
    return lines, rows, sections


def _entry(line: bytes) -> Any:
    """What a line holds; None if it is torn or altered, or no JSON."""
    text = line[9:-1]
    with suppress(ValueError):
        return orjson.loads(text) if line[:9] == b"%08x " % zlib.crc32(text) else None
    return None


def _line(entry: Any) -> bytes:
    """An entry as a line.

    Raises:
        ValueError: if it would not come back as it is (not-a-number, whole numbers above 64 bits, half of a character).
    """
    try:
        text = orjson.dumps(entry)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if orjson.loads(text) != entry:
        raise ValueError("there is no JSON for it")
    return b"%08x %b\n" % (zlib.crc32(text), text)


@dataclass
class _Index:
    """What is kept, and what has to be added to it.

    Args:
        root: folder of all experiments.
        lines: of the file.
        rows: those on it.
        sections: those on it.
    """

    root: Path
    lines: int
    rows: dict[str, list[Any]]
    sections: _Sections
    valid: list[str] = field(default_factory=list)
    added: list[bytes] = field(default_factory=list)

    def row(self, number: int, name: str) -> Row:
        """An experiment's row, from the file if it is still right, else from the folder."""
        folder = f"{self.root}/{name}"
        stamp = stamp_of(folder, SOURCES)
        entry = self.rows.get(name)
        if entry is not None and entry[1] == stamp:
            with suppress(KeyError, TypeError, ValueError):
                row = self._restored(number, name, entry)
                self.valid.append(name)
                return row
        settled = is_settled(folder, SOURCES)
        row = read_row(ResultFolder(self.root / name))
        if row.status in ENDED and settled:
            with suppress(ValueError):
                self._add(name, stamp, row)
        return row

    def _restored(self, number: int, name: str, entry: list[Any]) -> Row:
        _, _, sections, title, status, description, tags, started, stopped, seconds, metrics, parents, *rest = entry
        error, digest, data, folds, findings, search = rest
        return Row(
            id=number,
            name=title,
            status=status,
            description=description,
            tags=tuple(tags),
            started=started,
            stopped=stopped,
            seconds=seconds,
            settings=Settings(tuple([self.sections[key] for key in sections])),
            metrics=metrics,
            parents=tuple(parents),
            path=self.root / name,
            error=error,
            hash=digest,
            data=data,
            folds=folds,
            findings=tuple(findings),
            search=search,
        )

    def _add(self, name: str, stamp: int, row: Row) -> None:
        described = [row.name, row.status, row.description, list(row.tags), row.started, row.stopped, row.seconds]
        measured = [row.metrics, list(row.parents), row.error, row.hash, row.data, row.folds, list(row.findings)]
        measured.append(row.search)
        shared = row.settings.sections if isinstance(row.settings, Settings) else (dict(row.settings),)
        sections = {_digest(section): section for section in shared}
        entry = [name, stamp, list(sections), *described, *measured]
        lines = [_line({key: section}) for key, section in sections.items() if key not in self.sections]
        self.added += [*lines, _line(entry)]
        self.sections |= {key: section for key, section in sections.items() if key not in self.sections}
        self.rows[name] = entry
        self.valid.append(name)

    def write(self) -> None:
        """Add what is new, or write everything anew if most of the file is in vain."""
        with suppress(OSError):
            if self.lines > 2 * (len(self.valid) + len(self.sections)) + SLACK:
                self._rewrite()
            elif self.added:
                self._append()

    def _append(self) -> None:
        """By a single write, beginning a line of its own: what another process left torn stays apart."""
        descriptor = os.open(self.root / INDEX, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, b"\n" + b"".join(self.added))
        finally:
            os.close(descriptor)

    def _rewrite(self) -> None:
        rows = [self.rows[name] for name in self.valid]
        used = dict.fromkeys(key for row in rows for key in row[2])
        with atomic(self.root / INDEX) as file:
            file.writelines(_line({key: self.sections[key]}) for key in used)
            file.writelines(map(_line, rows))


def _digest(section: dict[str, Any]) -> str:
    return hashlib.blake2b(repr(section).encode(), digest_size=10).hexdigest()
