"""What a worker prints: passed on while it works, to where the main process prints, or told with the result."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO

DESCRIPTORS = (1, 2)
"""Standard output and standard error."""


def live_output() -> tuple[str, str] | None:
    """Where other processes can open this one's standard output and standard error; None where they cannot.

    Linux names the open files of each process. A pipe and a terminal can be opened once more by that name; an ordinary
    file would be written from its beginning.
    """
    names = [f"/proc/{os.getpid()}/fd/{descriptor}" for descriptor in DESCRIPTORS]
    with suppress(OSError):
        kinds = [os.fstat(descriptor).st_mode for descriptor in DESCRIPTORS]
        if sys.platform == "linux" and all(stat.S_ISFIFO(kind) or stat.S_ISCHR(kind) for kind in kinds):
            return names[0], names[1]
    return None


class Output:
    """Both streams while a worker is at a call.

    Args:
        live: where they go; None to keep what is printed.
    """

    def __init__(self, live: tuple[str, str] | None) -> None:
        self.live, self._kept = False, list[IO[bytes]]()
        if live is not None:
            with suppress(OSError):
                self._lead([os.open(name, os.O_WRONLY | os.O_NOCTTY) for name in live])
                self.live = True
        if not self.live:
            self._kept = [TemporaryFile() for _ in DESCRIPTORS]  # noqa: SIM115 - closed when they were read
            self._lead([os.dup(file.fileno()) for file in self._kept])

    @staticmethod
    def _lead(targets: list[int]) -> None:
        for descriptor, target in zip(DESCRIPTORS, targets, strict=True):
            os.dup2(target, descriptor)
            os.close(target)

    @classmethod
    def discard(cls) -> None:
        """Keep nobody's streams open between two calls."""
        cls._lead([os.open(os.devnull, os.O_WRONLY) for _ in DESCRIPTORS])

    def end(self) -> None:
        """Write out what Python holds back, and let go of the streams."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # nobody reads any more
                stream.flush()
        self.discard()

    def texts(self) -> tuple[str, str]:
        """What was kept."""
        texts = [""] * len(DESCRIPTORS)
        for number, file in enumerate(self._kept):
            file.seek(0)
            texts[number] = file.read().decode("utf-8", "replace")
            file.close()
        return texts[0], texts[1]


@contextmanager
def printed(live: tuple[str, str] | None) -> Iterator[Output]:
    """Within the block, what is printed goes to the main process's streams, or is kept.

    Args:
        live: see :func:`live_output`.
    """
    output = Output(live)
    try:
        yield output
    finally:
        output.end()
