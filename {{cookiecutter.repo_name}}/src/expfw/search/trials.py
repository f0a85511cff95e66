"""The account of a search: which trials were asked for, and how each ended; ``log/trials.jsonl`` in its folder.

It is what a search goes on from. A line is appended by a single write when a trial is asked for, and one when it has
ended; what a killed process left of a line does not count. Before a folder is taken its number is noted, so that
nothing is left of one whose process was killed before it asked for the trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from expfw.run.events import EventLog
from expfw.run.folder import Numbers, ResultFolder

NAME = "trials.jsonl"
"""Name of the file, in the ``log`` folder of a search."""

State = Literal["COMPLETE", "PRUNED", "FAIL"]
"""How a trial ended, in Optuna's words."""

DEFAULT = "default"
"""Name of the study whose only trial has the file's own values, nothing varied."""

FINAL = ""
"""Name of the study over all development rows; a nested search has one more for each outer fold, ``outer_0`` …"""


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Args:
        state: COMPLETE, PRUNED, or FAIL.
        values: of the search's metrics, the mean over the folds; empty unless it is COMPLETE.
        folds: of the first metric, the value on each fold that was run.
        seconds: what it took.
        error: why it failed, in one line.
    """

    state: State
    values: Sequence[float] = ()
    folds: Sequence[float | None] = ()
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Args:
        study: the study that it belongs to; see :data:`FINAL`.
        number: its number there, from 0.
        point: the values of the space's parameters.
        experiment: the number N of the experiment that it is.
        uuid: identity of that experiment.
        same_as: the number of the earlier trial that has this very configuration; experiment and result are shared.
        ending: how it ended; None while it has not.
    """

    study: str
    number: int
    point: Mapping[str, Any]
    experiment: int
    uuid: str = ""
    same_as: int | None = None
    ending: Ending | None = None

    @property
    def value(self) -> float | None:
        """The value of the first metric; None unless it is complete."""
        return self.ending.values[0] if self.ending is not None and self.ending.state == "COMPLETE" else None


@dataclass(frozen=True)
class Account:
    """The trials of one search on record.

    Args:
        folder: the search's folder.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = ResultFolder(Path(tempfile.mkdtemp()) / "result_experiment_1")
        >>> folder.log.mkdir(parents=True)
        >>> account = Account(folder)
        >>> account.asked(Trial("", 0, {"model.params.C": 1.0}, experiment=2))
        >>> account.ended("", 0, Ending("COMPLETE", [0.9], [0.8, 1.0], 0.5))
        >>> [(trial.number, trial.value) for trial in account.read()]
        [(0, 0.9)]
    """

    folder: ResultFolder
    events: EventLog = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "events", EventLog(self.folder.log / NAME))

    def begin(self) -> None:
        """Make the file, which says that the experiment is a search."""
        (self.folder.log / NAME).touch()

    def taking(self, number: int) -> None:
        """Note the number of the experiment whose folder is about to be taken."""
        self.events.append("taking", experiment=number)

    def taken_in_vain(self) -> int | None:
        """The number whose folder may have been taken for a trial that was never asked for; None if there is none."""
        last = next(iter(self.events.read("taking")[-1:]), {"experiment": None})["experiment"]
        return None if any(event["experiment"] == last for event in self.events.read("asked")) else last

    def asked(self, trial: Trial) -> None:
        """Note a trial that is about to be run."""
        told = {key: value for key, value in asdict(trial).items() if key != "ending"}
        self.events.append("asked", **told)

    def ended(self, study: str, number: int, ending: Ending) -> None:
        """Note how a trial ended."""
        self.events.append("ended", study=study, number=number, **asdict(ending))

    def read(self, study: str = FINAL) -> list[Trial]:
        """The trials of a study by their numbers."""
        return [trial for trial in self.all() if trial.study == study]

    def all(self) -> list[Trial]:
        """The trials of all studies, each study's by their numbers."""
        trials: dict[tuple[str, int], Trial] = {}
        for event in self.events.read("asked", "ended"):
            key = (event["study"], event["number"])
            if event["event"] == "asked":
                kept = {name: event[name] for name in ("study", "number", "point", "experiment", "uuid", "same_as")}
                trials[key] = Trial(**kept)
            elif key in trials:
                kept = {name: event[name] for name in ("state", "values", "folds", "seconds", "error")}
                trials[key] = replace(trials[key], ending=Ending(**kept))
        return [trials[key] for key in sorted(trials)]


@dataclass(frozen=True)
class Noted:
    """Numbers, each noted in the account of a search before its folder is taken.

    Args:
        account: the account.
        numbers: where they come from.
    """

    account: Account
    numbers: Numbers

    def next(self, minimum: int) -> int:
        """See :class:`expfw.run.folder.Numbers`."""
        number = self.numbers.next(minimum)
        self.account.taking(number)
        return number

    def taken(self, number: int) -> None:
        """See :class:`expfw.run.folder.Numbers`."""
        self.numbers.taken(number)


def is_search(folder: ResultFolder) -> bool:
    """Whether an experiment is a search."""
    return (folder.log / NAME).exists()
