"""What the checks look at: a run's results, cut into parts, with what several checks need computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from expfw.diagnostics.columns import Column, columns_of
from expfw.interfaces import Data, Rows
from expfw.results import Results
from expfw.scoring import NamedMetric

MOST_PARTS = 20
"""Folds that are looked at; of more (leave-one-out) as many, evenly spread."""

HOLD_OUT = "the hold-out"
"""Name of the part that trains on all development rows and measures the test rows."""

SAMPLE = 2_000
"""Rows on which columns are compared with the target and with each other; of more a sample with a fixed seed."""


class NotApplicable(Exception):
    """Raised by a check that cannot be made, with the reason."""


class Finding(NamedTuple):
    """What a check found.

    Args:
        sentence: what was found, with the numbers.
        how: how it was found.
    """

    sentence: str
    how: str


class Part(NamedTuple):
    """Rows that a model is trained on and rows that it is measured on, as positions in all rows.

    Args:
        name: for people, for example ``fold 1``.
        train: rows of training.
        measured: rows of validation or test.
    """

    name: str
    train: Rows
    measured: Rows


@dataclass(frozen=True)
class Examined:
    """What the checks look at.

    Args:
        results: the run's results.
        build_metrics: gives the metrics.
        may_ask_model: whether the final model may be asked for predictions.
    """

    results: Results
    build_metrics: Callable[[], list[NamedMetric]]
    may_ask_model: bool = True

    @property
    def development(self) -> Data:
        """Rows of development."""
        return self.results.development_data

    @property
    def rows(self) -> int:
        """How many rows there are, test rows last."""
        return len(self.development) + len(self.results.test_data)

    @cached_property
    def metrics(self) -> list[NamedMetric]:
        """The metrics, the main one first."""
        return self.build_metrics()

    @property
    def main(self) -> NamedMetric:
        """The first metric.

        Raises:
            NotApplicable: if there is none.
        """
        if not self.metrics:
            raise NotApplicable("there is no metric")
        return self.metrics[0]

    @cached_property
    def chosen_folds(self) -> list[int]:
        """Numbers of the folds that are looked at."""
        count = len(self.results.folds)
        return np.unique(np.linspace(0, count - 1, min(count, MOST_PARTS)).astype(int)).tolist() if count else []

    @property
    def parts(self) -> Iterator[Part]:
        """The folds that are looked at, and the hold-out."""
        for number in self.chosen_folds:
            fold = self.results.folds[number]
            yield Part(f"fold {number + 1}", fold.train, fold.validation)
        if self.rows > len(self.development):
            split = len(self.development)
            yield Part(HOLD_OUT, np.arange(split), np.arange(split, self.rows))

    @property
    def which_parts(self) -> str:
        """What :attr:`parts` are, for people."""
        folds, count = len(self.chosen_folds), len(self.results.folds)
        told = [f"{folds} of {count} folds" if folds < count else f"{count} folds"] if count else []
        held_out = self.rows > len(self.development)
        return " and ".join([*told, *(["the hold-out"] if held_out else [])])

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of all rows, test rows last; none for what has no columns."""
        return columns_of(self.features, self.sample)

    def whole(self, column: Column) -> NDArray[Any]:
        """A column's values in all rows; the sample's, where that holds all of them."""
        return column.values if len(column.values) == self.rows else column.take(np.arange(self.rows))

    @property
    def features(self) -> list[Any]:
        """The features of development rows, and of test rows if there are any."""
        held_out = self.results.test_data
        return [self.development.X, *([held_out.X] if len(held_out) else [])]

    @cached_property
    def y(self) -> NDArray[Any]:
        """The target of all rows, test rows last, shape ``(n_rows,)``.

        Raises:
            NotApplicable: if there is none, or several.
        """
        parts = [np.asarray(data.y) for data in (self.development, self.results.test_data) if self._has_y(data)]
        if not parts or any(part.ndim > 2 or (part.ndim == 2 and part.shape[1] > 1) for part in parts):
            raise NotApplicable("there is no target" if not parts else "there are several targets")
        return np.concatenate([part.reshape(-1) for part in parts])

    @staticmethod
    def _has_y(data: Data) -> bool:
        return data.y is not None and len(data) > 0

    @cached_property
    def has_target(self) -> bool:
        """Whether there is one target."""
        try:
            return len(self.y) > 0
        except NotApplicable:
            return False

    @property
    def is_classification(self) -> bool:
        """Whether the model is a classifier."""
        return self.results.task == "classification"

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What one check computed and another one needs."""
        return {}

    @cached_property
    def sample(self) -> Rows:
        """Positions of the sampled rows, ascending."""
        return sampled(self.rows, SAMPLE)


def sampled(rows: int, most: int) -> Rows:
    """All positions of rows, or a sample of them with a fixed seed, ascending.

    Example:
        >>> sampled(3, 10), len(sampled(1000, 10))
        (array([0, 1, 2]), 10)
    """
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def named(names: Sequence[str], most: int = 3) -> str:
    """Names in quotes, the first few.

    Example:
        >>> named(["a", "b", "c", "d"]), named(["a"])
        ("'a', 'b', 'c' and 1 more", "'a'")
    """
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
