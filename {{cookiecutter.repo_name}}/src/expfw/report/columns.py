"""The columns of the features: their types, what is missing in them, and what values they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from expfw.interfaces import Data
from expfw.report.axes import format_number
from expfw.report.table import Table, spread

MAX_CELLS = 5_000_000
MAX_COLUMNS = 30
MAX_VALUE_ROWS = 10_000

Missing = tuple["pd.Series[int] | None", int]
"""By column, the number of missing values among the rows that were looked at, and that number of rows."""


def width(X: Any) -> int | None:
    """Number of columns; None for data that has none, such as a list of texts or an array of images.

    Example:
        >>> width(np.zeros((2, 3))), width(["a"]), width(np.zeros((2, 28, 28)))
        (3, None, None)
    """
    return int(X.shape[1]) if len(getattr(X, "shape", ())) == 2 else None


def missing(X: Any) -> Missing:
    """Missing values by column; counted in evenly spaced rows where there are too many cells to look at.

    Args:
        X: features: a frame, an array, a sparse matrix, or any sequence.

    Example:
        >>> counts, rows = missing(pd.DataFrame({"a": [1.0, None], "b": [1, 2]}))
        >>> counts.to_dict(), rows
        ({'a': 1, 'b': 0}, 2)
    """
    if hasattr(X, "tocoo") or width(X) is None:
        return None, 0
    rows = int(X.shape[0])
    step = max(1, -(-rows * max(int(X.shape[1]), 1) // MAX_CELLS))
    part = X.iloc[::step] if hasattr(X, "iloc") else pd.DataFrame(np.asarray(X[::step]))
    return part.isna().sum(), len(part)


def missing_cells(X: Any, counted: Missing) -> tuple[int | str | None, str]:
    """The number of missing values in all, as a number or an estimate, and a sentence on the estimate."""
    if hasattr(X, "tocoo"):
        return int(np.isnan(X.data).sum()) if X.data.dtype.kind == "f" else 0, ""
    counts, rows = counted
    if counts is None:
        return None, ""
    number = int(counts.sum())
    if rows == X.shape[0]:
        return number, ""
    share = number / max(rows * X.shape[1], 1)
    return f"about {share:.2%}", f"Missing values are estimated from {rows:,} evenly spaced rows."


def types(X: Any) -> str:
    """How many columns there are of each type, in words.

    Example:
        >>> types(pd.DataFrame({"a": [1.0], "b": ["x"], "c": [2.0]})).replace("str", "object")
        '2 × float64, 1 × object'
        >>> types(np.zeros((2, 28, 28)))
        'float64, 28 × 28 in each row'
    """
    if hasattr(X, "dtypes"):
        kinds = Counter(str(kind) for kind in X.dtypes).most_common()
        shown = ", ".join(f"{number:,} × {kind}" for kind, number in kinds[:6])
        return shown if len(kinds) <= 6 else f"{shown} and {len(kinds) - 6} more types"
    each = " × ".join(map(str, X.shape[1:])) if len(getattr(X, "shape", ())) > 2 else ""
    return f"{getattr(X, 'dtype', type(X).__name__)}{f', {each} in each row' if each else ''}"


def columns(splits: Mapping[str, Data], counted: Mapping[str, Missing]) -> Table:
    """One row per column: type, missing values in each split, and values of the first split.

    Of more than 30 columns those with the most missing values are shown.

    Args:
        splits: name and rows of each split, none of them empty.
        counted: by split, what :func:`missing` gave.

    Example:
        >>> data = {"development": Data(pd.DataFrame({"a": [1.0, None, 3.0]}))}
        >>> columns(data, {"development": missing(data["development"].X)}).rows
        (('a', 'float64', '1 (33.3 %)', '1.0000 to 3.0000, mean 2.0000'),)
    """
    first = next(iter(splits.values()), None)
    counts = {name: pair for name, pair in counted.items() if pair[0] is not None}
    if first is None or not counts or not width(first.X):
        return Table()
    total = width(first.X) or 0
    order = list(range(total))
    if total > MAX_COLUMNS:
        most = sum(np.asarray(pair[0]) for pair in counts.values() if pair[0] is not None and len(pair[0]) == total)
        order = sorted(np.argsort(-np.asarray(most), kind="stable")[:MAX_COLUMNS].tolist())
    sample = _sample(first.X, order)
    rows = tuple(_row(sample, place, at, counts) for place, at in enumerate(order))
    which = "with the most missing values" if total > MAX_COLUMNS and any(any(row[2:-1]) for row in rows) else ""
    note = f"{len(order)} of {total:,} columns {which}".strip() + "." if total > MAX_COLUMNS else ""
    part = "" if len(sample) == len(first) else f"Values are those of {len(sample):,} evenly spaced rows."
    names = ("column", "type", *(f"missing, {name}" if len(counts) > 1 else "missing" for name in counts), "values")
    return Table(names, rows, f"{note} {part}".strip())


def _sample(X: Any, order: list[int]) -> pd.DataFrame:
    rows = spread(int(X.shape[0]), MAX_VALUE_ROWS)
    if hasattr(X, "iloc"):
        frame: pd.DataFrame = X.iloc[:, order]
        return frame.iloc[rows] if len(rows) < len(X) else frame
    return pd.DataFrame(np.asarray(X[rows])[:, order], columns=order)


def _row(sample: pd.DataFrame, place: int, at: int, counts: Mapping[str, Missing]) -> tuple[Any, ...]:
    column = sample.iloc[:, place]
    gaps = [_gap(number, at, rows) for number, rows in counts.values()]
    return str(sample.columns[place])[:60], str(column.dtype), *gaps, _values(column)


def _gap(number: pd.Series[int] | None, at: int, rows: int) -> int | str | None:
    if number is None or at >= len(number):
        return None
    found = int(number.iloc[at])
    return found if not found else f"{found:,} ({found / max(rows, 1):.1%})".replace("%", " %")


def _values(column: pd.Series[Any]) -> str:
    """A numeric column by its range and mean, any other by its most frequent values."""
    if column.dtype.kind in "iuf":
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        if not known.size:
            return "none"
        low, high, mean = (format_number(float(value)) for value in (known.min(), known.max(), known.mean()))
        return f"always {low}" if low == high else f"{low} to {high}, mean {mean}"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return f"{column.min()} to {column.max()}"
    return _frequent(column)


def _frequent(column: pd.Series[Any]) -> str:
    try:
        counts = column.value_counts()
    except TypeError:  # values that cannot be hashed, such as lists
        return ""
    counts = counts[counts > 0]
    shown = ", ".join(str(label)[:20] for label in counts.index[:3])
    return f"{len(counts):,} different: {shown}{', …' if len(counts) > 3 else ''}" if len(counts) else "none"
