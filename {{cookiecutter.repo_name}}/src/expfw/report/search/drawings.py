"""The drawings of a search's page: trials one after the other, over a setting, over two; the front; and folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from expfw.report import canvas
from expfw.report.axes import Axis, finite
from expfw.report.canvas import AXIS_NAMES, BOTTOM, LEFT, RIGHT, TOP
from expfw.report.charts import Chart
from expfw.report.search.scales import Choice, LogAxis, focused
from expfw.report.table import Table, spread

MAX_POINTS = 1000
"""Points that are drawn of a figure in which each is an element of its own."""

MAX_FOLDS = 40
"""Folds that are drawn."""

ROW = 26


@dataclass(frozen=True)
class Mark:
    """A point that stands out from the others.

    Args:
        name: what it is.
        x: where.
        y: where.
        look: number of its colour and shape: 1 a diamond, 2 a triangle, 6 a square.
    """

    name: str
    x: float
    y: float
    look: int


@dataclass(frozen=True)
class Scale:
    """What runs along an axis.

    Args:
        name: its name.
        log: whether it runs over orders of magnitude.
        choices: names of the choices, whose numbers are the values; None for numbers.
        lower: of a metric, whether less is better; None for anything else. Values of a metric that are so bad that the
            good ones could not be told apart are drawn at the edge.
    """

    name: str
    log: bool = False
    choices: Sequence[str] | None = None
    lower: bool | None = None

    def axis(self, values: Sequence[float], start: float, stop: float) -> Axis:
        """The axis for these values."""
        if self.choices is not None:
            return Choice.of(self.choices, start, stop)
        if self.log:
            return LogAxis.around(values, start, stop)
        return Axis.around(values if self.lower is None else focused(finite(values), lower=self.lower), start, stop)


def points(
    values: Sequence[tuple[float, float]],
    marks: Sequence[Mark],
    *,
    title: str,
    scales: tuple[Scale, Scale],
    line: Sequence[tuple[float, float]] = (),
    reference: float | None = None,
    description: str = "",
) -> Chart:
    """Points, and a few that stand out.

    Args:
        values: the points.
        marks: those that stand out, with a legend.
        title: what is drawn.
        scales: what runs along the horizontal and the vertical axis.
        line: corners of a line, drawn as steps.
        reference: height of a dashed line.
        description: one sentence for readers who do not see the drawing.

    Example:
        >>> chart = points([(0, 0.5), (1, 0.7)], [], title="A", scales=(Scale("trial"), Scale("accuracy")))
        >>> chart.table.rows
        ((0, 0.5), (1, 0.7))
    """
    x_scale, y_scale = scales
    all_y = [*(y for _, y in values), *(mark.y for mark in marks), *([] if reference is None else [reference])]
    x = x_scale.axis([*(a for a, _ in values), *(mark.x for mark in marks)], LEFT, RIGHT)
    y = y_scale.axis(all_y, BOTTOM, TOP)
    drawn = np.array(_jittered(values, x_scale), dtype=np.float64).reshape(-1, 2)
    body = [canvas.frame(x, y, x_scale.name, y_scale.name)]
    body += [] if reference is None else [canvas.rule(LEFT, y.at(reference), RIGHT, y.at(reference), "reference")]
    body += [canvas.dots(drawn, x, y), _steps(line, x, y), *(_mark(mark, x, y) for mark in marks)]
    keys, height = _legend(marks)
    svg = canvas.svg_element(title, description, height, *body, keys)
    rows = [(_told(a, x_scale), b) for a, b in values]
    beyond = sum(b < y.low or b > y.high for _, b in values)
    note = f"{_count(beyond)} far worse and drawn at the edge." if beyond else ""
    return Chart(svg, title, note, Table.excerpt((x_scale.name, y_scale.name), rows))


def _count(number: int) -> str:
    return f"{number:,} trial is" if number == 1 else f"{number:,} trials are"


def _told(value: float, scale: Scale) -> str | float:
    return value if scale.choices is None else scale.choices[round(value)]


def _jittered(values: Sequence[tuple[float, float]], scale: Scale) -> list[tuple[float, float]]:
    """Points of one choice beside each other, in the same way each time."""
    if scale.choices is None:
        return list(values)
    shifts = np.random.default_rng(0).uniform(-0.18, 0.18, len(values))
    return [(a + shift, b) for (a, b), shift in zip(values, shifts.tolist(), strict=True)]


def _steps(corners: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    if not corners:
        return ""
    (first_x, first_y), *rest = corners
    path = f"M{x.at(first_x)} {y.at(first_y)}" + "".join(f"H{x.at(a)}V{y.at(b)}" for a, b in rest)
    return f'<path class="s2 line" d="{path}"/>'


def _mark(mark: Mark, x: Axis, y: Axis) -> str:
    return f'<g class="s{mark.look}">{_shape(x.at(mark.x), y.at(mark.y), mark.look, mark.name)}</g>'


def _shape(x: float, y: float, look: int, name: str = "") -> str:
    """Shapes differ as colours do, for readers who cannot tell these apart."""
    paths = {1: f"M{x} {y - 7.5:.1f}l7.5 7.5l-7.5 7.5l-7.5 -7.5z", 2: f"M{x} {y - 7:.1f}l7 12h-14z"}
    path = paths.get(look, f"M{x - 5.5:.1f} {y - 5.5:.1f}h11v11h-11z")
    title = f"<title>{escape(name)}</title>" if name else ""
    return f'<path class="dot halo" d="{path}"/>{title}'


def _legend(marks: Sequence[Mark]) -> tuple[str, float]:
    """What the marks are, below the axes, and the height of the drawing with it."""
    x, y, parts = float(LEFT), BOTTOM + AXIS_NAMES + 16.0, []
    for name, look in dict.fromkeys((mark.name, mark.look) for mark in marks):
        width = 24 + 6.7 * len(canvas.short(name, 40))
        x, y = (float(LEFT), y + 20) if x > LEFT and x + width > RIGHT else (x, y)
        parts.append(f'<g class="s{look}">{_shape(x + 7, y - 4, look)}{canvas.text(x + 20, y, name)}</g>')
        x += width + 12
    return "".join(parts), y + 8 if parts else BOTTOM + AXIS_NAMES


def shaded(
    values: Sequence[tuple[float, float, float]],
    marks: Sequence[Mark],
    *,
    title: str,
    scales: tuple[Scale, Scale, Scale],
    description: str = "",
) -> Chart:
    """Points over two settings, the darker the better.

    Args:
        values: the two settings and the metric of each point.
        marks: points that stand out.
        title: what is drawn.
        scales: the two settings, and the metric.
        description: one sentence for readers who do not see the drawing.
    """
    chosen = [values[at] for at in spread(len(values), MAX_POINTS)]
    x = scales[0].axis([*(a for a, _, _ in values), *(mark.x for mark in marks)], LEFT, RIGHT)
    y = scales[1].axis([*(b for _, b, _ in values), *(mark.y for mark in marks)], BOTTOM, TOP)
    ranks = _ranks([value for _, _, value in chosen], lower=bool(scales[2].lower))
    order = sorted(range(len(chosen)), key=lambda at: ranks[at])
    body = [canvas.frame(x, y, scales[0].name, scales[1].name)]
    body += [_shade(x.at(chosen[at][0]), y.at(chosen[at][1]), ranks[at]) for at in order]
    body += [_mark(mark, x, y) for mark in marks]
    keys, height = _legend(marks)
    svg = canvas.svg_element(title, description, height, *body, keys)
    few = len(chosen) < len(values)
    note = f"{len(chosen):,} of {len(values):,} trials are drawn, evenly spaced." if few else ""
    return Chart(svg, title, note, Table.excerpt([scale.name for scale in scales], values))


def _ranks(values: Sequence[float], *, lower: bool) -> list[float]:
    """By value, a share from 0 for the worst to 1 for the best; equal values have the same."""
    levels = sorted(set(values), reverse=lower)
    place = {value: at / max(len(levels) - 1, 1) for at, value in enumerate(levels)}
    return [place[value] for value in values]


def _shade(x: float, y: float, share: float) -> str:
    return f'<circle class="heat pale" fill-opacity="{0.04 + 0.96 * share**2:.2f}" cx="{x}" cy="{y}" r="5"/>'


def fold_rows(
    rows: Mapping[str, tuple[Sequence[float], int]], *, title: str, x_label: str, description: str = ""
) -> Chart:
    """Values of several things on each fold, a row for each fold.

    Args:
        rows: name of each thing; its value on each fold, and the number of its colour and shape.
        title: what is drawn.
        x_label: what runs along the axis.
        description: one sentence for readers who do not see the drawing.

    Example:
        >>> fold_rows({"winner": ([0.9, 1.0], 1)}, title="A", x_label="accuracy").table.rows
        ((1, 0.9), (2, 1.0))
    """
    count = max((len(values) for values, _ in rows.values()), default=0)
    axis = Axis.around([value for values, _ in rows.values() for value in values], 58, RIGHT - 12)
    shown = min(count, MAX_FOLDS)
    bottom = 6 + ROW * shown
    body = [canvas.rule(axis.at(value), 4, axis.at(value), bottom, "grid") for value, _ in axis.ticks(4)]
    body += [_fold(at, rows, axis) for at in range(shown)]
    body += [canvas.text(axis.at(value), bottom + 18, label, "mid") for value, label in axis.ticks(4)]
    body += [canvas.text(RIGHT, bottom + 36, canvas.short(x_label, 60), "name end")]
    keys, height = _legend([Mark(name, 0, 0, look) for name, (_, look) in rows.items()])
    lowered = f'<g transform="translate(0 {bottom - BOTTOM:.0f})">{keys}</g>'
    svg = canvas.svg_element(title, description, height + bottom - BOTTOM, *body, lowered)
    note = f"The first {shown:,} of {count:,} folds are drawn." if shown < count else ""
    table = [(at + 1, *(values[at] for values, _ in rows.values())) for at in range(count)]
    return Chart(svg, title, note, Table.excerpt(("fold", *rows), table, limit=200))


def _fold(at: int, rows: Mapping[str, tuple[Sequence[float], int]], axis: Axis) -> str:
    middle = 6 + ROW * (at + 0.5)
    known = finite(values[at] for values, _ in rows.values())
    ends = (axis.at(min(known)), axis.at(max(known))) if known else (0.0, 0.0)
    line = canvas.rule(ends[0], middle, ends[1], middle, "axis")
    marks = [
        f'<g class="s{look}">{_shape(axis.at(values[at]), middle, look, name)}</g>'
        for name, (values, look) in rows.items()
        if finite([values[at]])
    ]
    return canvas.text(0, middle + 4, f"fold {at + 1}") + line + "".join(marks)
