"""What the page of a search is made from, read off its folder and those of its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from expfw.construct.plan import Plan
from expfw.run.files import read_object
from expfw.run.folder import ResultFolder
from expfw.run.recorded import has_output, load_output
from expfw.search.section import Search
from expfw.search.summary import FILE, summary
from expfw.search.trials import DEFAULT, Account, Trial

VALIDATION = "report/validation_metrics.json"
TEST = "report/test_metrics.json"


@dataclass(frozen=True)
class Searched:
    """A search on record.

    Args:
        number: its number N.
        name: name of its experiment file.
        config: its configuration.
        search: what was searched.
        trials: all trials of its study, by their numbers.
        default: the trial of the file's own values.
        summary: see :func:`expfw.search.summary.summary`; empty if no trial is complete.
        best: metrics of the best trial's experiment, by name.
        tested: metrics on the test data of the experiment that tested the best, by name; empty if none did.
        pages: numbers of the experiments that have a page.
        ended: whether the search came to its end, so that its best was written as an experiment file.
    """

    number: int
    name: str
    config: Mapping[str, Any]
    search: Search
    trials: Sequence[Trial]
    default: Trial
    summary: Mapping[str, Any] = field(default_factory=dict)
    best: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tested: Mapping[str, Any] = field(default_factory=dict)
    pages: frozenset[int] = frozenset()
    ended: bool = False

    @property
    def metric(self) -> str:
        """The metric that the best is chosen by."""
        return self.search.metrics[0]

    @property
    def complete(self) -> list[Trial]:
        """The complete trials, one for each configuration."""
        return [trial for trial in self.trials if trial.value is not None and trial.same_as is None]

    @property
    def winner(self) -> Trial | None:
        """The trial that was chosen; None if there is none."""
        number = (self.summary.get("best") or {}).get("trial")
        return next((trial for trial in self.trials if trial.number == number), None)


def read_search(folder: ResultFolder, plan: Plan, search: Search) -> Searched:
    """A search as far as it has come, also one that goes on, was interrupted, or whose trials all failed.

    Args:
        folder: its folder.
        plan: its plan.
        search: what is searched.
    """
    account = Account(folder)
    trials = account.read()
    default = next(iter(account.read(DEFAULT)), Trial(DEFAULT, 0, {}, 0))
    found = Searched(folder.id, plan.experiment.name, plan.experiment.values, search, trials, default)
    if not found.complete:
        return found
    folds = load_output(folder, "folds") if has_output(folder, "folds") else []
    written = read_object(folder.report / FILE)
    told = summary(search, [trial for trial in trials if trial.ending is not None], default, folds)
    told |= {key: written[key] for key in ("nested", "tested") if key in written and _holds(key, written, told)}
    return replace(
        found,
        summary=told,
        best=_of(folder, told["best"]["experiment"], VALIDATION),
        tested=_of(folder, told["tested"], TEST) if told.get("tested") else {},
        pages=_pages(folder, [trial.experiment for trial in (*trials, default)], told.get("tested")),
        ended=bool(written),
    )


def _holds(key: str, written: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether an entry still holds where a search has gone on: the test is one of the best as it was then."""
    return key != "tested" or written.get("best", {}).get("experiment") == told["best"]["experiment"]


def _of(folder: ResultFolder, number: int, name: str) -> dict[str, Any]:
    """A file of another experiment."""
    return read_object(folder.path.with_name(f"result_experiment_{number}") / name)


def _pages(folder: ResultFolder, numbers: Sequence[int], tested: int | None) -> frozenset[int]:
    wanted = {*numbers, *([] if tested is None else [tested])}
    root = folder.path.parent
    return frozenset(n for n in wanted if (root / f"result_experiment_{n}" / "report" / "index.html").is_file())
