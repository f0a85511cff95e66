"""Forest plots: values of several things on one scale, each with its interval, to be compared at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from expfw.report import canvas
from expfw.report.axes import Axis, finite, format_number
from expfw.report.canvas import RIGHT
from expfw.report.charts import Chart
from expfw.report.table import Table, cell

ROW = 34
TOP = 10
NAMES = 134
VALUES = 62
MAX_POINTS = 400


@dataclass(frozen=True)
class Estimate:
    """One row of a forest plot.

    Args:
        name: what the value is of.
        value: the value.
        interval: its interval; None where there is none.
        points: single values that it is the mean of.
        look: number of its colour and shape.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    points: Sequence[float] = ()
    look: int = 0


def forest(estimates: Sequence[Estimate], *, title: str, x_label: str, description: str = "") -> Chart:
    """Values below each other on one scale; a line through all of them marks the first one's.

    Args:
        estimates: the rows; those whose value is not finite are in the table only.
        title: what is drawn.
        x_label: what runs along the axis, with its unit.
        description: one sentence for readers who do not see the drawing.

    Example:
        >>> rows = [Estimate("this", 0.9, (0.8, 1.0)), Estimate("baseline", 0.5)]
        >>> chart = forest(rows, title="A", x_label="accuracy")
        >>> chart.table.rows
        (('this', 0.9, 0.8, 1.0), ('baseline', 0.5, None, None))
    """
    shown = [estimate for estimate in estimates if math.isfinite(estimate.value)]
    known = finite(value for each in shown for value in (each.value, *(each.interval or ()), *each.points))
    x = Axis.around(known, NAMES, RIGHT - VALUES)
    bottom = TOP + ROW * len(shown)
    body = [canvas.rule(x.at(value), TOP, x.at(value), bottom, "grid") for value, _ in x.ticks(4)]
    body += [canvas.rule(x.at(shown[0].value), TOP, x.at(shown[0].value), bottom, "reference")] if shown else []
    body += [_row(estimate, x, TOP + ROW * (at + 0.5)) for at, estimate in enumerate(shown)]
    body += [canvas.text(x.at(value), bottom + 18, label, "mid") for value, label in x.ticks(4)]
    body += [canvas.text(RIGHT - VALUES, bottom + 36, canvas.short(x_label, 40), "name end")]
    rows = tuple((each.name, cell(each.value), *map(cell, each.interval or (None, None))) for each in estimates)
    svg = canvas.svg_element(title, description, bottom + 42, *body)
    return Chart(svg, title, "", Table(("", "value", "from", "to"), rows))


def _row(estimate: Estimate, x: Axis, middle: float) -> str:
    name = canvas.text(0, middle + 4, canvas.short(estimate.name, 20), "name")
    value = canvas.text(RIGHT, middle + 4, format_number(estimate.value), "value end")
    return f'<g class="s{estimate.look}">{name}{_spread(estimate, x, middle)}{value}</g>'


def _spread(estimate: Estimate, x: Axis, middle: float) -> str:
    ends = finite(estimate.interval or ())
    band = ""
    if len(ends) == 2:
        low, high = x.at(ends[0]), x.at(ends[1])
        band = f'<rect class="band" x="{low}" y="{middle - 8}" width="{max(high - low, 1):.1f}" height="16" rx="3"/>'
    points = finite(estimate.points)[:MAX_POINTS]
    dots = "".join(f'<circle class="spot" cx="{x.at(point)}" cy="{middle}" r="3"/>' for point in points)
    return band + dots + _mark(x.at(estimate.value), middle, estimate.look)


def _mark(x: float, y: float, look: int) -> str:
    """Shapes differ as colours do, for readers who cannot tell these apart."""
    if look == 0:
        return f'<rect class="dot" x="{x - 2:.1f}" y="{y - 11:.1f}" width="4" height="22" rx="2"/>'
    if look == 1:
        return f'<path class="dot" d="M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z"/>'
    if look == 2:
        return f'<path class="dot" d="M{x:.1f} {y - 7:.1f}l7 12h-14z"/>'
    return f'<rect class="dot" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'
