"""The work of the workflow's nodes: what is asked of a component, and what is checked about its answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from expfw.blame import blame
from expfw.checks import check_classes, check_data, check_each_once, check_fold
from expfw.datasets import FoldModels
from expfw.diagnostics.of_run import examine
from expfw.errors import ComponentError
from expfw.interfaces import Data, Fold, Rows
from expfw.model import FittedModel, NoModel, fit_transform
from expfw.parallel.folds import fitted_in_workers
from expfw.parallel.opening import has_workers, open_workers
from expfw.predictions import class_labels, empty_table, prediction_table, single_target_classes
from expfw.results import Predictions
from expfw.reuse.decision import reusable
from expfw.run.build import Builder, RunReports
from expfw.run.generators import own_generators
from expfw.run.live import EarlyScores, asks_for_services
from expfw.run.place import at, at_fold, leave
from expfw.run.taking import taken_folds, taken_models
from expfw.scoring import held_out_metrics, validation_metrics
from expfw.stopping import distinct, watched_arguments


@reusable
def load(data_source: Builder) -> Data:
    """Load all rows, or take those of an earlier experiment."""
    if data_source.reference is not None:
        return check_data(data_source.taken("raw_data"), data_source)
    source = data_source.build()
    with blame(data_source, "load"):
        return check_data(source.load(), "it")


@reusable
def prepare(raw_data: Data, preparer: Builder) -> Data:
    """Prepare all rows alike; without a preparer they pass unchanged."""
    if preparer.reference is not None:
        return check_data(preparer.taken("prepared_data"), preparer)
    if preparer.blueprint is None:
        return raw_data
    component = preparer.build()
    with blame(preparer, "prepare"):
        return check_data(component.prepare(raw_data), "it")


@reusable
def hold_out(prepared_data: Data, holdout: Builder) -> tuple[Data, Data]:
    """Split off the rows that only the ``test`` node will see; none without a hold-out, none kept without a test."""
    tests = holdout.context.plan.tests
    if holdout.reference is not None:
        development: Data = holdout.taken("development_data")
        return development, holdout.taken("test_data") if tests else development.take([])
    if holdout.blueprint is None:
        return prepared_data, prepared_data.take([])
    folds = _split(holdout, prepared_data)
    if len(folds) != 1:
        raise ComponentError(
            f"{holdout} gives {len(folds)} splits, a hold-out is one; set n_splits to 1 or choose another splitter, "
            "for example sklearn.model_selection.ShuffleSplit or LastRows"
        )
    check_each_once(folds[0].train, holdout)
    return prepared_data.take(folds[0].train), prepared_data.take(folds[0].validation if tests else [])


@reusable
def resample(development_data: Data, resampling: Builder) -> list[Fold]:
    """The folds of the development rows; none without resampling."""
    if resampling.reference is not None:
        return taken_folds(resampling, development_data)
    return [] if resampling.blueprint is None else _split(resampling, development_data)


@reusable
def fit(
    development_data: Data, folds: Sequence[Fold], features: Builder, model: Builder
) -> Iterator[dict[int, FittedModel]]:
    """Fit features and model on each fold's training rows; a fold's model is kept as soon as it is fitted."""
    earlier = taken_models([features, model], development_data, folds)
    for number in sorted(model.context.finished.folds):
        with at(fold=number, folds=len(folds)):
            model.logger.info("was fitted before")
    numbers = [number for number in range(len(folds)) if number not in model.context.finished.folds]
    plan = model.context.plan
    if model.reference is not None or not numbers or not has_workers(plan):
        yield from _fit_here(development_data, folds, numbers, features, model, earlier)
    else:
        builders, work = (features, model), (fit_fold, predicted)
        with open_workers(plan) as workers:
            yield from fitted_in_workers(workers, numbers, development_data, list(folds), builders, work, earlier)
    leave()


def _fit_here(
    development_data: Data,
    folds: Sequence[Fold],
    numbers: Sequence[int],
    features: Builder,
    model: Builder,
    earlier: Mapping[int | None, FittedModel],
) -> Iterator[dict[int, FittedModel]]:
    early = EarlyScores(model.builder_of("metrics"))
    for number in numbers:
        with at_fold(number, len(folds)):
            fitted, seconds = fit_fold(development_data, folds, number, features, model, earlier.get(number))
            model.events.append("fold", fold=number, seconds=seconds)
            done = "fitted" if model.reference is None else f"taken from experiment {model.reference.number}"
            model.logger.info("%s", done)
        yield {number: fitted}
        if not asks_for_services([features.planned, model.planned]):
            with at(fold=number, folds=len(folds)):
                rows = folds[number].validation
                early.fold(number, seconds, partial(predicted, fitted, development_data, rows, number))


def fit_fold(
    development_data: Data,
    folds: Sequence[Fold],
    number: int,
    features: Builder,
    model: Builder,
    earlier: FittedModel | None,
) -> tuple[FittedModel, float]:
    """Fit features and model on one fold's training rows, here or in a worker.

    Args:
        development_data: all development rows.
        folds: all folds.
        number: number of the fold.
        features: builder of the features.
        model: builder of the model.
        earlier: the fold's model of an earlier experiment, if something of that is taken.

    Returns:
        What was fitted, and the seconds that it took.
    """
    started = time.perf_counter()
    with own_generators(number):
        rows = folds[number].train
        fitted = _fitted(development_data.take(rows), features, model, number, earlier, rows)
    return fitted, time.perf_counter() - started


@reusable
def predict(fold_models: FoldModels, development_data: Data, folds: Sequence[Fold]) -> pd.DataFrame:
    """Predict each fold's validation rows with the model that did not see them."""
    tables = []
    for number, fold in enumerate(folds):
        with at_fold(number, len(folds)):
            tables.append(predicted(fold_models[number], development_data, fold.validation, number))
    return pd.concat(tables, ignore_index=True) if tables else empty_table(development_data.y is not None)


