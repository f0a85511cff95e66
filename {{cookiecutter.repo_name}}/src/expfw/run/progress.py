"""Progress of folds and nodes that take long, on a terminal and nowhere else: who wants it, and what is told of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from expfw.run import screen
from expfw.run.place import Place, listen


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody looks on who can be shown a line that changes.

    Standard error must be a terminal that can do more than write lines; neither ``CI`` nor ``NO_COLOR`` is set.

    Args:
        environment: environment variables.
    """
    if environment.get("TERM", "dumb") == "dumb" or environment.get("NO_COLOR"):
        return False
    return environment.get("CI", "").lower() in ("", "0", "false") and os.isatty(2)


class Progress:
    """The process that shows what a run prints and how far it is, and the pipe by which it is told.

    Args:
        pipes: descriptors that it reads from, and to which of the run's it passes that on.
        kept: the file that keeps it.

    Raises:
        OSError: if the process cannot be had.
    """

    def __init__(self, pipes: Mapping[int, int], kept: str) -> None:
        reader, self._writer = os.pipe()
        file = os.open(kept, os.O_WRONLY | os.O_APPEND)
        try:
            self.process = self._start(pipes, reader, file)
        except OSError:
            os.close(self._writer)
            raise
        finally:
            os.close(reader)
            os.close(file)
        os.set_blocking(self._writer, False)  # a terminal that was stopped must not stop the run

    def _start(self, pipes: Mapping[int, int], control: int, file: int) -> subprocess.Popen[bytes]:
        terminal = pipes[max(pipes)]
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(Path(screen.__file__))],
            stdin=subprocess.PIPE,
            pass_fds=[*pipes, *pipes.values(), control, file],
            start_new_session=True,  # Ctrl-C is for the run alone; this process ends when there is nothing to read
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        with process.stdin as stdin:
            job = {"pipes": list(pipes.items()), "control": control, "kept": file, "terminal": terminal}
            stdin.write(json.dumps(job).encode())
        return process

    @contextmanager
    def told(self) -> Iterator[None]:
        """Within the block, nodes and folds are told of, by forked processes as well."""
        listen(self._tell)
        try:
            yield
        finally:
            listen(None)
            self._send(None, "", None, None, False)
            os.close(self._writer)

    def _tell(self, place: Place, begins: bool) -> None:
        self._send(f"{os.getpid()}.{threading.get_ident()}", place.node, place.fold, place.folds, begins)

    def _send(self, *message: object) -> None:
        with suppress(OSError):  # it was ended, or is stopped: then nobody looks on
            os.write(self._writer, json.dumps(message).encode() + b"\n")
