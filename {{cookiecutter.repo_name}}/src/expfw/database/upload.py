"""Bringing one experiment to the team's database, from the files of its folder; again and again, if need be."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from expfw.database.documents import RunState, has_ended, read_state
from expfw.database.files import digest_of
from expfw.database.mark import Mark, read_mark, write_mark
from expfw.errors import DatabaseError
from expfw.run.folder import ResultFolder

if TYPE_CHECKING:
    from expfw.database.store import Store

Action = Literal["unchanged", "uploaded", "uploaded under another id"]

ATTEMPTS = 3
"""How often an experiment is brought anew whose document somebody removes at the same time."""


@dataclass(frozen=True)
class Upload:
    """What became of an experiment.

    Args:
        id: its number in the database.
        local_id: its number in the result folder.
        action: what was done.
        complete: whether its run has ended, and all of it is in the database.
    """

    id: int
    local_id: int
    action: Action
    complete: bool


def upload(folder: ResultFolder, store: Store, *, trusting: bool = True) -> Upload:
    """Bring one experiment up to date in the database.

    An experiment is recognised by its identity (``uuid`` in ``log/run.json``), whatever its number. One that is not
    there yet gets the number of its folder, or the next free one if somebody else has that. Cut off in the middle it
    is as good as not done, and can be done again.

    Args:
        folder: the experiment's folder.
        store: the database.
        trusting: whether the mark in the folder is believed; it cannot know of a database that was emptied since.

    Raises:
        DatabaseError: if the database is away, refuses, or is full.
    """
    digest = digest_of(folder)
    mark = read_mark(folder) if trusting else None
    current = mark is not None and (mark.digest, mark.database) == (digest, store.shown)
    if mark is not None and current and (mark.complete or not has_ended(folder)):
        return Upload(mark.id, folder.id, "unchanged", mark.complete)
    state = read_state(folder, digest)
    number = bring(state, store)
    write_mark(folder, Mark(number, store.shown, digest, state.ended))
    return Upload(number, folder.id, _action(number, folder.id), state.ended)


def bring(state: RunState, store: Store) -> int:
    """Bring an experiment's state to the database, whatever is there; gives its number there."""
    for _ in range(ATTEMPTS):
        number = store.claim(state.uuid, state.local_id, state.document["experiment"]["name"])
        if store.save(state, number):
            return number
    raise DatabaseError(f"{store.shown}: experiment {state.local_id} is removed there again and again", hopeless=False)


def _action(number: int, local_id: int) -> Action:
    return "uploaded" if number == local_id else "uploaded under another id"


def place_of(root: Path) -> str:
    """A name for a folder of experiments that tells it from those of other checkouts and machines, and gives no path.

    Args:
        root: folder of all experiments.

    Example:
        >>> place_of(Path("/a/result")) != place_of(Path("/b/result"))
        True
    """
    return hashlib.sha256(f"{platform.node()}:{root.absolute()}".encode("utf-8", "replace")).hexdigest()[:16]
