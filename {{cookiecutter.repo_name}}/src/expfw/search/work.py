"""What a session does instead of the whole workflow when it searches: data and folds once, then trial after trial."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from expfw.construct.find import Components
from expfw.construct.plan import Plan
from expfw.database.link import Link
from expfw.parallel import Workers, open_workers
from expfw.parallel.handover import handed_over
from expfw.parallel.surroundings import Surroundings
from expfw.reuse.linked import draft_of
from expfw.run.build import RunContext
from expfw.run.files import read_json, write_json
from expfw.run.folder import ResultFolder, discard_unused
from expfw.run.recorded import load_output
from expfw.search.bench import Bench
from expfw.search.conduct import Conductor
from expfw.search.nested import Nested
from expfw.search.quiet import quiet
from expfw.search.section import KEY, Search, as_search, search_of
from expfw.search.summary import FILE, summary
from expfw.search.trials import Account, Trial

logger = logging.getLogger("expfw.search")

NODES = ("load", "prepare", "hold_out", "resample")
"""Nodes of the workflow that a search runs itself; the others' work is done by its trials."""


@dataclass
class SearchWork:
    """A search that a session runs.

    Args:
        components: where components may come from.
        n_trials: how many trials, instead of what the file says.
        timeout: seconds after which none begins, instead of what the file says.
        repeats: the search that is run once more: as many trials as it had, whatever time they take; None for none.
    """

    components: Components
    n_trials: int | None = None
    timeout: float | None = None
    repeats: ResultFolder | None = None
    search: Search | None = None
    nodes: ClassVar[Sequence[str]] = NODES

    def planned(self, plan: Plan) -> Plan:
        """The plan of the search of an experiment.

        Raises:
            ConfigurationError: if it has none, or one with faults.
        """
        extent = {"n_trials": self.n_trials, "timeout": self.timeout}
        given: dict[str, Any] = {key: value for key, value in extent.items() if value is not None}
        if self.repeats is not None:
            given = {"n_trials": len(Account(self.repeats).read()), "timeout": None}
        searching = as_search(plan, given if plan.experiment.values.get(KEY) is not None else None)
        self.search = search_of(searching, self.components)
        return searching

    def extends(self, folder: ResultFolder) -> bool:
        """Whether a search that has completed is to go on: with more trials, or more time."""
        asked = len(Account(folder).read())
        return self.timeout is not None or (self.n_trials is not None and self.n_trials > asked)

    def run(self, context: RunContext, link: Link | None, env: str | None) -> dict[str, Any]:
        """All trials.

        Args:
            context: the search's run; data and folds are in its folder.
            link: the team's database; None without one.
            env: Kedro's environment.

        Raises:
            ExpfwError: if all trials failed.
        """
        assert self.search is not None  # noqa: S101 - it was planned
        folder = context.folder
        _begin_account(folder)
        rows = load_output(folder, "development_data"), load_output(folder, "folds")
        bench = Bench(folder, context.plan.experiment, self.components, self.search, env, context.secrets)
        with (
            handed_over(rows, draft_of(folder.data / "rows")) as handed,
            open_workers(context.plan) as workers,
            quiet(folder),
        ):
            del rows
            bench = replace(bench, handed=handed, surroundings=Surroundings.of(context, "search"))
            final = Conductor(bench, workers, context.seed, link)
            default, nested = final.default(), {}
            if self.search.nested is not None:
                nested = Nested(bench, context, handed.get(), partial(self._study, workers, context, link)).run()
            trials = final.run()
        self._close(context, trials, default, nested)
        return {}

    def _study(
        self, workers: Workers, context: RunContext, link: Link | None, bench: Bench, name: str, further: int
    ) -> list[Trial]:
        if self.repeats is not None:
            bench = replace(bench, search=replace(bench.search, n_trials=len(Account(self.repeats).read(name))))
        return Conductor(bench, workers, context.seed + further, link, name).run()

    def _close(self, context: RunContext, trials: list[Trial], default: Trial, nested: dict[str, Any]) -> None:
        """Put on record what came of it."""
        assert self.search is not None  # noqa: S101 - it was planned
        told = summary(self.search, trials, default, load_output(context.folder, "folds"))
        earlier, best = read_json(context.folder.report / FILE, {}), told["best"]
        told |= {"nested": nested} if nested else {}
        if "tested" in earlier and earlier["best"]["experiment"] == best["experiment"]:
            told |= {"tested": earlier["tested"]}
        write_json(context.folder.report / FILE, told)
        logger.info(
            "best of %d configurations: trial %d, experiment %d",
            told["configurations"],
            best["trial"],
            best["experiment"],
        )
        draw(context.folder, context.plan, self.search)


def _begin_account(folder: ResultFolder) -> None:
    """Begin the account of a search, or go on with it; a folder that was taken when it was killed is removed."""
    account = Account(folder)
    account.begin()
    number = account.taken_in_vain()
    if number is not None and discard_unused(ResultFolder(folder.path.with_name(f"result_experiment_{number}"))):
        logger.info("the folder of experiment %d was taken when the search was killed, and is removed", number)


def draw(folder: ResultFolder, plan: Plan, search: Search) -> None:
    """Draw the search's page; one that cannot be drawn costs nobody the search.

    Args:
        folder: the search's folder.
        plan: its plan.
        search: what is searched.
    """
    from expfw.report.search.page import write_search

    try:
        write_search(folder, plan, search)
    except Exception as error:  # a drawing's fault must not cost hours of trials
        logger.warning("the page cannot be drawn: %s; try again: kedro experiment report %d", error, folder.id)
