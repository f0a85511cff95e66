"""What a model without features would score, and what the final model scores on rows that it was fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.diagnostics.examined import Examined, NotApplicable, sampled
from expfw.errors import ComponentError
from expfw.interfaces import Data, Rows
from expfw.predictions import prediction_table, single_target_classes
from expfw.results import PROBABILITY, Predictions
from expfw.scoring import held_out_metrics, validation_metrics

CLASSIFIER = "sklearn.dummy.DummyClassifier(strategy='prior')"
REGRESSOR = "sklearn.dummy.DummyRegressor(strategy='mean')"

TRAINING_ROWS = 1_000
"""Training rows that the final model is asked about; of more a sample with a fixed seed."""


def baseline(examined: Examined) -> dict[str, Any]:
    """The baseline's main metric on the very rows that the model was measured on.

    The main metric alone, the first of the experiment: computing several takes longer than all the checks together.

    Args:
        examined: a run.

    Returns:
        ``{"type", "validation": {metric: {"mean", "std", "ci95", "folds"}}, "test": {metric: value}}``.

    Raises:
        NotApplicable: if there is no single target or no metric, or the metric needs what a baseline does not give.
    """
    results, y = examined.results, examined.y
    codes, labels = _coded(y) if examined.is_classification else (y.astype(np.float64), None)
    split = len(examined.development)
    test = np.arange(split, len(y))
    folds = results.folds
    pieces = [_predicted(codes, labels, fold.train, fold.validation, at) for at, fold in enumerate(folds)]
    validation = Predictions(_table(pieces, labels)) if pieces else None
    held_out = None
    if len(test):
        held_out = Predictions(_table([_predicted(codes, labels, np.arange(split), test, 0)], labels))
    name, metric = examined.main.name, examined.main.metric
    found: dict[str, Any] = {"type": CLASSIFIER if labels is not None else REGRESSOR, "validation": {}, "test": {}}
    try:
        for figures in validation_metrics(validation, folds, [metric], redraw=False).values() if validation else ():
            found["validation"] = {name: {key: figures[key] for key in ("mean", "std", "ci95", "folds")}}
        for value in held_out_metrics(held_out, [metric]).values() if held_out else ():
            found["test"] = {name: value}
    except ComponentError as error:
        raise NotApplicable(f"a baseline has no {name}") from error
    return found


def _coded(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Classes as numbers, and the classes, sorted."""
    labels, codes = np.unique(y, return_inverse=True)
    return codes, labels


Piece = tuple[int, Rows, NDArray[Any], NDArray[Any]]
"""Number of the fold, its rows, their true values, and the prior of each class or the mean."""


def _predicted(y: NDArray[Any], labels: NDArray[Any] | None, trained: Rows, rows: Rows, fold: int) -> Piece:
    """What scikit-learn's DummyClassifier (prior) or DummyRegressor (mean) learns, in a tenth of the time."""
    if labels is None:
        return fold, rows, y[rows], np.asarray([y[trained].mean()])
    return fold, rows, y[rows], np.bincount(y[trained], minlength=len(labels)) / len(trained)


def _table(pieces: list[Piece], labels: NDArray[Any] | None) -> pd.DataFrame:
    """The table of predictions of all folds."""
    sizes = [len(rows) for _, rows, _, _ in pieces]
    columns: dict[str, Any] = {
        "fold": np.repeat([fold for fold, *_ in pieces], sizes),
        "row": np.concatenate([rows for _, rows, _, _ in pieces]),
        "y_true": np.concatenate([true for _, _, true, _ in pieces]),
    }
    known = np.stack([prior for *_, prior in pieces])
    if labels is None:
        return pd.DataFrame({**columns, "y_pred": np.repeat(known[:, 0], sizes)})
    kind: Any = pd.CategoricalDtype(pd.Index(labels))
    columns["y_true"] = pd.Categorical.from_codes(columns["y_true"], dtype=kind)
    columns["y_pred"] = pd.Categorical.from_codes(np.repeat(known.argmax(axis=1), sizes).astype(np.intp), dtype=kind)
    for at, label in enumerate(labels.tolist()):
        columns[f"{PROBABILITY}{label}"] = np.repeat(known[:, at], sizes)
    return pd.DataFrame(columns)


def training(examined: Examined) -> dict[str, float]:
    """The main metric of the final model on rows that it was fitted on, at most a thousand.

    Args:
        examined: a run.

    Raises:
        NotApplicable: if the model may not be asked, or there is no target or no metric.
    """
    if examined.results.final_model is None:
        raise NotApplicable("no final model was fitted: the experiment is measured by resampling alone")
    if not examined.may_ask_model:
        raise NotApplicable("the model or its features use services of the run, so they are not asked again")
    if examined.development.y is None:
        raise NotApplicable("there is no target")
    main, data = examined.main, examined.development
    sample = data.take(sampled(len(data), TRAINING_ROWS))
    try:
        table = _answers(examined.results.final_model, sample, whole=False)
        return {main.name: main(Predictions(table))}
    except ComponentError:  # a metric of probabilities
        return {main.name: main(Predictions(_answers(examined.results.final_model, sample, whole=True)))}


def _answers(model: Any, data: Data, *, whole: bool) -> pd.DataFrame:
    """The table of predictions; without probabilities unless they are needed, for they often take as long again."""
    classes = single_target_classes(model)
    asked = model if whole else _OnlyPredicts(model, classes)
    labels = None if classes is None else data.y
    return prediction_table(asked, data, np.arange(len(data)), 0, labels)


class _OnlyPredicts:
    def __init__(self, model: Any, classes: Any) -> None:
        self.predict, self.classes_ = model.predict, classes
