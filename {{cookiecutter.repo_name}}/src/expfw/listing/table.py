"""The table on the terminal: no wider than it, and quick for a hundred thousand lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from expfw.index.row import Row
from expfw.listing.columns import DASH, FIELDS, LONGEST, Column, setting_column
from expfw.record import ExperimentRecord, number, with_spread

STYLES = {"COMPLETED": "green", "FAILED": "red", "INTERRUPTED": "yellow", "RUNNING": "cyan", "DEAD": "red"}
"""By status, its colour."""

GAP = 2
LEAST = 6
"""Characters that are left of a cell at least."""

KEPT = ("id", "name", "result")
"""Columns that are shown on any terminal, cut if need be."""

DROPPED_FIRST = ("seconds", "started", "status")
"""Columns that go first where it gets narrow; the status only after all but those that are kept."""

_WIDE = "\u0300"
"""The first character that may take more or less than one place."""

ENOUGH = 20
"""Characters of a result that say what it is: it is cut to them before the status goes."""


def main_metric(row: Row | ExperimentRecord, metric: str | None = None) -> str | None:
    """The metric to show as an experiment's result: the one asked for, else its first."""
    if metric is not None:
        return metric.rpartition(".")[2] if row.metric(metric) is not None else None
    return next(iter(row.metrics["validation"] or row.metrics["test"]), None)


def result_columns(metric: str | None) -> list[Column]:
    """The main result over the folds, and on the held-out rows.

    Args:
        metric: which; each experiment's first by default.
    """

    def result(row: Row) -> str:
        name = main_metric(row, metric)
        if row.status == "?":
            return "cannot be read"
        found = None if name is None else row.metrics["validation"].get(name)
        if found is None and row.search is not None and metric in (None, row.search["metric"]):
            return best_of(row.search)
        return DASH if found is None else f"{name} {with_spread(found)}"

    def test(row: Row) -> str:
        name = main_metric(row, metric)
        told = DASH if name is None else number(row.metrics["test"].get(name))
        return told if told == DASH or name in row.metrics["validation"] else f"{name} {told}"

    def value(part: str) -> Callable[[Row], float | None]:
        return lambda row: None if (name := main_metric(row, metric)) is None else row.metric(f"{part}.{name}")

    return [
        Column("result", "result", value("validation"), result, "metric"),
        Column("test", "test", value("test"), test, "metric"),
    ]


def best_of(search: Mapping[str, Any]) -> str:
    """What a search gave, in a few words: the value is that of the best of its trials, no mean of its own.

    Example:
        >>> best_of({"metric": "accuracy", "value": 0.98331, "configurations": 40})
        'best of 40: accuracy 0.9833'
    """
    return f"best of {search['configurations']}: {search['metric']} {number(search['value'])}"


def default_columns(metric: str | None, settings: Sequence[str]) -> list[Column]:
    """Number, name, status, times, main result, and some settings."""
    described = [FIELDS[key] for key in ("id", "name", "status", "started", "seconds")]
    return [*described, *result_columns(metric), *map(setting_column, settings)]


def table_lines(rows: Sequence[Row], columns: Sequence[Column], width: int | None, *, colour: bool) -> list[str]:
    """A line for the titles, one for each experiment, and one that names what did not fit.

    Args:
        rows: the experiments, in their order.
        columns: what to show of each.
        width: characters of a line; None for no limit.
        colour: whether to colour the status.
    """
    cells = [_column(column, rows) for column in columns]
    widths = [max(map(_width, shown.values())) for _, shown in cells]
    shown = _fitting(columns, widths, width)
    left_out = [column.key for at, column in enumerate(columns) if at not in shown]
    padded = [_padded(*cells[at], widths[at], right=columns[at].key == "id") for at in shown]
    if colour:
        padded = [_coloured(texts, columns[at]) for texts, at in zip(padded, shown, strict=True)]
    lines = [(" " * GAP).join(parts).rstrip() for parts in zip(*padded, strict=True)]
    if left_out and width is not None:
        told = f"not shown: {', '.join(left_out)}"
        lines.append(_cut(told, width))
    return lines


def _column(column: Column, rows: Sequence[Row]) -> tuple[list[str], dict[str, str]]:
    """The texts of a column, its title first, and how each of them is shown."""
    title = column.title.removesuffix(".type") if column.kind == "setting" else column.title
    texts = [title, *map(column.text, rows)]
    return texts, {text: text if text.isprintable() and len(text) <= LONGEST else _plain(text) for text in set(texts)}


def _plain(text: str) -> str:
    """Without what a terminal would take for a command or a new line, and no longer than a cell may be."""
    return _cut("".join(character if character.isprintable() else " " for character in text), LONGEST)


def _width(text: str) -> int:
    if text.isascii() or text == DASH or max(text) < _WIDE:
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, max(width - 1, 0)) + "…"


def _fitting(columns: Sequence[Column], widths: list[int], width: int | None) -> list[int]:
    """Positions of the columns that fit; ``widths`` of those that are cut are lessened."""
    shown = list(range(len(columns)))
    if width is None:
        return shown
    for at in _expendable(columns):
        if _total(widths, shown) <= width:
            return shown
        if columns[at].key == "status" and _total(_results_cut(columns, widths), shown) <= width:
            break
        shown.remove(at)
    for at in sorted(shown, key=lambda at: -widths[at]):
        excess = _total(widths, shown) - width
        if excess > 0 and columns[at].key != "id":
            widths[at] = max(widths[at] - excess, LEAST)
    return shown


def _results_cut(columns: Sequence[Column], widths: Sequence[int]) -> list[int]:
    return [
        min(width, ENOUGH) if column.key == "result" else width for column, width in zip(columns, widths, strict=True)
    ]


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[at] for at in shown) + GAP * (len(shown) - 1)


def _expendable(columns: Sequence[Column]) -> list[int]:
    """Positions in the order in which they are left out: times, then from the right, the status last."""
    at = {column.key: position for position, column in enumerate(columns)}
    first = [at[key] for key in DROPPED_FIRST[:2] if key in at]
    last = [at[key] for key in DROPPED_FIRST[2:] if key in at]
    kept = [at[key] for key in KEPT if key in at] or [0]
    rest = [position for position in reversed(range(len(columns))) if position not in (*first, *last, *kept)]
    return [*first, *rest, *last]


def _padded(texts: Sequence[str], shown: Mapping[str, str], width: int, *, right: bool) -> list[str]:
    fitting = {text: _fitted(cell, width, right=right) for text, cell in shown.items()}
    return [fitting[text] for text in texts]


def _fitted(text: str, width: int, *, right: bool) -> str:
    taken = _width(text)
    if taken > width:
        text = _cut(text, width)
        taken = _width(text)
    fill = " " * (width - taken)
    return fill + text if right else text + fill


def _coloured(texts: list[str], column: Column) -> list[str]:
    styled = [click.style(texts[0], bold=True), *texts[1:]]
    if column.key != "status":
        return styled
    return [styled[0], *(click.style(text, fg=STYLES.get(text.strip())) for text in texts[1:])]
