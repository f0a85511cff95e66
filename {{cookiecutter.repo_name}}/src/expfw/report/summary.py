"""The data of an experiment in a few numbers: rows, columns, missing values and how the target is distributed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from expfw.interfaces import Data, Fold, count
from expfw.report.table import Table

MAX_CELLS = 5_000_000
MAX_CLASSES = 20


@dataclass(frozen=True)
class DataSummary:
    """What the page says about the data.

    Args:
        splits: one row per split: rows, columns, missing values.
        target: the target's distribution, one column or row per split; without rows if there is no target.
        notes: sentences: the folds, and what was estimated or left out.
    """

    splits: Table = field(default_factory=Table)
    target: Table = field(default_factory=Table)
    notes: tuple[str, ...] = ()


def summarise(splits: Mapping[str, Data], folds: list[Fold], *, classes: bool) -> DataSummary:
    """Summarise the splits of an experiment; empty ones are left out.

    Args:
        splits: name and rows of each split.
        folds: rows of each fold.
        classes: whether the target holds class labels, to be counted, or numbers.

    Example:
        >>> data = Data(pd.DataFrame({"a": [1.0, None, 2.0]}), np.array([0, 1, 1]))
        >>> summary = summarise({"development": data}, [], classes=True)
        >>> summary.splits.rows, summary.target.rows
        ((('development', 3, 1, 1),), ((1, 2, '66.7 %'), (0, 1, '33.3 %')))
    """
    filled = {name: data for name, data in splits.items() if len(data)}
    missing = {name: _missing(data.X) for name, data in filled.items()}
    rows = tuple((name, len(data), _columns(data.X), missing[name][0]) for name, data in filled.items())
    targets = {name: data.y for name, data in filled.items() if data.y is not None}
    table, notes = _target(targets, classes)
    notes = [_folds(folds), *(note for _, note in missing.values()), *notes]
    names = ("split", "rows", "columns", "missing values")
    return DataSummary(Table(names, rows), table, tuple(dict.fromkeys(note for note in notes if note)))


def _columns(X: Any) -> int | None:
    return int(X.shape[1]) if len(getattr(X, "shape", ())) > 1 else None


def _missing(X: Any) -> tuple[int | str | None, str]:
    """Number of missing values; estimated from evenly spaced rows where there are too many cells to look at."""
    if hasattr(X, "tocoo"):
        return int(np.isnan(X.data).sum()), ""
    if not hasattr(X, "shape"):
        return None, ""
    step = max(1, -(-int(np.prod(X.shape)) // MAX_CELLS))
    part = X.iloc[::step] if hasattr(X, "iloc") else X[::step]
    number = int(np.asarray(pd.isna(part)).sum())
    if step == 1:
        return number, ""
    share = number / max(int(np.prod(part.shape)), 1)
    return f"about {share:.2%}", f"Missing values are estimated from {count(part):,} evenly spaced rows."


def _target(targets: Mapping[str, Any], classes: bool) -> tuple[Table, list[str]]:
    wide = [_columns(y) for y in targets.values() if (_columns(y) or 1) > 1]
    if not targets or wide:
        return Table(), [f"The target has {wide[0]} columns." if wide else "There is no target."]
    flat = {name: pd.Series(np.asarray(y).ravel()) for name, y in targets.items()}
    numbers = all(pd.api.types.is_numeric_dtype(y) for y in flat.values())
    return _numbers(flat) if numbers and not classes else _classes(flat)


def _numbers(targets: Mapping[str, pd.Series]) -> tuple[Table, list[str]]:
    names = ("target", "mean", "std", "minimum", "median", "maximum")
    rows = [(name, y.mean(), y.std(), y.min(), y.median(), y.max()) for name, y in targets.items()]
    return Table.excerpt(names, rows), []


def _classes(targets: Mapping[str, pd.Series]) -> tuple[Table, list[str]]:
    counts = {name: y.value_counts(dropna=False) for name, y in targets.items()}
    order = sorted(set().union(*(each.index for each in counts.values())), key=lambda label: _rank(label, counts))
    rows = [[label, *_shares(label, counts, targets)] for label in order[:MAX_CLASSES]]
    names = ["target", *(text for name in counts for text in (name, "share"))]
    more = f"The target has {len(order):,} classes; the {MAX_CLASSES} most frequent are shown."
    return Table.excerpt(names, rows), [more] if len(order) > MAX_CLASSES else []


def _rank(label: Any, counts: Mapping[str, pd.Series]) -> tuple[int, str]:
    return -sum(int(each.get(label, 0)) for each in counts.values()), str(label)


def _shares(label: Any, counts: Mapping[str, pd.Series], targets: Mapping[str, pd.Series]) -> list[Any]:
    numbers = [int(each.get(label, 0)) for each in counts.values()]
    pairs = zip(numbers, targets.values(), strict=True)
    return [part for number, y in pairs for part in (number, f"{number / len(y):.1%}".replace("%", " %"))]


def _folds(folds: list[Fold]) -> str:
    if not folds:
        return "There was no resampling."
    train, validation = (_range([len(getattr(fold, name)) for fold in folds]) for name in ("train", "validation"))
    each = f"trained on {train} rows and validated on {validation}"
    return f"{len(folds):,} folds, each {each}." if len(folds) > 1 else f"1 fold, {each}."


def _range(sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
