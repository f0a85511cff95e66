"""Copies of rows on both sides of a split (EX101, EX102), found by hashes of all rows.

Equal rows have equal hashes, so each row is looked at once and no pair of rows is compared. Where there are more than
:data:`MOST_CELLS` values, rows are chosen by the hash of one column: copies are chosen together, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import pdtrc

from expfw.diagnostics.columns import Column, factorized
from expfw.diagnostics.examined import Examined, Finding, NotApplicable, Part, sampled
from expfw.interfaces import Rows, count, take

MOST_CELLS = 4_000_000
"""Values that are hashed."""

MOST_ITEMS = 50_000
"""Items of a sequence (texts) that are hashed; of more a sample with a fixed seed."""

GRID = 0.01
"""Numbers count as nearly equal if they lie in the same cell of a grid this wide, in standard deviations."""

BY_CHANCE = 1e-3
"""Copies that chance gives with at least this probability are no finding."""

LONG = 20
"""Characters from which on two texts are not the same by chance."""

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Fingerprints:
    """Hashes of rows.

    Args:
        rows: positions of the hashed rows, ascending.
        exact: hash of each row's values.
        rounded: the same of rounded values.
        bits: how improbable it is that two rows are equal by chance, as a binary logarithm; for both.
    """

    rows: Rows
    exact: Hashes
    rounded: Hashes
    bits: tuple[float, float]

    @cached_property
    def place(self) -> NDArray[np.intp]:
        """For each position among all rows its place among the hashed ones, -1 for those that were left out."""
        place = np.full(int(np.max(self.rows, initial=-1)) + 1, -1, dtype=np.intp)
        place[self.rows] = np.arange(len(self.rows))
        return place

    def of(self, rows: Rows) -> Rows:
        """Places of those of the rows that were hashed."""
        places = self.place[rows[rows < len(self.place)]]
        return places[places >= 0]


def rows_in_both_parts(examined: Examined) -> Finding | None:
    """EX101: the same row is trained on and measured."""
    prints = fingerprints(examined)
    found = _most_copies(examined, prints, prints.exact, np.zeros(len(prints.rows), dtype=bool), prints.bits[0])
    if found is None:
        return None
    part, copies, hashed = found
    return Finding(
        f"{copies} of {hashed} rows measured in {part.name} are rows it was trained on as well, target included",
        f"the values of {_which(examined, prints)} were compared in {examined.which_parts}; more copies were found "
        "than rows with so few different values have by chance",
    )


def near_copies_in_both_parts(examined: Examined) -> Finding | None:
    """EX102: nearly the same row is trained on and measured."""
    prints = fingerprints(examined)
    copied = _in_several(prints.exact)
    found = _most_copies(examined, prints, prints.rounded, copied, prints.bits[1])
    if found is None:
        return None
    part, copies, hashed = found
    return Finding(
        f"{copies} of {hashed} rows measured in {part.name} are almost the same as rows it was trained on",
        f"{_which(examined, prints)} were compared in {examined.which_parts}, numbers rounded to a hundredth of their "
        "column's standard deviation, texts without case, space and punctuation; exact copies are not counted",
    )


def _which(examined: Examined, prints: Fingerprints) -> str:
    if len(prints.rows) == examined.rows:
        return f"all {examined.rows} rows"
    return f"{len(prints.rows)} of {examined.rows} rows (chosen so that copies stay together)"


def _in_several(hashes: Hashes) -> NDArray[np.bool_]:
    """Whether each hash is there more than once."""
    _, codes, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return np.asarray(counts[codes] > 1)


def _most_copies(
    examined: Examined, prints: Fingerprints, hashes: Hashes, left_out: NDArray[np.bool_], bits: float
) -> tuple[Part, int, int] | None:
    """The part with most copies beyond chance, how many, and of how many rows."""
    unique, codes = np.unique(hashes, return_inverse=True)
    if len(unique) == len(hashes):
        return None
    best = None
    for part in examined.parts:
        measured, trained = prints.of(part.measured), np.zeros(len(unique), dtype=bool)
        trained[codes[prints.of(part.train)]] = True
        copies = int((trained[codes[measured]] & ~left_out[measured]).sum())
        expected = len(measured) * min(1.0, len(part.train) * 2.0**-bits)
        if copies and pdtrc(copies - 1, expected) < BY_CHANCE and (best is None or copies > best[1]):
            best = part, copies, len(measured)
    return best


def fingerprints(examined: Examined) -> Fingerprints:
    """Hashes of all rows, or of as many as there is time for; computed once.

    Raises:
        NotApplicable: if the features are of a kind that cannot be compared.
    """
    known: Fingerprints | None = examined.kept.get("fingerprints")
    if known is None:
        known = examined.kept["fingerprints"] = _fingerprints(examined)
    return known


def _fingerprints(examined: Examined) -> Fingerprints:
    if not examined.columns:
        return _of_items(examined)
    parts = examined.features
    wide = parts[0].shape[1] if hasattr(parts[0], "shape") else len(parts[0][0])
    rows = _chosen(examined, math.ceil(examined.rows * wide / MOST_CELLS))
    target = _target(examined, rows)
    if hasattr(parts[0], "toarray"):
        exact = rounded = np.concatenate([_of_sparse(part) for part in parts])[rows]
    else:
        exact, rounded = _of_columns(examined, rows)
    return Fingerprints(rows, exact + target, rounded + target, _bits(examined))


def _chosen(examined: Examined, one_in: int) -> Rows:
    """All rows, or one in so many, chosen by the rounded value of the column that has most of them."""
    if one_in <= 1:
        return np.arange(examined.rows)
    column = max(examined.columns, key=lambda column: column.distinct)
    hashes = _mixed(_words(_rounded(column, examined.whole(column))))
    return np.flatnonzero(hashes % np.uint64(one_in) == 0)


def _target(examined: Examined, rows: Rows) -> Hashes:
    try:
        return _mixed(factorized(examined.y)[0][rows].astype(np.uint64)) * _multiplier(-1)
    except NotApplicable:
        return np.zeros(len(rows), dtype=np.uint64)


def _of_columns(examined: Examined, rows: Rows) -> tuple[Hashes, Hashes]:
    exact, rounded = np.zeros(len(rows), dtype=np.uint64), np.zeros(len(rows), dtype=np.uint64)
    for at, column in enumerate(examined.columns):
        values = column.values if len(rows) == len(column.values) else column.take(rows)
        words = _words(values)
        exact += _mixed(words) * _multiplier(at)
        if column.kind == "number":
            words = _words(_rounded(column, values))
        rounded += _mixed(words) * _multiplier(at)
    return exact, rounded


def _rounded(column: Column, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers in cells of the grid; the grid is the sample's."""
    if column.kind != "number":
        return values
    width = GRID * column.deviation
    return np.floor(values / width + 0.5) if width > 0 else values


