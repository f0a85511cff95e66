"""Which files a node opens to read: those that Python opens, in any thread of the process.

Python tells an audit hook of each file that it opens. A hook cannot be taken away again, so there is one for each
process, which does nothing while no node runs. What a library opens by itself, without Python (Parquet, HDF5), and what
another process opens that a component starts, is not seen.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

EVENTS = ("open", "sqlite3.connect")
"""What is listened to; a database of SQLite is opened by its library."""


class Observation:
    """The files that were opened since it began; nodes that run at once in threads of one process share them."""

    def __init__(self) -> None:
        self._read: set[str] = set()
        self._written: set[str] = set()

    def note(self, path: str, flags: int) -> None:
        """A file is about to be opened with these flags of ``os.open``."""
        if flags & (os.O_CREAT | os.O_TRUNC) or flags & os.O_WRONLY:
            self._written.add(path)
        elif path not in self._written:
            self._read.add(path)

    def take(self) -> Iterator[str]:
        """Paths that were opened for reading, and that it did not write itself; each is given once."""
        while self._read:
            yield self._read.pop()


_active: weakref.WeakSet[Observation] = weakref.WeakSet()
"""A thread that ends takes its observation along."""


class _Installed:
    """Whether this process has its hook; a forked one inherits both."""

    yet = False


def begin() -> Observation:
    """Begin to observe; :func:`end` must follow.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     observation = begin()
        ...     _ = open(file.name).close()
        ...     end(observation)
        ...     file.name in set(observation.take())
        True
    """
    if not _Installed.yet:
        _Installed.yet = True
        sys.addaudithook(_hook)
    observation = Observation()
    _active.add(observation)
    return observation


def end(observation: Observation) -> None:
    """Observe no more; what was noted stays."""
    _active.discard(observation)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS or not _active:
        return
    with suppress(Exception):  # what goes wrong here would keep the component from opening its file
        path = arguments[0]
        if isinstance(path, str | bytes | os.PathLike):
            flags = arguments[2] if event == "open" else os.O_RDONLY
            absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - resolve() would look at the disk
            for observation in tuple(_active):
                observation.note(absolute, flags)
