"""The framework's Kedro session: takes N, opens and closes the record, and says how the run ended."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession

from expfw.config.loader import ExperimentConfigLoader
from expfw.config.secrets import Secrets
from expfw.construct.plan import Plan
from expfw.database.link import Link, link_to_database
from expfw.errors import ExperimentInterrupted, ExpfwError, did_you_mean
from expfw.parallel.opening import check_workers
from expfw.reuse.choice import is_wanted, prepare
from expfw.reuse.index import remember
from expfw.run.build import RunContext
from expfw.run.configured import other_source
from expfw.run.environment import collect, start_collecting
from expfw.run.folder import ResultFolder, result_root, take_folder
from expfw.run.known import Decision, already_run
from expfw.run.leftover import end_leftovers
from expfw.run.log import configure_from
from expfw.run.project import plan_of, project_path
from expfw.run.recording import Opening, Recording
from expfw.run.restart import (
    alone_in,
    archive_attempt,
    check_restartable,
    clear_unfinished,
    finished_part,
)
from expfw.run.secrecy import secrecy, without_secrets_in
from expfw.run.signals import Signals, watched
from expfw.run.since import changed_inputs, changes_since, refusal
from expfw.run.stored import StoredRun, changed_configuration, stored_experiment
from expfw.run.workers import end_without_waiting

if TYPE_CHECKING:
    from expfw.search.work import SearchWork

logger = logging.getLogger(__name__)

WORKFLOW = "__default__"
"""Name of the pipeline that is an experiment; any other pipeline of the project runs as plain Kedro."""


class ExperimentSession(KedroSession):
    """A Kedro session whose run is an experiment. Set as ``SESSION_CLASS`` in the project's ``settings.py``.

    The order of a run: read and check the whole configuration (a fault ends it here, nothing is created), take N, begin
    the record, run the workflow, close the record.
    """

    _context: KedroContext | None = None
    folder: ResultFolder | None = None
    stored: StoredRun | None = None
    search: SearchWork | None = None
    secrets = Secrets()

    def load_context(self) -> KedroContext:
        """The context, made once: the run and what precedes it share one configuration."""
        if self._context is None:
            self._context = super().load_context()
            loader = self._context.config_loader
            logging_config = loader.packaged_logging() if isinstance(loader, ExperimentConfigLoader) else None
            if logging_config is not None:
                configure_from(logging_config)
            if self.stored is not None and isinstance(loader, ExperimentConfigLoader):
                loader.stored = stored_experiment(self.stored.folder)
        return self._context

    def run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run the workflow as an experiment; see :meth:`kedro.framework.session.KedroSession.run` for arguments.

        Raises:
            ConfigurationError: if the configuration has faults; nothing was created.
            ExperimentFailed: if a node failed; the run is recorded as FAILED.
            ExperimentInterrupted: if Ctrl-C or SIGTERM ended it; recorded as INTERRUPTED.
        """
        with watched() as signals, _before_it_begins(signals):
            loader = self.load_context().config_loader
        with secrecy(loader) as self.secrets:
            return self._run(*args, **kwargs)

    def close(self) -> None:
        """End the session; what Kedro notes of it, where the project keeps that, holds no secret."""
        self._store.data = without_secrets_in(self._store.data, self.secrets)
        super().close()

    def _run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        arguments = inspect.signature(KedroSession.run).bind(self, *args, **kwargs).arguments
        names = arguments.get("pipeline_names") or [arguments.get("pipeline_name") or WORKFLOW]
        loader = self.load_context().config_loader
        if names != [WORKFLOW] or not isinstance(loader, ExperimentConfigLoader) or self._run_called:
            _check_names(names)
            return super().run(*args, **kwargs)
        _check_whole(arguments)
        if self.stored is not None and self.stored.mode == "restart":
            with alone_in(self.stored.folder), watched() as signals:
                return self._restart(self.stored, loader, signals, kwargs)
        with watched() as signals:
            with _before_it_begins(signals):
                project = project_path(loader)
                environment = start_collecting(project)
                uuid, link, root = uuid4().hex, link_to_database(loader), result_root(project)
                if link is not None:
                    link.expect(uuid, root)
                plan = self._planned(loader)
                choice = str(loader.parameter("if_run", "again"))
                take = is_wanted(loader.parameter("reuse", "on")) and self.stored is None
                decision = Decision("run") if self.stored else already_run(root, plan.hash, choice)
                if decision.action == "fail":
                    raise ExpfwError(decision.message)
                if decision.action == "skip":
                    logger.info("%s", decision.message)
                    self.folder = None if decision.record is None else ResultFolder(decision.record.path)
                    return {}
                check_workers(plan, root)
                surroundings = environment.result()
                reuse = prepare(plan, project, root, surroundings.record, take=take)
            folder = take_folder(root, link)
            remember(root, folder.id)
            loader.run_context = RunContext(plan, folder, self.secrets, reuse=reuse)
            self.folder = loader.run_context.folder
            opening = Opening(uuid, project, surroundings, decision.message, self.stored)
            opening.source, opening.config = other_source(loader, project), loader.files()
            recorded = Recording(self, loader.run_context, opening, link, signals)
            return recorded.run(lambda: self._workflow(link, arguments))

    def _planned(self, loader: ExperimentConfigLoader) -> Plan:
        """The plan of the experiment, or of its search."""
        plan = plan_of(loader)
        return plan if self.search is None else self.search.planned(plan)

    def _workflow(self, link: Link | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run the nodes that are named, all if none are; of a search those before its trials, then these."""
        given = {key: value for key, value in arguments.items() if key != "self"}
        if self.search is None:
            return KedroSession.run(self, **given)
        named = given.get("node_names")
        nodes = [name for name in self.search.nodes if named is None or name in named]
        if nodes:
            KedroSession.run(self, **{**given, "node_names": nodes})
        loader: Any = self.load_context().config_loader
        context: RunContext = loader.run_context
        return self.search.run(context, link, self.store.get("env"))

    def _restart(
        self, stored: StoredRun, loader: ExperimentConfigLoader, signals: Signals, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Go on in an experiment's own folder with what is not finished."""
        folder, project = stored.folder, project_path(loader)
        with _before_it_begins(signals):
            check_restartable(folder, extend=self.search is not None and self.search.extends(folder))
            plan, surroundings = self._planned(loader), collect(project)
            check_workers(plan, folder.path.parent)
            end_leftovers(folder, stored.run)
            changed = [
                *changed_configuration(stored, plan, project),
                *changes_since(folder, project, loader, surroundings),
            ]
            loader.run_context = RunContext(plan, folder, self.secrets)
            finished = finished_part(folder, pipelines[WORKFLOW], self.load_context().catalog)
            changed += changed_inputs(folder, project, pipelines[WORKFLOW], finished.nodes, folds=bool(finished.folds))
            if changed and not stored.force:
                raise refusal(folder, changed)
            link = link_to_database(loader)
            source, config = other_source(loader, project), loader.files()
            wanted = stored.run.get("params", {}).get("reuse", loader.parameter("reuse", "on"))
            take = is_wanted(wanted) and "rerun_of" not in stored.run
            reuse = prepare(plan, project, folder.path.parent, surroundings.record, take=take)
        opening = Opening(stored.run["uuid"], project, surroundings, "", stored, changed, source=source, config=config)
        opening.attempts = archive_attempt(folder)
        clear_unfinished(folder, finished)
        loader.run_context, self.folder = RunContext(plan, folder, self.secrets, finished, reuse), folder
        rest = [node.name for node in pipelines[WORKFLOW].nodes if node.name not in finished.nodes]
        recorded = Recording(self, loader.run_context, opening, link, signals)
        return recorded.run(lambda: self._workflow(link, {**kwargs, "node_names": rest}))


@contextmanager
def _before_it_begins(signals: Signals) -> Iterator[None]:
    """Let signals end what precedes an experiment, by one message as well."""
    try:
        with signals.let_through():
            yield
    except KeyboardInterrupt as error:
        signals.over = end_without_waiting(signals.exit_code)
        message = f"interrupted by {signals.sender} before the experiment began; nothing was created"
        raise ExperimentInterrupted(message, signals.exit_code) from error


FILTERS = {
    "tags": "--tags",
    "node_names": "--nodes",
    "from_nodes": "--from-nodes",
    "to_nodes": "--to-nodes",
    "from_inputs": "--from-inputs",
    "to_outputs": "--to-outputs",
    "namespaces": "--namespaces",
    "only_missing_outputs": "--only-missing-outputs",
}
"""Arguments of a run that choose a part of the pipeline, and their options on the command line."""


def _check_names(names: list[str]) -> None:
    """Refuse a pipeline that is not registered."""
    pipelines.set_requested(None)
    for name in names:
        if name not in pipelines:
            raise ExpfwError(f"there is no pipeline '{name}'; {did_you_mean(name, pipelines)}")


def _check_whole(arguments: Mapping[str, Any]) -> None:
    """Refuse to run a part of an experiment: half of one must not pass for a whole one."""
    given = [option for name, option in FILTERS.items() if arguments.get(name)]
    if given:
        raise ExpfwError(f"an experiment runs whole: leave out {', '.join(given)}")
    if getattr(arguments.get("runner"), "_is_async", False):
        raise ExpfwError("an experiment's folds are saved one by one, which --async does not allow; leave it out")
