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
"""The size of a gap that is one of bits only: a zero and a negative zero, a 1 and a 1.0."""

HUGE = 10**300
"""What a difference between whole numbers counts for at most, so that it is a number still."""


@dataclass(frozen=True)
class Gap:
    """The largest difference between two values.

    Args:
        size: relative to the larger of the two numbers where that is above 1, else absolute; of whole numbers, which
            may be names, always absolute; 0 for identical values, infinite where the difference is not one of numbers.
        where: where it is; empty for identical values.
    """

    size: float = 0.0
    where: str = ""


SAME = Gap()


def gap(a: Any, b: Any, where: str = "") -> Gap:
    """The largest difference between two values of any kind; one not-a-number is like any other.

    Kinds and types count, the order in which a mapping has its keys or a sparse matrix its entries does not.

    Args:
        a: one value.
        b: the other.
        where: what to call them.

    Example:
        >>> gap({"mean": 0.5, "folds": [1, 2]}, {"mean": 0.5, "folds": [1, 4]})
        Gap(size=2.0, where='folds[1]')
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
    found = compare(a, b, where)
    return found if found.size else gap(_attributes(a), _attributes(b), where)


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
    """The largest of several gaps, the first among equals, with words before one without; none for none.

    Example:
        >>> largest([Gap(0.1, "a"), Gap(0.2, "b"), SAME])
        Gap(size=0.2, where='b')
    """
    return max(gaps, key=lambda each: (each.size, bool(each.where)), default=SAME)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.timedelta64)


def _scalars(a: Any, b: Any, where: str) -> Gap:
    if isinstance(a, int | np.integer) and isinstance(b, int | np.integer):
        apart = abs(int(a) - int(b))
        found = Gap(float(min(apart, HUGE)), where) if apart else SAME
    else:
        found = _floats(np.asarray(a, dtype=np.longdouble), np.asarray(b, dtype=np.longdouble), where)
    if found.size or type(a) is type(b):
        return found
    return Gap(LEAST, _at(where, f"{type(a).__name__} became {type(b).__name__}"))


def _attributes(value: Any) -> Mapping[str, Any] | None:
    """What an object of a class derived from a container holds beside its entries; None for all others."""
    if not isinstance(value, list | tuple | dict | np.ndarray) or isinstance(value, np.ma.MaskedArray | np.memmap):
        return None
    return getattr(value, "__dict__", None) or None


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
    kinds = {key: type(key) for key in b}
    other = [key for key in a if kinds[key] is not type(key)]
    if other:
        return Gap(math.inf, _at(where, f"key {other[0]}: {type(other[0]).__name__} became {kinds[other[0]].__name__}"))
    return largest(gap(a[key], b[key], _dotted(where, key)) for key in a)


def _sequences(a: Any, b: Any, where: str) -> Gap:
    if len(a) != len(b):
        return Gap(math.inf, _at(where, f"{len(a)} became {len(b)}"))
    return largest(gap(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True)))


def _whole(found: Gap) -> Gap:
    """A gap between names or labels: no matter of size."""
    return Gap(math.inf, found.where) if found.size else SAME


def _frames(a: pd.DataFrame, b: pd.DataFrame, where: str) -> Gap:
    names = _whole(gap(_labels(a.columns), _labels(b.columns), _at(where, "the columns")))
    if names.size:
        return names
    columns = (
        _columns(a.iloc[:, i].array, b.iloc[:, i].array, _at(where, f"column {name}"))
        for i, name in enumerate(a.columns)
    )
    return largest([*_beside(a, b, where), *columns])


def _labels(columns: pd.Index) -> list[Any]:
    return [list(columns.names), list(columns)]


def _beside(a: Any, b: Any, where: str) -> Iterator[Gap]:
    """What a frame or a series holds beside its values: index and attributes."""
    yield _whole(_indexes(a.index, b.index, _at(where, "the index")))
    yield gap(a.attrs, b.attrs, _dotted(where, "attrs"))


def _indexes(a: pd.Index, b: pd.Index, where: str) -> Gap:
    if a.nlevels != b.nlevels:
        return Gap(math.inf, _at(where, f"{a.nlevels} levels became {b.nlevels}"))
    levels = ((a.get_level_values(i).array, b.get_level_values(i).array) for i in range(a.nlevels))
    names = _whole(gap(list(a.names), list(b.names), _at(where, "names")))
    return largest([names, *(_columns(*pair, where) for pair in levels)])


def _columns(a: Any, b: Any, where: str) -> Gap:
    """Two columns: of the same type, which for a category holds its values in their order, and the same entries."""
    if len(a) != len(b):
        return Gap(math.inf, _at(where, f"{len(a)} rows became {len(b)}"))
    if a.dtype != b.dtype or str(a.dtype) != str(b.dtype):
        return Gap(math.inf, _at(where, f"type {a.dtype} became {b.dtype}"))
    if isinstance(a, pd.Categorical):
        if _indexes(a.categories, b.categories, where).size:
            return Gap(math.inf, _at(where, "the categories, or their order"))
        return _counted(np.asarray(a.codes) != np.asarray(b.codes), where)
    if isinstance(a, pd.arrays.NumpyExtensionArray) or isinstance(a.dtype, np.dtype):
        return _arrays(np.asarray(a), np.asarray(b), where)
    if isinstance(a.dtype, pd.DatetimeTZDtype | pd.PeriodDtype):
        return _counted(a.asi8 != b.asi8, where)
    return _sequences(list(a), list(b), where)


def _arrays(a: Any, b: Any, where: str) -> Gap:
    """Two arrays, or scalars, of numpy's."""
    if a.shape != b.shape:
        return Gap(math.inf, _at(where, f"shape {a.shape} became {b.shape}"))
    if a.dtype != b.dtype:
        return Gap(math.inf, _at(where, f"type {a.dtype} became {b.dtype}"))
    if isinstance(a, np.ma.MaskedArray):
        masks = _arrays(np.ma.getmaskarray(a), np.ma.getmaskarray(b), _at(where, "the mask"))
        filled = gap(a.fill_value, b.fill_value, _at(where, "the fill value"))
        return largest([masks, filled, _values(np.asarray(a), np.asarray(b), where)])
    return _values(np.asarray(a), np.asarray(b), where)


