"""The experiments nearest to a configuration: what differs, and what came out. Shown while the next one is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from expfw.listing.settings import settings
from expfw.listing.table import STYLES, main_metric
from expfw.record import ExperimentRecord, number, with_spread
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.known import best_of, known_hashes, numbers_of

MOST = 5
"""How many neighbours are shown."""

LINES = 4
"""How many differences of each."""

Differences = dict[str, tuple[Any, Any]]
"""For each key path that differs the value here and the value there; None where there is none."""


@dataclass(frozen=True)
class Neighbour:
    """A configuration that was run, beside the one in question.

    Args:
        record: the experiment that ran it; of several the newest COMPLETED one.
        differs: what differs.
        alike: how many other experiments ran the same configuration.
    """

    record: ExperimentRecord
    differs: Differences
    alike: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {
            "id": self.record.id,
            "name": self.record.name,
            "status": self.record.status,
            "differs": {key: list(pair) for key, pair in self.differs.items()},
            "metrics": self.record.metrics,
        }


@dataclass(frozen=True)
class Surroundings:
    """Where a configuration stands among those that were run.

    Args:
        runs: numbers of the experiments that ran this very configuration, ascending.
        neighbours: the nearest, these included.
        total: how many experiments there are.
    """

    runs: list[int]
    neighbours: list[Neighbour]
    total: int

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {"already_run": self.runs, "nearest": [neighbour.as_json() for neighbour in self.neighbours]}

    def table(self) -> RenderableType:
        """The same for people, 80 columns wide."""
        if not self.neighbours:
            return Text("No experiment has been run yet.")
        return Group(self.verdict(), Text(), neighbours_table(self.neighbours))

    def verdict(self) -> Text:
        """Whether this very configuration has been run."""
        if not self.runs:
            return Text(f"Not run yet; {self.total} experiment{'s' if self.total != 1 else ''} so far.")
        numbers = ", ".join(str(n) for n in self.runs[-MOST:])
        more = "… " if len(self.runs) > MOST else ""
        word = "experiments" if len(self.runs) > 1 else "experiment"
        return Text(f"This very configuration has been run already: {word} {more}{numbers}.", style="bold yellow")


def surroundings(config: Mapping[str, Any], plan_hash: str, root: Path) -> Surroundings:
    """Where a configuration stands among those that were run.

    Args:
        config: the resolved configuration.
        plan_hash: its :attr:`expfw.construct.plan.Plan.hash`.
        root: folder of all experiments.
    """
    return Surroundings(numbers_of(root, plan_hash), nearest(config, root), len(known_hashes(root)))


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> Differences:
    """The settings in which two configurations differ; what only describes, and reports, are no settings.

    Example:
        >>> differences({"model": {"type": "A", "params": {"depth": 2}}}, {"model": {"type": "A", "params": {}}})
        {'model.params.depth': (2, None)}
    """
    ours, theirs = (_told(settings(config)) for config in (here, there))
    pairs = {key: (ours.get(key), theirs.get(key)) for key in (*ours, *theirs)}
    return {key: (a, b) for key, (a, b) in pairs.items() if _text(a) != _text(b)}


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without empty objects: to give no parameters is no setting."""
    return {key: value for key, value in values.items() if value != {}}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def nearest(config: Mapping[str, Any], root: Path, most: int = MOST) -> list[Neighbour]:
    """The configurations already run that differ least from ``config``, each once; the newest first among equals.

    Args:
        config: a resolved configuration.
        root: folder of all experiments.
        most: how many to give.
    """
    groups: dict[str, list[int]] = {}
    for n, value in known_hashes(root).items():
        groups.setdefault(value, []).append(n)
    found = [(differences(config, _config(root, numbers[-1])), numbers) for numbers in groups.values()]
    found.sort(key=lambda pair: (len(pair[0]), -pair[1][-1]))
    records = [(best_of(root, numbers), differs, len(numbers) - 1) for differs, numbers in found[:most]]
    return [Neighbour(record, differs, alike) for record, differs, alike in records if record is not None]


def _config(root: Path, n: int) -> dict[str, Any]:
    config = read_json(ResultFolder(root / f"result_experiment_{n}").log / "config.json")
    return config if isinstance(config, dict) else {}


def neighbours_table(neighbours: list[Neighbour]) -> RenderableType:
    """Neighbours as a table that fits 80 columns: which, what came out, what differs."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("N", justify="right", no_wrap=True)
    table.add_column("nearest", overflow="fold", max_width=20)
    table.add_column("result", overflow="fold", max_width=24)
    table.add_column("differs (there → new)", overflow="fold")
    for neighbour in neighbours:
        table.add_row(str(neighbour.record.id), _name(neighbour), _result(neighbour.record), _difference(neighbour))
    return table


def _name(neighbour: Neighbour) -> Text:
    return Text(neighbour.record.name + (f" (and {neighbour.alike} alike)" if neighbour.alike else ""))


def _result(record: ExperimentRecord) -> Text:
    """The first metric, over folds and on the hold-out; the status where it says more."""
    if record.status != "COMPLETED":
        return Text(record.status, style=STYLES.get(record.status, ""))
    first = main_metric(record)
    if first is None:
        return Text("–")
    validation, test = (record.metrics[part].get(first) for part in ("validation", "test"))
    if validation is None:
        return Text(f"{first} {number(test)} (test)")
    return Text(f"{first} {with_spread(validation)}" + ("" if test is None else f"\ntest {number(test)}"))


def _difference(neighbour: Neighbour) -> Text:
    if not neighbour.differs:
        return Text("no setting", style="bold")
    lines = [f"{key} {shown(key, there)} → {shown(key, here)}" for key, (here, there) in neighbour.differs.items()]
    more = [f"… {len(lines) - LINES} more"] if len(lines) > LINES else []
    return Text("\n".join([*lines[:LINES], *more]))


def shown(key: str, value: Any, most: int = 30) -> str:
    """A setting's value, short.

    Example:
        >>> shown("model.type", "sklearn.svm.SVC"), shown("model.params.C", None), shown("a", list(range(20)))
        ('SVC', '–', '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9…')
    """
    if value is None:
        return "–"
    if key.endswith("type") and isinstance(value, str):
        value = value.rpartition(".")[2]
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
