"""The interfaces of the workflow's steps: what the framework calls, when, with what, and what may be mutated.

They are :class:`typing.Protocol` classes in the field's own language, so a scikit-learn splitter, transformer or
estimator is a component as it stands, and a class of your own needs no base class. The framework calls a component;
a component reaches the framework only through services that its constructor asks for by type
(see :mod:`expfw.services`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from expfw.results import Results

Rows = NDArray[np.intp]
"""Positions of rows, shape ``(n_rows,)``, counted from 0."""


def take(values: Any, rows: Sequence[int] | Rows) -> Any:
    """The given rows of a frame, an array, a sparse matrix or any sequence, as the same kind of thing.

    Args:
        values: anything with a length and integer indexing, or None.
        rows: positions of the rows to take, in the order wanted.

    Returns:
        A new object with ``len(rows)`` rows, or None for None.

    Example:
        >>> take(["a", "b", "c"], [2, 0])
        ['c', 'a']
        >>> take(np.arange(4) * 10, [1, 3])
        array([10, 30])
    """
    if values is None:
        return None
    if hasattr(values, "iloc"):
        return values.iloc[np.asarray(rows, dtype=np.intp)]
    if hasattr(values, "shape"):
        return values[np.asarray(rows, dtype=np.intp)]
    return [values[row] for row in rows]


def count(values: Any) -> int:
    """Number of rows of a frame, an array, a sparse matrix or any sequence.

    Example:
        >>> count(["a", "b"]), count(np.zeros((3, 2)))
        (2, 3)
    """
    return int(values.shape[0]) if hasattr(values, "shape") else len(values)


@dataclass(frozen=True)
class Data:
    """Rows to learn from: what a :class:`DataSource` loads and what flows through the workflow.

    Args:
        X: the features, ``n_rows`` long: a frame, an array, a sparse matrix or any sequence with a length and integer
            indexing (texts, images, …).
        y: the target, ``n_rows`` long; None for unlabelled data.
        groups: the group of each row (a patient, a site, …), ``n_rows`` long, for splitters that keep groups together.

    Raises:
        ValueError: if ``X``, ``y`` and ``groups`` differ in length.

    Example:
        >>> data = Data(X=np.eye(3), y=np.array([0, 1, 0]))
        >>> len(data), data.take([0, 2]).y
        (3, array([0, 0]))
    """

    X: Any
    y: Any = None
    groups: Any = None

    def __post_init__(self) -> None:
        rows = count(self.X)
        for name in ("y", "groups"):
            values = getattr(self, name)
            if values is not None and count(values) != rows:
                raise ValueError(f"X has {rows} rows, {name} has {count(values)}; they must be equally long")

    def __len__(self) -> int:
        return count(self.X)

    def take(self, rows: Sequence[int] | Rows) -> Data:
        """The given rows, in the order given."""
        return Data(take(self.X, rows), take(self.y, rows), take(self.groups, rows))


@dataclass(frozen=True)
class Fold:
    """One round of resampling: positions of rows in the development data.

    Args:
        train: rows that features and model are fitted on.
        validation: rows that are predicted and measured.
    """

    train: Rows
    validation: Rows


@runtime_checkable
class DataSource(Protocol):
    """Key ``data_source``: where the rows come from.

    Called once per run by the ``load`` node, before every other component. Whatever it reads is read here and nowhere
    else, so a later rerun can tell whether the data are still the same.
    """

    def load(self) -> Data:
        """Load all rows.

        Raises:
            expfw.errors.ComponentError: if a file, a column or the target is missing; say which and what there is.
        """
        ...


@runtime_checkable
class Preparer(Protocol):
    """Key ``preparer``: what is done to all rows alike before they are split (drop, rename, filter, derive per row).

    Called once per run by the ``prepare`` node. It sees training, validation and test rows together, so it must not
    learn anything from them: what learns belongs into :class:`Features`.
    """

    def prepare(self, data: Data) -> Data:
        """Return the prepared rows. ``data`` must not be changed in place."""
        ...


@runtime_checkable
class Splitter(Protocol):
    """Keys ``holdout`` and ``resampling``: scikit-learn's splitters (``KFold``, ``GroupKFold``, …).

    As ``holdout`` it is called once by the ``hold_out`` node and must give exactly one split, development rows first.
    As ``resampling`` it is called once by the ``resample`` node, on the development rows only.
    """

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """Yield pairs of training and validation rows. Must not change its arguments."""
        ...

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many pairs :meth:`split` will yield."""
        ...


@runtime_checkable
class Features(Protocol):
    """Key ``features``: a scikit-learn transformer, from raw columns to what the model takes.

    A fresh one is built for each fold and for the final model. ``fit`` sees the training rows of that fold only;
    ``fit_transform`` is called instead of ``fit`` and ``transform`` where the class has it.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from training rows. Must not change ``X`` or ``y``."""
        ...

    def transform(self, X: Any) -> Any:
        """Transform rows without learning from them. Must not change ``X``."""
        ...


@runtime_checkable
class Model(Protocol):
    """Key ``model``: a scikit-learn estimator. ``predict_proba``, ``decision_function`` and ``classes_`` are optional.

    A fresh one is built for each fold and for the final model. ``classes_`` after ``fit`` marks a classifier.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from training rows. ``y`` is None for unlabelled data. Must not change its arguments."""
        ...

    def predict(self, X: Any) -> Any:
        """Predict rows, one value (or one row of values) each."""
        ...


@runtime_checkable
class Metric(Protocol):
    """An entry of ``metrics``: a scorer's name, a scorer, or a function of the true and the predicted values."""

    def __call__(self, y_true: Any, y_pred: Any, /) -> float:
        """Called by ``evaluate`` once per fold, and by ``test`` once. Must not change its arguments."""
        ...


@runtime_checkable
class Report(Protocol):
    """An entry of ``reports``: adds text, tables and figures to the experiment's page.

    Called once per run by the ``report`` node, after everything else. It asks its constructor for a
    :class:`expfw.services.ReportCollector` and adds to that; a report that does not fit the task adds nothing.
    """

    def report(self, results: Results) -> None:
        """Add this report's part. Must not change ``results``."""
        ...
