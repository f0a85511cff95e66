"""How the target is distributed in each split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from expfw.report.collector import Fragment
from expfw.report.columns import width
from expfw.report.distribution import class_shares, histogram
from expfw.report.table import Table

MAX_TARGETS = 20
MAX_CLASSES = 2_000


def distribution(targets: Mapping[str, Any], *, classes: bool) -> tuple[Fragment | None, Table, list[str]]:
    """The distribution as a drawing, key figures as a table, and sentences on what is special.

    Args:
        targets: name and target of each split that has one.
        classes: whether the target holds class labels, to be counted, or numbers.

    Example:
        >>> drawing, _, _ = distribution({"development": np.array([0, 1, 1])}, classes=True)
        >>> drawing.table.rows
        ((1, 2, '66.7 %'), (0, 1, '33.3 %'))
    """
    if not targets:
        return None, Table(), ["There is no target."]
    wide = max(width(y) or 1 for y in targets.values())
    if wide > 1:
        return None, _several(targets, wide), [f"The target has {wide} columns."]
    flat = {name: _series(y) for name, y in targets.items()}
    if all(pd.api.types.is_numeric_dtype(y.dtype) for y in flat.values()) and not classes:
        return _numbers(flat), _figures(flat), []
    return _classes(flat), Table(), []


def _series(y: Any) -> pd.Series[Any]:
    if isinstance(y, pd.Series):
        return y
    return pd.Series(np.asarray(y).ravel() if hasattr(y, "shape") else list(y))


def _numbers(targets: Mapping[str, pd.Series[Any]]) -> Fragment:
    values = {name: y.to_numpy(dtype=np.float64, na_value=np.nan) for name, y in targets.items()}
    chart = histogram(values, title="Distribution of the target", x_label="target", description=_sizes(targets))
    return Fragment("chart", chart.title, chart.svg, _caption(targets, "ranges"), chart.table)


def _classes(targets: Mapping[str, pd.Series[Any]]) -> Fragment:
    counts = {name: y.value_counts(dropna=False) for name, y in targets.items()}
    labels = pd.Index(pd.concat([_labels(each) for each in counts.values()]).unique(), dtype=object)
    known = {
        name: each.set_axis(each.index.astype(object)).reindex(labels, fill_value=0) for name, each in counts.items()
    }
    whole = np.sum([each.to_numpy() for each in known.values()], axis=0)
    order = sorted(range(len(labels)), key=lambda at: (-int(whole[at]), str(labels[at])))
    named = {name: {labels[at]: int(each.iloc[at]) for at in order} for name, each in known.items()}
    chart = class_shares(
        named,
        title="Distribution of the target",
        description=_sizes(targets),
        sizes={name: len(y) for name, y in targets.items()},
        classes=max(len(each) for each in counts.values()),
    )
    caption = f"{_caption(targets, 'classes')} {chart.note}".strip()
    return Fragment("chart", chart.title, chart.svg, caption, chart.table)


def _labels(counts: pd.Series[int]) -> pd.Series[Any]:
    """The labels that may be worth a row, the most frequent ones."""
    return pd.Series(counts.index[:MAX_CLASSES], dtype=object)


def _sizes(targets: Mapping[str, pd.Series[Any]]) -> str:
    return ", ".join(f"{len(y):,} rows in {name}" for name, y in targets.items()) + "."


def _caption(targets: Mapping[str, Any], what: str) -> str:
    if len(targets) == 1:
        return "Rare classes are learned and measured from few rows." if what == "classes" else "Look for outliers."
    return f"The splits should look alike; {what} that differ between them make the test rows another problem."


def _figures(targets: Mapping[str, pd.Series[Any]]) -> Table:
    names = ("target", "mean", "std", "minimum", "median", "maximum")
    with np.errstate(invalid="ignore"):  # infinite values have no spread
        rows = [(name, y.mean(), y.std(), y.min(), y.median(), y.max()) for name, y in targets.items()]
    return Table.excerpt(names, rows)


def _several(targets: Mapping[str, Any], wide: int) -> Table:
    """Key figures of each of several target columns, split by split."""
    frames = {name: pd.DataFrame(y).iloc[:, :MAX_TARGETS] for name, y in targets.items()}
    numeric = all(pd.api.types.is_numeric_dtype(kind) for frame in frames.values() for kind in frame.dtypes)
    parts = {
        f"{frame.columns[at]}, {name}": frame.iloc[:, at]
        for name, frame in frames.items()
        for at in range(frame.shape[1])
    }
    table = _figures(parts) if numeric else _different(parts)
    note = "" if wide <= MAX_TARGETS else f"The first {MAX_TARGETS} of {wide:,} targets."
    return Table(table.columns, table.rows, note)


def _different(targets: Mapping[str, pd.Series[Any]]) -> Table:
    return Table.excerpt(("target", "different values"), [(name, y.nunique()) for name, y in targets.items()])
