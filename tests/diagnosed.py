"""A run's results without a run: data, split and model put together as the workflow's nodes do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from expfw.diagnostics.diagnose import diagnose
from expfw.interfaces import Data, Fold
from expfw.model import FittedModel
from expfw.predictions import class_labels, empty_table, prediction_table, single_target_classes
from expfw.results import Predictions, Results
from expfw.scoring import held_out_metrics, named_metrics, validation_metrics


def made(
    data: Data,
    model: Any,
    metrics: Sequence[Any],
    resampling: Any = None,
    holdout: Any = None,
    config: Mapping[str, Any] | None = None,
) -> Results:
    """What a run of these gives."""
    development, test = data, data.take([])
    if holdout is not None:
        train, held_out = next(iter(holdout.split(data.X, data.y, data.groups)))
        development, test = data.take(train), data.take(held_out)
    pairs = resampling.split(development.X, development.y, development.groups) if resampling is not None else ()
    folds = [Fold(train, validation) for train, validation in pairs]
    tables = [
        _table(_fitted(model, development.take(fold.train)), development, fold.validation, number)
        for number, fold in enumerate(folds)
    ]
    predictions = pd.concat(tables, ignore_index=True) if tables else empty_table(data.y is not None)
    final = _fitted(model, development)
    tested = _table(final, test, np.arange(len(test)), 0) if len(test) else empty_table(data.y is not None)
    return Results(
        id=1,
        name="made",
        config=config or {},
        development_data=development,
        test_data=test,
        folds=folds,
        predictions=Predictions(predictions),
        test_predictions=Predictions(tested),
        validation_metrics=validation_metrics(Predictions(predictions), folds, metrics),
        test_metrics=held_out_metrics(Predictions(tested), metrics),
        final_model=final,
        timing={},
        environment={},
    )


def checked(results: Results, metrics: Sequence[Any], **options: Any) -> dict[str, Any]:
    """What the checks say of it."""
    return diagnose(results, metrics=lambda: named_metrics(metrics), **options)


def codes(found: Mapping[str, Any]) -> list[str]:
    """The codes of what was found."""
    return [finding["code"] for finding in found["findings"]]


def _fitted(model: Any, data: Data) -> FittedModel:
    return FittedModel(None, clone(model).fit(data.X, data.y))


def _table(model: FittedModel, data: Data, rows: Any, fold: int) -> pd.DataFrame:
    classes = single_target_classes(model)
    return prediction_table(model, data, rows, fold, None if classes is None else class_labels(classes, data.y))
