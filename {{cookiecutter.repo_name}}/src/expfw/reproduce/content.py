"""How far two values are apart: by what they hold, not by the bytes of the files that they come from."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import joblib
import numpy as np
import pandas as pd
from scipy import sparse

from expfw.interfaces import Data, Fold
from expfw.report.collector import Fragment
from expfw.report.table import Table

COMPARED_BY_FIELD = (Data, Fold, Fragment, Table)
"""The framework's own kinds that hold nothing but their fields."""

LEAST = math.ulp(0.0)
"""The size of a gap that is one of bits only: a zero and a negative zero."""


@dataclass(frozen=True)
class Gap:
    """The largest difference between two values.

    Args:
        size: relative to the larger of the two numbers where that is above 1, else absolute; 0 for identical values,
            infinite where the difference is not one of numbers.
        where: where it is; empty for identical values.
    """

    size: float = 0.0
    where: str = ""


SAME = Gap()


def gap(a: Any, b: Any, where: str = "") -> Gap:
    """The largest difference between two values of any kind; not-a-number equals itself.

    Args:
        a: one value.
        b: the other.
        where: what to call them.

    Example:
        >>> gap({"mean": 0.5, "folds": [1, 2]}, {"mean": 0.5, "folds": [1, 4]})
        Gap(size=0.5, where='folds[1]')
        >>> gap([float("nan")], [float("nan")]), gap("a", "b", "name")
        (Gap(size=0.0, where=''), Gap(size=inf, where='name'))
    """
    if a is b:
        return SAME
    if _is_number(a) and _is_number(b):
        return _scalars(a, b, where)
    if type(a) is not type(b):
        return Gap(math.inf, _at(where, f"{type(a).__name__} became {type(b).__name__}"))
    compare = next((compare for kinds, compare in _KINDS if isinstance(a, kinds)), _others)
    return compare(a, b, where)


def alike(a: Any, b: Any) -> bool:
    """Whether two objects of any kind hold the same, by joblib; by pickle where it cannot hash them (masked arrays).

    Example:
        >>> alike({"a", "b"}, {"b", "a"}), alike(object, int)
        (True, False)
    """
    try:
        return bool(joblib.hash(a) == joblib.hash(b))
    except ValueError:
        return pickle.dumps(a) == pickle.dumps(b)


def largest(gaps: Iterable[Gap]) -> Gap:
    """The largest of several gaps, the first among equals; none for none.

    Example:
        >>> largest([Gap(0.1, "a"), Gap(0.2, "b"), SAME])
        Gap(size=0.2, where='b')
    """
    return max(gaps, key=lambda each: each.size, default=SAME)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _scalars(a: Any, b: Any, where: str) -> Gap:
    if isinstance(a, int) and isinstance(b, int):
        return SAME if a == b else Gap(max(abs(a - b) / max(1, abs(a), abs(b)), LEAST), where)
    return _numbers(np.asarray(a, dtype=float), np.asarray(b, dtype=float), where)


def _others(a: Any, b: Any, where: str) -> Gap:
    return SAME if alike(a, b) else Gap(math.inf, where)


def _texts(a: Any, b: Any, where: str) -> Gap:
    return SAME if a == b else Gap(math.inf, where)


def _by_field(a: Any, b: Any, where: str) -> Gap:
    names = [field.name for field in fields(a)]
    return largest(gap(getattr(a, name), getattr(b, name), _dotted(where, name)) for name in names)


def _at(where: str, what: str) -> str:
    return f"{where}: {what}" if where else what


def _dotted(where: str, name: Any) -> str:
    return f"{where}.{name}" if where else str(name)


def _mappings(a: Mapping[Any, Any], b: Mapping[Any, Any], where: str) -> Gap:
    only = [key for key in (*a, *b) if (key in a) != (key in b)]
    if only:
        return Gap(math.inf, _at(where, f"only one has {', '.join(map(str, only[:3]))}"))
    return largest(gap(a[key], b[key], _dotted(where, key)) for key in a)


def _sequences(a: Any, b: Any, where: str) -> Gap:
    if len(a) != len(b):
        return Gap(math.inf, _at(where, f"{len(a)} became {len(b)}"))
    return largest(gap(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True)))


