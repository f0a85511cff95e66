"""The interface of workers, and the plainest ones: the work is done here, at once."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from expfw.errors import ExpfwError


class WorkerLost(ExpfwError):
    """A worker ended in the middle of its work: it was killed, or its machine is gone. The work itself has no fault."""


class Future(Protocol):
    """A call that was handed out."""

    def result(self) -> Any:
        """What the call returned.

        Raises:
            WorkerLost: if its worker ended, or cannot be reached.
            BaseException: whatever the call raised.
        """
        ...


F = TypeVar("F", bound=Future)


@runtime_checkable
class Workers(Protocol):
    """Those who do the work that is handed out. A class of your own needs these four things.

    Attributes:
        count: how many calls can be under way at once, at least 1; of a cluster it may change.
    """

    count: int

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future:
        """Hand out a call.

        Args:
            function: a function of a module, which workers import by its name.
            args: its arguments, which can be pickled.

        Raises:
            WorkerLost: if there are no workers (any more).
        """
        ...

    def first_done(self, futures: Collection[F]) -> set[F]:
        """Wait until at least one call is done, or has failed; a signal to the process breaks the wait at once.

        Args:
            futures: what :meth:`submit` gave; at least one.
        """
        ...

    def close(self, *, at_once: bool = False) -> None:
        """Need them no more.

        Args:
            at_once: whether what they are at is not wanted any more: they stop in the middle of it. Otherwise all
                is done, and they may stay ready for the next who needs the same.
        """
        ...


def first_done(futures: Collection[F]) -> set[F]:
    """Wait for the first of calls that have one of Python's own futures as their ``future``."""
    by_inner = {future.future: future for future in futures}  # type: ignore[attr-defined] # who calls this has them
    done, _ = concurrent.futures.wait(by_inner, return_when=concurrent.futures.FIRST_COMPLETED)
    return {by_inner[future] for future in done}


class Opened:
    """Makes a ``with`` block of workers: an error that leaves it, Ctrl-C included, stops them at once."""

    def close(self, *, at_once: bool = False) -> None:
        """Need them no more; there is nothing to end unless a subclass says so."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close(at_once=kind is not None)


class Done:
    """A call that was made on the spot.

    Args:
        function: the function.
        args: its arguments.
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._value: Any = None
        self._error: Exception | None = None
        try:
            self._value = function(*args)
        except Exception as error:
            self._error = error

    def result(self) -> Any:
        """What it returned, or the error that it raised."""
        if self._error is not None:
            raise self._error
        return self._value


class Serial(Opened):
    """Does each call in this process as soon as it is handed out.

    Example:
        >>> with Serial() as workers:
        ...     futures = [workers.submit(pow, 2, n) for n in range(3)]
        ...     len(workers.first_done(futures)), [future.result() for future in futures]
        (3, [1, 2, 4])
    """

    count = 1

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Done:
        """Do it."""
        return Done(function, args)

    def first_done(self, futures: Collection[F]) -> set[F]:
        """All of them."""
        return set(futures)
