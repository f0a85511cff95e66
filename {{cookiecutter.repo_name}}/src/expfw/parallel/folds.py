"""Fitting folds in workers: each is saved as soon as it is fitted, in whatever order, and is what it is in serial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import DataCatalog

from expfw import pickling
from expfw.datasets import FoldModels, FoldModelsDataset
from expfw.interfaces import Data, Fold
from expfw.model import FittedModel
from expfw.parallel.handover import HandedOver, handed_over
from expfw.parallel.surroundings import Surroundings
from expfw.parallel.workers import Future, WorkerLost, Workers
from expfw.reuse.linked import Linked, draft_of
from expfw.run.build import Builder
from expfw.run.events import checksum
from expfw.run.kept import fold_model_file, path_of
from expfw.run.live import EarlyScores, asks_for_services
from expfw.run.observed import unobserved
from expfw.run.place import at, at_fold

FitFold = Callable[..., tuple[FittedModel, float]]
"""Fits one fold: data, folds, number, builders of features and model, model of an earlier experiment."""

PredictFold = Callable[..., pd.DataFrame]
"""Predicts the validation rows of one fold: its model, data, folds, number."""


@dataclass(frozen=True)
class Job:
    """What all folds have in common; each worker is told.

    Args:
        surroundings: those of the run.
        handed: development data and folds.
        features: builder of the features.
        model: builder of the model.
        fit: fits one fold, see :data:`FitFold`.
        predict: predicts one, see :data:`PredictFold`.
        models: folder of the fold models; None where the catalog keeps them otherwise.
    """

    surroundings: Surroundings
    handed: HandedOver
    features: Builder
    model: Builder
    fit: FitFold
    predict: PredictFold
    models: Path | None


@dataclass(frozen=True)
class Fitted:
    """What a worker gives for a fold.

    Args:
        model: the fitted model, or the file that it was written to.
        seconds: what fitting it took.
    """

    model: FittedModel | Linked
    seconds: float


def fitted_in_workers(
    workers: Workers,
    numbers: Iterable[int],
    data: Data,
    folds: list[Fold],
    builders: tuple[Builder, Builder],
    work: tuple[FitFold, PredictFold],
    earlier: Mapping[int | None, FittedModel],
) -> Iterator[dict[int, Any]]:
    """Fit folds in workers.

    Args:
        workers: who does it.
        numbers: numbers of the folds to be fitted.
        data: the development data.
        folds: all folds.
        builders: those of features and model.
        work: what fits a fold, and what predicts one.
        earlier: by fold, the model of an earlier experiment.

    Yields:
        The model of a fold that was just fitted, by its number.

    Raises:
        WorkerLost: if a worker ended; says which folds were in work.
        ComponentError: if a component failed.
    """
    features, model = builders
    context = model.context
    surroundings, models = Surroundings.of(context, model.node), _folder_of_models(model)
    with handed_over((data, folds), draft_of(context.folder.data / "development_data")) as handed:
        sent = [_for_workers(builder, surroundings) for builder in builders]
        job = Job(surroundings, handed, sent[0], sent[1], *work, models)
        yield from _Course(workers, job, len(folds), model, features).run(list(numbers), earlier)


class _Course:
    """The folds under way, seen from the main process."""

    def __init__(self, workers: Workers, job: Job, count: int, model: Builder, features: Builder) -> None:
        self.workers, self.job, self.count, self.model = workers, job, count, model
        self.early = EarlyScores(model.builder_of("metrics"))
        self.scores = job.models is not None and not asks_for_services([features.planned, model.planned])
        self.fitting: dict[Future, int] = {}
        self.scoring: dict[Future, int] = {}

    def run(self, numbers: list[int], earlier: Mapping[int | None, FittedModel]) -> Iterator[dict[int, Any]]:
        """Fit the folds of these numbers; see :func:`fitted_in_workers`."""
        waiting = numbers[::-1]
        while waiting or self.fitting or self.scoring:
            while waiting and len(self.fitting) <= self.workers.count:  # one more than can work: none waits for us
                number = waiting.pop()
                self.fitting[self.workers.submit(fit_fold, self.job, number, earlier.get(number))] = number
            for future in self.workers.first_done([*self.fitting, *self.scoring]):
                if future in self.scoring:
                    self.scored(future, self.scoring.pop(future))
                else:
                    yield from self.fitted(future)

    def fitted(self, future: Future) -> Iterator[dict[int, Any]]:
        """Save a fold that was fitted, and have it scored if that is worthwhile."""
        number = self.fitting[future]
        with at_fold(number, self.count):
            fitted: Fitted = self.result(future)
            del self.fitting[future]
            self.model.events.append("fold", fold=number, seconds=fitted.seconds)
            self.model.logger.info("fitted")
        yield {number: fitted.model}
        if self.scores and self.early.is_worthwhile(fitted.seconds):
            self.scoring[self.workers.submit(score_fold, self.job, number)] = number

    def scored(self, future: Future, number: int) -> None:
        """Note what early metrics took."""
        with at(fold=number, folds=self.count):
            self.early.scoring += self.result(future)

    def result(self, future: Future) -> Any:
        """What came of a call; of a worker that was lost, which folds were in work."""
        try:
            return future.result()
        except WorkerLost as error:
            under_way = sorted({*self.fitting.values(), *self.scoring.values()})
            names = ", ".join(str(number) for number in under_way)
            which = f"fold {names} was" if len(under_way) == 1 else f"folds {names} were"
            raise WorkerLost(f"{which} in work when {error}") from error


def fit_fold(job: Job, number: int, earlier: FittedModel | None) -> Fitted:
    """In a worker: fit a fold, and write its model where it belongs, under a temporary name.

    Args:
        job: what all folds have in common.
        number: number of the fold.
        earlier: its model of an earlier experiment, if something of that is taken.
    """
    with job.surroundings.restored():
        data, folds = job.handed.get()
        with at(fold=number, folds=len(folds)):
            with job.surroundings.observed():
                fitted, seconds = job.fit(data, folds, number, job.features, job.model, earlier)
            return Fitted(fitted if job.models is None else _written(fitted, job.models, number), seconds)


def score_fold(job: Job, number: int) -> float:
    """In a worker: the early metrics of a fold, for people who look on.

    Args:
        job: what all folds have in common.
        number: number of the fold.

    Returns:
        Seconds that it took.
    """
    assert job.models is not None  # noqa: S101 - asked by the main process first
    with job.surroundings.restored():
        data, folds = job.handed.get()
        with at(fold=number, folds=len(folds)), job.surroundings.observed():
            model = FoldModels(job.models)[number]
            early = EarlyScores(job.model.builder_of("metrics"))
            return early.score(number, partial(job.predict, model, data, folds[number].validation, number))


def _written(fitted: FittedModel, folder: Path, number: int) -> Linked:
    path = fold_model_file(folder, number)
    folder.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    with unobserved():
        with draft.open("wb") as file:
            modules = pickling.dump(fitted, file, path)
        return Linked(draft, checksum(draft), modules)


def _folder_of_models(model: Builder) -> Path | None:
    """Where the catalog keeps fold models as files; None where it does otherwise."""
    catalog = model.catalog
    if catalog is None or "fold_models" not in catalog or type(catalog.get("fold_models")) is not FoldModelsDataset:
        return None
    return path_of(catalog, "fold_models")


def _for_workers(builder: Builder, surroundings: Surroundings) -> Builder:
    """The builder as a worker has it: with the catalog only where a component asks for it."""
    catalog = builder.catalog if asks_for_services(builder.planned, DataCatalog) else None
    return Builder(builder.key, surroundings.context, catalog, builder.node)
