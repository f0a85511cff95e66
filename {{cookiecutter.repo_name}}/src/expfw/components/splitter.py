"""Default components for the keys ``holdout`` and ``resampling``: the splitters that scikit-learn does not have.

scikit-learn's own are components as they stand, for example ``sklearn.model_selection.StratifiedKFold``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import RandomState

from expfw.errors import ComponentError
from expfw.interfaces import Rows, Splitter, count, take


class LastRows:
    """Holds out the last rows, for rows that are ordered in time: one split, nothing is shuffled.

    Args:
        test_size: share of the rows between 0 and 1, rounded up as in :func:`sklearn.model_selection.train_test_split`,
            or their number.

    Raises:
        ComponentError: if ``test_size`` is neither, or leaves no row to learn from.

    Example:
        >>> [(train.tolist(), test.tolist()) for train, test in LastRows(0.4).split(np.zeros((5, 1)))]
        [([0, 1, 2], [3, 4])]
    """

    def __init__(self, test_size: float | int) -> None:
        whole = isinstance(test_size, int) and not isinstance(test_size, bool)
        if not (whole and test_size >= 1) and not (isinstance(test_size, float) and 0 < test_size < 1):
            raise ComponentError(
                f"LastRows: test_size is {test_size!r}; give a share between 0 and 1, or a number of rows from 1"
            )
        self.test_size = test_size

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Yield the single pair: all rows but the last, and the last."""
        rows = count(X)
        held_out = self.test_size if isinstance(self.test_size, int) else math.ceil(self.test_size * rows)
        if held_out >= rows:
            raise ComponentError(
                f"LastRows: test_size {self.test_size!r} holds out {held_out} of {rows} rows; "
                "none is left to learn from, lower it"
            )
        order = np.arange(rows, dtype=np.intp)
        yield order[:-held_out], order[-held_out:]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Always 1."""
        return 1


class Bootstrap:
    """The bootstrap: trains on rows drawn with replacement, validates on the rows that were never drawn (out of bag).

    A training part is as long as the data and holds some rows more than once; about 37 % of the rows are out of bag.
    Where the data have groups, whole groups are drawn, so no group is on both sides.
    Source: B. Efron, R. Tibshirani, *An Introduction to the Bootstrap*, Chapman & Hall 1993, chapter 17.

    Args:
        n_splits: how often rows are drawn.
        random_state: seed of the draws; null draws differently each time.

    Raises:
        ComponentError: if ``n_splits`` is below 1, or there are fewer than two rows or groups.

    Example:
        >>> train, validation = next(Bootstrap(1, random_state=0).split(np.zeros((6, 1))))
        >>> train.tolist(), validation.tolist()
        ([4, 5, 0, 3, 3, 3], [1, 2])
    """

    def __init__(self, n_splits: int = 25, random_state: int | None = None) -> None:
        if n_splits < 1:
            raise ComponentError(f"Bootstrap: n_splits is {n_splits}; it must be at least 1")
        self.n_splits = n_splits
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Yield pairs of drawn rows, repetitions included, and rows out of bag, ascending."""
        unit = np.arange(count(X)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        units = int(np.max(unit)) + 1 if len(unit) else 0
        if units < 2:
            kind = "rows" if groups is None else "groups"
            raise ComponentError(f"Bootstrap: needs two {kind} or more, there are {units}; use another splitter")
        members = np.split(np.argsort(unit, kind="stable").astype(np.intp), np.cumsum(np.bincount(unit))[:-1])
        random = RandomState(self.random_state)
        for _ in range(self.n_splits):
            drawn = _draw(random, units)
            yield np.concatenate([members[number] for number in drawn]), np.flatnonzero(~np.isin(unit, drawn))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How often rows are drawn."""
        return self.n_splits


def _draw(random: RandomState, units: int) -> Rows:
    """``units`` numbers below ``units``, drawn with replacement until at least one is left out."""
    while True:
        drawn = random.randint(units, size=units).astype(np.intp)
        if len(np.unique(drawn)) < units:
            return drawn


class WithinFold:
    """Divides the training rows of one fold of another splitter: the inner part of nested cross-validation.

    The outer fold's validation rows are in no part, so whatever is chosen by these folds has not seen them. The trials
    of a nested search have this splitter; written into a file, it repeats one of them.

    Args:
        outer: the splitter whose training rows are divided.
        fold: which of its folds, from 0.
        inner: what divides them.

    Raises:
        ComponentError: if the outer splitter has no such fold.

    Example:
        >>> from sklearn.model_selection import KFold
        >>> folds = WithinFold(KFold(2), 1, KFold(2)).split(np.zeros((8, 1)))
        >>> [(train.tolist(), validation.tolist()) for train, validation in folds]
        [([2, 3], [0, 1]), ([0, 1], [2, 3])]
    """

    def __init__(self, outer: Splitter, fold: int, inner: Splitter) -> None:
        self.outer, self.fold, self.inner = outer, fold, inner

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Yield the inner pairs, as positions among all rows."""
        outer = [np.asarray(train) for train, _ in self.outer.split(X, y, groups)]
        if not 0 <= self.fold < len(outer):
            raise ComponentError(
                f"WithinFold: fold is {self.fold}, and the outer splitter has the folds 0 to {len(outer) - 1}"
            )
        rows = np.unique(outer[self.fold])
        parts = (take(values, rows) for values in (X, y, groups))
        for train, validation in self.inner.split(*parts):
            yield rows[train], rows[validation]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Those of the inner splitter."""
        return self.inner.get_n_splits(X, y, groups)
