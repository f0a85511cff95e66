"""The framework's Kedro session: takes N, opens and closes the record, and says how the run ended."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession

from expfw.config.keys import KEYS
from expfw.config.loader import RESERVED, ExperimentConfigLoader
from expfw.config.secrets import redacted
from expfw.errors import ExperimentFailed, ExperimentInterrupted, ExpfwError, did_you_mean
from expfw.record import headline, recorded_metrics
from expfw.run.build import RunContext
from expfw.run.environment import start_collecting
from expfw.run.events import checksums, timing
from expfw.run.files import write_json
from expfw.run.folder import ResultFolder, result_root, take_folder
from expfw.run.known import already_run
from expfw.run.lineage import link_to_parents
from expfw.run.log import configure_from, log_to
from expfw.run.project import plan_of, project_path
from expfw.run.signals import Terminated
from expfw.run.sources import source_files

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

    def load_context(self) -> KedroContext:
        """The context, made once: the run and what precedes it share one configuration."""
        if self._context is None:
            self._context = super().load_context()
            loader = self._context.config_loader
            logging_config = loader.packaged_logging() if isinstance(loader, ExperimentConfigLoader) else None
            if logging_config is not None:
                configure_from(logging_config)
        return self._context

    def run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run the workflow as an experiment; see :meth:`kedro.framework.session.KedroSession.run` for arguments.

        Raises:
            ConfigurationError: if the configuration has faults; nothing was created.
            ExperimentFailed: if a node failed; the run is recorded as FAILED.
            ExperimentInterrupted: if Ctrl-C or SIGTERM ended it; recorded as INTERRUPTED.
        """
        arguments = inspect.signature(KedroSession.run).bind(self, *args, **kwargs).arguments
        names = arguments.get("pipeline_names") or [arguments.get("pipeline_name") or WORKFLOW]
        loader = self.load_context().config_loader
        if names != [WORKFLOW] or not isinstance(loader, ExperimentConfigLoader) or self._run_called:
            _check_names(names)
            return super().run(*args, **kwargs)
        _check_whole(arguments)
        project = project_path(loader)
        environment = start_collecting(project)
        plan = plan_of(loader)
        decision = already_run(result_root(project), plan.hash, str(loader.parameter("if_run", "again")))
        if decision.action == "fail":
            raise ExpfwError(decision.message)
        if decision.action == "skip":
            logger.info("%s", decision.message)
            return {}
        surroundings = environment.result()
        loader.run_context = RunContext(plan, take_folder(result_root(project)))
        self.folder = loader.run_context.folder
        recorded = _Recorded(self, loader.run_context, project, surroundings, decision.message)
        return recorded.run(lambda: KedroSession.run(self, *args, **kwargs))


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


class _Recorded:
    """One run and its record."""

    def __init__(
        self,
        session: ExperimentSession,
        context: RunContext,
        project: Path,
        environment: Mapping[str, Any],
        repeated: str,
    ) -> None:
        self.session, self.context, self.project, self.environment = session, context, project, environment
        self.repeated = repeated
        self.plan, self.folder = context.plan, context.folder

    def run(self, workflow: Any) -> dict[str, Any]:
        from expfw.run.tracking import Tracked, track

        outputs: dict[str, Any] = {}
        with log_to(self.folder.log / "experiment.log"):
            self.begin()
            tracked = Tracked(
                id=self.folder.id,
                name=self.plan.experiment.name,
                config=self.plan.config,
                seed=self.context.seed,
                log=self.folder.log,
                sources=source_files(self.project),
                environment=self.environment,
            )

            def work(run: Any) -> Any:
                try:
                    outputs.update(workflow())
                    return self.main_result(run)
                finally:
                    self.close()

            try:
                track(tracked, work)
            except KeyboardInterrupt as error:
                raise self.interrupted(error) from error
            except (Exception, SystemExit) as error:
                raise self.failed(error) from error
            logger.info("%s", self.closing_words())
        return outputs

    def begin(self) -> None:
        """Write what is known before the first node runs."""
        experiment, log = self.plan.experiment, self.folder.log
        config = self.plan.config
        write_json(log / "config.json", config)
        write_json(log / "origin.json", self.plan.origins)
        write_json(log / "environment.json", self.environment)
        process = psutil.Process()
        given = redacted(self.session.store.get("runtime_params") or {})
        write_json(
            log / "run.json",
            {
                "id": self.folder.id,
                "name": experiment.name,
                "hash": self.plan.hash,
                "parents": self.plan.parents,
                "started": datetime.now(UTC).isoformat(),
                "process": {"pid": process.pid, "created": process.create_time(), "host": self.environment["host"]},
                "command": (self.session.store.get("cli") or {}).get("command_path"),
                "params": {key: value for key, value in given.items() if key in (*KEYS, *RESERVED)},
            },
        )
        logger.info("experiment %d: %s", self.folder.id, experiment.name)
        if self.repeated:
            logger.info("%s", self.repeated)
        link_to_parents(self.folder, self.plan.parents)

    def close(self) -> None:
        """Write timing and checksums, whatever the ending."""
        write_json(self.folder.log / "timing.json", timing(self.context.events))
        write_json(self.folder.log / "checksums.json", checksums(self.context.events))

    def main_result(self, run: Any) -> Any:
        """Report metrics and artifacts to Sacred; the first metric is the run's main result."""
        metrics = recorded_metrics(self.folder)
        for name, values in metrics["validation"].items():
            for fold, value in enumerate(values["folds"]):
                run.log_scalar(f"validation.{name}", value, fold)
        for name, value in metrics["test"].items():
            run.log_scalar(f"test.{name}", value, 0)
        for path in sorted(p for p in self.folder.report.iterdir() if p.is_file()):
            run.add_artifact(path)
        return {
            **{f"validation.{name}": values["mean"] for name, values in metrics["validation"].items()},
            **{f"test.{name}": value for name, value in metrics["test"].items()},
        }

    def failed(self, error: BaseException) -> ExpfwError:
        """The one message about a failed run."""
        (self.folder.log / "traceback.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        what = str(error) if isinstance(error, ExpfwError) else f"{type(error).__name__}: {error}"
        where = self.shown(self.folder.log / "traceback.txt")
        return ExperimentFailed(
            f"experiment {self.folder.id} ({self.plan.experiment.name}) failed: {what}\n"
            f"It is recorded as FAILED; the traceback is in {where}"
        )

    def interrupted(self, error: BaseException) -> ExpfwError:
        """The one message about an interrupted run."""
        by, code = ("SIGTERM", 143) if isinstance(error, Terminated) else ("Ctrl-C", 130)
        return ExperimentInterrupted(
            f"experiment {self.folder.id} ({self.plan.experiment.name}) was interrupted by {by}; it is recorded as "
            f"INTERRUPTED in {self.shown(self.folder.path)}",
            code,
        )

    def closing_words(self) -> str:
        """Main results and where the page lies."""
        lines = [f"experiment {self.folder.id}: {self.plan.experiment.name} completed"]
        lines += [f"  {line}" for line in headline(recorded_metrics(self.folder))]
        page = self.folder.report / "index.html"
        return "\n".join([*lines, f"  report: {self.shown(page)}"] if page.exists() else lines)

    def shown(self, path: Path) -> str:
        """A path as people like it: relative to where they are, if it lies below."""
        here = Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) else path)
