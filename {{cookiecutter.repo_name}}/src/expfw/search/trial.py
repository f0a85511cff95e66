"""One trial: the folds of one configuration, fitted, predicted and measured by the workflow's own steps, and recorded.

It runs in whichever process has time for it. The search has loaded and divided the data; of the hold-out a trial has
no row.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from expfw import steps
from expfw.errors import ExpfwError
from expfw.interfaces import Data, Fold
from expfw.parallel.outcome import is_worker
from expfw.results import Predictions
from expfw.run.build import Builder, RunContext
from expfw.run.generators import own_generators, seed_generators
from expfw.run.log import log_to
from expfw.run.place import at_fold, enter
from expfw.scoring import named_metrics
from expfw.search.bench import Bench, Rows, rows_of
from expfw.search.quiet import quiet
from expfw.search.record import Task, TrialRecord
from expfw.search.trials import DEFAULT, Ending

logger = logging.getLogger("expfw.search")


class Pruned(Exception):
    """The pruner broke the trial off."""


def run_trial(bench: Bench, task: Task) -> Ending:
    """Run and record a trial.

    Args:
        bench: its search.
        task: the trial.

    Returns:
        How it ended. An error of a component is recorded, and fails the trial alone.
    """
    started = time.perf_counter()
    around = bench.surroundings.restored() if bench.surroundings is not None and is_worker() else nullcontext()
    with around, quiet(bench.folder), log_to(task.folder.log):
        ending = _recorded(bench, task)
    spent = round(time.perf_counter() - started, 6)
    return Ending(ending.state, ending.values, ending.folds, spent, ending.error)


def _recorded(bench: Bench, task: Task) -> Ending:
    plan = bench.plan(task.layer, task.origin)
    record = TrialRecord(bench, task, plan)
    record.begin()
    work = Work(bench, task, RunContext(plan, task.folder, bench.secrets), record)
    try:
        metrics = work.run()
    except Pruned:
        record.end("INTERRUPTED")
        logger.info("broken off after %d folds: the pruner expects no good of it", len(work.scores))
        return Ending("PRUNED", folds=work.scores)
    except Exception as error:
        record.end("FAILED", error)
        logger.error("failed: %s", error)
        return Ending("FAIL", folds=work.scores, error=_told(error))
    except BaseException:
        record.end("INTERRUPTED")
        raise
    record.end("COMPLETED")
    return _ending(bench.search.metrics, metrics)


def _told(error: Exception) -> str:
    text = str(error) if isinstance(error, ExpfwError) else f"{type(error).__name__}: {error}"
    return next(iter(text.splitlines()), "")


def _ending(names: Sequence[str], metrics: Mapping[str, Any]) -> Ending:
    values = [metrics[name]["mean"] for name in names]
    folds = [value if _finite(value) else None for value in metrics[names[0]]["folds"]]
    if not all(map(_finite, values)):
        bad = next(name for name, value in zip(names, values, strict=True) if not _finite(value))
        return Ending("FAIL", folds=folds, error=f"{bad} is not defined on these folds")
    return Ending("COMPLETE", [float(value) for value in values], folds)


def _finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


@dataclass
class Work:
    """What a trial computes.

    Args:
        bench: its search.
        task: the trial.
        context: its run.
        record: its record.
    """

    bench: Bench
    task: Task
    context: RunContext
    record: TrialRecord
    scores: list[float | None] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> Mapping[str, Any]:
        """All folds; gives the metrics.

        Raises:
            Pruned: if the pruner breaks it off; what was computed until then is recorded.
        """
        enter(str(self.task.folder.log), "fit")
        seed_generators(self.context.seed)
        rows = rows_of(self.bench, self.task.layer, self.context)
        self.record.rows(rows)
        tables: list[pd.DataFrame] = []
        try:
            for number, fold in enumerate(rows.folds):
                tables.append(self.fold(rows, number, fold))
                self.consider(tables, rows, number)
        except Pruned:
            self.measured(tables, rows.folds[: len(tables)], rows.development)
            raise
        return self.measured(tables, rows.folds, rows.development)

    def fold(self, rows: Rows, number: int, fold: Fold) -> pd.DataFrame:
        """Fit and predict one fold, by the functions of the steps ``fit`` and ``predict``."""
        started = time.perf_counter()
        with at_fold(number, len(rows.folds)):
            features, model = self.builder("features"), self.builder("model")
            fitted, spent = steps.fit_fold(rows.development, rows.folds, number, features, model, None)
            self.context.events.append("fold", fold=number, seconds=spent)
            if self.bench.search.keep_models:
                self.record.save_model(number, fitted)
            table = steps.predicted(fitted, rows.development, fold.validation, number)
        self._spend("fit", spent)
        self._spend("predict", time.perf_counter() - started - spent)
        return table

    def _spend(self, node: str, seconds: float) -> None:
        self.seconds[node] = self.seconds.get(node, 0.0) + seconds

    def builder(self, key: str, node: str = "fit") -> Builder:
        """The builder of a key."""
        return Builder(key, self.context, None, node)

    def consider(self, tables: Sequence[pd.DataFrame], rows: Rows, number: int) -> None:
        """Ask the pruner, if there is one and something is left to save.

        Raises:
            Pruned: if it breaks the trial off.
        """
        if self.bench.search.pruner is None or number + 1 == len(rows.folds) or self.task.study == DEFAULT:
            return
        from expfw.search.pruning import gives_up

        name = self.bench.search.metrics[0]
        with own_generators():
            built = named_metrics(self.builder("metrics", "evaluate").build_all())
            metric = next(metric for metric in built if metric.name == name)
            value = metric(Predictions(tables[-1]))
        self.scores.append(value if math.isfinite(value) else None)
        if gives_up(self.bench, self.task, self.scores):
            raise Pruned

    def measured(self, tables: Sequence[pd.DataFrame], folds: Sequence[Fold], development: Data) -> Mapping[str, Any]:
        """The metrics of the folds that were run, recorded with their predictions."""
        enter(str(self.task.folder.log), "evaluate")
        started = time.perf_counter()
        table = pd.concat(tables, ignore_index=True)
        metrics = steps.evaluate(table, folds, development, None, self.builder("metrics", "evaluate"))
        self._spend("evaluate", time.perf_counter() - started)
        self.record.results(table, metrics, self.seconds)
        return metrics
