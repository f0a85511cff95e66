"""The list for programs and for documents: CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from expfw.index.row import Row
from expfw.listing.columns import FIELDS, Column, metric_column, metric_names, setting_column


def data_columns(rows: Sequence[Row], settings: Sequence[str]) -> list[Column]:
    """What a table for programs has: number, name, status, times, every metric, and some settings."""
    described = [FIELDS[key] for key in ("id", "name", "status", "started", "seconds", "tags")]
    parts = [(part, name) for name in metric_names(rows) for part in ("validation", "test")]
    measured = [f"{part}.{name}" for part, name in parts if any(name in row.metrics[part] for row in rows)]
    return [*described, *map(metric_column, measured), *map(setting_column, settings)]


def as_objects(rows: Sequence[Row], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """An object for each experiment, its keys the names of the columns; None where it has no such thing."""
    return [{column.key: _native(column.value(row)) for column in columns} for row in rows]


def _native(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def as_csv(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Comma-separated values with a line of names: numbers in full, times as ISO 8601, lists as JSON."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows([_exact(column.value(row)) for column in columns] for row in rows)
    return written.getvalue()


def _exact(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return json.dumps(value) if isinstance(value, bool) else value
    if isinstance(value, tuple) and not any("," in str(one) for one in value):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else json.dumps(value, ensure_ascii=False, default=str)


def as_markdown(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A table for a document, with the words of the one on the terminal."""
    titles = [column.title for column in columns]
    lines = [titles, ["---"] * len(columns), *([column.text(row) for column in columns] for row in rows)]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def _escaped(text: str) -> str:
    r"""A text as a cell.

    Example:
        >>> print(_escaped("a|b <c>"))
        a\|b &lt;c&gt;
    """
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
