"""Writing the page: the columns as JSON, the newest experiments as a table for readers without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from expfw.errors import RecordError
from expfw.report.axes import MISSING, format_number
from expfw.report.overview.best import best_by_data
from expfw.report.overview.columns import Column, columns_of
from expfw.report.page import TEMPLATES, style
from expfw.run.files import atomic

if TYPE_CHECKING:
    from expfw.index import Row

FILE = "overview.html"
PAGE = "report/index.html"
SCRIPTS = ("overview_rows.js", "overview_table.js", "overview_charts.js", "overview.js")
FIRST = 100
"""Rows of a page of the table; as many are there without JavaScript."""


def write_overview(rows: Sequence[Row], root: Path, output: Path) -> int:
    """Write the page of all experiments; it appears under its name when it is complete.

    Args:
        rows: the experiments, by ascending number.
        root: the folder that holds their folders; links are relative, so both can be moved together.
        output: the file to write; its folder is made.

    Returns:
        Size of the page in bytes.

    Raises:
        RecordError: if it cannot be written there.
    """
    content = render_overview(rows, root, output).encode("utf-8", "replace")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with atomic(output) as file:
            file.write(content)
    except OSError as error:
        what = f"the overview cannot be written to {output}: {error.strerror}"
        raise RecordError(f"{what}; give another --output") from error
    return len(content)


def render_overview(rows: Sequence[Row], root: Path, output: Path) -> str:
    """The page as HTML: it loads nothing, and runs no script but its own.

    Args:
        rows: the experiments, by ascending number.
        root: the folder that holds their folders.
        output: where the page will lie; links are relative to it.
    """
    columns = columns_of(rows)
    links = _links(rows, prefix(root, output))
    script = _script()
    return (
        _templates()
        .get_template("overview.html.j2")
        .render(
            count=len(rows),
            statuses=Counter(row.status for row in rows).most_common(),
            best=best_by_data(rows),
            columns=[column for column in columns if column.shown],
            newest=[(links.get(rows[at].id), at) for at in reversed(range(max(len(rows) - FIRST, 0), len(rows)))],
            links=links,
            data=Markup(json_for_script(_data(rows, columns, links, prefix(root, output)))),  # noqa: S704 - escaped
            script=Markup(script),  # noqa: S704 - our own file
            digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            style=Markup(style() + _read("overview.css")),  # noqa: S704 - our own files
            written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        )
    )


def _links(rows: Sequence[Row], way: str) -> dict[int, str]:
    """By number the address of each report that is there."""
    return {row.id: f"{way}{quote(row.path.name)}/{PAGE}" for row in rows if (row.path / PAGE).is_file()}


def prefix(root: Path, output: Path) -> str:
    """The way from the page to the folder of experiments, as a relative address; empty if the page lies in it.

    Example:
        >>> prefix(Path("result"), Path("result/overview.html")), prefix(Path("my result"), Path("docs/all.html"))
        ('', '../my%20result/')
    """
    way = Path(os.path.relpath(root, output.parent)).as_posix()
    return "" if way == "." else f"{quote(way)}/"


def json_for_script(value: Any) -> str:
    r"""``value`` as JSON that cannot end the script element it stands in.

    Example:
        >>> json_for_script({"name": "</script>"})
        '{"name":"\\u003c/script>"}'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _data(rows: Sequence[Row], columns: Sequence[Column], links: Mapping[int, str], way: str) -> dict[str, Any]:
    measured = [column for column in columns if column.group == "result"]
    return {
        "count": len(rows),
        "written": round(time.time()),
        "prefix": way,
        "report": [int(row.id in links) for row in rows],
        "metric": measured[0].key if measured else None,
        "columns": [column.as_json() for column in columns],
    }


def cell(column: Column, at: int) -> str:
    """One value as the reader sees it."""
    value = column.values[at]
    if value is None:
        return MISSING
    if column.kind == "metric":
        spread = column.spread[at] if column.spread else None
        return format_number(float(value)) + (f" ± {spread:.2g}" if spread is not None else "")
    if column.kind == "time":
        return datetime.fromtimestamp(value).astimezone().strftime("%Y-%m-%d %H:%M")
    if column.kind == "type":
        return str(value).rpartition(".")[2]
    return ", ".join(value) if isinstance(value, list) else f"{value:.4g} s" if column.kind == "seconds" else str(value)


def _script() -> str:
    """The scripts as one, whose names stay its own."""
    return '(() => {\n"use strict";\n' + "\n".join(_read(name) for name in SCRIPTS) + "})();\n"


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"cell": cell, "number": format_number}
    return templates
