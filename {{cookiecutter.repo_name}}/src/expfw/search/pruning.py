"""Breaking off a poor trial between two folds, as one of Optuna's pruners decides.

The pruner sees the trials of earlier batches, and the values of this one so far. Which others run at the same time, and
how far they are, makes no difference; so a search is repeated to the bit whatever runs at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optuna

from expfw.search.bench import Bench
from expfw.search.course import STATES, new_study, quiet_optuna
from expfw.search.record import Task
from expfw.search.trials import Account, Trial

_studies: dict[tuple[str, str], Any] = {}
"""By search and study, what this process knows of its earlier trials."""


def gives_up(bench: Bench, task: Task, values: Sequence[float | None]) -> bool:
    """Whether the pruner breaks a trial off.

    Args:
        bench: the search.
        task: the trial.
        values: of the first metric, on the folds that were run.
    """
    assert bench.search.pruner is not None  # noqa: S101 - asked by the caller
    study = _study(bench, task)
    with quiet_optuna():
        pruner = bench.search.pruner.build()
        trial = _frozen(bench, Trial(task.study, task.number, task.point, task.folder.id), "RUNNING", values)
        return bool(pruner.prune(study, trial))


def _study(bench: Bench, task: Task) -> Any:
    """A study of the trials that had ended when this one was asked for."""
    key = (str(bench.folder.path), task.study)
    if key not in _studies or len(_studies[key].trials) > task.told:
        _studies.clear()
        _studies[key] = new_study(bench.search, optuna.storages.InMemoryStorage(), "search", 0)
    study = _studies[key]
    missing = range(len(study.trials), task.told)
    if missing:
        trials = Account(bench.folder).read(task.study)
        with quiet_optuna():
            for number in missing:
                ending = trials[number].ending
                assert ending is not None  # noqa: S101 - it is told of only then
                study.add_trial(_frozen(bench, trials[number], ending.state, ending.folds, ending.values))
    return study


def _frozen(bench: Bench, trial: Trial, state: str, folds: Sequence[float | None], values: Sequence[float] = ()) -> Any:
    frozen = frozen_trial(bench.search.space, trial, state, folds, values)
    frozen.number = trial.number
    return frozen


def frozen_trial(space: Any, trial: Trial, state: str, folds: Sequence[float | None], values: Sequence[float]) -> Any:
    """A trial as Optuna keeps it.

    Args:
        space: the search's space.
        trial: the trial.
        state: COMPLETE, PRUNED, FAIL or RUNNING.
        folds: of the first metric, the value on each fold that was run.
        values: of the search's metrics.
    """
    states = {**STATES, "RUNNING": optuna.trial.TrialState.RUNNING}
    with quiet_optuna():
        return optuna.trial.create_trial(
            state=states[state],
            values=list(values) if state == "COMPLETE" else None,
            params=dict(trial.point),
            distributions=space.distributions(trial.point),
            intermediate_values={fold: value for fold, value in enumerate(folds) if value is not None},
            user_attrs={"experiment": trial.experiment},
        )
