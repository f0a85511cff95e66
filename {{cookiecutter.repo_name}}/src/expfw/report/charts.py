"""Charts as SVG text: no library to import, colours that follow the page (light, dark, print), the data kept beside.

Each function draws on a canvas 420 units wide, small enough that its labels stay readable on a phone, and returns a
:class:`Chart`. Colours are classes (``s0`` … ``s7``) that the page's style sheet defines. Values that are not finite
are left out and counted in the chart's note.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from expfw.report import canvas
from expfw.report.axes import Axis, finite, format_number
from expfw.report.canvas import AXIS_NAMES, BOTTOM, LEFT, RIGHT, TOP
from expfw.report.table import Table, spread

MAX_POINTS = 2000
MAX_ROWS = 30
MAX_SPOTS = 400


@dataclass(frozen=True)
class Chart:
    """A drawing, what it shows in words, and the numbers behind it.

    Args:
        svg: the drawing, one ``<svg>`` element.
        title: what is drawn.
        note: sentences on what the drawing leaves out; empty if nothing.
        table: the numbers behind the drawing, shown on demand.
    """

    svg: str
    title: str
    note: str = ""
    table: Table = field(default_factory=Table)


def line_chart(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    description: str = "",
    diagonal: bool = False,
    markers: bool = False,
    limits: tuple[float, float] | None = None,
) -> Chart:
    """Several lines over one pair of axes.

    Args:
        lines: name of each line and its points, two arrays of shape ``(n_points,)``.
        title: what is drawn.
        x_label: what runs along the horizontal axis, with its unit.
        y_label: what runs along the vertical axis, with its unit.
        description: one sentence for readers who do not see the drawing.
        diagonal: whether to draw the line ``y = x`` for reference.
        markers: whether to mark each point.
        limits: values that both axes must hold.

    Example:
        >>> chart = line_chart({"a": ([0, 1], [0, 3])}, title="Growth", x_label="day", y_label="cm")
        >>> chart.table.rows
        (('a', 0.0, 0.0), ('a', 1.0, 3.0))
    """
    points = {name: _pairs(*pair) for name, pair in lines.items()}
    known = np.vstack([np.empty((0, 2)), *points.values()])
    x, y = _axes(known[:, 0], known[:, 1], limits)
    body = [canvas.frame(x, y, x_label, y_label), canvas.diagonal(x, y) if diagonal else ""]
    body += [canvas.line(pairs, x, y, number, markers) for number, pairs in enumerate(points.values())]
    legend, height = canvas.legend(list(points))
    names = np.repeat(np.arange(len(points)), [len(pairs) for pairs in points.values()])
    rows = [(list(points)[names[at]], *known[at].tolist()) for at in spread(len(known), 50)]
    note = _left_out(sum(np.size(pair[0]) for pair in lines.values()) - len(known))
    svg = canvas.svg_element(title, description, height, *body, legend)
    return Chart(svg, title, note, Table.excerpt(("line", x_label, y_label), rows, total=len(known)))


def scatter(
    x_values: ArrayLike,
    y_values: ArrayLike,
    *,
    title: str,
    x_label: str,
    y_label: str,
    description: str = "",
    identity: bool = False,
    zero: bool = False,
) -> Chart:
    """Points, at most 2,000 of them: of more, a sample with a fixed seed is drawn, and the note says so.

    Args:
        x_values: shape ``(n_points,)``.
        y_values: shape ``(n_points,)``.
        title: what is drawn.
        x_label: what runs along the horizontal axis, with its unit.
        y_label: what runs along the vertical axis, with its unit.
        description: one sentence for readers who do not see the drawing.
        identity: whether to draw the line ``y = x``, on axes of equal extent.
        zero: whether to draw the line ``y = 0``.

    Example:
        >>> scatter(range(5000), range(5000), title="Many", x_label="a", y_label="b").note
        '2,000 of 5,000 points are drawn, chosen at random with a fixed seed.'
    """
    known = _pairs(x_values, y_values)
    drawn, note = _sample(known)
    both = _extent(known) if identity else None
    x, y = _axes(known[:, 0], [*_extent(known[:, 1]), 0.0] if zero else known[:, 1], both)
    body = [
        canvas.frame(x, y, x_label, y_label),
        canvas.diagonal(x, y) if identity else "",
        canvas.level(x, y) if zero else "",
    ]
    svg = canvas.svg_element(title, description, BOTTOM + AXIS_NAMES, *body, canvas.dots(drawn, x, y))
    note = f"{note} {_left_out(np.size(x_values) - len(known))}".strip()
    return Chart(
        svg, title, note, Table.excerpt((x_label, y_label), known[spread(len(known), 50)].tolist(), total=len(known))
    )


def bars(
    values: Mapping[str, float], *, title: str, unit: str = "", description: str = "", limit: int = MAX_ROWS
) -> Chart:
    """Horizontal bars from zero, in the order given.

    Args:
        values: label and length of each bar.
        title: what is drawn.
        unit: unit of the values, written behind each.
        description: one sentence for readers who do not see the drawing.
        limit: how many bars to draw at most.

    Example:
        >>> "3.0000 s" in bars({"fit": 3.0, "predict": 0.5}, title="Time", unit="s").svg
        True
    """
    shown = list(values.items())[:limit]
    widest = max((len(canvas.short(name, 22)) for name, _ in shown), default=0)
    extent = Axis.around([0.0, *values.values()], min(12 + widest * 6.8, 170), RIGHT - 70)
    body = [_bar(name, value, extent, 8 + 24 * row, unit) for row, (name, value) in enumerate(shown)]
    note = "" if len(shown) == len(values) else f"The first {len(shown):,} of {len(values):,} bars are drawn."
    svg = canvas.svg_element(title, description, 16 + 24 * len(shown), *body)
    return Chart(svg, title, note, Table.excerpt(("", unit or "value"), list(values.items())))


def heatmap(
    values: ArrayLike,
    *,
    rows: Sequence[Any],
    columns: Sequence[Any],
    title: str,
    row_label: str,
    column_label: str,
    description: str = "",
) -> Chart:
    """A matrix of numbers, darker where they are larger within the matrix.

    Args:
        values: shape ``(n_rows, n_columns)``; whole numbers are written whole, others with two decimals.
        rows: labels of the rows.
        columns: labels of the columns.
        title: what is drawn.
        row_label: what the rows are.
        column_label: what the columns are.
        description: one sentence for readers who do not see the drawing.

    Example:
        >>> chart = heatmap([[9, 1], [0, 5]], rows="ab", columns="ab", title="C", row_label="true", column_label="pred")
        >>> chart.table.rows
        (('a', 9, 1), ('b', 0, 5))
    """
    matrix = np.asarray(values).reshape(len(rows), len(columns))
    left = 42 + _longest(rows)
    size = min((RIGHT - left) / max(len(columns), 1), 72.0)
    top = 44 + (0 if _fits(columns, size) else _longest(columns))
    cells = [_cell(matrix, row, column, left, top, size) for row in range(len(rows)) for column in range(len(columns))]
    labels = [
        canvas.text(left - 8, top + (at + 0.5) * size + 4, canvas.short(label, 14), "end")
        for at, label in enumerate(rows)
    ]
    labels += [
        _column_name(label, left + (at + 0.5) * size, top - 8, size, columns) for at, label in enumerate(columns)
    ]
    names = canvas.text(left, 16, f"{column_label} →", "name") + canvas.text(0, top - 8, f"{row_label} ↓", "name")
    svg = canvas.svg_element(title, description, top + len(rows) * size + 12, names, *labels, *cells)
    table = Table.excerpt((f"{row_label} ↓  {column_label} →", *map(str, columns)), _with_labels(rows, matrix))
    return Chart(svg, title, "", table)


def strip(
    rows: Mapping[str, tuple[Sequence[float], float, tuple[float, float]]], *, title: str, description: str = ""
) -> Chart:
    """One dot per value on a scale of its own for each row, with the mean and an interval around it.

    Args:
        rows: name of each row; its values, their mean, and the ends of the interval.
        title: what is drawn.
        description: one sentence for readers who do not see the drawing.

    Example:
        >>> strip({"accuracy": ([0.9, 1.0], 0.95, (0.9, 1.0))}, title="Folds").table.rows
        (('accuracy', 1, 0.9), ('accuracy', 2, 1.0))
    """
    shown = list(rows.items())[:MAX_ROWS]
    body = [_strip_row(name, *parts, 64 * number) for number, (name, parts) in enumerate(shown)]
    note = "" if len(shown) == len(rows) else f"The first {len(shown):,} of {len(rows):,} rows are drawn."
    table = [(name, at, value) for name, parts in rows.items() for at, value in enumerate(parts[0], start=1)]
    svg = canvas.svg_element(title, description, 64 * len(shown) + 6, *body)
    return Chart(svg, title, note, Table.excerpt(("row", "number", "value"), table))


def _pairs(x_values: ArrayLike, y_values: ArrayLike) -> NDArray[np.float64]:
    pairs = np.column_stack([np.asarray(x_values, dtype=np.float64), np.asarray(y_values, dtype=np.float64)])
    return pairs[np.isfinite(pairs).all(axis=1)]


def _sample(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    if len(points) <= MAX_POINTS:
        return points, ""
    chosen = np.sort(np.random.default_rng(0).choice(len(points), MAX_POINTS, replace=False))
    note = f"{MAX_POINTS:,} of {len(points):,} points are drawn, chosen at random with a fixed seed."
    return points[chosen], note


def _left_out(number: int) -> str:
    if not number:
        return ""
    return f"{number:,} {'point is' if number == 1 else 'points are'} not finite and left out."


def _extent(values: NDArray[np.float64]) -> tuple[float, float]:
    return (float(np.min(values)), float(np.max(values))) if values.size else (0.0, 1.0)


def _axes(x: Any, y: Any, limits: Iterable[float] | None) -> tuple[Axis, Axis]:
    extra = list(limits) if limits is not None else []
    ends = [[*_extent(np.asarray(values)), *extra] if len(values) or not extra else extra for values in (x, y)]
    return Axis.around(ends[0], LEFT, RIGHT), Axis.around(ends[1], BOTTOM, TOP)


def _bar(name: str, value: float, extent: Axis, y: float, unit: str) -> str:
    known = isinstance(value, (int, float)) and math.isfinite(value)
    ends = sorted((extent.at(0.0), extent.at(value if known else 0.0)))
    width = max(ends[1] - ends[0], 1.0) if known else 0.0
    label = f"{format_number(value)} {unit}".strip()
    shape = f'<rect class="s0 bar" x="{ends[0]}" y="{y}" width="{width:.1f}" height="16" rx="2"/>'
    beside = canvas.text(min(ends[1], RIGHT - 70) + 7, y + 12.5, label, "value")
    before = canvas.text(0, y + 12.5, canvas.short(name, 22))
    return f"<g><title>{escape(f'{name}: {label}')}</title>{before}{shape}{beside}</g>"


def _longest(labels: Sequence[Any]) -> float:
    return min(max((len(canvas.short(label, 14)) for label in labels), default=0) * 6.6, 96)


def _fits(labels: Sequence[Any], size: float) -> bool:
    return all(len(canvas.short(label, 14)) * 6.6 <= size - 2 for label in labels)


def _column_name(label: Any, x: float, y: float, size: float, labels: Sequence[Any]) -> str:
    name = canvas.short(label, 14)
    if _fits(labels, size):
        return canvas.text(x, y, name, "mid")
    return f'<g transform="rotate(-90 {x + 4:.1f} {y:.1f})">{canvas.text(x + 4, y, name)}</g>'


def _cell(matrix: NDArray[Any], row: int, column: int, left: float, top: float, size: float) -> str:
    value = float(matrix[row, column])
    text = f"{value:,.0f}" if matrix.dtype.kind in "iub" else f"{value:.2f}" if math.isfinite(value) else "–"
    largest = float(np.nanmax(np.where(np.isfinite(matrix), matrix, 0), initial=0))
    share = min(max(value / largest, 0.0), 1.0) if largest > 0 and math.isfinite(value) else 0.0
    x, y = left + column * size, top + row * size
    shade = f'class="heat" fill-opacity="{0.04 + 0.96 * share:.2f}"'
    box = f'<rect {shade} x="{x:.1f}" y="{y:.1f}" width="{size - 1:.1f}" height="{size - 1:.1f}"/>'
    css = "mid t2" if share > 0.74 else "mid t1" if share > 0.46 else "mid"
    return box + (
        canvas.text(x + size / 2, y + size / 2 + 4, text, css) if len(text) * 7 <= size and size >= 15 else ""
    )


def _with_labels(labels: Sequence[Any], matrix: NDArray[Any]) -> list[list[Any]]:
    return [[label, *row] for label, row in zip(labels, matrix.tolist(), strict=True)]


def _strip_row(name: str, values: Sequence[float], mean: float, interval: tuple[float, float], top: float) -> str:
    scale = Axis.around([*values, mean, *interval], 10, RIGHT - 8)
    middle = top + 34
    known = finite((*interval, mean))
    band = _band(scale, middle, known) if len(known) == 3 else ""
    drawn = sorted(finite(values))
    spots = (scale.at(drawn[at]) for at in spread(len(drawn), MAX_SPOTS))
    dots = "".join(f'<circle class="s0 spot" cx="{x}" cy="{middle}" r="4.5"/>' for x in spots)
    ticks = "".join(canvas.text(scale.at(value), middle + 22, label, "mid") for value, label in scale.ticks())
    label = canvas.text(0, top + 16, canvas.short(name, 40), "name") + canvas.text(
        RIGHT, top + 16, format_number(mean), "value end"
    )
    return label + canvas.rule(10, middle, RIGHT - 8, middle, "axis") + band + dots + ticks


def _band(scale: Axis, middle: float, known: Sequence[float]) -> str:
    low, high, mean = (scale.at(value) for value in known)
    box = f'<rect class="s1 band" x="{low}" y="{middle - 8}" width="{max(high - low, 1):.1f}" height="16" rx="2"/>'
    return box + f'<line class="s1 mean" x1="{mean}" y1="{middle - 11}" x2="{mean}" y2="{middle + 11}"/>'
