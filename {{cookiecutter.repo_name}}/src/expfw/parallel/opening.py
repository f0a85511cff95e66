"""The workers that an experiment's file asks for under ``parallel``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expfw.parallel.outcome import is_worker
from expfw.parallel.workers import Serial, Workers

if TYPE_CHECKING:
    from expfw.construct.plan import Plan

_open: list[Workers] = []
"""The workers that somebody in this process has opened, and not closed yet."""


def has_workers(plan: Plan) -> bool:
    """Whether an experiment's work is done by others; where it is a worker's own already, it is done on the spot.

    Args:
        plan: the experiment's plan.
    """
    return plan.parallel is not None and not is_worker()


@contextmanager
def open_workers(plan: Plan) -> Iterator[Workers]:
    """The workers of an experiment; an error that leaves the block stops them at once.

    Args:
        plan: the experiment's plan.

    Raises:
        ExpfwError: if there are none, for example because no scheduler answers.
    """
    workers = _built(plan)
    _open.append(workers)
    try:
        yield workers
    except BaseException:
        _close(workers, at_once=True)
        raise
    _close(workers, at_once=False)


@contextmanager
def none_left_at_work() -> Iterator[None]:
    """An error that leaves the block stops all workers that were opened in it, whoever has them."""
    before = list(_open)
    try:
        yield
    except BaseException:
        for workers in [one for one in _open if not any(one is other for other in before)]:
            with suppress(Exception):  # what ended the block is the word to keep
                _close(workers, at_once=True)
        raise


def check_workers(plan: Plan, root: Path) -> None:
    """Whether an experiment's workers can do its work, before it begins.

    Args:
        plan: the experiment's plan.
        root: the folder of all results.

    Raises:
        ExpfwError: if they cannot; says what they need.
    """
    check = getattr(_built(plan), "check", None)
    if check is not None:
        check(root)


def _built(plan: Plan) -> Any:
    return plan.parallel.build() if plan.parallel is not None and has_workers(plan) else Serial()


def _close(workers: Workers, *, at_once: bool) -> None:
    """Close them once: those who are opened afterwards may be the very same processes."""
    if any(one is workers for one in _open):
        _open[:] = [one for one in _open if one is not workers]
        workers.close(at_once=at_once)
