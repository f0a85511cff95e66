"""Conducting a study: asking for trials, having workers run them, noting how they end."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from expfw.database.link import Link
from expfw.errors import ExpfwError
from expfw.index.direction import better_is_lower
from expfw.parallel import WorkerLost, Workers
from expfw.report.search.names import shown
from expfw.reuse.index import remember
from expfw.run.folder import OwnNumbers, ResultFolder, refurnish, take_folder
from expfw.search.bench import Bench
from expfw.search.course import Course
from expfw.search.journal import Journal
from expfw.search.record import Task
from expfw.search.trial import run_trial
from expfw.search.trials import DEFAULT, FINAL, Account, Ending, Noted, Trial

logger = logging.getLogger("expfw.search")

LOST = "its worker ended in the middle of its work"
"""What is said of a trial whose worker was killed."""

NOTHING_NEW = 100
"""After so many trials one after the other that repeat an earlier configuration, a study ends."""


@dataclass
class Conductor:
    """Conducts one study of a search.

    Args:
        bench: the search.
        workers: who runs its trials.
        seed: the seed of the sampler.
        link: the team's database, which must agree to numbers; None without one.
        study: the study's name; see :data:`expfw.search.trials.FINAL`.
    """

    bench: Bench
    workers: Workers
    seed: int
    link: Link | None = None
    study: str = FINAL
    trials: dict[int, Trial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = Account(self.bench.folder)
        self.course = Course(self.bench.search, self.seed)
        self.journal = Journal(self.bench, self.study)
        self.under_way: dict[Any, tuple[Trial, Task]] = {}
        self.lost: list[tuple[Trial, Task]] = []
        self.alone = False
        self.twins: dict[int, list[Trial]] = {}
        self.first_of: dict[str, int] = {}

    def run(self) -> list[Trial]:
        """Run the study to its end, or on from where it was.

        Returns:
            All its trials by their numbers.

        Raises:
            ExpfwError: if no trial is complete; the message holds the first error.
        """
        recorded = self.account.read(self.study)
        self.course.replay(recorded)
        self.journal.add(self._told(recorded))
        unfinished = [trial for trial in recorded if trial.ending is None]
        begun = time.monotonic()
        for trial in unfinished:
            self.start(trial)
        while True:
            while self._may_start(begun):
                self.start(self.next())
            if not self.under_way and not self._again():
                break
            for future in self.workers.first_done(self.under_way):
                self.ended(future)
        self._tell(self.course.finish())
        return self._judged()

    def default(self) -> Trial:
        """Run the file's own values, nothing varied: what the best is compared with.

        Returns:
            The trial, which has no number among the others.
        """
        recorded = self.account.read(DEFAULT)
        if recorded and recorded[0].ending is not None:
            return recorded[0]
        uuid = uuid4().hex
        trial = recorded[0] if recorded else Trial(DEFAULT, 0, {}, self._take_folder(uuid).id, uuid)
        if not recorded:
            self.account.asked(trial)
        folder = ResultFolder(self.bench.folder.path.with_name(f"result_experiment_{trial.experiment}"))
        refurnish(folder)
        future = self.workers.submit(run_trial, self.bench, Task(DEFAULT, 0, {}, {}, folder, trial.uuid))
        self.workers.first_done([future])
        try:
            ending = future.result()
        except WorkerLost as error:
            ending = Ending("FAIL", error=f"{LOST}: {error}")
        if self.link is not None:
            self.link.track(folder.path, folder.id)
        self.account.ended(DEFAULT, 0, ending)
        logger.info("the file's own values, experiment %d: %s", trial.experiment, self._result(ending))
        return replace(trial, ending=ending)

    def _told(self, recorded: Sequence[Trial]) -> list[Trial]:
        for trial in recorded:
            self.trials[trial.number] = trial
            if trial.same_as is None:
                self.first_of[self._key(trial.point)] = trial.number
        return [self.trials[number] for number in range(self.course.told)]

    def _may_start(self, begun: float) -> bool:
        search = self.bench.search
        room = len(self.under_way) < self.workers.count + (1 if self.workers.count > 1 else 0)
        if not room or self.lost or not self.course.may_ask():
            return False
        if search.n_trials is not None and self.course.asked >= search.n_trials:
            return False
        if self._is_exhausted():
            return False
        return search.timeout is None or time.monotonic() - begun < search.timeout

    def _is_exhausted(self) -> bool:
        """Whether the sampler has given nothing new for long: all configurations of a small space were tried."""
        last = range(self.course.asked - NOTHING_NEW, self.course.asked)
        return last.start >= 0 and all(self.trials[number].same_as is not None for number in last)

    def next(self) -> Trial:
        """The next trial of the course, on record from now on."""
        number, point = self.course.asked, self.course.ask()
        key = self._key(point)
        if key in self.first_of:
            first = self.trials[self.first_of[key]]
            trial = Trial(self.study, number, point, first.experiment, same_as=first.number)
        else:
            self.first_of[key] = number
            uuid = uuid4().hex
            trial = Trial(self.study, number, point, self._take_folder(uuid).id, uuid)
        self.account.asked(trial)
        self.trials[number] = trial
        return trial

    def _key(self, point: Mapping[str, Any]) -> str:
        return json.dumps(self.bench.layer(point), sort_keys=True, default=str)

    def _take_folder(self, uuid: str) -> ResultFolder:
        root = self.bench.folder.path.parent
        if self.link is not None:
            self.link.expect_another(uuid)
        folder = take_folder(root, Noted(self.account, self.link or OwnNumbers()))
        if self.link is not None:
            self.link.keep(folder.id)
        remember(root, folder.id)
        return folder

    def start(self, trial: Trial) -> None:
        """Hand a trial to a worker; of one that another has run, or runs, the result is taken."""
        if trial.same_as is not None:
            first = self.trials[trial.same_as]
            if first.ending is None:
                self.twins.setdefault(first.number, []).append(trial)
            else:
                self.note(trial, replace(first.ending, seconds=0.0))
            return
        folder = ResultFolder(self.bench.folder.path.with_name(f"result_experiment_{trial.experiment}"))
        refurnish(folder)
        layer = self.bench.layer(trial.point)
        task = Task(trial.study, trial.number, trial.point, layer, folder, trial.uuid, self.course.told)
        self.alone = False
        self.hand_out(trial, task)

    def hand_out(self, trial: Trial, task: Task) -> None:
        """Have a worker run it."""
        self.under_way[self.workers.submit(run_trial, self.bench, task)] = (trial, task)

    def _again(self) -> bool:
        """Run a trial once more, and alone, whose worker was killed: one that ran beside it may be at fault."""
        self.alone = bool(self.lost)
        if self.lost:
            trial, task = self.lost.pop(0)
            refurnish(task.folder)
            self.hand_out(trial, task)
        return self.alone

    def ended(self, future: Any) -> None:
        """Take the ending of a trial."""
        trial, task = self.under_way.pop(future)
        try:
            ending = future.result()
        except WorkerLost as error:
            if not self.alone:
                logger.warning("trial %d: %s; it is run again, alone", trial.number, LOST)
                self.lost.append((trial, task))
                return
            ending = Ending("FAIL", error=f"{LOST}: {error}")
        if self.link is not None:
            self.link.track(task.folder.path, task.folder.id)
        self.note(trial, ending)
        for twin in self.twins.pop(trial.number, []):
            self.note(twin, replace(ending, seconds=0.0))

    def note(self, trial: Trial, ending: Ending) -> None:
        """Put the ending on record, and tell of it."""
        self.trials[trial.number] = replace(trial, ending=ending)
        self.account.ended(self.study, trial.number, ending)
        self._tell(self.course.note(trial.number, ending))
        logger.info("%s", self._words(self.trials[trial.number]))

    def _tell(self, numbers: Sequence[int]) -> None:
        self.journal.add([self.trials[number] for number in numbers])

    def _words(self, trial: Trial) -> str:
        """One line about a trial that has ended."""
        ending = trial.ending
        assert ending is not None  # noqa: S101 - it has just ended
        result = self._result(ending)
        best = best_of(list(self.trials.values()), self.bench.search.metrics[0])
        record = (
            "" if best is None else " (the best)" if best is trial else f" (best {best.value:.4g}, trial {best.number})"
        )
        point = ", ".join(f"{name.removeprefix('model.params.')}={shown(value)}" for name, value in trial.point.items())
        where = f"{self.study} " if self.study else ""
        return f"{where}trial {trial.number}, experiment {trial.experiment}: {result}{record} | {point}"

    def _result(self, ending: Ending) -> str:
        values = dict(zip(self.bench.search.metrics, ending.values, strict=False))
        return {
            "COMPLETE": ", ".join(f"{name} {value:.4g}" for name, value in values.items()),
            "PRUNED": f"broken off after {len(ending.folds)} folds",
            "FAIL": f"failed: {ending.error}",
        }[ending.state]

    def _judged(self) -> list[Trial]:
        trials = [self.trials[number] for number in sorted(self.trials)]
        failed = [trial.ending for trial in trials if trial.ending is not None and trial.ending.state == "FAIL"]
        if failed and len(failed) == len(trials):
            raise ExpfwError(
                f"all {len(trials)} trials failed, the first with: {failed[0].error}; see its log: "
                f"kedro experiment show {trials[0].experiment}"
            )
        if trials and not any(trial.value is not None for trial in trials):
            raise ExpfwError(
                f"none of {len(trials)} trials is complete: {len(failed)} failed, the pruner broke the others off; "
                "give another pruner, or null"
            )
        return trials


def best_of(trials: Sequence[Trial], metric: str) -> Trial | None:
    """The complete trial with the best value, the earliest among equals; None if there is none.

    Args:
        trials: trials of one study.
        metric: name of the search's first metric, which says whether less is better.
    """
    sign = 1.0 if better_is_lower(metric) else -1.0
    complete = [trial for trial in trials if trial.value is not None]
    return min(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)
