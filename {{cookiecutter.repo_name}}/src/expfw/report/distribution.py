"""Charts of distributions: histograms of numbers and shares of classes, several samples in one drawing."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from expfw.report import canvas
from expfw.report.axes import Axis
from expfw.report.canvas import BOTTOM, COLOURS, LEFT, RIGHT, TOP
from expfw.report.charts import Chart
from expfw.report.table import Table

BINS = 20
MAX_LABELS = 12


def histogram(samples: Mapping[str, ArrayLike], *, title: str, x_label: str, description: str = "") -> Chart:
    """How the values of several samples are distributed: shares of each sample in bins that all have in common.

    Args:
        samples: name and values of each sample, arrays of shape ``(n_values,)``; what is not finite is left out.
        title: what is drawn.
        x_label: what runs along the horizontal axis, with its unit.
        description: one sentence for readers who do not see the drawing.

    Example:
        >>> chart = histogram({"a": [0, 0, 10]}, title="Target", x_label="cm")
        >>> chart.table.columns, chart.table.rows[0], len(chart.table.rows)
        (('from', 'to', 'a'), (0.0, 0.5, '66.7 %'), 20)
    """
    known = {name: _finite(values) for name, values in samples.items()}
    ends = [end for values in known.values() if values.size for end in (float(np.min(values)), float(np.max(values)))]
    x = Axis.around(ends, LEFT, RIGHT)
    edges = np.linspace(*((min(ends), max(ends)) if ends and min(ends) < max(ends) else (x.low, x.high)), BINS + 1)
    shares = {name: np.histogram(values, edges)[0] / max(values.size, 1) for name, values in known.items()}
    y = Axis.around([0.0, *(float(np.max(part)) * 100 for part in shares.values())], BOTTOM, TOP)
    body = [canvas.frame(x, y, x_label, "share of rows, %")]
    body += [_outline(edges, part, x, y, number) for number, part in enumerate(shares.values())]
    legend, height = canvas.legend(list(known))
    rows = [(a, b, *map(_percent, parts)) for a, b, *parts in zip(edges[:-1], edges[1:], *shares.values(), strict=True)]
    svg = canvas.svg_element(title, description, height, *body, legend)
    return Chart(svg, title, "", Table.excerpt(("from", "to", *known), rows))


def class_shares(
    counts: Mapping[str, Mapping[Any, int]],
    *,
    title: str,
    description: str = "",
    limit: int = MAX_LABELS,
    sizes: Mapping[str, int] | None = None,
    classes: int = 0,
) -> Chart:
    """How often each class occurs in several samples: one bar per class and sample, as a share of the sample.

    Args:
        counts: name of each sample, and how often each class occurs in it, the most frequent first.
        title: what is drawn.
        description: one sentence for readers who do not see the drawing.
        limit: how many classes to draw at most.
        sizes: size of each sample, if ``counts`` holds its most frequent classes only.
        classes: how many classes there are in all, if ``counts`` holds the most frequent ones only.

    Example:
        >>> class_shares({"a": {"cat": 3, "dog": 1}, "b": {"dog": 2}}, title="Target").table.rows
        (('cat', 3, '75.0 %', 0, '0.0 %'), ('dog', 1, '25.0 %', 2, '100.0 %'))
    """
    labels = list(dict.fromkeys(label for sample in counts.values() for label in sample))
    totals = {name: max((sizes or {}).get(name, sum(sample.values())), 1) for name, sample in counts.items()}
    whole = max(classes, len(labels))
    rows = [
        (label, *(part for name, sample in counts.items() for part in _count(sample.get(label, 0), totals[name])))
        for label in labels
    ]
    shares = [[sample.get(label, 0) / totals[name] for name, sample in counts.items()] for label in labels[:limit]]
    note = f"The {limit} most frequent of {whole:,} classes are drawn." if whole > limit else ""
    columns = ("class", *(text for name in counts for text in (name, "share")))
    svg = _bars([canvas.short(label, 18) for label in labels[:limit]], shares, list(counts), title, description)
    return Chart(svg, title, note, Table.excerpt(columns, rows, total=whole))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    return numbers[np.isfinite(numbers)]


def _outline(edges: NDArray[np.float64], shares: NDArray[np.float64], x: Axis, y: Axis, number: int) -> str:
    across = np.repeat(edges, 2)
    up = np.concatenate([[0.0], np.repeat(shares * 100, 2), [0.0]])
    points = " ".join(f"{x.at(a)},{y.at(b)}" for a, b in zip(across.tolist(), up.tolist(), strict=True))
    fill = f'<polyline class="band" points="{points}"/>' if number == 0 else ""
    return f'<g class="s{number % COLOURS}">{fill}<polyline class="line d{number % 4}" points="{points}"/></g>'


def _bars(labels: list[str], shares: list[list[float]], names: list[str], title: str, description: str) -> str:
    left = min(14 + max((len(label) for label in labels), default=0) * 6.8, 150)
    x = Axis.around([0.0, *(100 * share for row in shares for share in row)], left, RIGHT - 60)
    each = 14 if len(names) > 1 else 16
    step = each * len(names) + 11
    body = [
        canvas.text(0, 8 + step * at + each * len(names) / 2 + 4, label, "name")
        + _bar_group(row, x, 8 + step * at, each)
        for at, (label, row) in enumerate(zip(labels, shares, strict=True))
    ]
    bottom = 8 + step * len(labels)
    keys, width = [], left
    for number, name in enumerate(names if len(names) > 1 else []):
        key = f'<rect class="bar" x="{width:.1f}" y="{bottom + 4}" width="12" height="12" rx="2"/>'
        keys.append(f'<g class="s{number % COLOURS}">{key}{canvas.text(width + 18, bottom + 14, name)}</g>')
        width += 36 + 6.8 * len(name)
    return canvas.svg_element(title, description, bottom + (24 if keys else 0), *body, *keys)


def _bar_group(shares: list[float], x: Axis, top: float, each: float) -> str:
    parts = []
    for number, share in enumerate(shares):
        y, width = top + each * number, max(x.at(100 * share) - x.at(0), 1.0)
        bar = f'<rect class="bar" x="{x.at(0)}" y="{y:.1f}" width="{width:.1f}" height="{each - 1.5}" rx="2"/>'
        label = canvas.text(x.at(0) + width + 7, y + each / 2 + 3.5, _percent(share), "value")
        parts.append(f'<g class="s{number % COLOURS}"><title>{escape(_percent(share))}</title>{bar}{label}</g>')
    return "".join(parts)


def _count(number: int, total: int) -> tuple[int, str]:
    return number, _percent(number / total)


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")
