"""An experiment's code once more: a project folder with its recorded sources, and links to what is not recorded."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from expfw.config.secrets import MARK
from expfw.errors import ExpfwError, RecordError
from expfw.reproduce.changes import LEFT_OUT
from expfw.reproduce.rebuild import CACHE
from expfw.reproduce.requirements import Requirements
from expfw.run.folder import ResultFolder
from expfw.run.sources import (
    CONFIG_SUFFIXES,
    SUFFIXES,
    is_no_source,
    is_private,
    is_setting,
    redacted_source,
    source_file,
)

RECORDED = ("src", "config", "conf")
"""Folders of a project whose files the record holds, but for what is private or no source."""

NOT_LINKED = (".git", ".venv", CACHE, "__pycache__")
"""What the code of then must not see of today: its record would name a commit that it is not."""


def unpack(project: Path, old: ResultFolder, place: Path, needed: Requirements) -> None:
    """Make a project folder with an experiment's recorded code; all that the record does not hold is today's, linked.

    Args:
        project: the project's folder.
        old: the experiment.
        place: an empty folder.
        needed: what the experiment ran with; it says whether the project itself was installed.

    Raises:
        RecordError: if there are no sources, or one held a secret.
        ExpfwError: if the machine makes no links.
    """
    sources = old.log / "sources"
    unchanged = check_sources(project, old)
    shutil.copytree(sources, place, dirs_exist_ok=True)
    if (old.log / "untracked").is_dir():
        shutil.copytree(old.log / "untracked", place, dirs_exist_ok=True)
    _announce(place / "src", needed)
    recorded = {path.name for path in sources.iterdir()}
    for name in unchanged:
        (place / name).unlink()
    try:
        for path, name in [*((project / name, name) for name in unchanged), *_to_link(project, place, recorded)]:
            link = place / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.absolute(), target_is_directory=path.is_dir())
    except OSError as error:
        raise ExpfwError(
            f"no links can be made in '{place}' ({error.strerror or error}), by which the code of then reads the data "
            "of today; on Windows turn on the developer mode"
        ) from error


def check_sources(project: Path, old: ResultFolder) -> list[str]:
    """Refuse an experiment whose code is not on record, or not whole.

    Returns:
        Names of files that held a secret, and of which today's is the very same, with the secret.

    Raises:
        RecordError: as it says.
    """
    folder = old.log / "sources"
    if not (folder / "src").is_dir():
        raise RecordError(
            f"experiment {old.id} has no code on record ({folder}), so it can only be run with today's: "
            f"kedro experiment rerun {old.id}"
        )
    names = {path: path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()}
    code = {path: name for path, name in names.items() if not name.startswith((*LEFT_OUT, "src/expfw/"))}
    marked = {name: path for path, name in code.items() if MARK.encode() in path.read_bytes()}
    unchanged = [name for name, path in marked.items() if _is_that_of_today(project / name, name, path.read_bytes())]
    hidden = [name for name in marked if name not in unchanged]
    if hidden:
        raise RecordError(
            f"experiment {old.id}: {', '.join(hidden)} held a secret, which no record holds, so the file cannot be had "
            f"as it was; run the experiment with today's: kedro experiment rerun {old.id}"
        )
    return unchanged


def _is_that_of_today(path: Path, name: str, recorded: bytes) -> bool:
    """Whether a file would be recorded like this today, going by what its own keys call a secret."""
    return path.is_file() and redacted_source(source_file(path, name)).content == recorded


def _to_link(project: Path, place: Path, recorded: set[str]) -> Iterator[tuple[Path, str]]:
    """Files and folders of today's project that the record does not hold, with their names in it."""
    folders = [""]
    while folders:
        parent = folders.pop()
        for path in sorted((project / parent).iterdir()):
            name = f"{parent}/{path.name}".lstrip("/")
            there = place / name
            made = path.is_dir() and path.name.endswith(".egg-info")
            if path.name in NOT_LINKED or made or _is_recorded(name, recorded):
                continue
            if path.is_dir() and not path.is_symlink() and (there.is_dir() or _of_recorded(name, recorded)):
                folders.append(name)
            elif not there.exists():
                yield path, name


def _of_recorded(name: str, recorded: set[str]) -> bool:
    top = PurePosixPath(name).parts[0]
    return top in RECORDED and top in recorded


def _is_recorded(name: str, recorded: set[str]) -> bool:
    """Whether a file of today would be on record, so that its absence there says that it was absent.

    Args:
        name: path relative to the project.
        recorded: the top folders and files that the record has.

    Example:
        >>> recorded = {"src", "config", "pyproject.toml"}
        >>> [_is_recorded(name, recorded) for name in ("src/a/b.py", "src/a/b.csv", "config/base/a.yml", "data/a.py")]
        [True, False, True, False]
    """
    path = PurePosixPath(name)
    if not _of_recorded(name, recorded) or is_private(name) or any(map(is_no_source, path.parts[:-1])):
        return False
    if path.parts[0] == "src":
        return path.suffix in SUFFIXES
    return len(path.parts) > 1 and path.suffix in CONFIG_SUFFIXES and is_setting(name)


def _announce(src: Path, needed: Requirements) -> None:
    """Let Python know the project as a package, if it was installed: its version, and what it registers itself for."""
    if needed.own is None:
        return
    name, recorded = needed.own
    version, _, mark = recorded.partition(" (")
    info = src / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    if mark.startswith("editable"):
        direct = {"url": src.parent.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(direct), encoding="utf-8")
    (info / "entry_points.txt").write_text(_entry_points(src.parent / "pyproject.toml"), encoding="utf-8")


def _entry_points(path: Path) -> str:
    groups = tomllib.loads(path.read_text(encoding="utf-8"))["project"].get("entry-points", {})
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in groups.items()
    )
