"""The framework's Kedro session: takes N, opens and closes the record, and says how the run ended."""

from __future__ import annotations

import errno
import inspect
import logging
import platform
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession

from expfw.config.keys import KEYS
from expfw.config.loader import RESERVED, ExperimentConfigLoader
from expfw.config.secrets import Secrets, hide, redacted, redacted_command
from expfw.database.link import Link, link_to_database
from expfw.errors import ExperimentFailed, ExperimentInterrupted, ExpfwError, did_you_mean
from expfw.record import headline, recorded_metrics
from expfw.run.build import RunContext
from expfw.run.ending import advice, ensure_ending, make_room, recorded_ending
from expfw.run.environment import start_collecting
from expfw.run.events import checksums, timing
from expfw.run.files import atomic, write_json
from expfw.run.folder import ResultFolder, result_root, take_folder
from expfw.run.known import already_run
from expfw.run.lineage import link_to_parents
from expfw.run.live import Measured
from expfw.run.log import configure_from, log_to
from expfw.run.project import plan_of, project_path
from expfw.run.secrecy import clean, secrecy, without_secrets_in
from expfw.run.signals import Signals, watched
from expfw.run.sources import source_files
from expfw.run.workers import end_without_waiting

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
    secrets = Secrets()

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
        with watched() as signals:
            with _before_it_begins(signals):
                project = project_path(loader)
                environment = start_collecting(project)
                uuid, link, root = uuid4().hex, link_to_database(loader), result_root(project)
                if link is not None:
                    link.expect(uuid, root)
                plan = plan_of(loader)
                decision = already_run(root, plan.hash, str(loader.parameter("if_run", "again")))
                if decision.action == "fail":
                    raise ExpfwError(decision.message)
                if decision.action == "skip":
                    logger.info("%s", decision.message)
                    return {}
                surroundings = environment.result()
            loader.run_context = RunContext(plan, take_folder(root, link), self.secrets)
            self.folder = loader.run_context.folder
            opening = _Opening(uuid, project, surroundings, decision.message)
            recorded = _Recorded(self, loader.run_context, opening, link, signals)
            return recorded.run(lambda: KedroSession.run(self, *args, **kwargs))


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


@dataclass(frozen=True)
class _Opening:
    """What is known of a run before its folder is there."""

    uuid: str
    project: Path
    environment: Mapping[str, Any]
    repeated: str


class _Recorded:
    """One run and its record."""

    def __init__(
        self, session: ExperimentSession, context: RunContext, opening: _Opening, link: Link | None, signals: Signals
    ) -> None:
        self.session, self.context, self.opening, self.link, self.signals = session, context, opening, link, signals
        self.plan, self.folder = context.plan, context.folder

    def run(self, workflow: Any) -> dict[str, Any]:
        try:
            with log_to(self.folder.log / "experiment.log"):
                outputs = self.tracked(workflow)
                logger.info("%s", self.closing_words())
        except KeyboardInterrupt as error:
            raise self.interrupted("INTERRUPTED") from error
        except (Exception, SystemExit) as error:
            raise self.failed(error) from error
        finally:
            if self.link is not None:
                self.link.finish(self.folder.path)
        if self.signals.received is not None:
            raise self.interrupted("COMPLETED")
        return outputs

    def tracked(self, workflow: Any) -> dict[str, Any]:
        """Run the workflow as a Sacred run; signals raise in the workflow alone, the record's own writes stay whole."""
        from expfw.run.tracking import Tracked, track

        self.begin()
        outputs: dict[str, Any] = {}
        tracked = Tracked(
            id=self.folder.id,
            name=self.plan.experiment.name,
            config=self.plan.config,
            seed=self.context.seed,
            log=self.folder.log,
            sources=source_files(self.opening.project),
            environment=self.opening.environment,
            measured=Measured(self.folder),
        )

        def work(run: Any) -> Any:
            try:
                with self.signals.let_through():
                    outputs.update(workflow())
                result = self.main_result(run)
            except BaseException:
                with suppress(OSError):  # of a full disk: what ended the run is the word to keep
                    self.close()
                raise
            self.close()
            return result

        track(tracked, work)
        if recorded_ending(self.folder.log) != "COMPLETED":
            raise OSError(errno.ENOSPC, "the record's ending cannot be written", str(self.folder.log))
        return outputs

    def begin(self) -> None:
        """Write what is known before the first node runs."""
        experiment, log = self.plan.experiment, self.folder.log
        config = self.plan.config
        write_json(log / "config.json", config)
        write_json(log / "origin.json", self.plan.origins)
        write_json(log / "environment.json", self.opening.environment)
        process = psutil.Process()
        given = redacted(self.session.store.get("runtime_params") or {})
        write_json(
            log / "run.json",
            {
                "id": self.folder.id,
                "uuid": self.opening.uuid,
                "name": experiment.name,
                "hash": self.plan.hash,
                "parents": self.plan.parents,
                "started": datetime.now(UTC).isoformat(),
                "process": {"pid": process.pid, "created": process.create_time(), "host": platform.node()},
                "command": redacted_command((self.session.store.get("cli") or {}).get("command_path", "")) or None,
                "params": {key: value for key, value in given.items() if key in (*KEYS, *RESERVED)},
            },
        )
        logger.info("experiment %d: %s", self.folder.id, experiment.name)
        if self.opening.repeated:
            logger.info("%s", self.opening.repeated)
        link_to_parents(self.folder, self.plan.parents)
        if self.link is not None:
            self.link.track(self.folder.path, self.folder.id)

    def close(self) -> None:
        """Write timing and checksums, whatever the ending."""
        make_room(self.folder.log)
        clean([self.context.events.path, *self.folder.sections.glob("*.json")])
        write_json(self.folder.log / "timing.json", timing(self.context.events))
        write_json(self.folder.log / "checksums.json", checksums(self.context.events))

    def main_result(self, run: Any) -> Any:
        """Report artifacts to Sacred, and the metrics as the run's result."""
        metrics = recorded_metrics(self.folder)
        for path in sorted(p for p in self.folder.report.iterdir() if p.is_file()):
            run.add_artifact(path)
        return {
            **{f"validation.{name}": values["mean"] for name, values in metrics["validation"].items()},
            **{f"test.{name}": value for name, value in metrics["test"].items()},
        }

    def failed(self, error: BaseException) -> ExpfwError:
        """The one message about a failed run."""
        status = ensure_ending(self.folder.log, "FAILED", error)
        ending = f"It is recorded as {status}" if status else "Its ending could not be recorded"
        trace = self.folder.log / "traceback.txt"
        with suppress(OSError), atomic(trace) as file:
            file.write(hide("".join(traceback.format_exception(error))).encode("utf-8", "replace"))
        what = str(error) if isinstance(error, ExpfwError) else f"{type(error).__name__}: {error}"
        where = f"; the traceback is in {self.shown(trace)}" if trace.exists() else ""
        return ExperimentFailed(
            f"experiment {self.folder.id} ({self.plan.experiment.name}) failed: {what}{advice(error)}\n{ending}{where}"
        )

    def interrupted(self, status: str) -> ExpfwError:
        """The one message about a run that a signal ended, or was to end when it had just COMPLETED."""
        ensure_ending(self.folder.log, status)
        self.signals.over = end_without_waiting(self.signals.exit_code)
        what = "was interrupted by" if status == "INTERRUPTED" else "had completed on the arrival of"
        return ExperimentInterrupted(
            f"experiment {self.folder.id} ({self.plan.experiment.name}) {what} {self.signals.sender}; it is recorded "
            f"as {status} in {self.shown(self.folder.path)}",
            self.signals.exit_code,
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
