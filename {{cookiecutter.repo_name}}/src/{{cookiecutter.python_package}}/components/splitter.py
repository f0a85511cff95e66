"""Your splitters: which rows are learnt from, and which are held out or validated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from expfw.interfaces import Rows, count


class MySplitter:
    """Splits the rows, as hold-out (one pair) or for resampling (several); edit :meth:`split` and :meth:`get_n_splits`.

    It is written like a splitter of scikit-learn, and each of those can be used in its place.

    Args:
        test_size: share of the rows that is held out, between 0 and 1.
        random_state: seed; it comes from ``defaults`` in the configuration.
    """

    def __init__(self, test_size: float = 0.2, random_state: int | None = None) -> None:
        self.test_size = test_size
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Yield pairs of positions: rows to learn from, rows to hold out."""
        order = np.random.default_rng(self.random_state).permutation(count(X)).astype(np.intp)
        held_out = math.ceil(self.test_size * len(order))
        yield np.sort(order[held_out:]), np.sort(order[:held_out])

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many pairs there are."""
        return 1
