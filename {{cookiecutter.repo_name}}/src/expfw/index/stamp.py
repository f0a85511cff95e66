"""Whether the files that a row was made from are still the same, without opening them.

It is also a script of its own, which asks about many folders beside the process that wants to know (see
:mod:`expfw.index.stamps`); it must import nothing that takes long.
"""

from __future__ import annotations

import os
import sys
import time
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:  # as typing has it, which takes long to import
    from collections.abc import Iterable, Sequence

VERSION = 3
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

    Returns:
        A whole number of 64 bits, the same in every process.
    """
    times, places = looked_at(folder, files)
    return hash((VERSION, *times, *places))


def settled_stamp(folder: str, files: Sequence[str]) -> tuple[int, bool]:
    """The stamp of files, and whether they are old enough that a further change would show in it.

    Args:
        folder: where they lie.
        files: their names in it.
    """
    border = (time.time() - UNSURE) * 1e9
    times, places = looked_at(folder, files)
    return hash((VERSION, *times, *places)), max(times) < border


def looked_at(folder: str, files: Sequence[str]) -> tuple[list[int], list[int]]:
    """When files and their entries changed, in nanoseconds since 1970, and their sizes and places on the disk.

    Args:
        folder: where they lie.
        files: their names in it; of one that is missing there is a 0 for both.
    """
    times: list[int] = []
    places: list[int] = []
    for name in files:
        try:
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - a Path for each would take longer than all else
        except OSError:
            times.append(0)
            places.append(0)
        else:
            times += (found.st_ctime_ns, found.st_mtime_ns)
            places += (found.st_size, found.st_ino)
    return times, places


def stamps_in(root: str, names: Iterable[str], files: Sequence[str]) -> list[int]:
    """The stamp of each of many folders.

    Args:
        root: where the folders lie.
        names: theirs.
        files: names of the files in each.
    """
    return [stamp_of(f"{root}/{name}", files) for name in names]


def main() -> None:
    """Read names of folders, a line each, and write their stamps."""
    root, *files = sys.argv[1:]
    names = os.fsdecode(sys.stdin.buffer.read()).split("\n")
    os.chdir(root)  # the way to each file is shorter from there
    sys.stdout.buffer.write(array("q", stamps_in(".", names, files)).tobytes())


if __name__ == "__main__":
    main()
