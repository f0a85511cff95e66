"""Ctrl-C and SIGTERM: the main process records the interruption, its workers end without a word.

A run's record is begun and closed by a handful of writes, none of which may be torn apart. So while a run is
:func:`watched`, a signal is noted and held back; only where the workflow runs, within :meth:`Signals.let_through`, it
raises at once. Whatever becomes of that exception in a component's hands, the signal stays noted, and ends the run.

There are places where Python prints an exception and goes on: destructors, callbacks of weak references, what is to be
done before and after a fork. A signal that arrives in one of them is delivered again a moment later.

Threads cannot be interrupted, and a pool whose workers were ended as well may wait for them for ever. So on the way out
a wait for workers is broken off after a while, the interruption recorded, and a command ended together with them.
"""

from __future__ import annotations

import _thread
import ctypes
import multiprocessing.pool
import multiprocessing.process
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import popen_fork
from types import FrameType
from typing import Any, ClassVar

AGAIN = 0.01
"""Seconds after which a signal is delivered again that came where no exception can be raised."""

ECHO = 1.0
"""Seconds within which a further signal is taken for the same one: a terminal and a wrapper often both send it."""

PATIENCE = 5.0
"""Seconds that threads are waited for after a signal; a scheduler that sent SIGTERM waits ten or thirty."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception that no component's ``except Exception`` swallows."""

    STATUS = "INTERRUPTED"


class Signals:
    """Ctrl-C and SIGTERM during one run.

    ``received`` is the one that came first. ``over`` can be set when the process has only its last words to say:
    further signals are ignored then, for a terminal and a wrapper often both send one.

    Example:
        >>> with watched() as signals:
        ...     signal.raise_signal(signal.SIGTERM)
        ...     try:
        ...         with signals.let_through():
        ...             print("never reached")
        ...     except Terminated:
        ...         print(f"ended by {signals.sender}, exit code {signals.exit_code}")
        ended by SIGTERM, exit code 143
    """

    current: ClassVar[Signals | None] = None
    """The one of the run that is under way in this process."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.over = False
        self._open = False
        self._forking = False
        self._last = float("-inf")

    @property
    def sender(self) -> str:
        """What ended the run, in the words of a message."""
        return "SIGTERM" if self.received == signal.SIGTERM else "Ctrl-C"

    @property
    def exit_code(self) -> int:
        """As a shell has it: 128 and the signal's number."""
        return 128 + (self.received or signal.SIGINT)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Within the block a signal raises at once, and one that was held back at its beginning.

        Raises:
            KeyboardInterrupt: for Ctrl-C, :class:`Terminated` for SIGTERM; at the latest at the block's end, also if a
                component swallowed the exception or made another one of it.
        """
        self._raise_received()
        try:
            self._open = True
            yield
        except KeyboardInterrupt:
            raise
        except BaseException:
            self._open = False
            self._raise_received()
            raise
        finally:
            self._open = False
        self._raise_received()

    def arrive(self, number: int, _frame: FrameType | None = None) -> None:
        """Note a signal, and raise where that is allowed; the handler of both signals."""
        self.received = self.received or signal.Signals(number)
        if not self._open or time.monotonic() - self._last < ECHO:
            return
        if self._forking:
            self._deliver_after(AGAIN)
            return
        self._last = time.monotonic()
        self._deliver_after(PATIENCE, only_if=_waits_for_workers)
        self._raise_received()

    def fork_begins(self) -> None:
        """Raise nothing until :meth:`fork_ends`: locks are taken for the time of a fork, and must be given back."""
        self._forking = True

    def fork_ends(self) -> None:
        """Raise again."""
        self._forking = False

    def swallowed(self) -> None:
        """The exception was raised where Python prints and forgets it."""
        if self._open:
            self._last = float("-inf")
            self._deliver_after(AGAIN)

    def _deliver_after(self, seconds: float, only_if: Callable[[int], bool] = lambda _: True) -> None:
        """Deliver the signal again, unless the workflow has been left by then; try until it may be."""
        main = threading.main_thread().ident or 0

        def deliver() -> None:
            time.sleep(seconds)
            while self._open and not only_if(main):
                time.sleep(seconds)
            if self._open and self.received is not None:
                signal.pthread_kill(main, self.received)

        _thread.start_new_thread(deliver, ())  # takes no lock, as a handler of signals must not

    def _raise_received(self) -> None:
        if self.received is not None:
            raise Terminated if self.received == signal.SIGTERM else KeyboardInterrupt


_WAITING = {module.__file__ for module in (threading, multiprocessing.pool, multiprocessing.process, popen_fork)}


def _waits_for_workers(ident: int) -> bool:
    """Whether a thread waits for the end of a worker, or for the lock of a pool, which a dead worker may hold."""
    frame = sys._current_frames().get(ident)
    while frame is not None and frame.f_code.co_filename in _WAITING:
        if frame.f_code.co_name in ("join", "_help_stuff_finish"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def watched() -> Iterator[Signals]:
    """Hold signals back within the block, but for :meth:`Signals.let_through`; only the main thread can.

    A signal that the process ignores (Ctrl-C of ``kedro run &`` in a script) stays ignored. What an inner run received
    is known to the outer one.
    """
    signals, outer = Signals(), Signals.current
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    hook = sys.unraisablehook
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    taken = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    Signals.current = signals
    try:
        sys.unraisablehook = _forwarding(signals, hook)
        for number in taken:
            signal.signal(number, signals.arrive)
        yield signals
    finally:
        sys.unraisablehook = hook
        for number, handler in taken.items():
            signal.signal(number, signal.SIG_IGN if signals.over else handler)
        Signals.current = signals if signals.over else outer  # whoever is forked now must not ignore signals as well
        if outer is not None:
            outer.received = outer.received or signals.received


def _forwarding(signals: Signals, hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """A hook for exceptions that Python cannot raise, which makes a swallowed signal heard; ``hook`` has the others."""

    def forward(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt) and signals.received is not None:
            signals.swallowed()
        else:
            hook(unraisable)

    return forward


def leave_to_the_main_process() -> None:
    """In a worker process, leave Ctrl-C to the main process, and let SIGTERM end it at once and without a traceback.

    A pool's worker that Ctrl-C ends while it holds the lock of the pool's queue would keep the main process waiting.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _do_nothing)  # not SIG_IGN, which a program that it starts would inherit
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _end_with_the_main_process() -> None:
    """Have the kernel end this process when the main process is killed and can tell nobody; only Linux offers it.

    It would go on computing into the folder of the run, where a restart may be at work.
    """
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


class _Fork(threading.local):
    """Whether the thread that forks is the main one: the kernel takes the end of that thread for the parent's."""

    by_main_thread: bool = False


_fork = _Fork()


def _before_fork() -> None:
    _fork.by_main_thread = threading.current_thread() is threading.main_thread()
    if Signals.current is not None:
        Signals.current.fork_begins()


def _after_fork() -> None:
    if Signals.current is not None:
        Signals.current.fork_ends()


def _after_fork_in_child() -> None:
    """A worker that was forked during a run has the main process's handlers: it must not act on them."""
    if Signals.current is not None:
        Signals.current = None
        leave_to_the_main_process()
        if _fork.by_main_thread:
            _end_with_the_main_process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
