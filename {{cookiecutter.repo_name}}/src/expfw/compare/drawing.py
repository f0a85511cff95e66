"""Drawings of a comparison: one dot for each fold on an axis that all rows share, with mean and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from expfw.report import canvas
from expfw.report.axes import Axis, finite, format_number
from expfw.report.canvas import RIGHT
from expfw.report.charts import Chart
from expfw.report.table import Table, spread

MAX_ROWS = 30
MAX_SPOTS = 1000
"""Dots of all rows together."""

MAX_FOLDS = 200
"""Folds in the table behind the drawing."""

HEIGHT = 50.0


@dataclass(frozen=True)
class DotRow:
    """One row of dots.

    Args:
        name: what stands above it.
        values: one dot each; None where there is none.
        mean: where the line stands; None for no line.
        interval: the ends of the band around it; None for no band.
        colour: number of the colour, the same for an experiment in every drawing.
        detail: what else stands above it.
    """

    name: str
    values: Sequence[float | None]
    mean: float | None
    interval: tuple[float, float] | None = None
    colour: int = 0
    detail: str = ""


def dot_rows(rows: Sequence[DotRow], *, title: str, x_label: str, description: str, zero: bool = False) -> Chart:
    """Rows of dots above one axis, so that they can be compared.

    Args:
        rows: the rows, from top to bottom; at most 30 are drawn.
        title: what is drawn.
        x_label: what runs along the axis.
        description: one sentence for readers who do not see the drawing.
        zero: whether to draw the line of no difference.

    Example:
        >>> row = DotRow("2 − 1", [0.1, None, 0.3], 0.2, (0.0, 0.4))
        >>> dot_rows([row], title="Differences", x_label="accuracy", description="", zero=True).table.rows
        ((1, 0.1), (2, None), (3, 0.3))
    """
    shown = list(rows[:MAX_ROWS])
    inside = [v for row in shown for v in (*row.values, row.mean, *(row.interval or ()))]
    axis = Axis.around([*inside, *([0.0] if zero else [])], 12, RIGHT - 12)
    bottom = HEIGHT * len(shown) + 6
    body = [_ticks(axis, bottom, x_label)]
    body += [canvas.rule(axis.at(0.0), 4, axis.at(0.0), bottom, "reference")] if zero else []
    most = MAX_SPOTS // max(len(shown), 1)
    body += [_row(row, axis, HEIGHT * at, most) for at, row in enumerate(shown)]
    svg = canvas.svg_element(title, description, bottom + 44, *body)
    return Chart(svg, title, _left_out(rows, most), _table(rows))


def _left_out(rows: Sequence[DotRow], most: int) -> str:
    notes = [f"The first {MAX_ROWS} of {len(rows):,} rows are drawn."] if len(rows) > MAX_ROWS else []
    dense = any(len(row.values) > most for row in rows)
    return " ".join([*notes, *([f"{most} folds of each are drawn, evenly spaced by value."] if dense else [])])


def _table(rows: Sequence[DotRow]) -> Table:
    """A line for each fold, a column for each row of dots."""
    folds = range(max((len(row.values) for row in rows), default=0))
    values = [[at + 1, *(row.values[at] if at < len(row.values) else None for row in rows)] for at in folds]
    return Table.excerpt(("fold", *(row.name for row in rows)), values, limit=MAX_FOLDS)


def _ticks(axis: Axis, bottom: float, x_label: str) -> str:
    ticks = axis.ticks(4)
    across = [canvas.rule(axis.at(value), 4, axis.at(value), bottom, "grid") for value, _ in ticks]
    below = [canvas.text(axis.at(value), bottom + 17, label, "mid") for value, label in ticks]
    name = canvas.text(RIGHT, bottom + 36, canvas.short(x_label, 60), "name end")
    return "".join([*across, canvas.rule(12, bottom, RIGHT - 12, bottom, "axis"), *below, name])


def _row(row: DotRow, axis: Axis, top: float, most: int) -> str:
    middle = top + 33
    css = f"s{row.colour % canvas.COLOURS}"
    drawn = sorted(finite(row.values))
    spots = (axis.at(drawn[at]) for at in spread(len(drawn), most))
    dots = "".join(f'<circle class="spot" cx="{x}" cy="{middle}" r="4.5"/>' for x in spots)
    label = canvas.text(0, top + 17, canvas.short(f"{row.name}{row.detail}", 44), "name")
    value = canvas.text(RIGHT, top + 17, format_number(row.mean), "value end")
    told = f"{row.name}: {format_number(row.mean)}"
    return f'<g class="{css}"><title>{escape(told)}</title>{_band(row, axis, middle)}{dots}{label}{value}</g>'


def _band(row: DotRow, axis: Axis, middle: float) -> str:
    box, line = "", ""
    if row.interval is not None and len(finite(row.interval)) == 2:
        low, high = (axis.at(end) for end in row.interval)
        width = max(high - low, 1)
        box = f'<rect class="band" x="{low}" y="{middle - 9}" width="{width:.1f}" height="18" rx="2"/>'
    if row.mean is not None and finite([row.mean]):
        x = axis.at(row.mean)
        line = f'<line class="mean" x1="{x}" y1="{middle - 12}" x2="{x}" y2="{middle + 12}"/>'
    return box + line