def _values(a: Any, b: Any, where: str) -> Gap:
    if a.dtype.names:
        return largest(_arrays(a[name], b[name], _dotted(where, name)) for name in a.dtype.names)
    if a.dtype.kind == "O":
        return _sequences(a.ravel().tolist(), b.ravel().tolist(), where)
    if a.dtype.kind == "c":
        return largest(map(_floats, (a.real, a.imag), (b.real, b.imag), (where, where)))
    if a.dtype.kind == "f":
        return _floats(a, b, where)
    if a.dtype.kind in "iu":
        return _sized(a, b, a != b, 1.0, 1.0, where)
    return _counted(a != b, where) if a.dtype.kind not in "mM" else _counted(a.view("i8") != b.view("i8"), where)


def _counted(unequal: Any, where: str) -> Gap:
    count = int(np.count_nonzero(unequal))
    return Gap(math.inf, _at(where, f"{count} of {np.size(unequal)} values")) if count else SAME


def _floats(a: Any, b: Any, where: str) -> Gap:
    nan = np.isnan(a) & np.isnan(b)
    unequal = ~((a == b) | nan) | ((np.signbit(a) != np.signbit(b)) & ~nan)
    return _sized(a, b, unequal, np.maximum(1.0, np.maximum(np.abs(a), np.abs(b))), LEAST, where)


def _sized(a: Any, b: Any, unequal: Any, unit: Any, least: float, where: str) -> Gap:
    """The largest difference of the unequal ones, in units; ``least`` for one that a number cannot tell."""
    if not unequal.any():
        return SAME
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(a.astype(np.longdouble) - b.astype(np.longdouble)) / unit
        size = float(np.nan_to_num(sizes[unequal], nan=math.inf, posinf=math.inf).max())
    return Gap(max(size, least), where if not a.ndim else _at(where, f"{int(unequal.sum())} of {a.size} values"))


def _sparse(a: Any, b: Any, where: str) -> Gap:
    if a.shape != b.shape or a.format != b.format:
        return Gap(math.inf, _at(where, f"{a.format} {a.shape} became {b.format} {b.shape}"))
    x, y = a.tocoo(copy=True), b.tocoo(copy=True)
    for each in (x, y):
        each.sum_duplicates()
    if x.nnz != y.nnz or any((i != j).any() for i, j in zip(x.coords, y.coords, strict=True)):
        return Gap(math.inf, _at(where, "other places are filled"))
    return _arrays(x.data, y.data, where)


def _series(a: Any, b: Any, where: str) -> Gap:
    name = _whole(gap(a.name, b.name, _at(where, "the name")))
    return largest([name, _columns(a.array, b.array, where), *_beside(a, b, where)])


_KINDS: list[tuple[Any, Callable[[Any, Any, str], Gap]]] = [
    (Mapping, _mappings),
    (list | tuple, _sequences),
    (pd.DataFrame, _frames),
    (pd.Series, _series),
    (pd.Index, _indexes),
    (pd.api.extensions.ExtensionArray, _columns),
    (np.ndarray, _arrays),
    ((sparse.spmatrix, sparse.sparray), _sparse),
    (COMPARED_BY_FIELD, _by_field),
    (str | bytes | bool, _texts),
    (np.generic, _arrays),
]
"""How values of each kind are compared."""
