"""Workers: Kedro's processes, which leave signals to the main process; joblib's, which outlive their work; threads."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.util import Finalize
from types import FrameType
from typing import Any

import click
import psutil

from expfw.run.signals import leave_to_the_main_process

PATIENCE = 1.0
"""Seconds that an interrupted command waits for its threads before it ends."""


class _This:
    """The worker process that this one is."""

    pid: int | None = None


def be_a_worker() -> None:
    """Make this process a well-behaved worker of Kedro's ``ParallelRunner``; may be called for each node.

    Signals end it without a word. joblib's workers, which wait five minutes for more work, end with it: otherwise it
    would wait for them, or leave them behind.
    """
    if _This.pid != os.getpid():
        _This.pid = os.getpid()
        Finalize(None, end_idle_workers, exitpriority=100)
        leave_to_the_main_process()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _end_with_its_workers)


def _end_with_its_workers(number: int, _frame: FrameType | None) -> None:
    """Take joblib's workers along: they take Ctrl-C for an error in their work, and wait for more."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a pool of which one worker has ended sends it to the others
    _end_all_workers()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def end_idle_workers() -> None:
    """End the workers that joblib keeps in case they are needed again, if it has any."""
    own: Any = sys.modules.get("expfw.parallel.loky")
    if own is not None:
        with suppress(Exception):  # the same
            own.stop_all()
    executor: Any = getattr(sys.modules.get("joblib.externals.loky.reusable_executor"), "_executor", None)
    if executor is not None:
        with suppress(Exception):  # it may be broken, and has nothing left to do
            executor.terminate(kill_workers=True)


def end_without_waiting(code: int) -> bool:
    """Let an interrupted command end when it has nothing more to say, whatever its workers and threads are at.

    Python would wait for a thread that cannot be interrupted, and for the processes of a pool that was interrupted just
    as it started them. In a notebook or a server, which go on, they are left alone.

    Args:
        code: the exit code.

    Returns:
        Whether this is a command, which now has nothing more to do.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is None or click.get_current_context(silent=True) is None:
        return False
    register(_end_now, code)
    return True


def _end_now(code: int) -> None:
    _end_all_workers()
    end = time.monotonic() + PATIENCE
    others = [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]
    for thread in others:
        thread.join(max(0.0, end - time.monotonic()))
    if any(thread.is_alive() for thread in others):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        _end_all_workers()  # a pool that a thread still looks after has started others
        os._exit(code)


def _end_all_workers() -> None:
    """Send SIGTERM to all that this process started and that is of its session."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == os.getsid(0):
                process.send_signal(signal.SIGTERM)
