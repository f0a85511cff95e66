"""What a run prints, without secrets: on the terminal, in a CI's log, and in what Sacred captures of it.

Whatever is printed by Python, by a library or by a child process goes to the descriptors 1 and 2. In a run that knows
secrets they lead to a process that hides them (:mod:`expfw.run.filter`) and passes the rest on at once. It is a process
and no thread, for a library that prints a lot while it holds Python's lock would wait for that thread for ever.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from expfw.config.secrets import ADDRESS, MARK, Secrets, all_known
from expfw.run import filter as filtering

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds to wait at the end for a terminal that takes no output; the process goes on by itself."""


@contextmanager
def hidden_output(capture: str) -> Iterator[None]:
    """Hide the known secrets in what is printed in the block; without secrets nothing is done.

    Args:
        capture: where output is captured: ``fd`` at the descriptors, with that of child processes; ``sys`` at
            ``sys.stdout`` and ``sys.stderr``.
    """
    secrets = all_known()
    if not secrets.literals:
        yield
    elif capture == "fd" and os.name == "posix":
        with _at_descriptors(secrets):
            yield
    else:
        with _at_streams(secrets):
            yield


@contextmanager
def _at_descriptors(secrets: Secrets) -> Iterator[None]:
    end = uuid.uuid4().hex
    _flush()
    targets = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    process = _redirect(secrets, end, targets)
    try:
        yield
    finally:
        _flush()
        for descriptor, target in targets.items():
            if process is not None:
                with suppress(OSError):
                    os.write(descriptor, end.encode())  # child processes may keep the pipe open, so it has no other end
            os.dup2(target, descriptor)
            os.close(target)
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)


def _redirect(secrets: Secrets, end: str, targets: Mapping[int, int]) -> subprocess.Popen[bytes] | None:
    """Lead descriptors through the process to where they led before; None, and nothing changed, if it cannot be had."""
    pipes = {descriptor: os.pipe() for descriptor in targets}
    process = _start(secrets, end, [(pipes[descriptor][0], target) for descriptor, target in targets.items()])
    for descriptor, (reader, writer) in pipes.items():
        if process is not None:
            os.dup2(writer, descriptor)
        os.close(reader)
        os.close(writer)
    return process


def _start(secrets: Secrets, end: str, pipes: list[tuple[int, int]]) -> subprocess.Popen[bytes] | None:
    """The process that hides secrets on the way from descriptor to descriptor; None if it cannot be had."""
    job = {
        "patterns": [_bytewise(secrets.pattern.pattern), ADDRESS],
        "literals": [_bytewise(text) for text in secrets.literals if "\n" not in text],
        "mark": _bytewise(MARK),
        "end": end,
        "pipes": pipes,
    }
    try:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(Path(filtering.__file__))],
            stdin=subprocess.PIPE,
            pass_fds=[descriptor for pipe in pipes for descriptor in pipe],
            start_new_session=True,  # Ctrl-C is for the run alone; this process ends when there is nothing more to read
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        with process.stdin as stdin:
            stdin.write(json.dumps(job).encode())
    except OSError as error:
        logger.warning("secrets are hidden in the record, and cannot be hidden on the terminal: %s", error.strerror)
        return None
    return process


def _bytewise(text: str) -> str:
    """A text as a reader of bytes sees it, one character for each."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


@contextmanager
def _at_streams(secrets: Secrets) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    streams = [RedactingStream(stream, secrets) for stream in before]
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        for stream in streams:
            stream.finish()
        sys.stdout, sys.stderr = before


class RedactingStream:
    r"""A text stream that hides secrets, and is otherwise like the one behind it.

    Args:
        stream: the one behind it.
        secrets: what is hidden.

    Example:
        >>> import io
        >>> shown = io.StringIO()
        >>> print("it is s3cr3t", file=RedactingStream(shown, Secrets.of(["s3cr3t"])))
        >>> shown.getvalue()
        'it is (secret, not recorded)\n'
    """

    def __init__(self, stream: TextIO, secrets: Secrets) -> None:
        literals = [text for text in secrets.literals if "\n" not in text]
        self._stream, self._lock = stream, threading.Lock()
        self._filter = filtering.Stream([secrets.pattern.pattern, ADDRESS], literals, MARK)

    def write(self, text: str) -> int:
        """Write what is no secret."""
        with self._lock:
            self._stream.write(self._filter.feed(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def finish(self) -> None:
        """Write what was held back."""
        with self._lock:
            self._stream.write(self._filter.rest())
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _flush() -> None:
    """Write out what Python and the C library have not written yet."""
    from expfw.run.sacred_import import flush

    flush()  # type: ignore[no-untyped-call]
