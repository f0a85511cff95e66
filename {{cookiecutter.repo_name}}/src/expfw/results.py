"""What an experiment gave, as a report sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.interfaces import Data, Fold

Task = Literal["classification", "regression", "unlabelled"]

PROBABILITY = "proba_"
DECISION = "decision_"

FEW_COLUMNS = 20
"""Columns up to which pandas gives them one by one more quickly than as a table."""


@dataclass(frozen=True)
class Predictions:
    """A typed view on a table of predictions (the catalog's ``predictions`` and ``test_predictions``).

    Args:
        frame: one row per predicted row, with the columns ``fold`` (the fold's number, from 0), ``row`` (position in
            the development or test data), ``y_true`` (absent for unlabelled data), ``y_pred`` and, if the model gives
            them, ``proba_<class>`` and ``decision_<class>`` (``decision_`` alone for two classes). For a classifier
            ``y_true`` and ``y_pred`` are categorical, their categories the class labels, sorted.

    Example:
        >>> frame = pd.DataFrame({"fold": [0, 0], "row": [0, 1], "y_true": [1.0, 2.0], "y_pred": [1.5, 2.0]})
        >>> predictions = Predictions(frame)
        >>> predictions.task, predictions.y_pred
        ('regression', array([1.5, 2. ]))
    """

    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def task(self) -> Task:
        """What the model does, read off the table."""
        if not any(str(column).startswith("y_true") for column in self.frame.columns):
            return "unlabelled"
        return "classification" if self.classes is not None else "regression"

    @cached_property
    def classes(self) -> NDArray[Any] | None:
        """Class labels, sorted, shape ``(n_classes,)``; None where the model is no classifier."""
        column = self.frame.get("y_pred", pd.Series(dtype=np.float64))
        return np.asarray(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else None

    @property
    def y_true(self) -> NDArray[Any] | None:
        """True values, shape ``(n_rows,)`` or ``(n_rows, n_targets)``; None for unlabelled data."""
        return None if self._true is None else _fresh(self._true)

    @property
    def y_pred(self) -> NDArray[Any]:
        """Predicted values, shape ``(n_rows,)`` or ``(n_rows, n_targets)``."""
        return np.empty(0) if self._given is None else _fresh(self._given)

    @cached_property
    def _true(self) -> NDArray[Any] | None:
        return self._target("y_true")

    @cached_property
    def _given(self) -> NDArray[Any] | None:
        return self._target("y_pred")

    @cached_property
    def probability(self) -> NDArray[np.float64] | None:
        """Predicted probabilities, shape ``(n_rows, n_classes)``; None where the model gives none."""
        return self._block(PROBABILITY)

    @cached_property
    def decision(self) -> NDArray[np.float64] | None:
        """Decision function, shape ``(n_rows,)`` for two classes, else ``(n_rows, n_columns)``; None where absent."""
        block = self._block(DECISION)
        return block[:, 0] if block is not None and block.shape[1] == 1 else block

    @property
    def folds(self) -> list[int]:
        """Numbers of the folds that the table holds, ascending."""
        return sorted(int(fold) for fold in self.frame["fold"].unique())

    def of_fold(self, fold: int) -> Predictions:
        """The predictions of one fold."""
        return Predictions(self.frame[self.frame["fold"] == fold])

    def _target(self, name: str) -> NDArray[Any] | None:
        if name in self.frame:
            return np.asarray(self.frame[name])
        columns = [column for column in self.frame.columns if str(column).startswith(f"{name}_")]
        return np.ascontiguousarray(self.frame[columns].to_numpy()) if columns else None

    def _block(self, prefix: str) -> NDArray[np.float64] | None:
        columns = [column for column in self.frame.columns if column.startswith(prefix)]
        if not columns:
            return None
        if len(columns) <= FEW_COLUMNS:
            block = np.stack([self.frame[column].to_numpy(dtype=np.float64) for column in columns], axis=1)
        else:
            block = self.frame[columns].to_numpy(dtype=np.float64)
        if prefix == DECISION and len(block):  # a fold that lacks a class has other columns than its neighbours
            block = block[:, ~np.isnan(block).all(axis=0)]
        return np.ascontiguousarray(block) if block.shape[1] else None


def _fresh(values: NDArray[Any]) -> NDArray[Any]:
    """A copy of what can be written to: a metric that alters its arguments must not alter those of the next one."""
    return values.copy() if values.flags.writeable else values


@dataclass(frozen=True)
class Results:
    """Everything that an experiment gave, handed to each :class:`expfw.interfaces.Report`. Read-only by convention.

    Args:
        id: the experiment's number N.
        name: the experiment's name, for example ``iris_forest``.
        config: the resolved configuration, as recorded.
        development_data: rows used for resampling and the final fit.
        test_data: held-out rows; empty without a hold-out.
        folds: rows of each fold; empty without resampling.
        predictions: predictions on validation rows; empty without resampling.
        test_predictions: predictions on held-out rows; empty without a hold-out.
        validation_metrics: ``{"accuracy": {"mean", "std", "ci95": [lo, hi], "folds": [...]}}``; a value over all
            predictions at once has ``"pooled": True``; empty without resampling.
        test_metrics: ``{"accuracy": value}``; empty without a hold-out.
        final_model: the model fitted on all development data (features included); None without a test.
        timing: seconds per node so far, ``{"fit": 1.2}``.
        environment: the recorded environment (``python``, ``platform``, ``packages``, ``git``).
        diagnostics: what the checks found, as in ``report/diagnostics.json``: ``baseline``, ``training``, ``findings``
            and ``skipped``; empty where nothing was checked.
    """

    id: int
    name: str
    config: Mapping[str, Any]
    development_data: Data
    test_data: Data
    folds: Sequence[Fold]
    predictions: Predictions
    test_predictions: Predictions
    validation_metrics: Mapping[str, Mapping[str, Any]]
    test_metrics: Mapping[str, float]
    final_model: Any
    timing: Mapping[str, float]
    environment: Mapping[str, Any]
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """What the model does; read off whichever predictions there are."""
        return self.predictions.task if len(self.predictions) else self.test_predictions.task

    @property
    def best_predictions(self) -> Predictions:
        """Validation predictions where there are any, else test predictions."""
        return self.predictions if len(self.predictions) else self.test_predictions
