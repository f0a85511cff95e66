"""One experiment on the terminal: what ``kedro experiment show`` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from expfw.errors import RecordError
from expfw.listing.columns import when
from expfw.listing.settings import settings
from expfw.listing.table import STYLES
from expfw.record import ExperimentRecord, headline, number
from expfw.run.files import read_json
from expfw.run.lineage import children, descent, parents
from expfw.settings import Setting

MOST = 20
"""Descendants that are named: a search has as many as trials."""


def detail(record: ExperimentRecord) -> RenderableType:
    """One experiment: what it was, what came out, how it was configured, where the time went."""
    parts: list[RenderableType] = [
        Text.assemble(
            (f"experiment {record.id} · {record.name} · ", "bold"), (record.status, STYLES.get(record.status, "bold"))
        ),
        Text(str(record.config.get("description", ""))),
        Text(f"started {when(record.started)}, stopped {when(record.stopped)}\n{record.path}"),
    ]
    if record.error:
        parts.append(Text(record.error, style="red"))
    parts += [Text(f"  {line}", style="bold") for line in headline(record.metrics)]
    parts += [Text(line) for line in (*_searched(record), *_restarted(record), *_lineage(record), *_reused(record))]
    parts += [Text(line) for line in _findings(record)]
    parts += [_pairs("setting", settings(record.config)), _pairs("seconds", _seconds(record))]
    return Group(*(part for part in parts if not isinstance(part, Text) or part.plain))


def _searched(record: ExperimentRecord) -> list[str]:
    """What came of a search: its best, the file's own values, how its trials ended, and where the best was tested."""
    told = record.search
    if not told:
        return []
    names, best, default = told["metrics"], told["best"], told["default"]
    ended = ", ".join(f"{count} {ENDED.get(state, state)}" for state, count in told["states"].items())
    lines = [
        f"best of {told['configurations']} configurations: experiment {best['experiment']}, {_values(names, best)}",
        f"  {', '.join(f'{name} = {json.dumps(value)}' for name, value in best['point'].items())}",
        f"the file's own values: experiment {default['experiment']}, {_values(names, default) or 'failed'}",
        f"trials: {told['trials']} ({ended})",
    ]
    tested = told.get("tested")
    return [*lines, f"the best was tested: kedro experiment show {tested}"] if tested else lines


ENDED = {"COMPLETE": "complete", "PRUNED": "broken off", "FAIL": "failed"}
"""How trials end, in words."""


def _values(names: Sequence[str], trial: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in zip(names, trial["values"], strict=False))


def _findings(record: ExperimentRecord) -> list[str]:
    """What the checks found, how, and what to do; of a muted finding the reason."""
    try:
        found = record.diagnostics.get("findings") or []
        return [line for one in found for line in _finding(one)]
    except (RecordError, AttributeError, KeyError, TypeError) as error:
        return [f"the findings cannot be read: {error}"]


def _finding(finding: Mapping[str, Any]) -> list[str]:
    first = f"{finding['code']} {finding['name']}: {finding['sentence']}"
    if finding.get("muted") is not None:
        return [f"{first} (muted: {finding['muted']})"]
    more = (f"how it was found: {finding.get('how', '')}", finding.get("advice", ""), f"see {finding.get('link', '')}")
    return [first, *(f"  {line}" for line in more if line)]


def _reused(record: ExperimentRecord) -> list[str]:
    """What was taken instead of computed, a line for each experiment that it is from."""
    origins = sorted(set(record.reused.values()))
    nodes = {number: [node for node, origin in record.reused.items() if origin == number] for number in origins}
    return [f"reused: {', '.join(names)} from experiment {number}" for number, names in nodes.items()]


def _restarted(record: ExperimentRecord) -> list[str]:
    """What had changed when it was taken up again by force."""
    changed = list(dict.fromkeys(name for restart in record.restarts for name in restart.get("changed", [])))
    lines = [f"restarted with --force although changed: {', '.join(changed)}"] if changed else []
    command = f"kedro experiment restart {record.id}"
    if record.status in ("INTERRUPTED", "DEAD"):
        return [*lines, f"go on with it: {command}"]
    return [*lines, f"go on with it, when the cause is mended: {command}"] if record.status == "FAILED" else lines


def _lineage(record: ExperimentRecord) -> list[str]:
    """The line of descent: ancestors, oldest first, then this experiment, then what came of it."""
    above = list(descent(record.path, parents))
    below = list(descent(record.path, children))
    if not above and not below:
        return []
    deepest = max((depth for depth, _ in above), default=0)
    lines = ["line of descent"]
    lines += [f"  {'  ' * (deepest - depth)}{_named(record, number)}" for depth, number in reversed(above)]
    lines.append(f"  {'  ' * deepest}{record.id} {record.name}  ← this one")
    lines += [f"  {'  ' * (deepest + depth)}{_named(record, number)}" for depth, number in below[:MOST]]
    return [*lines, f"  {'  ' * (deepest + 1)}… {len(below) - MOST} more"] if len(below) > MOST else lines


def _named(record: ExperimentRecord, number: int) -> str:
    run = read_json(record.path.with_name(f"result_experiment_{number}") / "log" / "run.json", {})
    return f"{number} {run.get('name', '(deleted)') if isinstance(run, dict) else '?'}"


def _seconds(record: ExperimentRecord) -> dict[str, str]:
    return {node: f"{seconds:.3f}" for node, seconds in record.timing.get("nodes", {}).items()}


def _pairs(title: str, values: Mapping[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, title_justify="left")
    table.add_column(title)
    table.add_column("")
    for key, value in values.items():
        table.add_row(Text(key), Text(value if isinstance(value, str) else json.dumps(value)))
    return table


def configuration_table(chosen: Sequence[Setting], *, origin: bool) -> RenderableType:
    """Settings with their values and, if asked for, where each came from."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("setting", "value", *(["origin"] if origin else [])):
        table.add_column(title, overflow="fold")
    for setting in chosen:
        value = setting.value if isinstance(setting.value, str) else json.dumps(setting.value)
        cells = [Text(setting.key), Text(value), Text(setting.origin or "not given", style="dim")]
        table.add_row(*cells[: 3 if origin else 2])
    return table
