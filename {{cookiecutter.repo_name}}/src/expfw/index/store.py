"""The file ``result/.experiments``: rows of the overview, kept so that experiments that have ended are not read again.

How it is written is told in :mod:`expfw.index.lines`. The folders are the truth: a row whose stamp is not that of the
files now is read anew, and so is one whose line is lacking, torn or altered, whose settings are, or whose run has not
ended. New lines are appended by a single write, the last row of an experiment counts; a file that grew to twice what it
needs is written anew, atomically. It can be deleted at any time.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from expfw.index.lines import Kept, Sections, dissected, lines, read_kept, restored
from expfw.index.reading import SOURCES, read_row
from expfw.index.row import Row, Settings
from expfw.index.stamp import settled_stamp
from expfw.index.stamps import stamping
from expfw.run.files import atomic
from expfw.run.folder import ResultFolder, experiment_names

INDEX = ".experiments"
"""Name of the file, in the folder of all experiments."""

ENDED = frozenset(("COMPLETED", "FAILED", "INTERRUPTED"))
"""States that only a change of files can change."""

SLACK = 100
"""Rows that may be in vain before the file is written anew."""


def read_index(root: Path) -> list[Row]:
    """All experiments by ascending N, as their folders tell them.

    Args:
        root: folder of all experiments. If it cannot be written to, nothing is kept, and the rows are right as well.

    Example:
        >>> read_index(Path("no such folder"))
        []
    """
    names = experiment_names(root)
    known = [name for _, name in names] if (root / INDEX).is_file() else []
    with without_collections(), stamping(str(root), known, SOURCES) as stamps:
        index = _Index(root, read_kept(root / INDEX))
        likely = [index.likely(number, name) for number, name in names]
        stamped = stamps() if known else [None] * len(names)
        found = zip(names, likely, stamped, strict=True)
        rows = [index.row(name, row, stamp) for (_, name), row, stamp in found]
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


class _Index:
    """What is kept, and what has to be added to it.

    Args:
        root: folder of all experiments.
        kept: what is on file.
    """

    def __init__(self, root: Path, kept: Kept) -> None:
        self.root, self.kept = root, kept
        self.prefix = f"{root}/"
        self.valid: list[str] = []
        self.added: list[list[Any]] = []
        self.sections: Sections = {}

    def likely(self, number: int, name: str) -> Row | None:
        """An experiment's row as the file has it, which is right if the stamp is; None if there is none.

        Args:
            number: of the experiment.
            name: of its folder.
        """
        entry = self.kept.rows.get(name)
        if entry is None:
            return None
        try:
            return restored(number, f"{self.prefix}{name}", entry, self.kept.sections)
        except (KeyError, TypeError, ValueError):
            return None

    def row(self, name: str, likely: Row | None, stamp: int | None) -> Row:
        """An experiment's row, from the file if it is still right, else from the folder.

        Args:
            name: of its folder.
            likely: what the file has.
            stamp: that of its files; None if it was not asked for, as nothing is on file.
        """
        if likely is not None and self.kept.rows[name][1] == stamp:
            self.valid.append(name)
            return likely
        return self._read(name)

    def _read(self, name: str) -> Row:
        stamp, settled = settled_stamp(f"{self.prefix}{name}", SOURCES)
        row = read_row(ResultFolder(self.root / name))
        if row.status not in ENDED or not settled:
            return row
        entry, sections = dissected(name, stamp, row)
        self.added.append(entry)
        kept = self.kept.sections
        shared = [kept.get(key) or self.sections.setdefault(key, section) for key, section in sections.items()]
        return row._replace(settings=Settings(tuple(shared)))  # one object for all rows that have a section

    def write(self) -> None:
        """Add what is new, or write everything anew if most of the file is in vain."""
        needed = len(self.valid) + len(self.added)
        with suppress(OSError):
            if self.kept.entries + len(self.added) > 2 * needed + SLACK:
                self._rewrite()
            elif self.added:
                self._append()

    def _append(self) -> None:
        """By a single write, beginning a line of its own: what another process left torn stays apart."""
        content = b"\n" + b"".join(lines(self.added, self.sections))
        descriptor = os.open(self.root / INDEX, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)

    def _rewrite(self) -> None:
        rows = [*(self.kept.rows[name] for name in self.valid), *self.added]
        with atomic(self.root / INDEX) as file:
            file.writelines(lines(rows, self.kept.sections | self.sections))
