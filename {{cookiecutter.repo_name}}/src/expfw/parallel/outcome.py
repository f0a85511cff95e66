"""What becomes of a call in a worker: its value, or its error with all that led to it, and what it printed."""

from __future__ import annotations

import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from expfw.errors import ExpfwError


class _This(threading.local):
    """Whether this thread is at a call for somebody else."""

    at_work = False


_this = _This()


def is_worker() -> bool:
    """Whether the calling thread does work that was handed out; what it hands out itself is done on the spot."""
    return _this.at_work


class RemoteError(Exception):
    """The traceback of an error in a worker, as text."""

    def __str__(self) -> str:
        return f"in a worker\n\n{self.args[0]}"


@dataclass(frozen=True)
class Outcome:
    """What a worker sends back.

    Args:
        value: what the call returned.
        errors: what it raised, then what that came from, and so on; empty if it returned.
        trace: traceback of all of them, as text.
        printed: what it wrote to standard output and standard error, where the worker's lead elsewhere.
    """

    value: Any = None
    errors: tuple[BaseException, ...] = ()
    trace: str = ""
    printed: tuple[str, str] = ("", "")

    def get(self) -> Any:
        """The value.

        Raises:
            BaseException: the error, from what it came from, last the worker's traceback.
        """
        for stream, text in zip((sys.stdout, sys.stderr), self.printed, strict=True):
            if text:
                stream.write(text)
        if not self.errors:
            return self.value
        for error, cause in zip(self.errors, (*self.errors[1:], RemoteError(self.trace)), strict=True):
            error.__cause__ = cause
        raise self.errors[0]


def outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """Make a call for somebody else; joblib does what is nested in it on the spot.

    Args:
        function: the function.
        args: its arguments.

    Example:
        >>> outcome(divmod, (7, 2)).get()
        (3, 1)
        >>> outcome(divmod, (7, 0)).get()
        Traceback (most recent call last):
        ZeroDivisionError: integer division or modulo by zero
    """
    import joblib

    try:
        with _at_work(), joblib.parallel_config(backend="sequential"):
            return Outcome(function(*args))
    except BaseException as error:  # whatever it is, it is told where the call came from
        trace = "".join(traceback.format_exception(error))
        return Outcome(errors=tuple(_sendable(error) for error in _chain(error)), trace=trace)


@contextmanager
def _at_work() -> Iterator[None]:
    before, _this.at_work = _this.at_work, True
    try:
        yield
    finally:
        _this.at_work = before


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, as a traceback shows it."""
    seen: set[int] = set()
    behind: BaseException | None = error
    while behind is not None and id(behind) not in seen:
        seen.add(id(behind))
        yield behind
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)


def _sendable(error: BaseException) -> BaseException:
    """An error as it is, or one that says the same, where it cannot be pickled or would be another one then."""
    with suppress(Exception):
        sent = pickle.loads(pickle.dumps(error))  # noqa: S301 - it was pickled here
        if type(sent) is type(error) and str(sent) == str(error):
            return error
    return ExpfwError(f"{type(error).__name__}: {error}")
