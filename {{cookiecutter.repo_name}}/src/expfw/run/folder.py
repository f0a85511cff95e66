"""The folder of one experiment, ``result/result_experiment_N``, and how N is taken."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from expfw.errors import ExpfwError, RecordError
from expfw.run.ending import keep_room, room_of

PLACEHOLDER = "result/result_experiment_N"
"""How the catalog writes the experiment's folder; the session puts the real one in its place."""

ROOT_VARIABLE = "EXPFW_RESULT_ROOT"
"""Environment variable that moves all result folders elsewhere (another disk, a test's temporary folder)."""

_BEGIN = "result_experiment_"
_NAME = re.compile(rf"{_BEGIN}(\d+)")
_LAST = ".last_experiment"


@dataclass(frozen=True)
class ResultFolder:
    """Paths of one experiment. A component may ask for it to keep files of its own under ``report`` or ``data``.

    Args:
        path: the experiment's folder.

    Example:
        >>> folder = ResultFolder(Path("result/result_experiment_12"))
        >>> folder.id, folder.report.as_posix()
        (12, 'result/result_experiment_12/report')
    """

    path: Path

    @property
    def id(self) -> int:
        """The experiment's number N."""
        match = _NAME.fullmatch(self.path.name)
        if match is None:
            raise RecordError(f"'{self.path}' is not the folder of an experiment (result_experiment_<number>)")
        return int(match[1])

    @property
    def data(self) -> Path:
        """Data, folds and predictions."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """Configuration, environment, log, timing, checksums and Sacred's record."""
        return self.path / "log"

    @property
    def model(self) -> Path:
        """Fitted models."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """The page and the metrics."""
        return self.path / "report"

    @property
    def sections(self) -> Path:
        """What components and reports add to the page, one file each."""
        return self.report / "sections"


def result_root(project: Path) -> Path:
    """The folder that holds all experiments of a project."""
    return Path(os.environ.get(ROOT_VARIABLE) or project / "result").absolute()


class Numbers(Protocol):
    """Where numbers come from, beside the result folder itself: the team's database."""

    def next(self, minimum: int) -> int:
        """A number that nobody else has, at least ``minimum``; ``minimum`` itself if there is none to be had."""
        ...

    def taken(self, number: int) -> None:
        """The result folder has something else under this number."""
        ...


class OwnNumbers:
    """Numbers of a result folder that is shared with no database."""

    def next(self, minimum: int) -> int:
        """The least number that may be free."""
        return minimum

    def taken(self, number: int) -> None:
        """The next one is tried."""


def take_folder(root: Path, numbers: Numbers | None = None) -> ResultFolder:
    """Take the next free N and create its folders; safe when many processes do so at once.

    The number is taken by ``mkdir``, which only one process can win. A number is not given out again after its folder
    was deleted, as long as the file ``.last_experiment`` is there; without it the folders are looked through.

    Args:
        root: folder of all experiments; created if absent.
        numbers: who else must agree to a number.

    Raises:
        ExpfwError: if the folder cannot be written.
    """
    if root.exists() and not root.is_dir():
        raise ExpfwError(_no_folder(root))
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = _claim(root, numbers or OwnNumbers())
        _furnish(folder)
    except OSError as error:
        raise ExpfwError(
            f"no result folder can be created in '{root}': {error.strerror or error}; "
            f"free or unlock the disk, or set {ROOT_VARIABLE} to another folder"
        ) from error
    return folder


def _furnish(folder: ResultFolder) -> None:
    """Make what is in every folder; nothing of it is left if that cannot be done."""
    try:
        folder.log.mkdir()
        keep_room(folder.log)
        for part in (folder.data, folder.model, folder.report):
            part.mkdir()
        (folder.path.parent / _LAST).write_text(f"{folder.id}\n", encoding="ascii")
    except OSError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def refurnish(folder: ResultFolder) -> None:
    """Empty an experiment's folder, and make anew what is in every folder: what was begun in it is begun again.

    Args:
        folder: the experiment's folder.
    """
    for path in folder.path.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for part in (folder.data, folder.log, folder.model, folder.report):
        part.mkdir()


def discard_unused(folder: ResultFolder) -> bool:
    """Remove a folder that was taken, and in which nothing was begun; its process was killed then.

    Args:
        folder: the folder, which may be gone; one that has been refurnished, or holds any record, stays.

    Returns:
        Whether there was such a folder.
    """
    parts = {part.name for part in (folder.data, folder.log, folder.model, folder.report)}
    found = {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*")}
    room = room_of(folder.log).relative_to(folder.path).as_posix()
    if not folder.path.is_dir() or not found <= {*parts, room} or found == parts:
        return False
    shutil.rmtree(folder.path)
    return True


def _claim(root: Path, numbers: Numbers) -> ResultFolder:
    minimum = next_number(root)
    while True:
        number = numbers.next(minimum)
        path = root / f"result_experiment_{number}"
        try:
            path.mkdir()
        except FileExistsError:
            numbers.taken(number)
            minimum = number + 1
        else:
            return ResultFolder(path)


def next_number(root: Path) -> int:
    """The least number that may be free in a result folder."""
    return max(_last_number(root), 0) + 1


def _last_number(root: Path) -> int:
    try:
        return int((root / _LAST).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return max((folder.id for folder in experiment_folders(root)), default=0)


def experiment_folders(root: Path) -> Iterator[ResultFolder]:
    """The folders of all experiments, by ascending N; nothing if there are none."""
    for _, name in experiment_names(root):
        yield ResultFolder(root / name)


def experiment_names(root: Path) -> list[tuple[int, str]]:
    """The numbers of all experiments, ascending, each with the name of its folder.

    Example:
        >>> experiment_names(Path("no such folder"))
        []
    """
    begin = len(_BEGIN)
    names = [name for name in _names(root) if name.startswith(_BEGIN) and name[begin:].isdecimal()]
    return sorted([(int(name[begin:]), name) for name in names])


def _names(root: Path) -> list[str]:
    if root.exists() and not root.is_dir():
        raise ExpfwError(_no_folder(root))
    return os.listdir(root) if root.is_dir() else []  # noqa: PTH208 - names are all that is needed


def _no_folder(root: Path) -> str:
    return f"'{root}' is a file, not a folder; move it away, or set {ROOT_VARIABLE} to another folder"


def find_folder(root: Path, number: int) -> ResultFolder:
    """The folder of experiment ``number``.

    Raises:
        RecordError: if there is none; the message names the nearest.
    """
    folder = ResultFolder(root / f"result_experiment_{number}")
    if folder.path.is_dir():
        return folder
    raise RecordError(f"there is no experiment {number} in '{root}'; {nearest_experiment(root, number)}")


def nearest_experiment(root: Path, number: int) -> str:
    """The phrase that names the experiment nearest to a number that is none's."""
    there = [folder.id for folder in experiment_folders(root)]
    if not there:
        return "there is none yet, start one with 'kedro run'"
    return f"the nearest is {min(there, key=lambda other: abs(other - number))}; 'kedro experiment list' shows all"
