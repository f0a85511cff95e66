"""The course of one study: which point of the space comes next, as Optuna's sampler gives it.

A sampler that learns is asked for a batch of trials at a time and told of their results in the order of their numbers,
when all of them have ended. So what it gives depends on its seed and on the results alone: not on how many trials run
at once, nor on which of them ends first. A study that was interrupted is gone through once more, from its account, and
arrives where it was.
"""

from __future__ import annotations

import inspect
import itertools
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning

from expfw.construct.blueprint import Blueprint
from expfw.errors import ExpfwError
from expfw.index.direction import better_is_lower
from expfw.search.section import Search
from expfw.search.trials import Ending, Trial

logger = logging.getLogger("expfw.search")

STATES = {
    "COMPLETE": optuna.trial.TrialState.COMPLETE,
    "PRUNED": optuna.trial.TrialState.PRUNED,
    "FAIL": optuna.trial.TrialState.FAIL,
}


class Course:
    """The course of a study in memory.

    Args:
        search: what is searched.
        seed: that of the sampler, unless its parameters say another.

    Example:
        >>> from optuna.samplers import RandomSampler
        >>> from expfw.search.parsing import parse_space
        >>> space = parse_space({"model.params.C": {"low": 1, "high": 9}}, [])
        >>> search = Search(space, Blueprint("RandomSampler", RandomSampler, {}), metrics=["accuracy"])
        >>> first, second = Course(search, seed=1), Course(search, seed=1)
        >>> [first.ask() for _ in range(3)] == [second.ask() for _ in range(3)]
        True
    """

    def __init__(self, search: Search, seed: int) -> None:
        self.search = search
        self.trials: list[Any] = []
        self.endings: dict[int, Ending] = {}
        self.told = 0
        self._points = self._grid() if search.is_grid else None
        self.study = new_study(search, optuna.storages.InMemoryStorage(), "search", seed)

    @property
    def asked(self) -> int:
        """How many trials were asked for."""
        return len(self.trials)

    @property
    def size(self) -> int | None:
        """How many there can be; None for no end."""
        return None if self._points is None else len(self._points)

    def may_ask(self) -> bool:
        """Whether the next point is known before further trials have ended."""
        if self.size is not None and self.asked >= self.size:
            return False
        batch = self.search.batch
        return not self.search.learns or self.asked < (self.told // batch + 1) * batch

    def ask(self) -> dict[str, Any]:
        """The next point."""
        if self._points is not None:
            self.study.enqueue_trial(self._points[self.asked])
        with quiet_optuna():
            trial = self.study.ask()
            point = self.search.space.suggest(trial)
        self.trials.append(trial)
        return point

    def note(self, number: int, ending: Ending) -> list[int]:
        """A trial has ended; the sampler is told when that is due.

        Returns:
            Numbers of the trials that it was told of now.
        """
        self.endings[number] = ending
        return list(self._tell(whole_batches=self.search.learns))

    def finish(self) -> list[int]:
        """Tell of the trials of a batch that is not whole: none will follow."""
        return list(self._tell(whole_batches=False))

    def _tell(self, *, whole_batches: bool) -> Iterator[int]:
        """In the order of their numbers, without a gap."""
        while True:
            size = self.search.batch if whole_batches else 1
            batch = range(self.told, self.told + size)
            if not all(number in self.endings for number in batch):
                return
            for number in batch:
                self._tell_one(number, self.endings[number])
                yield number

    def _tell_one(self, number: int, ending: Ending) -> None:
        trial = self.trials[number]
        with quiet_optuna():
            if len(self.search.metrics) == 1:
                for fold, value in enumerate(ending.folds):
                    if value is not None:
                        trial.report(value, fold)
            values = list(ending.values) if ending.state == "COMPLETE" else None
            self.study.tell(trial, values, state=STATES[ending.state])
        self.told = number + 1

    def replay(self, trials: Sequence[Trial]) -> None:
        """Go once more through what is on record.

        Args:
            trials: by their numbers.

        Raises:
            ExpfwError: if the sampler gives other points than then.
        """
        ready = iter(trials)
        for trial in ready:
            while not self.may_ask():
                before = self.told
                self.note_all(trials)
                if self.told == before:
                    return
            point = self.ask()
            if not _same(point, trial.point):
                raise ExpfwError(
                    f"trial {trial.number} of this search was {dict(trial.point)}, and the sampler gives {point} by "
                    "now: its space, sampler or seed, or Optuna itself, changed since; begin a new search"
                )
        self.note_all(trials)

    def note_all(self, trials: Sequence[Trial]) -> None:
        """Note the endings of those that were asked for."""
        for trial in trials[: self.asked]:
            if trial.ending is not None and trial.number not in self.endings:
                self.note(trial.number, trial.ending)

    def _grid(self) -> list[dict[str, Any]]:
        limit = self.search.n_trials
        return list(itertools.islice(self.search.space.grid(), limit))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether points are the same, 1, 1.0 and true being three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(dict(other), sort_keys=True)


def new_study(search: Search, storage: Any, name: str, seed: int) -> Any:
    """A study of Optuna's for a search.

    Args:
        search: what is searched.
        storage: where it is kept.
        name: its name.
        seed: that of the sampler.
    """
    with quiet_optuna():
        return optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=sampler_of(search, seed),
            directions=["minimize" if better_is_lower(metric) else "maximize" for metric in search.metrics],
        )


def sampler_of(search: Search, seed: int) -> Any:
    """A fresh sampler; for a grid, whose points are given, any."""
    if not isinstance(search.sampler, Blueprint):
        return optuna.samplers.RandomSampler(seed=seed)
    takes_seed = "seed" in inspect.signature(search.sampler.target).parameters
    given = {} if "seed" in search.sampler.params or not takes_seed else {"seed": seed}
    with quiet_optuna():
        return search.sampler.target(**{**search.sampler.params, **given})


class quiet_optuna(warnings.catch_warnings):  # noqa: N801 - used as a function
    """Within the block Optuna says only what a user must know: not that a sampler is experimental, nor each study."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return entered
