"""Charts hold whatever data they are given, say what they leave out, and can be read by everybody."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from expfw.report.axes import Axis, format_number
from expfw.report.charts import Chart, bars, heatmap, line_chart, scatter, strip
from expfw.report.page import is_drawing, style

SVG = "{http://www.w3.org/2000/svg}"
NAMES: dict[str, Any] = {"title": "T", "x_label": "x", "y_label": "y"}
HOSTILE = "<script>alert(1)</script>&\"'"
DIFFICULT = [
    [],
    [math.nan],
    [math.inf, -math.inf, math.nan],
    [5.0, 5.0, 5.0],
    [0.0],
    [1e-300, 2e-300],
    [-1e308, 1e308],
    [1e15, 1e15 + 1],
    [1.0, math.nan, 3.0],
]
DRAWN: dict[str, Callable[[list[float]], Chart]] = {
    "line": lambda values: line_chart({"a": (values, values)}, diagonal=True, markers=True, **NAMES),
    "scatter": lambda values: scatter(values, values, identity=True, **NAMES),
    "residuals": lambda values: scatter(values, values, zero=True, **NAMES),
    "bars": lambda values: bars({str(at): value for at, value in enumerate(values)}, title="T"),
    "strip": lambda values: strip({"m": (values, math.nan, (math.nan, math.nan))}, title="T"),
    "heatmap": lambda values: heatmap([values], rows=["r"], columns=values, title="T", row_label="r", column_label="c"),
}


@pytest.mark.parametrize("values", DIFFICULT, ids=str)
@pytest.mark.parametrize("name", DRAWN)
def test_difficult_values_give_a_valid_drawing(name: str, values: list[float]) -> None:
    chart = DRAWN[name](values)
    ElementTree.fromstring(chart.svg)
    assert is_drawing(chart.svg)
    assert not re.search(r'="[^"]*(nan|inf)', chart.svg)


def test_a_drawing_has_a_role_a_title_and_a_description() -> None:
    root = ElementTree.fromstring(scatter([1], [2], description="One point.", **NAMES).svg)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "T"
    assert root.findtext(f"{SVG}desc") == "One point."


def test_foreign_text_is_escaped() -> None:
    names: dict[str, Any] = {"title": HOSTILE, "description": HOSTILE}
    axes = names | {"x_label": HOSTILE, "y_label": HOSTILE}
    charts = [
        line_chart({HOSTILE: ([0], [0])}, **axes),
        scatter([0], [0], **axes),
        bars({HOSTILE: 1.0}, unit=HOSTILE, **names),
        strip({HOSTILE: ([1.0], 1.0, (0.0, 2.0))}, **names),
        heatmap([[1]], rows=[HOSTILE], columns=[HOSTILE], row_label=HOSTILE, column_label=HOSTILE, **names),
    ]
    for chart in charts:
        assert "<script" not in chart.svg
        assert is_drawing(chart.svg)
        assert HOSTILE in (ElementTree.fromstring(chart.svg).findtext(f"{SVG}title") or "")


def test_many_points_are_sampled_the_same_way_each_time_and_said_so() -> None:
    values = np.arange(100_000.0)
    first, second = (scatter(values, values, **NAMES) for _ in range(2))
    assert first == second
    assert first.svg.count("h0") == 2000
    assert first.note == "2,000 of 100,000 points are drawn, chosen at random with a fixed seed."
    assert first.table.note == "Evenly spaced: 50 of 100,000 rows."


def test_values_that_are_not_finite_are_left_out_and_counted() -> None:
    assert scatter([1, math.nan, math.inf], [1, 2, 3], **NAMES).note == "2 points are not finite and left out."


def test_the_numbers_behind_a_chart_are_cut_and_say_so() -> None:
    table = line_chart({"a": (range(1000), range(1000))}, **NAMES).table
    assert len(table.rows) == 50
    assert table.note == "Evenly spaced: 50 of 1,000 rows."


def test_points_stand_where_their_values_are() -> None:
    svg = line_chart({"a": ([0, 1], [0, 1])}, limits=(0, 1), **NAMES).svg
    assert 'points="50.0,262.0 408.0,28.0"' in svg


def test_bars_are_as_long_as_their_values() -> None:
    widths = re.findall(r'<rect [^>]*width="([\d.]+)"', bars({"a": 1.0, "b": 3.0}, title="T").svg)
    assert float(widths[1]) == pytest.approx(3 * float(widths[0]), abs=0.3)


def test_a_confusion_matrix_shows_each_count() -> None:
    chart = heatmap([[12, 3], [0, 45]], rows="ab", columns="ab", title="T", row_label="r", column_label="c")
    texts = [element.text for element in ElementTree.fromstring(chart.svg).iter(f"{SVG}text")]
    assert texts[-4:] == ["12", "3", "0", "45"]


@pytest.mark.parametrize(
    ("values", "labels"),
    [([0, 1], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]), ([-3, 40], ["-10", "0", "10", "20", "30", "40"])],
)
def test_ticks_are_round(values: list[float], labels: list[str]) -> None:
    assert [label for _, label in Axis.around(values, 0, 100).ticks()] == labels


def test_numbers_are_written_at_a_readable_length() -> None:
    assert [format_number(value) for value in (0.1 + 0.2, 10**400, True, -0.00001)] == [
        "0.3000",
        "huge",
        "True",
        "-1e-05",
    ]


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_stands_out_from_the_paper(mode: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", style(), re.DOTALL)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if mode == "light" else dark))
    for name in ("ink", "quiet", "accent", "fault"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for number in range(8):
        assert contrast(colours[f"s{number}"], colours["paper"]) >= 3, number
    assert contrast(colours["heat"], colours["heat-ink"]) >= 4.5
