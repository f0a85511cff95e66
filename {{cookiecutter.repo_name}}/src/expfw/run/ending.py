"""How a run ended, on record also where Sacred could not write it: it had not begun, or the disk was full."""

from __future__ import annotations

import errno
import os
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from expfw.run.files import read_json, write_json

ENDED = ("COMPLETED", "FAILED", "INTERRUPTED")
"""The statuses of a run that is over."""

ROOM = 256 * 1024
"""Bytes that are kept for the ending: the record, its traceback, the last words said, timing and checksums."""

_KEPT = ".room"


def room_of(log: Path) -> Path:
    """The file that occupies the space.

    Args:
        log: the experiment's ``log`` folder.
    """
    return log / _KEPT


def keep_room(log: Path) -> None:
    """Occupy some disk space, so that the ending of a run that filled the disk can still be written.

    Args:
        log: the experiment's ``log`` folder.

    Raises:
        OSError: if there is not even that much space.
    """
    room_of(log).write_bytes(os.urandom(ROOM))  # not zeros: a file system may keep those in no space at all


def make_room(log: Path) -> None:
    """Give the kept space back; the ending is about to be written.

    Example:
        >>> import tempfile
        >>> log = Path(tempfile.mkdtemp())
        >>> keep_room(log)
        >>> make_room(log)
        >>> list(log.iterdir())
        []
    """
    with suppress(OSError):
        (log / _KEPT).unlink(missing_ok=True)


def recorded_ending(log: Path) -> str | None:
    """The status on record of a run that is over; None if the record has no ending (yet).

    Args:
        log: the experiment's ``log`` folder.

    Example:
        >>> recorded_ending(Path("no such folder")) is None
        True
    """
    entry = read_json(log / "sacred" / "run.json", {})
    return entry["status"] if entry.get("status") in ENDED else None


def ensure_ending(log: Path, status: str, error: BaseException | None = None) -> str | None:
    """Give the record an ending, unless it has one.

    Args:
        log: the experiment's ``log`` folder.
        status: one of :data:`ENDED`.
        error: what ended a FAILED run.

    Returns:
        The status that is on record now; None if nothing can be written.

    Example:
        >>> import tempfile
        >>> log = Path(tempfile.mkdtemp())
        >>> ensure_ending(log, "INTERRUPTED"), ensure_ending(log, "FAILED"), recorded_ending(log)
        ('INTERRUPTED', 'INTERRUPTED', 'INTERRUPTED')
    """
    make_room(log)
    there = recorded_ending(log)
    if there is not None:
        return there
    path = log / "sacred" / "run.json"
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()  # Sacred's times are UTC and do not say so
    entry = {"start_time": now, **read_json(path, {}), "status": status, "stop_time": now}
    if error is not None and status == "FAILED":
        entry["fail_trace"] = traceback.format_exception(error)
    try:
        path.parent.mkdir(exist_ok=True)
        write_json(path, entry)
    except OSError:
        return None
    return status


def advice(error: BaseException) -> str:
    """What to do about an error, where that is known: a full disk, wherever below the error it was met.

    Example:
        >>> advice(OSError(errno.ENOSPC, "No space left on device")).strip()
        'The disk is full, or your share of it: free some space, then run it again'
        >>> advice(ValueError("no rows"))
        ''
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return "\nThe disk is full, or your share of it: free some space, then run it again"
        cause = cause.__cause__ or cause.__context__
    return ""
