"""``log/database.json``: what an experiment's folder remembers of its place in the team's database."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass

from expfw.database.fields import mapping
from expfw.run.files import write_json
from expfw.run.folder import ResultFolder

NAME = "database.json"


@dataclass(frozen=True)
class Mark:
    """Where an experiment is in the database, and how much of it.

    Args:
        id: its number there; not always that of its folder.
        database: address of the database, as it is shown.
        digest: state of the folder that was brought there.
        complete: whether the run had ended by then, and so all of it is there.
    """

    id: int
    database: str
    digest: str
    complete: bool


def read_mark(folder: ResultFolder) -> Mark | None:
    """The mark in an experiment's folder; None if there is none: the database has nothing of it yet, or only a part.

    Args:
        folder: the experiment's folder.
    """
    content = mapping(folder.log / NAME)
    try:
        return Mark(int(content["id"]), str(content["database"]), str(content["digest"]), content["complete"] is True)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def write_mark(folder: ResultFolder, mark: Mark) -> None:
    """Leave a mark, if the folder can be written to; the database is asked where it cannot."""
    with suppress(OSError):
        write_json(folder.log / NAME, asdict(mark))


def remove_mark(folder: ResultFolder) -> None:
    """A run is taken up again: what the database has is not all any more."""
    with suppress(OSError):
        (folder.log / NAME).unlink(missing_ok=True)
