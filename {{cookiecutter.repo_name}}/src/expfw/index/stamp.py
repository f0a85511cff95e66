"""Whether the files that a row was made from are still the same, without opening them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress

VERSION = 2
"""Of what a row holds and how it is made; a row of another version is made anew."""

UNSURE = 2.0
"""Seconds in which a second change of a file may leave its time as it is: the coarsest clock of a file system."""


def stamp_of(folder: str, files: Sequence[str]) -> int:
    """What tells edited files from those before: times, sizes and places on the disk of all of them in one number.

    The time of the last change to the file's entry (``ctime``) is in it, which nobody can set back: an edit in place,
    of the same size and with its old date restored, is seen.

    Args:
        folder: where they lie.
        files: their names in it; one that is missing counts as such.
    """
    parts: list[int] = [VERSION]
    for name in files:
        try:
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - a Path for each would take longer than all else
        except OSError:
            parts.append(0)
        else:
            parts += (found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino)
    return hash(tuple(parts))


def is_settled(folder: str, files: Sequence[str]) -> bool:
    """Whether files are old enough that a further change would show in their times."""
    border = time.time() - UNSURE
    for name in files:
        with suppress(OSError):
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - as above
            if max(found.st_ctime, found.st_mtime) >= border:
                return False
    return True
