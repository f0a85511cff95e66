"""Ctrl-C and SIGTERM: the main process records the interruption, its workers end without a word."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception that no component's ``except Exception`` swallows."""

    STATUS = "INTERRUPTED"


class _Watch:
    """Whether a run of this process is under way."""

    under_way = False


@contextmanager
def terminable() -> Iterator[None]:
    """Turn SIGTERM into :class:`Terminated` within the block; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    _Watch.under_way = True
    try:
        yield
    finally:
        _Watch.under_way = False
        signal.signal(signal.SIGTERM, before)


def _raise_terminated(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def leave_to_the_main_process() -> None:
    """In a worker process, let Ctrl-C and SIGTERM end it at once and without a traceback."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


def _after_fork() -> None:
    """A worker that was forked during a run has the main process's handlers: it must not act on them."""
    if _Watch.under_way:
        _Watch.under_way = False
        leave_to_the_main_process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
