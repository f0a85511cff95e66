"""The study as Optuna keeps it, in ``log/study.journal``: its own plots, importances and dashboard work on it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from expfw.search.bench import Bench
from expfw.search.course import new_study, quiet_optuna
from expfw.search.pruning import frozen_trial
from expfw.search.trials import Trial

logger = logging.getLogger("expfw.search")

NAME = "study.journal"
"""Name of the file, in the ``log`` folder of a search."""


class Journal:
    """Adds trials that have ended to Optuna's journal.

    Args:
        bench: the search.
        study: the study's name; see :data:`expfw.search.trials.FINAL`.
    """

    def __init__(self, bench: Bench, study: str) -> None:
        self.bench, self.name = bench, study or "search"
        self.path = bench.folder.log / NAME
        self._study: Any = None
        self._count = 0

    def add(self, trials: Sequence[Trial]) -> None:
        """Add those that are not there yet; a journal that cannot be written costs nobody the search.

        Args:
            trials: in the order of their numbers, without a gap to those that were added before.
        """
        try:
            for trial in trials:
                self._add(trial)
        except (OSError, RuntimeError) as error:
            logger.warning("%s cannot be written: %s; the account of the search is whole", self.path.name, error)

    def _add(self, trial: Trial) -> None:
        with quiet_optuna():
            if self._study is None:
                self._study, self._count = self._opened()
            if trial.number < self._count or trial.ending is None:
                return
            ending = trial.ending
            folds = ending.folds if len(self.bench.search.metrics) == 1 else ()
            self._study.add_trial(frozen_trial(self.bench.search.space, trial, ending.state, folds, ending.values))
            self._count = trial.number + 1

    def _opened(self) -> tuple[Any, int]:
        storage = storage_of(self.path)
        names = [study.study_name for study in storage.get_all_studies()]
        if self.name in names:
            study = optuna.load_study(study_name=self.name, storage=storage)
            return study, len(study.get_trials(deepcopy=False))
        study = new_study(self.bench.search, storage, self.name, 0)
        study.set_metric_names(list(self.bench.search.metrics))
        study.set_user_attr("experiment", self.bench.folder.id)
        return study, 0


def storage_of(path: Path) -> Any:
    """Optuna's storage in a file."""
    with quiet_optuna():
        return JournalStorage(JournalFileBackend(str(path)))
