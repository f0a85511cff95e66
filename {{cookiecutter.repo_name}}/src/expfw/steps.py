"""The work of the workflow's nodes: what is asked of a component, and what is checked about its answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from expfw.datasets import FoldModels
from expfw.errors import ComponentError
from expfw.interfaces import Data, Fold
from expfw.model import FittedModel
from expfw.model import fit as fit_model
from expfw.predictions import class_labels, empty_table, prediction_table
from expfw.results import Predictions
from expfw.run.build import Builder, RunReports
from expfw.scoring import held_out_metrics, validation_metrics


def load(data_source: Builder) -> Data:
    """Load all rows; refuses an empty table and anything that is no :class:`Data`."""
    with blame(data_source, "load"):
        data = data_source.build().load()
    if not isinstance(data, Data):
        raise ComponentError(f"{data_source} gave a {type(data).__name__}, expected expfw.interfaces.Data")
    _require_rows(data, str(data_source))
    return data


def prepare(raw_data: Data, preparer: Builder) -> Data:
    """Prepare all rows alike; without a preparer they pass unchanged."""
    if preparer.blueprint is None:
        return raw_data
    with blame(preparer, "prepare"):
        data: Data = preparer.build().prepare(raw_data)
    _require_rows(data, str(preparer))
    return data


def hold_out(prepared_data: Data, holdout: Builder) -> tuple[Data, Data]:
    """Split off the rows that only the ``test`` node will see; without a hold-out there are none."""
    if holdout.blueprint is None:
        return prepared_data, prepared_data.take([])
    folds = _split(holdout, prepared_data)
    if len(folds) != 1:
        raise ComponentError(
            f"{holdout} gives {len(folds)} splits, a hold-out is one; set n_splits to 1 or choose another splitter, "
            "for example sklearn.model_selection.ShuffleSplit or LastRows"
        )
    return prepared_data.take(folds[0].train), prepared_data.take(folds[0].validation)


def resample(development_data: Data, resampling: Builder) -> list[Fold]:
    """The folds of the development rows; none without resampling."""
    return [] if resampling.blueprint is None else _split(resampling, development_data)


def fit(
    development_data: Data, folds: Sequence[Fold], features: Builder, model: Builder
) -> Iterator[dict[int, FittedModel]]:
    """Fit features and model on each fold's training rows; a fold's model is kept as soon as it is fitted."""
    for number, fold in enumerate(folds):
        started = time.perf_counter()
        fitted = _fitted(development_data.take(fold.train), features, model, number)
        model.events.append("fold", fold=number, seconds=time.perf_counter() - started)
        model.logger.info("fold %d of %d fitted", number + 1, len(folds))
        yield {number: fitted}


def predict(fold_models: FoldModels, development_data: Data, folds: Sequence[Fold]) -> pd.DataFrame:
    """Predict each fold's validation rows with the model that did not see them."""
    tables = []
    for number, fold in enumerate(folds):
        model = fold_models[number]
        labels = _labels(model, development_data)
        with blame_step("model", "predict", number):
            tables.append(prediction_table(model, development_data, fold.validation, number, labels))
    return pd.concat(tables, ignore_index=True) if tables else empty_table(development_data.y is not None)


def evaluate(predictions: pd.DataFrame, folds: Sequence[Fold], metrics: Builder) -> dict[str, Any]:
    """Each metric on each fold, with mean, standard deviation and confidence interval."""
    return validation_metrics(Predictions(predictions), folds, metrics.build_all())


def refit(development_data: Data, features: Builder, model: Builder) -> FittedModel:
    """Fit features and model on all development rows: the model to keep."""
    return _fitted(development_data, features, model, None)


def test(final_model: FittedModel, test_data: Data, metrics: Builder) -> tuple[pd.DataFrame, dict[str, float]]:
    """Predict the held-out rows with the final model, and measure it."""
    if not len(test_data):
        return empty_table(test_data.y is not None), {}
    with blame_step("model", "predict"):
        rows = np.arange(len(test_data))
        table = prediction_table(final_model, test_data, rows, 0, _labels(final_model, test_data))
    return table, held_out_metrics(Predictions(table), metrics.build_all())


