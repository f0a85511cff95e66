"""What is checked about a component's answer before the next step relies on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from expfw.errors import ComponentError
from expfw.interfaces import Data, Fold, Rows


def check_data(data: Any, where: object) -> Data:
    """Refuse what is no :class:`Data`, and data without rows.

    Args:
        data: what a data source or preparer gave.
        where: the component, for the message.

    Raises:
        ComponentError: with what came instead.
    """
    if not isinstance(data, Data):
        raise ComponentError(f"{where} gave a {type(data).__name__}, expected expfw.interfaces.Data")
    if not len(data):
        raise ComponentError(f"{where} gave no rows; look at its file, query or filter")
    return data


def check_fold(train: Any, validation: Any, rows: int, where: str) -> Fold:
    """A pair that a splitter gave, as a :class:`Fold`.

    Args:
        train: positions of training rows; a row may come several times (bootstrap).
        validation: positions of validation rows, each once.
        rows: how many rows there are.
        where: the splitter and the number of the split, for the message.

    Raises:
        ComponentError: if a part is empty, holds anything but positions, or the two share a row.

    Example:
        >>> check_fold([0, 1], [1, 2], 3, "KFold, split 1 of 2")
        Traceback (most recent call last):
        expfw.errors.ComponentError: KFold, split 1 of 2 has 1 row in both parts (row 1); what is measured on rows that
            the model was trained on is too good to be true
    """
    fold = Fold(
        _positions(train, rows, f"{where}, training rows"), _positions(validation, rows, f"{where}, validation")
    )
    shared = np.intersect1d(fold.train, fold.validation)
    if len(shared):
        count = f"{len(shared)} row{'s' if len(shared) > 1 else ''}"
        raise ComponentError(
            f"{where} has {count} in both parts (row {shared[0]}); what is measured on rows that the model was trained "
            "on is too good to be true"
        )
    if len(np.unique(fold.validation)) < len(fold.validation):
        raise ComponentError(f"{where} holds a validation row more than once, which would count it more than once")
    return fold


def check_each_once(rows: Rows, where: object) -> None:
    """Refuse development data that hold a row several times: its copies would land on both sides of a fold.

    Raises:
        ComponentError: with the first such row.
    """
    found, counts = np.unique(rows, return_counts=True)
    if len(found) < len(rows):
        raise ComponentError(
            f"{where} repeats training rows (row {found[counts > 1][0]}), so copies of a row could be trained on and "
            "measured; a hold-out takes each row once, for example sklearn.model_selection.ShuffleSplit"
        )


def _positions(values: Any, rows: int, where: str) -> Rows:
    positions = np.asarray(values)
    if not positions.size:
        raise ComponentError(f"{where}: there are none; use fewer splits or more data")
    if positions.ndim != 1 or positions.dtype.kind not in "iu":
        given = f"an array of {positions.dtype} with {positions.ndim} dimensions"
        raise ComponentError(f"{where}: expected the positions of rows, whole numbers in one dimension; got {given}")
    low, high = int(positions.min()), int(positions.max())
    if low < 0 or high >= rows:
        raise ComponentError(
            f"{where}: position {low if low < 0 else high} is not among the {rows} rows (0 to {rows - 1})"
        )
    return positions.astype(np.intp, copy=False)


def check_classes(model: Any, data: Data, fold: int | None) -> None:
    """Refuse to train a classifier on a single class.

    Raises:
        ComponentError: naming the class and where it is alone.
    """
    if data.y is None or not _is_classifier(model):
        return
    classes = pd.unique(np.asarray(data.y).ravel()).tolist()
    if len(classes) < 2:
        where = "the development data" if fold is None else f"the training rows of fold {fold}"
        raise ComponentError(
            f"{where} hold one class only ({classes[0]!r} in {len(data)} rows), a classifier needs two; "
            "check the target, or use a stratified splitter"
        )


def check_predictions(values: Any, rows: int, method: str) -> Any:
    """What a model's method gave, as an array with one entry per row.

    Args:
        values: what it gave.
        rows: how many rows it was asked about.
        method: the method's name, for the message.

    Raises:
        ComponentError: if it gave nothing, or another number of rows.
    """
    array = np.asarray(values)
    if values is None or not array.ndim or len(array) != rows:
        given = "nothing" if values is None else f"{len(array)}" if array.ndim else f"a single {type(values).__name__}"
        raise ComponentError(f"{method} was asked about {rows} rows and gave {given}; it must give one value per row")
    return array


def _is_classifier(model: Any) -> bool:
    from sklearn.base import is_classifier

    try:
        return bool(is_classifier(model))
    except (AttributeError, TypeError):
        return False  # a class of one's own, without scikit-learn's tags
