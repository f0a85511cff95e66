"""Tables as the page shows them: column names and cells that fit into JSON, cut to a length that a person reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None

MAX_COLUMNS = 50
MAX_TEXT = 300


@dataclass(frozen=True)
class Table:
    """Some rows of a table, and how many there are in all.

    Args:
        columns: names of the columns.
        rows: the rows to show, each as long as ``columns``.
        note: one sentence that says what was left out; empty if nothing was.

    Example:
        >>> Table.of([{"fold": 0, "score": 0.5}, {"fold": 1, "score": float("nan")}])
        Table(columns=('fold', 'score'), rows=((0, 0.5), (1, None)), note='')
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    note: str = ""

    @classmethod
    def of(cls, source: pd.DataFrame | Sequence[Mapping[str, Any]], *, limit: int = 200) -> Table:
        """The first rows and columns of a frame, or of a list of records.

        Args:
            source: a frame (an index that is more than a row number becomes the first columns) or a list of mappings.
            limit: how many rows to keep at most.

        Example:
            >>> Table.of([{"n": n} for n in range(300)], limit=2)
            Table(columns=('n',), rows=((0,), (1,)), note='The first 2 of 300 rows.')
        """
        names, rows = _frame_parts(source, limit) if hasattr(source, "itertuples") else _record_parts(source, limit)
        kept = min(len(names), MAX_COLUMNS)
        note = _note("The first", min(limit, len(source)), len(source), "rows")
        more = _note("The first", kept, len(names), "columns")
        cells = tuple(tuple(cell(value) for value in row[:kept]) for row in rows)
        return cls(tuple(str(cell(name)) for name in names[:kept]), cells, f"{note} {more}".strip())

    @classmethod
    def excerpt(
        cls, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, total: int = 0, limit: int = 50
    ) -> Table:
        """Evenly spaced rows of a long list, the first and the last among them.

        Args:
            columns: names of the columns.
            rows: the rows to choose from.
            total: how many rows there are, if ``rows`` are chosen ones already.
            limit: how many rows to keep at most.

        Example:
            >>> Table.excerpt(["n"], [[n] for n in range(101)], limit=3).rows
            ((0,), (50,), (100,))
        """
        chosen = [rows[at] for at in spread(len(rows), limit)]
        note = _note("Evenly spaced:", len(chosen), total or len(rows), "rows")
        return cls(tuple(columns), tuple(tuple(cell(value) for value in row) for row in chosen), note)


def spread(count: int, limit: int) -> list[int]:
    """At most ``limit`` positions out of ``count``, evenly spaced, the first and the last among them.

    Example:
        >>> spread(3, 10), spread(10, 4)
        ([0, 1, 2], [0, 3, 6, 9])
    """
    if count <= limit:
        return list(range(count))
    return [at * (count - 1) // (limit - 1) for at in range(limit)]


def cell(value: Any) -> Cell:
    """A value as JSON can hold it: numbers stay numbers, NaN becomes None, everything else text.

    Example:
        >>> cell(float("nan")), cell(float("inf")), cell(2.5), cell("a"), cell([1])
        (None, 'inf', 2.5, 'a', '[1]')
    """
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    text = str(value)
    if text in ("NaT", "<NA>"):
        return None
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _frame_parts(frame: Any, limit: int) -> tuple[list[Any], list[tuple[Any, ...]]]:
    frame = frame.iloc[:limit, :]
    plain = frame.index.nlevels == 1 and frame.index.name is None and frame.index.dtype.kind in "iu"
    if plain:
        return list(frame.columns), list(frame.itertuples(index=False, name=None))
    levels = [name if name is not None else "" for name in frame.index.names]
    rows = [_key(row[0]) + row[1:] for row in frame.itertuples(index=True, name=None)]
    return levels + list(frame.columns), rows


def _key(label: Any) -> tuple[Any, ...]:
    return label if isinstance(label, tuple) else (label,)


def _record_parts(records: Iterable[Any], limit: int) -> tuple[list[Any], list[tuple[Any, ...]]]:
    kept = [dict(record) for _, record in zip(range(limit), records, strict=False)]
    names = list(dict.fromkeys(name for record in kept for name in record))
    return names, [tuple(record.get(name) for name in names) for record in kept]


def _note(phrase: str, shown: int, total: int, what: str) -> str:
    return "" if shown == total else f"{phrase} {shown:,} of {total:,} {what}."
