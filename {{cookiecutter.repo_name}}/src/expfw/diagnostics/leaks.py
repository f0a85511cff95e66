"""Checks of single columns (EX103 to EX105, EX108): what a model should not be told, or could not know."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expfw.diagnostics.columns import Column, factorized
from expfw.diagnostics.examined import Examined, Finding, NotApplicable, named
from expfw.interfaces import Rows

LEAST_ROWS = 20
"""Rows below which nothing is said of a column: too much happens by chance."""

LEAST_TO_LEARN = 50
"""Rows from which on a column can be asked to predict some of them from others."""

ALMOST_ALL = 0.99
"""Part of the baseline's error that a column has to take away to predict the target alone."""

BINS = 32
"""Bins of equal size in which a number predicts the target."""

EXACTLY = 1e-6
"""How near mean and deviation are to 0 and 1 in scaled columns."""

SCALED_CELLS = 50_000_000
"""Values that are read for exact means."""

ID_NAME = re.compile(
    r"(^|[_\s.-])(id|ids|uid|uuid|guid|key|nr|no|index|number|identifier)$|[a-z](Id|ID)$|^unnamed: 0$", re.I
)

FewRows = NotApplicable(f"there are fewer than {LEAST_ROWS} rows with a target")


def target_among_features(examined: Examined) -> Finding | None:
    """EX103: a column is the target, under another name or encoding."""
    y = _target(examined)
    codes, _ = factorized(y)
    found = [column for column in _varied(examined.columns) if _is_copy(column, y, codes, len(examined.columns))]
    examined.kept["copies"] = {id(column) for column in found}
    if not found:
        return None
    names = named([column.name for column in found])
    return Finding(
        f"{_columns(found)} {names} tell{'s' if len(found) == 1 else ''} the target exactly: the same values, another "
        "code for each value, or the same order",
        f"each column was compared with the target on {len(y)} rows: as values, one to one, and by rank",
    )


def one_feature_predicts_all(examined: Examined) -> Finding | None:
    """EX104: a single column predicts the target almost without error."""
    y = _target(examined)
    if len(y) < LEAST_TO_LEARN:
        raise NotApplicable(f"there are fewer than {LEAST_TO_LEARN} rows")
    examined.kept.setdefault("copies", set())
    columns = [c for c in _varied(examined.columns) if id(c) not in examined.kept["copies"]]
    half = np.random.default_rng(0).permutation(len(y)) < len(y) // 2
    if examined.is_classification:
        codes, _ = factorized(y)
        scores = {column.name: _alone_by_class(column, codes, half) for column in columns}
    else:
        numbers = y.astype(np.float64)
        scores = {column.name: _alone_by_number(column, numbers, half) for column in columns}
    found = sorted((name for name, score in scores.items() if score >= ALMOST_ALL), key=lambda name: -scores[name])
    if not found:
        return None
    return Finding(
        f"'{found[0]}' alone takes away {scores[found[0]]:.1%} of the baseline's error"
        + (f"; so do {named(found[1:])}" if len(found) > 1 else ""),
        f"each column predicted half of {len(y)} rows from the other half, by its values or {BINS} bins of equal size; "
        f"{ALMOST_ALL:.0%} is too good for most problems",
    )


def identifier_among_features(examined: Examined) -> Finding | None:
    """EX105: a column numbers or names the rows."""
    if examined.rows < LEAST_ROWS:
        raise NotApplicable(f"there are fewer than {LEAST_ROWS} rows")
    found = [column for column in examined.columns if _identifies(column, examined.rows)]
    if not found:
        return None
    return Finding(
        f"{_columns(found)} {named([column.name for column in found])} ha{'s' if len(found) == 1 else 've'} another "
        "value in each row, as identifiers and row numbers have",
        f"whole numbers and short texts that do not repeat were looked for in {len(examined.sample)} rows: numbers "
        "that fill their range, texts without spaces, or any under the name of an identifier",
    )


