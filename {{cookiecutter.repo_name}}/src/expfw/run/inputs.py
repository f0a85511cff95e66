"""The files that components read, with their checksums: the data that the experiment stands on.

Two accounts are kept. ``read`` events list the data: what people ask for. ``touched`` events list whatever else decided
what a node did, as far as it is seen: with them an earlier result is examined before it is used again.
"""

from __future__ import annotations

import hashlib
import os
import site
import stat
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kedro.io import CatalogProtocol, DataCatalog
from kedro.utils import find_kedro_project

from expfw.construct.blueprint import Blueprint
from expfw.run import observed
from expfw.run.events import EventLog, checksum
from expfw.run.sources import CONFIG_SUFFIXES, SUFFIXES, is_no_source, is_private

SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/run", "/lib", "/lib64", "/usr/lib", "/usr/share/zoneinfo")
"""Folders that hold no data."""

PROJECT = (".", "conf", "build", "dist", "pyproject.toml")
"""What of a project is kept otherwise or made by it."""

HARMLESS = ("/dev/null", "/proc/cpuinfo", "/proc/self", "/sys", "/usr/share/zoneinfo", "/lib", "/usr/lib")
"""Where nothing lies that a result could depend on beside processor and packages, which are on record."""

PSEUDO = ("/dev", "/proc")
"""Folders of files that are different whenever they are read."""

TICK = 20_000_000
"""Nanoseconds by which the clocks of file system and process may differ."""

CODE = (".py", ".pyc", ".so", ".pyd", ".pth")


class Inputs:
    """The inputs of one node, noted while it runs.

    Args:
        events: the run's events.
        node: the node.
        root: folder of all results; what lies there has checksums of its own.
        planned: plans of the node's components.
        catalog: the project's catalog.
        folder: the experiment's own folder.
        project: the project's folder; if not given, it is looked for.
    """

    def __init__(
        self,
        events: EventLog,
        node: str,
        root: Path,
        planned: Iterable[Any],
        catalog: CatalogProtocol[Any, Any],
        folder: Path | None = None,
        project: Path | None = None,
    ) -> None:
        self.events, self.node, self.planned, self.catalog = events, node, list(planned), catalog
        self.root = os.path.abspath(root)  # noqa: PTH100 - as files are named that are opened
        self.project = project or find_kedro_project(Path.cwd()) or Path.cwd()
        self.own = str(folder or root)
        self.began = time.time_ns() - TICK
        self.told: set[str] | None = None
        self.observation = observed.begin()

    def note(self) -> None:
        """Record the checksums of what was read since the last time; of what is named even if it was not seen."""
        seen = set(self.observation.take())
        with observed.unobserved():
            self._note(seen)

    def _note(self, seen: set[str]) -> None:
        self.note_touched(seen)
        opened = {path for path in seen if is_input(path, self.project, self.root)}
        named = set(named_files(self.planned, self.project, self.catalog)) - self.observation.written
        found = {name_of(path, self.project): state(path) for path in sorted(opened | named)}
        self.planned = []
        files = {name: entry for name, entry in found.items() if entry is not None}
        if files:
            self.events.append("read", node=self.node, files=files)

    def note_touched(self, seen: set[str]) -> None:
        """Record what was seen that decides whether the node's result can be used again; once at least."""
        named = {path for path in named_files(self.planned, self.project, self.catalog) if path not in seen}
        absent = {path for path in self.observation.absent if self.matters(path)}
        matters = {path for path in seen | named if self.matters(path) and path not in absent}
        doubts = {path: self.doubt(path) for path in matters}
        outside = {*self.observation.outside, *filter(None, doubts.values())}
        files = {path: content_of(path) for path in sorted(matters) if doubts[path] is None}
        folders = {path: names_in(path) for path in sorted(self.observation.listed) if self.matters(f"{path}{os.sep}")}
        event = {
            "files": {
                **{name_of(path, self.project): None for path in sorted(absent)},
                **{name_of(path, self.project): digest for path, digest in files.items() if digest},
            },
            "folders": {name_of(path, self.project): digest for path, digest in folders.items()},
            "outside": sorted(outside),
        }
        if self.told is None or any(event.values()):
            self.told = outside
            self.events.append("touched", node=self.node, **event)
        self.observation.listed.clear()
        self.observation.absent.clear()

    def matters(self, path: str) -> bool:
        """Whether what lies there is told neither by the code's digest nor by versions, and is not its own."""
        known = (self.own, str(self.project / "src"), *HARMLESS, *installed_folders())
        return not _below(path.rstrip(os.sep), known)

    def doubt(self, path: str) -> str | None:
        """Why a checksum would not tell what was read from a file; None if it does."""
        name = name_of(path, self.project)
        if _below(path, PSEUDO) or (is_private(name) and not name.startswith("result/")):
            return f"{name} was read"
        try:
            changed = Path(path).stat().st_ctime_ns >= self.began
        except OSError:
            return f"{name} is gone"
        return f"{name} changed meanwhile" if changed else None

    def end(self) -> None:
        """Observe no more."""
        observed.end(self.observation)


