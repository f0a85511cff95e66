"""Taking folds and fitted models over from an earlier experiment, where that cannot mix up training and test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import joblib
import numpy as np

from expfw.checks import check_fold
from expfw.errors import ComponentError
from expfw.interfaces import Data, Fold
from expfw.model import FittedModel
from expfw.run.build import Builder


def taken_folds(resampling: Builder, data: Data) -> list[Fold]:
    """The folds of an earlier experiment, if they belong to these very rows.

    Raises:
        ComponentError: if the earlier experiment's development data are other ones.
    """
    _require_same_rows(resampling, data)
    folds: list[Fold] = resampling.taken("folds")
    places = [f"{resampling}, split {number} of {len(folds)}" for number in range(1, len(folds) + 1)]
    return [check_fold(f.train, f.validation, len(data), place) for f, place in zip(folds, places, strict=True)]


def taken_models(
    builders: Sequence[Builder], data: Data, folds: Sequence[Fold] | None
) -> Mapping[int | None, FittedModel]:
    """Models of an earlier experiment that ``features`` or ``model`` refer to: per fold, or (None) the final one.

    A model that saw other rows could have been trained on what is measured here, so development data and folds must be
    the same.

    Args:
        builders: those of ``features`` and ``model``.
        data: the development data.
        folds: their folds; None for the final model.

    Raises:
        ComponentError: if data or folds differ.
    """
    builder = next((builder for builder in builders if builder.reference is not None), None)
    if builder is None or (folds is not None and not folds):
        return {}
    _require_same_rows(builder, data)
    if folds is None:
        return {None: builder.taken("final_model")}
    _require_same_folds(builder, folds)
    models: Mapping[int | None, FittedModel] = builder.taken("fold_models")
    return models


def _require_same_rows(builder: Builder, data: Data) -> None:
    if _content(builder.earlier("development_data")) != _content(data):
        raise ComponentError(
            f"{builder} belongs to other development data than this experiment's, so training and test rows could mix; "
            f'take them over as well: "holdout": {{"from_experiment": {_number(builder)}}}'
        )


def _require_same_folds(builder: Builder, folds: Sequence[Fold]) -> None:
    theirs: Sequence[Fold] = builder.earlier("folds")
    same = len(theirs) == len(folds) and all(
        np.array_equal(a.train, b.train) and np.array_equal(a.validation, b.validation)
        for a, b in zip(theirs, folds, strict=True)
    )
    if not same:
        raise ComponentError(
            f"{builder} was fitted on other folds than this experiment's, so a model could be measured on rows that it "
            f'was trained on; take them over as well: "resampling": {{"from_experiment": {_number(builder)}}}'
        )


def _number(builder: Builder) -> int:
    assert builder.reference is not None  # noqa: S101 - the callers chose it so
    return builder.reference.number


def _content(data: Data) -> Any:
    return joblib.hash((data.X, data.y, data.groups))