def _frames(a: pd.DataFrame, b: pd.DataFrame, where: str) -> Gap:
    if list(a.columns) != list(b.columns):
        return Gap(math.inf, _at(where, "the columns"))
    columns = (
        _columns(a.iloc[:, i].array, b.iloc[:, i].array, _at(where, f"column {name}"))
        for i, name in enumerate(a.columns)
    )
    return largest([*_indexes(a, b, where), *columns])


def _indexes(a: Any, b: Any, where: str) -> Iterator[Gap]:
    yield gap(a.index.names, b.index.names, _at(where, "the index's names")) if a.index.nlevels > 1 else SAME
    found = _columns(a.index.array, b.index.array, _at(where, "the index"))
    yield Gap(math.inf, found.where) if found.size else SAME


def _columns(a: Any, b: Any, where: str) -> Gap:
    """Two columns: of the same type, which for a category holds its values, and the same entries."""
    if len(a) != len(b):
        return Gap(math.inf, _at(where, f"{len(a)} rows became {len(b)}"))
    if a.dtype != b.dtype or str(a.dtype) != str(b.dtype):
        return Gap(math.inf, _at(where, f"type {a.dtype} became {b.dtype}"))
    if isinstance(a, pd.Categorical):
        return _counted(np.asarray(a.codes) != np.asarray(b.codes), where)
    if isinstance(a, pd.arrays.NumpyExtensionArray) or isinstance(a.dtype, np.dtype):
        return _arrays(np.asarray(a), np.asarray(b), where)
    return _sequences(list(a), list(b), where)


def _arrays(a: Any, b: Any, where: str) -> Gap:
    if a.shape != b.shape:
        return Gap(math.inf, _at(where, f"shape {a.shape} became {b.shape}"))
    if a.ndim and a.dtype != b.dtype:
        return Gap(math.inf, _at(where, f"type {a.dtype} became {b.dtype}"))
    if a.dtype.kind == "O":
        return _sequences(a.ravel().tolist(), b.ravel().tolist(), where)
    if a.dtype.kind in "iufc":
        return _numbers(a, b, where)
    return _counted(a != b, where) if a.dtype.kind not in "mM" else _counted(a.view("i8") != b.view("i8"), where)


def _counted(unequal: Any, where: str) -> Gap:
    count = int(np.count_nonzero(unequal))
    return Gap(math.inf, _at(where, f"{count} of {np.size(unequal)} values")) if count else SAME


def _numbers(a: Any, b: Any, where: str) -> Gap:
    nan = np.isnan(a) & np.isnan(b)
    unequal = ~((a == b) | nan)
    if a.dtype.kind == "f":
        unequal |= (np.signbit(a) != np.signbit(b)) & ~nan
    if not unequal.any():
        return SAME
    wide = complex if a.dtype.kind == "c" or b.dtype.kind == "c" else float
    x, y = a[unequal].astype(wide), b[unequal].astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(x - y) / np.maximum(1.0, np.maximum(np.abs(x), np.abs(y)))
    size = max(float(np.nan_to_num(sizes, nan=math.inf, posinf=math.inf).max()), LEAST)
    return Gap(size, where if not a.ndim else _at(where, f"{int(unequal.sum())} of {a.size} values"))


def _sparse(a: Any, b: Any, where: str) -> Gap:
    if a.shape != b.shape or a.format != b.format:
        return Gap(math.inf, _at(where, f"{a.format} {a.shape} became {b.format} {b.shape}"))
    x, y = a.tocoo(), b.tocoo()
    if x.nnz != y.nnz or (x.row != y.row).any() or (x.col != y.col).any():
        return Gap(math.inf, _at(where, "other places are filled"))
    return _arrays(x.data, y.data, where)


def _series(a: Any, b: Any, where: str) -> Gap:
    return largest([_columns(a.array, b.array, where), *_indexes(a, b, where)])


def _index(a: Any, b: Any, where: str) -> Gap:
    return _columns(a.array, b.array, where)


_KINDS: list[tuple[Any, Callable[[Any, Any, str], Gap]]] = [
    (Mapping, _mappings),
    (list | tuple, _sequences),
    (pd.DataFrame, _frames),
    (pd.Series, _series),
    (pd.Index, _index),
    (pd.api.extensions.ExtensionArray, _columns),
    (np.ndarray, _arrays),
    ((sparse.spmatrix, sparse.sparray), _sparse),
    (COMPARED_BY_FIELD, _by_field),
    (str | bytes | bool, _texts),
]
"""How values of each kind are compared."""