def inputs(events: EventLog) -> dict[str, Any]:
    """The inputs of a run, ``{"data/a.csv": {"sha256": …, "size": …, "nodes": ["load"]}}``.

    A file that changed while the run went on has further checksums under ``also``.
    """
    found: dict[str, Any] = {}
    for event in events.read("read"):
        for name, entry in event["files"].items():
            known = found.setdefault(name, {**entry, "nodes": []})
            if event["node"] not in known["nodes"]:
                known["nodes"].append(event["node"])
            if entry["sha256"] != known["sha256"] and entry["sha256"] not in known.get("also", []):
                known.setdefault("also", []).append(entry["sha256"])
    return dict(sorted(found.items()))


def named_files(planned: Iterable[Any], project: Path, catalog: CatalogProtocol[Any, Any]) -> Iterator[str]:
    """Existing files that parameters name, or catalog entries that they name for a component that has the catalog.

    Args:
        planned: plans of components.
        project: where relative paths start.
        catalog: the catalog.
    """
    for plan in planned:
        if isinstance(plan, Blueprint):
            has_catalog = DataCatalog in plan.services.values()
            for value in _texts(plan.params.values()):
                yield from _file(project / value if "\0" not in value else project)
                if has_catalog:
                    yield from _entry(value, project, catalog)
            yield from named_files(_nested(plan.params.values()), project, catalog)


def _file(path: Path) -> Iterator[str]:
    try:
        if path.is_file():
            yield os.path.abspath(path)  # noqa: PTH100 - links stay, as the component names them
    except (OSError, ValueError):  # a text that is too long, or no path
        return


def _entry(name: str, project: Path, catalog: CatalogProtocol[Any, Any]) -> Iterator[str]:
    try:
        dataset = catalog.get(name) if name in catalog else None
    except Exception:  # of whatever is wrong with the entry; a component that needs it has said so
        return
    path, protocol = getattr(dataset, "_filepath", None), getattr(dataset, "_protocol", "file")
    if path is not None and protocol == "file":
        yield from _file(project / str(path))


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value.values())
        elif isinstance(value, list | tuple):
            yield from _texts(value)


def _nested(values: Iterable[Any]) -> Iterator[Blueprint]:
    for value in values:
        if isinstance(value, Blueprint):
            yield value
        elif isinstance(value, Mapping):
            yield from _nested(value.values())
        elif isinstance(value, list | tuple):
            yield from _nested(value)


def is_input(path: str, project: Path, root: str) -> bool:
    """Whether a file that was opened is data: neither Python's, nor a package's, nor the project's code or results.

    Args:
        path: the file's absolute path.
        project: the project's folder.
        root: folder of all results.
    """
    if path.endswith(CODE) or _below(path, (root, *SYSTEM)):
        return False
    if not _below(path, (str(project),)):
        return not _below(path, installed_folders())
    name = name_of(path, project)
    settings = name.startswith("config/") and name.endswith(tuple(CONFIG_SUFFIXES))
    code = name.startswith("src/") and (name.endswith(tuple(SUFFIXES)) or any(map(is_no_source, Path(name).parts[:-1])))
    return not (settings or code or is_private(name) or _below(name, PROJECT) or _below(path, _within(project)))


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}") for folder in folders)


def _within(project: Path) -> tuple[str, ...]:
    """Folders of Python that lie in the project."""
    return tuple(folder for folder in installed_folders() if _below(folder, (str(project),)))


@cache
def installed_folders() -> tuple[str, ...]:
    """Folders of Python, of what is installed for it, and of the framework."""
    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parents[1])}
    folders |= {f"{prefix}/{part}" for prefix in (sys.prefix, sys.base_prefix) for part in ("lib", "bin", "etc")}
    return tuple(sorted({form for folder in folders for form in (folder, os.path.realpath(folder))}))


def name_of(path: str, project: Path) -> str:
    """A path as it is recorded: relative to the project if it lies below.

    Example:
        >>> project = Path("/home/me/project")
        >>> name_of("/home/me/project/data/a.csv", project), name_of("/data/b.csv", project)
        ('data/a.csv', '/data/b.csv')
    """
    here = Path(path)
    return (here.relative_to(project) if here.is_relative_to(project) else here).as_posix()


_known: dict[tuple[str, int, int, int, int], str] = {}


def state(path: str) -> dict[str, Any] | None:
    """Checksum and size of a file; None if it is none. Read but once in a process while it is unchanged."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        stamp = (path, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        if stamp not in _known:
            _known[stamp] = checksum(Path(path))
    except OSError:
        return None
    return {"sha256": _known[stamp], "size": status.st_size}


def content_of(path: str) -> str | None:
    """Checksum of a file as it is now, read in any case: a reuse rests on it; None if there is none."""
    try:
        return checksum(Path(path)) if Path(path).is_file() else None
    except OSError:
        return None


def names_in(path: str) -> str:
    """Digest of the names in a folder; of no folder that of nothing."""
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208 - names are all that is needed
    except OSError:
        names = []
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
