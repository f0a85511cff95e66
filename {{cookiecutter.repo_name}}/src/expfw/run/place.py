"""Where work is at: the node, fold and component that a thread works for, to be told in each line of the log.

The node is set by the framework's hooks, the fold by the steps, the component wherever one is called
(:func:`expfw.blame.blame`). A thread that a component starts knows nothing of it; it is taken to work for the
component that is at work, as long as there is only one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import astuple, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where work is at; what is not known is empty or None.

    Args:
        run: folder of the log of the experiment.
        node: name of the node.
        fold: number of the fold, from 0.
        folds: how many folds there are.
        component: name of the component's class.

    Example:
        >>> str(Place(node="fit", fold=2, folds=5, component="SVC")), Place(node="fit").short, str(Place())
        ('fit fold 3/5 SVC', 'fit', '')
    """

    run: str = ""
    node: str = ""
    fold: int | None = None
    folds: int | None = None
    component: str = ""

    @property
    def short(self) -> str:
        """Node and fold, as people count."""
        fold = "" if self.fold is None else f"fold {self.fold + 1}{f'/{self.folds}' if self.folds else ''}"
        return " ".join(filter(None, (self.node, fold)))

    def __str__(self) -> str:
        return " ".join(filter(None, (self.short, self.component)))


NOWHERE = Place()

_PLACE: ContextVar[Place] = ContextVar("expfw_place", default=NOWHERE)
_busy: dict[int, Place] = {}
"""By thread, where it is while it is within :func:`at`."""

_ATTRIBUTE = "expfw_place"

Listener = Callable[[Place, bool], None]
_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Have each change of node or fold told to ``listener``: the place, and whether work there begins or has ended.

    Args:
        listener: called in the thread that works; None for nobody.
    """
    global _listener  # noqa: PLW0603 - one for the process, like its terminal
    _listener = listener


def here() -> Place:
    """Where the calling thread is; of one that does not know, what all that are at work have in common."""
    place = _PLACE.get()
    if place is not NOWHERE or not _busy:
        return place
    return _common(list(_busy.values()))


def _common(places: list[Place]) -> Place:
    kept = [values[0] if len(set(values)) == 1 else None for values in zip(*map(astuple, places), strict=True)]
    run, node, fold, folds, component = kept
    return Place(run or "", node or "", fold, folds, component or "")


def enter(run: str | None = None, node: str = "") -> Place:
    """Have the calling thread be at a node, or at none, from now on.

    Args:
        run: the folder of the experiment's log; None for the one that it is at.
        node: name of the node.

    Returns:
        Where it was before, for :func:`back_to`.
    """
    before = _PLACE.get()
    now = Place(before.run or here().run if run is None else run, node)
    if _listener is not None and node != before.node:
        _listener(now if node else before, bool(node))
    _PLACE.set(now)
    return before


def leave() -> None:
    """The node that the calling thread was at has done its work."""
    enter()


def back_to(place: Place) -> None:
    """Have the calling thread be where it was."""
    _PLACE.set(place)


@contextmanager
def at(**changes: Any) -> Iterator[Place]:
    """Within the block, the calling thread is at another fold or component of its node.

    An error that leaves the block knows the place; see :func:`place_of`.

    Args:
        changes: fields of :class:`Place`.

    Example:
        >>> with at(node="fit", fold=0, folds=3), at(component="SVC"):
        ...     str(here())
        'fit fold 1/3 SVC'
    """
    before, thread = _PLACE.get(), threading.get_ident()
    now, outer = replace(here(), **changes), _busy.get(thread)
    _PLACE.set(now)
    _busy[thread] = now
    try:
        yield now
    except BaseException as error:
        note(error, now)
        raise
    finally:
        _PLACE.set(before)
        if outer is None:
            _busy.pop(thread, None)
        else:
            _busy[thread] = outer


@contextmanager
def at_fold(number: int, count: int) -> Iterator[None]:
    """Within the block, the calling thread does the work of a fold, and whoever listens is told so.

    Args:
        number: number of the fold, from 0.
        count: how many folds there are.
    """
    with at(fold=number, folds=count) as now:
        if _listener is not None:
            _listener(now, True)
        try:
            yield
        finally:
            if _listener is not None:
                _listener(now, False)


def note(error: BaseException, place: Place) -> None:
    """Keep with an error where it was raised, unless that is known already."""
    if not hasattr(error, _ATTRIBUTE):
        with suppress(Exception):  # one that takes no attributes
            setattr(error, _ATTRIBUTE, place)


def place_of(error: BaseException) -> Place:
    """Where an error was raised, or one that it came from.

    Example:
        >>> try:
        ...     with at(node="fit", fold=1, folds=3):
        ...         1 / 0
        ... except ZeroDivisionError as error:
        ...     str(place_of(error))
        'fit fold 2/3'
    """
    behind: BaseException | None = error
    while behind is not None:
        place = getattr(behind, _ATTRIBUTE, None)
        if isinstance(place, Place):
            return place
        behind = behind.__cause__ or behind.__context__
    return here()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_busy.clear)  # the other threads are not there; the own one knows its place
