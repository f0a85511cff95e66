"""The data of an experiment in a few numbers: rows, columns, types, missing values, and the target's distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from expfw.interfaces import Data, Fold
from expfw.report.collector import Fragment
from expfw.report.columns import columns, missing, missing_cells, types, width
from expfw.report.table import Table
from expfw.report.target import distribution


@dataclass(frozen=True)
class DataSummary:
    """What the page says about the data.

    Args:
        splits: one row per split: rows, columns, missing values.
        columns: one row per column: type, missing values, values; without rows if there are no columns.
        target: key figures of the target; without rows if it is none of numbers.
        drawing: the target's distribution per split; None if there is nothing to draw.
        notes: sentences: the folds, the types, and what was estimated or left out.
    """

    splits: Table = field(default_factory=Table)
    columns: Table = field(default_factory=Table)
    target: Table = field(default_factory=Table)
    drawing: Fragment | None = None
    notes: tuple[str, ...] = ()


def summarise(splits: Mapping[str, Data], folds: Sequence[Fold], *, classes: bool) -> DataSummary:
    """Summarise the splits of an experiment; empty ones are left out.

    Args:
        splits: name and rows of each split.
        folds: rows of each fold.
        classes: whether the target holds class labels, to be counted, or numbers.

    Example:
        >>> import numpy as np, pandas as pd
        >>> data = Data(pd.DataFrame({"a": [1.0, None, 2.0]}), np.array([0, 1, 1]))
        >>> summary = summarise({"development": data}, [], classes=True)
        >>> summary.splits.rows, summary.columns.rows[0][:3]
        ((('development', 3, 1, 1),), ('a', 'float64', '1 (33.3 %)'))
    """
    filled = {name: data for name, data in splits.items() if len(data)}
    counted = {name: missing(data.X) for name, data in filled.items()}
    cells = {name: missing_cells(data.X, counted[name]) for name, data in filled.items()}
    rows = tuple((name, len(data), width(data.X), cells[name][0]) for name, data in filled.items())
    targets = {name: data.y for name, data in filled.items() if data.y is not None}
    drawing, figures, notes = distribution(targets, classes=classes)
    kinds = [f"Features: {types(data.X)}." for data in list(filled.values())[:1]]
    notes = [describe_folds(folds), *kinds, *(note for _, note in cells.values()), *notes]
    return DataSummary(
        Table(("split", "rows", "columns", "missing values"), rows),
        columns(filled, counted),
        figures,
        drawing,
        tuple(dict.fromkeys(note for note in notes if note)),
    )


def describe_folds(folds: Sequence[Fold]) -> str:
    """How many folds there were, and of what size.

    Example:
        >>> import numpy as np
        >>> describe_folds([Fold(np.arange(6), np.arange(6, 9))])
        '1 fold, trained on 6 rows and validated on 3.'
    """
    if not folds:
        return "There was no resampling."
    train, validation = (_range([len(getattr(fold, name)) for fold in folds]) for name in ("train", "validation"))
    each = f"trained on {train} rows and validated on {validation}"
    return f"{len(folds):,} folds, each {each}." if len(folds) > 1 else f"1 fold, {each}."


def _range(sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
