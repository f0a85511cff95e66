"""The files of an experiment that the team's database holds, and what tells that one of them changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from expfw.database.figures import figures
from expfw.run.folder import ResultFolder

MAX_ARTIFACTS = 1_000
"""Files that are kept as artifacts."""

MAX_ARTIFACT = 1_000_000_000
"""Bytes of one artifact."""

EARLY = ("log/config.json", "log/origin.json", "log/environment.json", "log/git.diff", "log/run.json")
LATE = (
    "log/timing.json",
    "log/checksums.json",
    "log/inputs.json",
    "log/experiment.log",
    "log/traceback.txt",
    "log/rerun.json",
)
"""Artifacts beside the report: written when a run begins; when it ends, or all along."""

UNKEPT = (".", "children.", "database.", "events.")
"""Beginnings of the names of files below ``log`` that the database does not hold."""

SECTIONS = "report/sections"
"""What the report's page is made from; its figures are kept one by one."""


@dataclass(frozen=True)
class File:
    """A file to keep: below the experiment's folder, or made from what is there.

    Args:
        name: what it is called in the database.
        path: where it lies.
        content: what it holds, if it is not a file.
    """

    name: str
    path: Path | None = None
    content: bytes = b""


def artifacts(folder: ResultFolder, *, ended: bool, also: Iterable[str] = ()) -> list[File]:
    """Files to keep; data and models are not among them, since they may be gigabytes.

    Args:
        folder: the experiment's folder.
        ended: whether the run has ended; until then what grows all along is left out.
        also: further files below the experiment's folder.
    """
    wanted = {*EARLY, *(LATE if ended else ()), *also}
    found = [
        (name, folder.path / name)
        for name, status in _files(folder)
        if (name in wanted or name.startswith("report/")) and status.st_size <= MAX_ARTIFACT
    ]
    drawn = [File(name, content=content) for name, content in figures(folder.sections)]
    return [*_named(found, {file.name for file in drawn}), *drawn][:MAX_ARTIFACTS]


def _named(found: list[tuple[str, Path]], taken: set[str]) -> Iterator[File]:
    """Files by names without slashes, which a browser's address would take for folders: one for each."""
    for name, path in found:
        plain = artifact_name(name)
        if plain in taken:
            plain = name.replace("/", "-")
        taken.add(plain)
        yield File(plain, path)


def artifact_name(name: str) -> str:
    """What a file below the experiment's folder is called as an artifact.

    Example:
        >>> [artifact_name(name) for name in ("report/index.html", "log/sacred/cout.txt", "report/own/table.csv")]
        ['report.html', 'cout.txt', 'own-table.csv']
    """
    if name == "report/index.html":
        return "report.html"
    return name.removeprefix("log/").removeprefix("sacred/").removeprefix("report/").replace("/", "-")


def sources(folder: ResultFolder) -> list[File]:
    """The source files that the experiment ran with."""
    root = str(folder.log / "sources")
    paths = sorted(f"{parent}{os.sep}{name}" for parent, _, names in os.walk(root) for name in names)
    return [File(path[len(root) + 1 :].replace(os.sep, "/"), Path(path)) for path in paths]


def digest_of(folder: ResultFolder) -> str:
    """Changes whenever a file changes that the database holds; costs a look at each, not into it.

    Args:
        folder: the experiment's folder.
    """
    lines = [f"{name}:{status.st_size}:{status.st_mtime_ns}" for name, status in _files(folder)]
    text = "\n".join([*lines, str(stamp(folder.sections))])
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _files(folder: ResultFolder) -> Iterator[tuple[str, os.stat_result]]:
    """The files that the database holds, or parts of them, by their names below the experiment's folder."""
    for part in ("log", "log/sacred"):
        yield from (
            (f"{part}/{name}", status)
            for name, status in _entries(folder.path / part)
            if stat.S_ISREG(status.st_mode) and not name.startswith(UNKEPT)
        )
    yield from _below(folder.path, "report")


def _below(root: Path, part: str) -> Iterator[tuple[str, os.stat_result]]:
    for name, status in _entries(root / part):
        path = f"{part}/{name}"
        if stat.S_ISREG(status.st_mode) and not name.startswith("."):
            yield path, status
        elif stat.S_ISDIR(status.st_mode) and path != SECTIONS:
            yield from _below(root, path)


def _entries(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Names and states of what lies in a folder; links to other folders are left out."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    if not (entry.is_symlink() and entry.is_dir()):
                        found.append((entry.name, entry.stat()))
    except OSError:
        return []
    return sorted(found)
