"""What every chart is drawn with: the canvas, text, axes with their grid, lines, dots and a legend, all as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expfw.report.axes import Axis
from expfw.report.table import spread

WIDTH = 420
LEFT, RIGHT, TOP, BOTTOM = 50, 408, 28, 262
AXIS_NAMES = 42
COLOURS = 8
MAX_LINE_POINTS = 400
DOT_LAYERS = 8


def svg_element(title: str, description: str, height: float, *parts: str) -> str:
    """The whole drawing, ``height`` units high, with its title and description for readers who do not see it.

    Example:
        >>> svg_element("A", "", 9).endswith("<title>A</title></svg>")
        True
    """
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
    desc = f"<desc>{escape(description)}</desc>" if description else ""
    return f"{head}<title>{escape(title)}</title>{desc}{''.join(parts)}</svg>"


def text(x: float, y: float, label: str, css: str = "") -> str:
    """A label at a position, escaped; ``css`` names its classes.

    Example:
        >>> text(1, 2, "<b>", "mid")
        '<text class="mid" x="1.0" y="2.0">&lt;b&gt;</text>'
    """
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}">{escape(str(label))}</text>'


def short(label: Any, length: int) -> str:
    """A label on one line, at most ``length`` characters: cut in its middle, for names often differ at their end.

    Example:
        >>> short("a  very long label", 8)
        'a v…abel'
    """
    line = " ".join(str(label).split())
    if len(line) <= length:
        return line
    return f"{line[: length - 1 - length // 2]}…{line[-(length // 2) :]}"


def rule(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line.

    Example:
        >>> rule(0, 1, 2, 3, "axis")
        '<line class="axis" x1="0" y1="1" x2="2" y2="3"/>'
    """
    return f'<line class="{css}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def frame(x: Axis, y: Axis, x_label: str, y_label: str) -> str:
    """Grid, ticks and names of a pair of axes.

    Example:
        >>> "days" in frame(Axis(0, 1, LEFT, RIGHT), Axis(0, 1, BOTTOM, TOP), "days", "cm")
        True
    """
    across = [rule(LEFT, y.at(value), RIGHT, y.at(value), "grid") for value, _ in y.ticks()]
    beside = [text(LEFT - 8, y.at(value) + 4, label, "end") for value, label in y.ticks()]
    below = [text(x.at(value), BOTTOM + 18, label, "mid") for value, label in x.ticks(4)]
    names = text(0, 14, short(y_label, 60), "name") + text(RIGHT, BOTTOM + 36, short(x_label, 60), "name end")
    return "".join([*across, rule(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"), *beside, *below, names])


def diagonal(x: Axis, y: Axis) -> str:
    """The line ``y = x`` as far as both axes show it.

    Example:
        >>> diagonal(Axis(0, 1, 0, 10), Axis(2, 3, 10, 0))
        ''
    """
    low, high = max(x.low, y.low), min(x.high, y.high)
    return rule(x.at(low), y.at(low), x.at(high), y.at(high), "reference") if low < high else ""


def level(_x: Axis, y: Axis) -> str:
    """The line ``y = 0``.

    Example:
        >>> level(Axis(0, 1, LEFT, RIGHT), Axis(-1, 1, BOTTOM, TOP))
        '<line class="reference" x1="50" y1="145.0" x2="408" y2="145.0"/>'
    """
    return rule(LEFT, y.at(0.0), RIGHT, y.at(0.0), "reference")


def line(points: NDArray[np.float64], x: Axis, y: Axis, number: int, markers: bool) -> str:
    """One line, through at most 400 evenly spaced points; its number gives its colour and its dashes.

    Example:
        >>> line(np.array([[0.0, 0.0]]), Axis(0, 1, 0, 9), Axis(0, 1, 9, 0), number=1, markers=False)
        '<g class="s1"><polyline class="line d1" points="0.0,9.0"/></g>'
    """
    at = [(x.at(a), y.at(b)) for a, b in points[spread(len(points), MAX_LINE_POINTS)].tolist()]
    path = " ".join(f"{a},{b}" for a, b in at)
    dots = "".join(f'<circle class="dot" cx="{a}" cy="{b}" r="3.2"/>' for a, b in at) if markers else ""
    return f'<g class="s{number % COLOURS}"><polyline class="line d{number % 4}" points="{path}"/>{dots}</g>'


def dots(points: NDArray[np.float64], x: Axis, y: Axis) -> str:
    """All points as a few paths of zero-length strokes: a tenth of the size of circles, still darker where dense.

    Example:
        >>> dots(np.array([[0.0, 0.0]]), Axis(0, 1, 0, 9), Axis(0, 1, 9, 0))
        '<path class="s0 dots big" d="M0.0 9.0h0"/>'
    """
    size = "big" if len(points) <= 300 else "small"
    marks = [f"M{x.at(a)} {y.at(b)}h0" for a, b in points.tolist()]
    layers = [marks[layer::DOT_LAYERS] for layer in range(DOT_LAYERS)]
    return "".join(f'<path class="s0 dots {size}" d="{"".join(layer)}"/>' for layer in layers if layer)


def legend(names: Sequence[str]) -> tuple[str, float]:
    """The names of several lines below the axes, and the height of the drawing with them.

    Example:
        >>> legend(["a"])[1]
        328.0
    """
    x, y, parts = float(LEFT), BOTTOM + AXIS_NAMES + 16.0, []
    for number, name in enumerate(names):
        width = 34 + 6.7 * len(short(name, 40))
        x, y = (float(LEFT), y + 20) if x > LEFT and x + width > RIGHT else (x, y)
        key = rule(x, y - 4, x + 20, y - 4, f"line d{number % 4}")
        parts.append(f'<g class="s{number % COLOURS}">{key}{text(x + 26, y, short(name, 40))}</g>')
        x += width + 8
    return "".join(parts), y + 8
