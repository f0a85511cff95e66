"""The experiment's page: one HTML file that needs nothing else, made from a view model and autoescaped templates."""

from __future__ import annotations

import base64
import pathlib
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from expfw.report.axes import format_number
from expfw.report.table import Table
from expfw.report.view import PageView, build_view

if TYPE_CHECKING:
    import jinja2

__all__ = ["PageView", "build_view", "is_drawing", "render_page", "style", "templates"]

TEMPLATES = pathlib.Path(__file__).parent / "templates"

_ATTRIBUTE = (
    r'\s(?:class|viewBox|role|transform|points|d|x|y|x1|x2|y1|y2|cx|cy|r|rx|width|height|fill-opacity)="[^"<>&]*"'
)
_OURS = re.compile(
    rf'<svg class="chart"(?:{_ATTRIBUTE})* xmlns="http://www\.w3\.org/2000/svg">|'
    rf"<(?:g|path|line|rect|circle|polyline|text|title|desc)(?:{_ATTRIBUTE})*/?>|"
    r"</(?:svg|g|text|title|desc)>|[^<>]+"
)

_NUMERIC = re.compile(r"(about )?[-\d.,e+]+( to [-\d.,e+]+)?( ?%| \([\d.]+ %\))?")
_HALF = 56
"""As many characters as half the width of a page can hold beside each other, with gaps of four between columns."""


def render_page(view: PageView) -> str:
    """Write the page: one HTML document with its style and drawings inside, that loads nothing and runs no script.

    Example:
        >>> page = render_page(PageView(number=7, name="<b>"))
        >>> "<title>Experiment 7: &lt;b&gt;</title>" in page
        True
    """
    page = templates().get_template("page.html.j2").render(view=view)
    return page.encode("utf-8", "replace").decode("utf-8")


def style() -> str:
    """The style sheet of the page, for other pages that should look alike."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


@cache
def templates() -> jinja2.Environment:
    """The templates of all pages, autoescaped, with the filters that they share.

    Example:
        >>> templates().from_string("{{ value | number }} {{ text }}").render(value=0.5, text="<b>")
        '0.5000 &lt;b&gt;'
    """
    import jinja2
    from markupsafe import Markup

    from expfw.report.compiled import CompiledTemplates

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=CompiledTemplates(TEMPLATES),
    )
    environment.filters |= {"number": format_number, "paragraphs": _paragraphs, "image": _as_image, "measure": _measure}
    environment.filters["measures"] = _measures
    environment.filters["drawing"] = lambda svg: Markup(svg) if is_drawing(svg) else ""  # noqa: S704 - checked
    environment.tests |= {"drawing": is_drawing, "narrow": _is_narrow}
    environment.globals["style"] = Markup(style())  # noqa: S704 - our own file
    return environment


def is_drawing(svg: str) -> bool:
    """Whether an SVG holds nothing but the shapes that our charts are made of, so that it may stand in the page itself.

    Example:
        >>> head = '<svg class="chart" viewBox="0 0 9 9" role="img" xmlns="http://www.w3.org/2000/svg">'
        >>> is_drawing(head + '<path d="M0 0"/></svg>'), is_drawing(head + "<script>alert(1)</script></svg>")
        (True, False)
    """
    return svg.startswith('<svg class="chart"') and not _OURS.sub("", svg)


def _as_image(svg: str) -> str:
    """A data address: in an image no script runs and nothing is loaded."""
    if "xmlns=" not in svg[: svg.find(">")]:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")


def _paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip()]


def _measure(value: Any) -> str:
    """The style class of a cell: numbers stand to the right."""
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "number" if numeric or (isinstance(value, str) and _NUMERIC.fullmatch(value)) else ""


def _measures(table: Table) -> list[str]:
    """The style classes of a table's columns: one whose known cells are all numbers stands to the right."""
    known = [[row[at] for row in table.rows if row[at] is not None] for at in range(len(table.columns))]
    return ["number" if cells and all(map(_measure, cells)) else "" for cells in known]


def _is_narrow(table: Table) -> bool:
    """Whether a table can stand beside another one."""
    parts = zip(table.columns, *table.rows, strict=True)
    return sum(4 + max(len(str(format_number(value))) for value in part) for part in parts) <= _HALF
