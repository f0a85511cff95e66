"""What components added to the page: as much as it has room for, in the order of the workflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from expfw.report.collector import Fragment

MAX_ADDITIONS = 2_000_000
MAX_FAULTS = 20


@dataclass(frozen=True)
class Group:
    """Additions under one heading: those of one fold."""

    title: str
    fragments: tuple[Fragment, ...]


@dataclass(frozen=True)
class Step:
    """What the components of one step added: for the step as a whole, and for each fold."""

    title: str
    whole: tuple[Fragment, ...]
    folds: tuple[Group, ...]


@dataclass(frozen=True)
class Additions:
    """All additions.

    Args:
        reports: those of the reports.
        steps: those of other components.
        notes: sentences on additions that could not be read or had no room.
    """

    reports: tuple[Fragment, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


def arrange(fragments: Iterable[Fragment]) -> Additions:
    """Sort additions into reports and steps.

    Args:
        fragments: what components added, from :func:`expfw.report.collector.read_fragments`.

    Example:
        >>> [step.title for step in arrange([Fragment("text", body="done", step="fit", fold=0)]).steps]
        ['Fit']
    """
    kept, notes = _budget(fragments)
    others = [fragment for fragment in kept if fragment.step != "report"]
    return Additions(
        reports=tuple(fragment for fragment in kept if fragment.step == "report"),
        steps=tuple(_step(name, list(group)) for name, group in groupby(others, lambda fragment: fragment.step)),
        notes=tuple(notes),
    )


def _budget(fragments: Iterable[Fragment]) -> tuple[list[Fragment], list[str]]:
    """As many additions as a page of sensible size has room for, and sentences on the others."""
    kept, notes, size, left_out = [], [], 0, 0
    for fragment in fragments:
        room = _size(fragment)
        if fragment.kind == "fault":
            notes.append(fragment.body)
        elif size + room > MAX_ADDITIONS:
            left_out += 1
        else:
            kept.append(fragment)
            size += room
    more = [f"{len(notes) - MAX_FAULTS:,} more additions could not be read."] if len(notes) > MAX_FAULTS else []
    full = [f"{left_out:,} further additions had no room here; they are in the folder sections beside this page."]
    return kept, [*notes[:MAX_FAULTS], *more, *(full if left_out else [])]


def _size(fragment: Fragment) -> int:
    cells = sum(len(str(value)) + 30 for row in fragment.table.rows for value in row)
    return 400 + cells + len(fragment.body) * (4 if fragment.kind == "image" else 3) // 3


def _step(name: str, fragments: Sequence[Fragment]) -> Step:
    whole = tuple(fragment for fragment in fragments if fragment.fold is None)
    inside = [fragment for fragment in fragments if fragment.fold is not None]
    folds = groupby(inside, lambda fragment: fragment.fold)
    groups = tuple(Group(f"Fold {(fold or 0) + 1}", tuple(group)) for fold, group in folds)
    return Step(name.replace("_", " ").capitalize(), whole, groups)