def _words(values: NDArray[Any]) -> Hashes:
    """Values as 64 bits each, equal ones alike."""
    if values.dtype.kind == "f":
        clean = np.where(np.isnan(values), np.nan, values + 0.0)  # one kind of NaN, and no negative zero
        return clean.astype(np.float64).view(np.uint64)
    return np.asarray(pd.util.hash_array(np.asarray([str(value) for value in values], dtype=object)))


def _mixed(words: Hashes) -> Hashes:
    """The bits of each word spread over all of it (the finalizer of MurmurHash3)."""
    words = (words ^ (words >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    words = (words ^ (words >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return words ^ (words >> np.uint64(33))


def _multiplier(at: int) -> np.uint64:
    """An odd number for a column, so that equal values in other columns count for something else."""
    return np.uint64((0x9E3779B97F4A7C15 * (2 * at + 5) | 1) % 2**64)


def _of_sparse(matrix: Any) -> Hashes:
    """Hashes of a sparse matrix's rows, all columns included."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    columns = np.arange(rows.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(5)
    words = _mixed(_words(rows.data.astype(np.float64))) * _mixed(columns)[rows.indices]
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(words, dtype=np.uint64)])
    return np.asarray(sums[rows.indptr[1:]] - sums[rows.indptr[:-1]])


def _of_items(examined: Examined) -> Fingerprints:
    """Hashes of a sequence's items: texts, arrays."""
    rows = sampled(examined.rows, MOST_ITEMS)
    items = [item for part in _split(examined, rows) for item in part]
    exact = _words(np.asarray([_text(item) for item in items], dtype=object))
    plain = exact
    bits = 64.0
    if isinstance(items[0], str):
        plain = _words(np.asarray(["".join(filter(str.isalnum, item.casefold())) for item in items], dtype=object))
        bits = 64.0 if np.median([len(item) for item in items]) >= LONG else collision_bits(factorized(exact)[0])
    target = _target(examined, rows)
    return Fingerprints(rows, exact + target, plain + target, (bits, bits))


def _split(examined: Examined, rows: Rows) -> Iterator[Any]:
    start = 0
    for part in examined.features:
        end = start + count(part)
        yield take(part, rows[(rows >= start) & (rows < end)] - start)
        start = end


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item
    array = np.asarray(item)
    if array.dtype.kind == "O":
        raise NotApplicable(f"rows of type {type(item).__name__} cannot be compared")
    return array.tobytes().hex()


def _bits(examined: Examined) -> tuple[float, float]:
    """How improbable it is that two rows are equal by chance; for exact and for rounded values.

    At least as improbable as in the column where it is least probable. If columns did not depend on each other, the
    bits of all of them would add up; they do depend on each other, so half of the sum is counted.
    """
    target: list[float] = []
    if examined.has_target:
        target = [collision_bits(factorized(examined.y[examined.sample])[0])]
    exact = [collision_bits(column.codes) for column in examined.columns] + target
    rounded = [
        collision_bits(factorized(_rounded(column, column.values))[0]) if column.kind == "number" else bits
        for column, bits in zip(examined.columns, exact, strict=False)
    ] + target
    return max(*exact, sum(exact) / 2, 0.0), max(*rounded, sum(rounded) / 2, 0.0)


def collision_bits(codes: NDArray[Any]) -> float:
    """How improbable it is that two rows have the same value: the binary logarithm of one in how many pairs.

    Args:
        codes: number of the value of each row; -1 (a missing one) counts as a value.

    Example:
        >>> round(collision_bits(np.arange(1000) % 4), 3)
        2.004
    """
    counts = np.bincount(codes + 1).astype(np.float64)
    pairs = len(codes) * (len(codes) - 1.0)
    same = float((counts * (counts - 1)).sum())
    return math.log2(pairs / max(same, 1.0)) if pairs > 0 else 0.0