def report(*everything: Any) -> str:
    """The experiment's page. ``everything`` is :data:`expfw.workflow.EVERYTHING` and, last, the reports."""
    *outputs, reports = everything
    run_reports: RunReports = reports
    return run_reports.page(*outputs)


def _fitted(data: Data, features: Builder, model: Builder, fold: int | None) -> FittedModel:
    estimator = model.build(fold)
    _require_two_classes(estimator, data, fold)
    transformer = None if features.blueprint is None else features.build(fold)
    with blame_step("features and model", "fit", fold) if transformer is not None else blame(model, "fit", fold):
        return fit_model(transformer, estimator, data.X, data.y)


def _labels(model: Any, data: Data) -> Any:
    classes = getattr(model, "classes_", None)
    return None if classes is None else class_labels(classes, data.y)


def _split(splitter: Builder, data: Data) -> list[Fold]:
    with blame(splitter, "split"):
        pairs = list(splitter.build().split(data.X, data.y, data.groups))
    folds = [Fold(np.asarray(train), np.asarray(validation)) for train, validation in pairs]
    if not folds:
        raise ComponentError(f"{splitter} gives no split at all for {len(data)} rows")
    for number, fold in enumerate(folds):
        _check_fold(fold, f"{splitter}, split {number + 1} of {len(folds)}")
    return folds


def _check_fold(fold: Fold, where: str) -> None:
    for part, rows in (("training", fold.train), ("validation", fold.validation)):
        if not len(rows):
            raise ComponentError(f"{where} has no {part} rows; use fewer splits or more data")
    shared = np.intersect1d(fold.train, fold.validation)
    if len(shared):
        raise ComponentError(
            f"{where} has {len(shared)} rows in both the training and the validation part (first: row {shared[0]}); "
            "what is measured on them would be too good to be true"
        )


def _require_rows(data: Data, where: str) -> None:
    if not len(data):
        raise ComponentError(f"{where} gave no rows; look at its file, query or filter")


def _require_two_classes(model: Any, data: Data, fold: int | None) -> None:
    if data.y is None or getattr(model, "_estimator_type", None) == "regressor" or not _is_classifier(model):
        return
    classes = pd.unique(np.asarray(data.y).ravel())
    if len(classes) < 2:
        where = "the development data" if fold is None else f"the training rows of fold {fold}"
        raise ComponentError(
            f"{where} hold one class only ({classes[0]!r} in {len(data)} rows), a classifier needs two; "
            "check the target, or use a stratified splitter"
        )


def _is_classifier(model: Any) -> bool:
    from sklearn.base import is_classifier

    try:
        return bool(is_classifier(model))
    except (AttributeError, TypeError):
        return False


@contextmanager
def blame(builder: Builder, method: str, fold: int | None = None) -> Iterator[None]:
    """Turn an error of a component into one that says which component it was, and in which fold."""
    with _blame(str(builder), method, fold):
        yield


@contextmanager
def blame_step(step: str, method: str, fold: int | None = None) -> Iterator[None]:
    """The same where no single component can be blamed."""
    with _blame(step, method, fold):
        yield


HINTS = {
    "contains NaN": "let features fill missing values (TabularFeatures), or drop the rows (preparer DropMissing)",
    "could not convert string to float": "let features encode categories (TabularFeatures)",
}
"""What to do next, for the errors that people meet first."""


@contextmanager
def _blame(who: str, method: str, fold: int | None) -> Iterator[None]:
    try:
        yield
    except ComponentError as error:
        raise ComponentError(f"{who}: {error}") from error
    except Exception as error:
        where = "" if fold is None else f" in fold {fold}"
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        hint = next((f"; {hint}" for text, hint in HINTS.items() if text in str(error)), "")
        raise ComponentError(f"{who}: {method} failed{where}: {type(error).__name__}: {first_line}{hint}") from error
