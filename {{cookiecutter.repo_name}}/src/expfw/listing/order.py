"""Experiments in an order: by one or several columns, the best first where it is a metric."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from expfw.index.row import Row
from expfw.listing.columns import Column, Known


def ordered(rows: Sequence[Row], keys: str | None, known: Known) -> list[Row]:
    """Experiments in the order wanted; those that lack what is sorted by come last.

    Args:
        rows: the experiments, by ascending number.
        keys: names of columns with commas between them; ``-`` before one turns its order round. A metric's best value
            comes first, the least of everything else.
        known: the names that there are.

    Raises:
        ListingError: if no experiment has what is to be sorted by.
    """
    result = list(rows)
    for key in reversed([part.strip() for part in (keys or "").split(",") if part.strip()]):
        if rows:
            result = _by(result, known.column(key.removeprefix("-"), "cannot sort by"), key.startswith("-"))
    return result


def _by(rows: Sequence[Row], column: Column, turned: bool) -> list[Row]:
    # Python keeps the order of equals, also when it sorts in reverse.
    values = [column.value(row) for row in rows]
    there = [at for at, value in enumerate(values) if not _lacking(value)]
    if not {type(values[at]) for at in there} <= _NUMBERS:
        values = [_comparable(value) for value in values]
    lacking = sorted(set(range(len(rows))).difference(there))
    there.sort(key=values.__getitem__, reverse=turned == column.lower_first)
    return [rows[at] for at in (*there, *lacking)]


_NUMBERS = {int, float, bool}
"""Kinds that Python puts in an order as they are, and quickly."""


def _lacking(value: Any) -> bool:
    return value is None or value in ("", ()) or (isinstance(value, float) and math.isnan(value))


def _comparable(value: Any) -> tuple[int, Any]:
    """Numbers before texts, for a setting may be either."""
    if isinstance(value, bool | int | float):
        return 0, value
    return 1, value if isinstance(value, str) else json.dumps(value, default=str)