@reusable
def evaluate(
    predictions: pd.DataFrame,
    folds: Sequence[Fold],
    development_data: Data,
    final_model: FittedModel | None,
    metrics: Builder,
) -> dict[str, Any]:
    """Each metric on each fold, with mean, standard deviation and confidence interval.

    The final model is asked about its own training rows where the folds are a bootstrap's, for the .632 estimates.
    """
    components = metrics.context.plan.components

    def apparent() -> Predictions | None:
        asked = [components.get(key) for key in ("features", "model")]
        if final_model is None or not len(development_data) or asks_for_services(asked):
            return None
        return Predictions(predicted(final_model, development_data, np.arange(len(development_data)), None))

    with own_generators():
        return validation_metrics(
            Predictions(predictions),
            folds,
            metrics.build_all(),
            groups=development_data.groups,
            seed=metrics.context.seed,
            apparent=apparent,
            redraw=not asks_for_services(metrics.planned),
        )


@reusable
def refit(development_data: Data, features: Builder, model: Builder) -> FittedModel | NoModel:
    """Fit features and model on all development rows: the model to keep; none for an experiment without a test."""
    if not model.context.plan.tests:
        return NoModel()
    earlier = taken_models([features, model], development_data, None)
    with own_generators():
        return _fitted(development_data, features, model, None, earlier.get(None))


@reusable
def test(final_model: FittedModel | None, test_data: Data, metrics: Builder) -> tuple[pd.DataFrame, dict[str, float]]:
    """Predict the held-out rows with the final model, and measure it."""
    if final_model is None or not len(test_data):
        return empty_table(test_data.y is not None), {}
    table = predicted(final_model, test_data, np.arange(len(test_data)), None)
    with own_generators():
        return table, held_out_metrics(Predictions(table), metrics.build_all())


def report(*everything: Any) -> tuple[dict[str, Any], str]:
    """What the checks found, and the page. ``everything`` is :data:`expfw.workflow.EVERYTHING`, last the reports."""
    *outputs, reports = everything
    run_reports: RunReports = reports
    results = run_reports.results(*outputs)
    found = examine(run_reports, results)
    return found, run_reports.page(replace(results, diagnostics=found))


def _split(splitter: Builder, data: Data) -> list[Fold]:
    component = splitter.build()
    with blame(splitter, "split"):
        pairs = [(train, validation) for train, validation in component.split(data.X, data.y, data.groups)]
    if not pairs:
        raise ComponentError(f"{splitter} gives no split at all for {len(data)} rows")
    places = [f"{splitter}, split {number} of {len(pairs)}" for number in range(1, len(pairs) + 1)]
    return [check_fold(*pair, len(data), place) for pair, place in zip(pairs, places, strict=True)]


def _fitted(
    data: Data,
    features: Builder,
    model: Builder,
    fold: int | None,
    earlier: FittedModel | None,
    rows: Rows | None = None,
) -> FittedModel:
    """Fit what is configured; ``earlier`` gives what is taken over from an earlier experiment instead."""
    referring = next((builder for builder in (features, model) if builder.reference is not None), None)
    if referring is not None and earlier is None:
        raise ComponentError(f"{referring}: it has no model of fold {fold}, so nothing can be taken over")
    if model.reference is not None and earlier is not None:
        return earlier
    estimator = model.build(fold)
    data, watched = _watched(model.builder_of("early_stopping"), data, rows)
    check_classes(estimator, data, fold)
    transformer, X = None, data.X
    if features.reference is not None and earlier is not None:
        transformer, X = earlier.features, earlier.transform(data.X)
    elif features.blueprint is not None:
        transformer = features.build(fold)
        with blame(features, "fit", fold):
            X = fit_transform(transformer, data.X, data.y)
    fitted = FittedModel(transformer, estimator)
    more = {} if watched is None else watched_arguments(estimator, fitted.transform(watched.X), watched.y)
    with blame(model, "fit", fold):
        estimator.fit(X, data.y, **more)
    return fitted


def _watched(stopping: Builder, data: Data, rows: Rows | None) -> tuple[Data, Data | None]:
    """Training rows without those that early stopping watches, and these; None without early stopping.

    Args:
        stopping: builder of the key ``early_stopping``.
        data: training rows, of a fold or all.
        rows: their positions among the development rows; None for all.
    """
    if stopping.context.plan.components.get(stopping.key) is None:
        return data, None
    once, places = distinct(data, rows)
    folds = _split(stopping, once)
    if len(folds) != 1:
        raise ComponentError(
            f"{stopping} gives {len(folds)} splits, early stopping is one; set n_splits to 1 or choose another "
            "splitter, for example sklearn.model_selection.ShuffleSplit"
        )
    return data.take(np.flatnonzero(np.isin(places, folds[0].train))), once.take(folds[0].validation)


def predicted(model: FittedModel, data: Data, rows: Rows, fold: int | None) -> pd.DataFrame:
    """What a fitted model predicts for rows, beside the truth.

    Args:
        model: what was fitted, features included.
        data: the rows' data.
        rows: positions in ``data``.
        fold: number of the fold; None for the final model.
    """
    classes = single_target_classes(model)
    labels = None if classes is None else class_labels(classes, data.y)
    with own_generators(fold), blame(f"model {type(model.model).__name__}", "predict", fold):
        return prediction_table(model, data, rows, fold or 0, labels)
