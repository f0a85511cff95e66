"""The stamps of many folders, by several processes: nothing takes a list as long, and Python asks for one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from expfw.index import stamp

WORTH_IT = 3_000
"""Folders for which a helper pays: it takes as long to begin as to ask about a thousand."""

MOST = 3
"""Helpers at most; a disk answers hardly faster to more."""

SHARE = 2
"""Folders that a helper asks about for each one of this process, which has the index to read meanwhile."""

_Helper = subprocess.Popen[bytes]


@contextmanager
def stamping(root: str, names: Sequence[str], files: Sequence[str]) -> Iterator[Callable[[], list[int]]]:
    """The stamps of many folders; helpers begin to ask for them at once, and end with the block.

    Args:
        root: where the folders lie.
        names: theirs.
        files: names of the files in each.

    Yields:
        What gives the stamps, in the order of ``names``. What a helper could not tell is asked for here.

    Example:
        >>> with stamping("no such folder", ["result_experiment_1"], ["log/run.json"]) as stamps:
        ...     len(stamps())
        1
    """
    own, parts = _divided(names)
    with ExitStack() as ending:
        helpers = [_helper(root, part, files, ending) for part in parts]
        yield lambda: [
            *stamp.stamps_in(root, own, files),
            *(
                one
                for part, helper in zip(parts, helpers, strict=True)
                for one in _told(helper, len(part)) or stamp.stamps_in(root, part, files)
            ),
        ]


def _divided(names: Sequence[str]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """What to ask for here, and what each helper asks for."""
    count = min(processors() - 1, MOST, len(names) // WORTH_IT) if sys.executable else 0
    size = len(names) * SHARE // (1 + SHARE * count)
    first = len(names) - count * size
    return names[:first], [names[at : at + size] for at in range(first, len(names), size)] if count else []


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _helper(root: str, names: Sequence[str], files: Sequence[str], ending: ExitStack) -> _Helper | None:
    """A Python that imports next to nothing; None where none can be had.

    The names are handed over as a file, so that neither waits for the other to read or to begin.
    """
    command = [sys.executable, "-I", "-S", "-B", stamp.__file__, root, *files]
    try:
        with tempfile.TemporaryFile() as asked:
            asked.write(os.fsencode("\n".join(names)))
            asked.seek(0)
            helper = subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    except OSError:
        return None
    ending.enter_context(helper)
    ending.callback(helper.kill)
    return helper


def _told(helper: _Helper | None, count: int) -> list[int]:
    """What a helper found; nothing if it did not come to its end."""
    if helper is None:
        return []
    content, _ = helper.communicate()
    return array("q", content).tolist() if helper.returncode == 0 and len(content) == 8 * count else []
