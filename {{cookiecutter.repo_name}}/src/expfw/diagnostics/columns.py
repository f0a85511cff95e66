"""Columns of whatever features are kept in: frames, arrays, sparse matrices, lists of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.interfaces import Rows, count, take

Kind = Literal["number", "label", "time"]

MOST_COLUMNS = 2_000
"""Columns that are looked at; of more the first."""


@dataclass(frozen=True)
class Column:
    """One column of the features, over all rows.

    Args:
        name: its name, or its position.
        kind: ``number`` (values are float64, missing ones NaN), ``time`` (the same, in nanoseconds), or ``label``
            (values of any kind, missing ones None).
        values: of the sampled rows, shape ``(n_sampled,)``.
        take: gives the values of other rows.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    take: Callable[[Rows], NDArray[Any]]

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """The sampled values as numbers of distinct values, from 0; missing ones are -1."""
        return factorized(self.values)[0]

    @cached_property
    def distinct(self) -> int:
        """How many distinct values the sampled rows have, missing ones aside."""
        return int(np.max(self.codes, initial=-1)) + 1

    @cached_property
    def deviation(self) -> float:
        """Standard deviation of the sampled numbers, missing ones aside."""
        return float(np.nanstd(self.values))

    @cached_property
    def is_integer(self) -> bool:
        """Whether all values of the sample are whole numbers."""
        return self.kind == "number" and bool(np.all(self.values == np.rint(self.values)))


def factorized(values: NDArray[Any]) -> tuple[NDArray[np.intp], Any]:
    """Values as numbers of distinct values, in the order met, and the distinct values; missing ones are -1.

    Example:
        >>> factorized(np.array([2.0, np.nan, 2.0]))[0]
        array([ 0, -1,  0])
    """
    codes, uniques = pd.factorize(values)
    return np.asarray(codes), uniques


def columns_of(parts: Sequence[Any], rows: Rows) -> list[Column]:
    """The columns that parts of the same kind have in common.

    Args:
        parts: features of development rows, and of test rows.
        rows: positions of the rows to sample, counted through the parts, ascending.

    Returns:
        The first 2,000 columns; none for what has none (texts, images).

    Example:
        >>> [(column.name, column.kind) for column in columns_of([pd.DataFrame({"a": [1], "b": ["x"]})], np.arange(1))]
        [('a', 'number'), ('b', 'label')]
    """
    taken = _taken(parts, rows)
    if isinstance(parts[0], pd.DataFrame):
        return [_frame_column(parts, taken, at) for at in range(min(taken[0].shape[1], MOST_COLUMNS))]
    block = _block(taken)
    if block is None:
        return []
    return [_array_column(parts, block[:, at], at) for at in range(min(block.shape[1], MOST_COLUMNS))]


def _taken(parts: Sequence[Any], rows: Rows) -> list[Any]:
    """The rows' part of each part; the order of the rows must not mix the parts."""
    starts = np.cumsum([0, *(count(part) for part in parts)])
    inside = [rows[(rows >= low) & (rows < high)] - low for low, high in pairwise(starts)]
    return [take(part, within) for part, within in zip(parts, inside, strict=True)]


def _frame_column(parts: Sequence[Any], taken: Sequence[Any], at: int) -> Column:
    series = taken[0].iloc[:, at]
    kind = kind_of(series.dtype)
    again = partial(_frame_values, parts, at, kind)
    return Column(str(series.name), kind, _joined([_plain_values(t.iloc[:, at], kind) for t in taken]), again)


def _frame_values(parts: Sequence[Any], at: int, kind: Kind, rows: Rows) -> NDArray[Any]:
    columns = [part.iloc[:, at] for part in parts]
    return _joined([_plain_values(taken, kind) for taken in _taken(columns, rows)])


def kind_of(dtype: Any) -> Kind:
    """What a frame's column holds, by its type.

    Example:
        >>> kind_of(np.dtype("int64")), kind_of(np.dtype("M8[ns]")), kind_of(np.dtype(bool))
        ('number', 'time', 'label')
    """
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "time"
    number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    return "number" if number and not pd.api.types.is_complex_dtype(dtype) else "label"


def _plain_values(series: Any, kind: Kind) -> NDArray[Any]:
    if kind == "number":
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if kind == "time":
        return times(series)
    return np.asarray(series.astype(object).where(series.notna(), None).to_numpy())


def times(values: Any) -> NDArray[np.float64]:
    """Moments as nanoseconds, missing ones NaN.

    Example:
        >>> times(pd.to_datetime(["1970-01-01 00:00:01", None])).tolist()
        [1000000000.0, nan]
    """
    moments = pd.DatetimeIndex(values).as_unit("ns")
    return np.where(moments.isna(), np.nan, moments.asi8.astype(np.float64))


def _joined(values: list[NDArray[Any]]) -> NDArray[Any]:
    return values[0] if len(values) == 1 else np.concatenate(values)


def _block(taken: Sequence[Any]) -> NDArray[Any] | None:
    """Rows of two dimensions that are no frame, as one array; None for what is no table."""
    blocks = []
    for part in taken:
        if not hasattr(part, "shape") and any(isinstance(item, str | bytes) for item in part[:1]):
            return None
        array = part[:, :MOST_COLUMNS].toarray() if hasattr(part, "toarray") else np.asarray(part)
        if not len(array):
            continue
        if array.ndim != 2 or array.dtype.kind not in "biufO":
            return None
        blocks.append(array[:, :MOST_COLUMNS])
    return np.concatenate(blocks) if blocks else None


def _array_column(parts: Sequence[Any], values: NDArray[Any], at: int) -> Column:
    is_label = values.dtype.kind == "O" and any(isinstance(value, str) for value in values[:100])
    if not is_label:
        return Column(str(at), "number", values.astype(np.float64), partial(_array_values, parts, at, "number"))
    return Column(str(at), "label", _labels(values), partial(_array_values, parts, at, "label"))


def _array_values(parts: Sequence[Any], at: int, kind: Kind, rows: Rows) -> NDArray[Any]:
    if hasattr(parts[0], "toarray"):
        values = [part[:, [at]].toarray()[:, 0] for part in _taken([part.tocsr() for part in parts], rows)]
    elif hasattr(parts[0], "shape"):
        values = _taken([part[:, at] for part in parts], rows)
    else:
        values = [np.asarray([row[at] for row in part]) for part in _taken(parts, rows)]
    joined = _joined([np.asarray(part) for part in values])
    return joined.astype(np.float64) if kind == "number" else _labels(joined)


def _labels(values: NDArray[Any]) -> NDArray[Any]:
    labels = values.astype(object)
    labels[np.asarray(pd.isna(values))] = None
    return labels
