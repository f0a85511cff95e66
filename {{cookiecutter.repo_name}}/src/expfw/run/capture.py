"""All that a run prints, kept for its record while the terminal shows it: by Python, a library or a child process.

As Sacred does it, but for the end. joblib's workers and the processes that watch over shared memory outlive their
work, and with it they keep the run's output open; Sacred waits for each stream a second, then cuts it off.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile
from typing import IO

import psutil

from expfw.run.progress import Progress, wanted
from expfw.run.sacred_import import flush

PATIENCE = 5.0
"""Seconds to wait for a terminal that takes no output."""

GRACE = 0.1
"""Seconds to wait for the end of a stream that others may keep open."""


@dataclass
class Captured:
    """What was printed.

    Args:
        file: the file that it goes to.
    """

    file: IO[bytes]
    _text: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def text(self) -> str:
        """All of it so far."""
        if not self.file.closed:
            self._text += self._decoder.decode(self.file.read())
        return self._text


class _Pipe:
    """A pipe for what goes to a descriptor; its reading end is for a process that is started in the block."""

    def __init__(self, descriptor: int) -> None:
        self.before, (self.reader, self.writer) = os.dup(descriptor), os.pipe()

    def __enter__(self) -> _Pipe:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        os.close(self.reader)
        if kind is not None:
            os.close(self.before)
            os.close(self.writer)


@dataclass
class _Stream:
    """One descriptor on its way through a process that writes what comes to the file and to where it went before."""

    descriptor: int
    before: int
    writer: int
    process: subprocess.Popen[bytes]

    @classmethod
    def lead(cls, descriptor: int, name: str) -> _Stream:
        """Start the process; the descriptor is not led to it yet."""
        with _Pipe(descriptor) as pipe:
            process = subprocess.Popen(  # noqa: S603 - fixed words and the name of a file of our own
                ["tee", "-a", name],  # noqa: S607 - wherever it lies
                stdin=pipe.reader,
                stdout=pipe.before,
                start_new_session=True,  # Ctrl-C is for the run alone; this process ends when there is nothing to read
            )
            return cls(descriptor, pipe.before, pipe.writer, process)

    def restore(self) -> None:
        """Lead the descriptor where it led before, and wait until all that was printed has passed."""
        os.dup2(self.before, self.descriptor)
        end = time.monotonic() + PATIENCE
        while (self._waiting() or self._busy()) and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        os.close(self.writer)
        os.close(self.before)

    def _busy(self) -> bool:
        """Whether the process is at work, or would be if it had its turn: it may have read what it has not written."""
        try:
            return psutil.Process(self.process.pid).status() in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
        except psutil.Error:
            return False

    def _waiting(self) -> int:
        """Bytes in the pipe; none where the system does not tell."""
        with suppress(OSError):
            return int(struct.unpack("i", fcntl.ioctl(self.writer, termios.FIONREAD, b"\0" * 4))[0])
        return 0


@contextmanager
def captured_at_descriptors() -> Iterator[Captured]:
    """Keep what is printed in the block to the descriptors 1 and 2.

    Raises:
        OSError: if the processes that this needs cannot be had.
    """
    with NamedTemporaryFile("rb") as file:
        captured = Captured(file)
        progress = ExitStack()
        streams = _with_progress(file.name, progress) if wanted() else _with_tee(file.name)
        flush()  # type: ignore[no-untyped-call]
        for stream in streams:
            os.dup2(stream.writer, stream.descriptor)
        try:
            yield captured
        finally:
            progress.close()
            flush()  # type: ignore[no-untyped-call]
            for stream in streams:
                stream.restore()
            for stream in streams:
                with suppress(subprocess.TimeoutExpired):  # then it goes on, for others that still print
                    stream.process.wait(GRACE)
            captured.text()


def _with_tee(name: str) -> list[_Stream]:
    return [_Stream.lead(descriptor, name) for descriptor in (1, 2)]


def _with_progress(name: str, stack: ExitStack) -> list[_Stream]:
    """Both streams through the one process that shows progress as well, until the stack is closed."""
    with _Pipe(1) as out, _Pipe(2) as err:
        progress = Progress({out.reader: out.before, err.reader: err.before}, name)
        stack.enter_context(progress.told())
        return [_Stream(n, pipe.before, pipe.writer, progress.process) for n, pipe in ((1, out), (2, err))]
