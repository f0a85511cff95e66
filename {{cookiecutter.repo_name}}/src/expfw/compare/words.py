"""A comparison for people: tables and sentences on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from expfw.compare.comparison import Comparison, SettingRow
from expfw.compare.metrics import MetricComparison, signed
from expfw.compare.rows import Output
from expfw.compare.sentences import sentences
from expfw.listing.table import STYLES
from expfw.record import ExperimentRecord, number, with_spread
from expfw.reproduce.changes import Changes
from expfw.reproduce.rerun import DIFF

MOST = 10
"""How many files, packages and so on are named in a line."""

OUTPUTS = {
    "raw_data": "raw data",
    "prepared_data": "prepared data",
    "development_data": "development data",
    "test_data": "test data",
    "folds": "folds",
}


def terminal(comparison: Comparison, *, origin: bool = False, diff: bool = False) -> RenderableType:
    """What differs and what it gave, as tables and sentences.

    Args:
        comparison: the experiments.
        origin: whether to say where each setting came from.
        diff: whether to show the code that changed, instead of the names of its files.
    """
    parts: list[RenderableType] = [_title(comparison), *(Text(note, style="yellow") for note in comparison.notes)]
    parts += [Text(), _settings(comparison, origin), Text(), _surroundings(comparison), Text(), *_metrics(comparison)]
    if diff:
        parts += _code(comparison)
    return Group(*parts)


def _title(comparison: Comparison) -> RenderableType:
    table = _table("N", "experiment", "status", "")
    for record in comparison.records:
        role = "reference" if record is comparison.reference else ""
        status = Text(record.status, style=STYLES.get(record.status, ""))
        table.add_row(Text(str(record.id)), Text(record.name), status, Text(role, style="dim"))
    return table


def _settings(comparison: Comparison, origin: bool) -> RenderableType:
    if not comparison.settings:
        return Text("settings: all the same")
    table = _table("setting", *(str(record.id) for record in comparison.records))
    for row in comparison.settings:
        table.add_row(Text(row.key), *_values(row, origin))
    return table


def _values(row: SettingRow, origin: bool) -> Iterator[Text]:
    for value, where in zip(shown_values(row), row.origins, strict=True):
        text = Text(value)
        if origin:
            text.append(f"\n{where or 'not given'}", style="dim")
        yield text


def shown_values(row: SettingRow) -> list[str]:
    """A setting's values in full; types without their modules, as long as these do not make the difference.

    Example:
        >>> shown_values(SettingRow("model.type", ("sklearn.svm.SVC", None), ("", "")))
        ['SVC', '–']
        >>> shown_values(SettingRow("model.type", ("sklearn.svm.SVC", "mine.SVC"), ("", "")))
        ['sklearn.svm.SVC', 'mine.SVC']
    """
    full = [_shown(value) for value in row.values]
    if row.key.rpartition(".")[2] != "type":
        return full
    brief = [value.rpartition(".")[2] for value in full]
    return brief if len(set(brief)) == len(set(full)) else full


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _surroundings(comparison: Comparison) -> RenderableType:
    """What differs beside the settings, for each other experiment, and in one line what does not."""
    table = _table("beside the settings", *(f"{comparison.reference.id} → {other.id}" for other in comparison.others))
    alike = []
    for kind, cells in surroundings(comparison):
        if any(cells):
            table.add_row(kind, *(Text(_listed(cell)) for cell in cells))
        else:
            alike.append(kind)
    line = [Text(f"the same: {', '.join(alike)}")] if alike else []
    return Group(*([table] if table.row_count else []), *line)


def surroundings(comparison: Comparison) -> Iterator[tuple[str, list[list[str]]]]:
    """For each kind of what lies beside the settings its name and, for each other experiment, what differs."""
    for kind in ("code", "packages", "Python", "platform", "inputs"):
        yield kind, [entries(kind, comparison.changes[other.id]) for other in comparison.others]
    for name, what in OUTPUTS.items():
        yield what, [_apart(comparison.rows[other.id].outputs[name]) for other in comparison.others]


def _apart(output: Output) -> list[str]:
    if output.same == "same":
        return []
    return ["other"] if output.same == "other" else [f"unknown: {output.why}"]


def entries(kind: str, found: Changes) -> list[str]:
    """What changed of one kind, an entry each.

    Args:
        kind: ``code``, ``packages``, ``Python``, ``platform`` or ``inputs``.
        found: what changed.

    Example:
        >>> entries("packages", Changes(packages={"numpy": ("1.26.4", None)}))
        ['numpy 1.26.4 → –']
    """
    if kind == "code":
        return list(found.code)
    if kind == "inputs":
        return list(found.data)
    if kind == "Python":
        return [] if found.python is None else [f"{found.python[0]} → {found.python[1]}"]
    pairs: Mapping[str, Sequence[Any]] = found.packages if kind == "packages" else found.platform
    return [f"{name} {' → '.join('–' if v is None else str(v) for v in pair)}" for name, pair in pairs.items()]


def _listed(names: Sequence[str]) -> str:
    more = [f"… {len(names) - MOST} more"] if len(names) > MOST else []
    return "\n".join([*names[:MOST], *more]) or "the same"


def _metrics(comparison: Comparison) -> Iterator[RenderableType]:
    if not comparison.metrics:
        yield Text("metrics: none was measured")
        return
    table = _table("metric", *(str(record.id) for record in comparison.records))
    for other in comparison.others:
        table.add_column(f"{other.id} − {comparison.reference.id}", overflow="fold")
    for metric in comparison.metrics:
        for row in _metric_rows(metric, comparison.records):
            table.add_row(*map(Text, row))
    yield table
    yield Text()
    for sentence in sentences(comparison):
        yield Text.assemble((f"{sentence.about}: ", "bold"), (sentence.text, "bold" if sentence.significant else ""))


def _metric_rows(metric: MetricComparison, records: Iterable[ExperimentRecord]) -> Iterator[list[str]]:
    """The line of the folds and that of the test data, each if any experiment has it."""
    known = list(records)
    if metric.validation:
        means = [with_spread(metric.validation[r.id]) if r.id in metric.validation else "–" for r in known]
        yield [labelled(metric), *means, *(signed(pair.validation) for pair in metric.pairs)]
    if metric.test:
        values = [number(metric.test.get(record.id)) for record in known]
        yield [f"{labelled(metric)} (test)", *values, *(signed(pair.test) for pair in metric.pairs)]


def labelled(metric: MetricComparison) -> str:
    """A metric's name with an arrow that says which way is better.

    Example:
        >>> labelled(MetricComparison("max_error", True, {}, {}, ()))
        'max_error ↓'
    """
    return f"{metric.name} {'↓' if metric.lower_is_better else '↑'}"


def _code(comparison: Comparison) -> Iterator[RenderableType]:
    for other in comparison.others:
        lines = "".join(comparison.changes[other.id].code.values()).splitlines()
        yield Text(f"\ncode, {comparison.reference.id} → {other.id}{'' if lines else ': the same'}", style="bold")
        yield Text("\n").join(Text(line, style=DIFF.get(line[:1], "")) for line in lines)


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
