"""The line of descent: which experiments took something from which, recorded on both sides."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from expfw.errors import RecordError
from expfw.run.events import EventLog
from expfw.run.files import read_object
from expfw.run.folder import ResultFolder

logger = logging.getLogger(__name__)


def link_to_parents(folder: ResultFolder, parents: Sequence[int]) -> None:
    """Note in each parent's folder that this experiment took something from it.

    A parent that cannot be written to (an archive) is no reason to fail: the child's own record names it.
    """
    for number in parents:
        log = _children_of(folder.path.with_name(f"result_experiment_{number}"))
        try:
            log.append("child", id=folder.id)
        except OSError as error:
            logger.warning("experiment %d cannot be told of its child: %s", number, error.strerror)


def children(path: Path) -> list[int]:
    """Numbers of the experiments that took something from the one in ``path``."""
    return sorted({int(event["id"]) for event in _children_of(path).read("child")})


def parents(path: Path) -> list[int]:
    """Numbers of the experiments that the one in ``path`` took something from."""
    return [int(number) for number in read_object(path / "log" / "run.json").get("parents", [])]


def descent(path: Path, step: Callable[[Path], list[int]]) -> Iterator[tuple[int, int]]:
    """Ancestors (``step=parents``) or descendants (``step=children``) as pairs of depth and number, nearest first.

    Args:
        path: an experiment's folder.
        step: one generation.
    """
    generation, seen, depth = _known(step, path), set[int](), 1
    while generation:
        fresh = [number for number in dict.fromkeys(generation) if number not in seen]
        seen.update(fresh)
        yield from ((depth, number) for number in fresh)
        generation = [n for number in fresh for n in _known(step, path.with_name(f"result_experiment_{number}"))]
        depth += 1


def _known(step: Callable[[Path], list[int]], path: Path) -> list[int]:
    """One generation; none of an experiment that cannot be read, which must not keep the others' from being shown."""
    try:
        return step(path)
    except (OSError, TypeError, ValueError, KeyError, RecordError):
        return []


def _children_of(path: Path) -> EventLog:
    return EventLog(path / "log" / "children.jsonl")