def scaled_before_the_split(examined: Examined) -> Finding | None:
    """EX108: columns were scaled over rows that are measured as well."""
    if not examined.columns:
        raise NotApplicable("the data have no columns")
    if examined.rows < LEAST_ROWS or examined.rows * len(examined.columns) > SCALED_CELLS:
        raise NotApplicable("there are too few or too many values")
    candidates = [c for c in examined.columns if c.kind == "number" and c.distinct > LEAST_ROWS // 2]
    trained = [part.train for part in examined.parts]
    standard = [c for c in candidates if _may_be_standard(c) and _is_standard(examined.whole(c))]
    standard = [c for c in standard if any(not _is_standard(c.take(rows)) for rows in trained)]
    if standard:
        return _scaled(standard, "mean 0 and standard deviation 1", examined)
    between = [c for c in candidates if _may_be_between(c) and _spans(examined.whole(c))]
    if len(between) < min(2, len(candidates)) or not any(_leave_out(c, trained) for c in between):
        return None
    return _scaled(between, "minimum 0 and maximum 1", examined)


def _scaled(columns: list[Column], what: str, examined: Examined) -> Finding:
    names = named([column.name for column in columns])
    return Finding(
        f"{_columns(columns)} {names} ha{'s' if len(columns) == 1 else 've'} {what} over all {examined.rows} rows, "
        "those of validation and test included, but not over the rows of training",
        f"mean, deviation and range of each column of decimal numbers, over all rows and over the training rows of "
        f"{examined.which_parts}, to within {EXACTLY:g}",
    )


def _may_be_standard(column: Column) -> bool:
    values = column.values[np.isfinite(column.values)]
    if len(values) < LEAST_ROWS:
        return False
    return abs(float(values.mean())) < 6 / math.sqrt(len(values)) and 0.5 < float(values.std()) < 2


def _is_standard(values: NDArray[np.float64]) -> bool:
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return False
    deviations = (float(values.std()), float(values.std(ddof=1)))
    return abs(float(values.mean())) < EXACTLY and any(abs(value - 1) < EXACTLY for value in deviations)


def _may_be_between(column: Column) -> bool:
    return not column.is_integer and float(np.nanmin(column.values)) >= 0 and float(np.nanmax(column.values)) <= 1


def _spans(values: NDArray[np.float64]) -> bool:
    """Whether 0 and 1 are the ends, each met only once or twice: a share or a grade meets them more often."""
    low, high = int((values == 0).sum()), int((values == 1).sum())
    return 1 <= low <= 2 and 1 <= high <= 2 and not ((values < 0) | (values > 1)).any()


def _leave_out(column: Column, trained: Iterable[Rows]) -> bool:
    return any(not _spans(column.take(rows)) for rows in trained)


def _columns(found: list[Column]) -> str:
    return "column" if len(found) == 1 else "columns"


def _varied(columns: list[Column]) -> list[Column]:
    return [column for column in columns if column.distinct > 1]


def _target(examined: Examined) -> NDArray[Any]:
    """The target of the sampled rows."""
    if not examined.columns:
        raise NotApplicable("the data have no columns")
    y = examined.y[examined.sample]
    if len(y) < LEAST_ROWS:
        raise FewRows
    return y


def _is_copy(column: Column, y: NDArray[Any], codes: NDArray[np.intp], columns: int) -> bool:
    """Whether a column and the target tell each other, and not by chance among so many columns."""
    classes = int(np.max(codes, initial=-1)) + 1
    if classes < 2 or (column.codes < 0).any():
        return False
    shares = np.bincount(codes[codes >= 0]) / len(codes)
    bits = -float((shares * np.log2(shares)).sum()) * len(codes) - math.lgamma(classes + 1) / math.log(2)
    if column.distinct == classes and classes <= len(y) // 2:
        one_to_one = len(np.unique(column.codes * classes + codes)) == classes
        return one_to_one and bits > math.log2(columns) + 10
    return y.dtype.kind in "iuf" and column.kind == "number" and classes > len(y) // 2 and _same_order(column.values, y)


def _same_order(values: NDArray[np.float64], y: NDArray[Any]) -> bool:
    """Whether numbers rise, or fall, with the target, ties together."""
    order = np.argsort(y, kind="stable")
    steps, rise = np.diff(values[order]), np.diff(y[order]) > 0
    return bool(np.all(steps[rise] > 0) or np.all(steps[rise] < 0)) and bool(np.all(steps[~rise] == 0))


def _alone_by_number(column: Column, y: NDArray[np.float64], half: NDArray[np.bool_]) -> float:
    """Part of the baseline's error on one half of the rows that a column takes away, learned on the other half."""
    return max(_of_means(_binned(column), y, half), _of_line(column, y, half))


def _alone_by_class(column: Column, codes: NDArray[np.intp], half: NDArray[np.bool_]) -> float:
    """The same for a target of classes, as numbers from 0."""
    bins = _binned(column)
    table = np.zeros((int(np.max(bins)) + 1, int(np.max(codes)) + 1))
    np.add.at(table, (bins[half], codes[half]), 1)
    common = np.argmax(table.sum(axis=0))
    given = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), common)[bins[~half]]
    wrong, without = np.mean(given != codes[~half]), np.mean(codes[~half] != common)
    return float(1 - wrong / without) if without > 0 else 0.0


def _binned(column: Column) -> NDArray[np.intp]:
    """Values as bins, missing ones in one of their own."""
    if column.kind == "label" or column.distinct <= BINS:
        return column.codes + 1
    known = np.sort(column.values[~np.isnan(column.values)])
    edges = known[np.arange(1, BINS) * len(known) // BINS]
    return np.where(np.isnan(column.values), 0, np.searchsorted(edges, column.values) + 1)


def _of_means(bins: NDArray[np.intp], y: NDArray[np.float64], half: NDArray[np.bool_]) -> float:
    count = np.bincount(bins[half], minlength=int(np.max(bins)) + 1)
    sums = np.bincount(bins[half], y[half], minlength=len(count))
    means = np.where(count > 0, sums / np.maximum(count, 1), y[half].mean())
    return _explained(y[~half], means[bins[~half]], float(y[half].mean()))


def _of_line(column: Column, y: NDArray[np.float64], half: NDArray[np.bool_]) -> float:
    if column.kind == "label" or np.isnan(column.values).any():
        return 0.0
    x = column.values - column.values[half].mean()
    variance = float((x[half] ** 2).sum())
    mean = float(y[half].mean())
    slope = float((x[half] * (y[half] - mean)).sum()) / variance if variance > 0 else 0.0
    return _explained(y[~half], mean + slope * x[~half], mean)


def _explained(y: NDArray[np.float64], given: NDArray[np.float64], mean: float) -> float:
    without = float(((y - mean) ** 2).sum())
    return 1 - float(((y - given) ** 2).sum()) / without if without > 0 else 0.0


def _identifies(column: Column, rows: int) -> bool:
    if column.kind == "time" or (column.codes < 0).any() or column.distinct < len(column.values):
        return False
    if column.kind == "label":
        texts = [value for value in column.values if isinstance(value, str)]
        return len(texts) == len(column.values) and not any(" " in text.strip() or len(text) > 64 for text in texts)
    fills = column.is_integer and float(np.ptp(column.values)) < 2 * rows
    return fills or (column.is_integer and ID_NAME.search(column.name) is not None)
