"""What a node opens to read, which folders it lists and how it leaves the process, in any of its threads.

Python tells an audit hook of each file that it opens, and of connections and processes. A hook cannot be taken away
again, so there is one for each process, which does nothing while no node runs. What a library opens by itself, without
Python (Parquet, HDF5), and what another process opens that a component starts, is not seen.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

OUTSIDE = frozenset(
    """
    ftplib.connect http.client.connect imaplib.open os.exec os.fork os.forkpty os.posix_spawn os.spawn os.system
    poplib.connect smtplib.connect socket.bind socket.connect socket.getaddrinfo socket.sendto sqlite3.connect
    subprocess.Popen telnetlib.Telnet.open urllib.Request
    """.split()
)
"""What leaves the process: what comes back that way is not known."""

EVENTS = OUTSIDE | {"open", "os.listdir", "os.scandir"}
"""What is listened to; a database of SQLite is opened by its library."""

_IMPORTS = "<frozen importlib"


class Observation:
    """The files that were opened since it began; nodes that run at once in threads of one process share them."""

    def __init__(self) -> None:
        self._read: set[str] = set()
        self.written: set[str] = set()
        self.absent: set[str] = set()
        self.listed: set[str] = set()
        self.outside: set[str] = set()

    def note(self, path: str, flags: int) -> None:
        """A file is about to be opened with these flags of ``os.open``."""
        if flags & (os.O_CREAT | os.O_TRUNC) or flags & os.O_WRONLY:
            self.written.add(path)
        elif path not in self.written:
            self._read.add(path)
            if not os.path.lexists(path):
                self.absent.add(path)

    def take(self) -> Iterator[str]:
        """Paths that were opened for reading, and that it did not write itself; each is given once."""
        while self._read:
            yield self._read.pop()


_active: weakref.WeakSet[Observation] = weakref.WeakSet()
"""A thread that ends takes its observation along."""


class _Thread(threading.local):
    """Whether what a thread does at the moment is the framework's own doing."""

    unobserved = False


_thread = _Thread()


@contextmanager
def unobserved() -> Iterator[None]:
    """Within the block nothing that this thread does is noted of nodes that run in others."""
    before, _thread.unobserved = _thread.unobserved, True
    try:
        yield
    finally:
        _thread.unobserved = before


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


def leave_out_this_thread() -> None:
    """Note nothing that the calling thread does from now on: it is the framework's own."""
    _thread.unobserved = True


def end(observation: Observation) -> None:
    """Observe no more; what was noted stays."""
    _active.discard(observation)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS or not _active or _thread.unobserved:
        return
    with suppress(Exception):  # what goes wrong here would keep the component from opening its file
        if event in OUTSIDE and arguments[:1] != (":memory:",):
            for observation in tuple(_active):
                observation.outside.add(event)
        if event not in OUTSIDE or event == "sqlite3.connect":
            _note(event, arguments)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """A file is about to be opened, or a folder to be listed; what Python does to import a module is left out."""
    path = arguments[0]
    if path is None and event != "open":
        path = "."
    if not isinstance(path, str | bytes | os.PathLike) or sys._getframe(2).f_code.co_filename.startswith(_IMPORTS):
        return
    absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - resolve() would look at the disk
    for observation in tuple(_active):
        if event in ("os.listdir", "os.scandir"):
            observation.listed.add(absolute)
        else:
            observation.note(absolute, arguments[2] if event == "open" else os.O_RDONLY)
