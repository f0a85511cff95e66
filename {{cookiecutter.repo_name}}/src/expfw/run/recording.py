"""The record of one run: opened before the first node, closed after the last, whatever happens in between."""

from __future__ import annotations

import errno
import logging
import platform
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from expfw.config.secrets import hide, redacted, redacted_command
from expfw.database.link import Link
from expfw.errors import ExperimentFailed, ExperimentInterrupted, ExpfwError
from expfw.parallel.opening import none_left_at_work
from expfw.record import headline, recorded_metrics
from expfw.reuse.earlier import reused_nodes
from expfw.run.build import RunContext
from expfw.run.ending import advice, ensure_ending, make_room, recorded_ending
from expfw.run.environment import Environment
from expfw.run.events import SECTIONS, checksum, checksums, timing
from expfw.run.files import atomic, read_json, write_json
from expfw.run.inputs import inputs
from expfw.run.leftover import marked
from expfw.run.lineage import link_to_parents
from expfw.run.live import Measured
from expfw.run.log import LOGS, log_to
from expfw.run.secrecy import clean
from expfw.run.signals import Signals
from expfw.run.sources import source_files
from expfw.run.stored import StoredRun
from expfw.run.workers import end_without_waiting

if TYPE_CHECKING:
    from expfw.run.session import ExperimentSession

logger = logging.getLogger(__name__)


@dataclass
class Opening:
    """What is known of a run before it begins.

    Args:
        uuid: identity of the experiment.
        project: the project's folder.
        environment: what it runs with.
        repeated: what to say about earlier runs of the same configuration; may be empty.
        stored: the experiment on record that is run again, if that is so.
        changed: what changed since and was put up with (``--force``).
        attempts: how many attempts at this experiment there were before.
        source: where the configuration lies, see :func:`expfw.run.configured.other_source`.
        config: its files, see :meth:`expfw.config.loader.ExperimentConfigLoader.files`.
    """

    uuid: str
    project: Path
    environment: Environment
    repeated: str
    stored: StoredRun | None = None
    changed: Sequence[str] = ()
    attempts: int = 0
    source: Mapping[str, Any] = field(default_factory=dict)
    config: Path | Mapping[str, bytes] | None = None


class Recording:
    """One run and its record."""

    def __init__(
        self, session: ExperimentSession, context: RunContext, opening: Opening, link: Link | None, signals: Signals
    ) -> None:
        self.session, self.context, self.opening, self.link, self.signals = session, context, opening, link, signals
        self.plan, self.folder = context.plan, context.folder

    def run(self, workflow: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Run the workflow; whatever ends it is recorded.

        Raises:
            ExperimentFailed: if it failed.
            ExperimentInterrupted: if a signal ended it, or arrived when it had just completed.
        """
        try:
            with log_to(self.folder.log) as log, marked(self.opening.uuid), none_left_at_work():
                try:
                    outputs = self.tracked(workflow)
                except BaseException as error:
                    log.ending(error)
                    raise
                logger.info("%s", self.closing_words())
        except KeyboardInterrupt as error:
            raise self.interrupted("INTERRUPTED") from error
        except (Exception, SystemExit) as error:
            raise self.failed(error) from error
        finally:
            clean(self.folder.log / name for name in LOGS)
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
            sources=source_files(self.opening.project, self.plan.experiment.texts, self.opening.config),
            environment=self.opening.environment.record,
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
        self.opening.environment.keep(log)
        process = psutil.Process()
        write_json(
            log / "run.json",
            {
                "id": self.folder.id,
                "uuid": self.opening.uuid,
                "name": experiment.name,
                "hash": self.plan.hash,
                "parents": self.plan.parents,
                "env": self.session.store.get("env"),
                **self.opening.source,
                "process": {"pid": process.pid, "created": process.create_time(), "host": platform.node()},
                "command": self.command(),
                "params": redacted(self.session.store.get("runtime_params") or {}),
                **({"search": True} if self.plan.experiment.searching else {}),
                **self.times(),
            },
        )
        logger.info("experiment %d: %s%s", self.folder.id, experiment.name, self.again())
        if self.opening.repeated:
            logger.info("%s", self.opening.repeated)
        link_to_parents(self.folder, self.plan.parents)
        if self.link is not None:
            self.link.track(self.folder.path, self.folder.id)

    def command(self) -> str | None:
        """The command line, without secrets; what is known to be one may hold any signs, so it goes first."""
        return redacted_command(hide((self.session.store.get("cli") or {}).get("command_path", ""))) or None

    def times(self) -> dict[str, Any]:
        """When it began; of a rerun also what it repeats, of a restart what is taken up and what was put up with."""
        stored, now = self.opening.stored, datetime.now(UTC).isoformat()
        if stored is None:
            return {"started": now}
        if stored.mode == "rerun":
            return {"started": now, "rerun_of": stored.folder.id}
        finished = self.context.finished
        restart = {
            "started": now,
            "finished_nodes": sorted(finished.nodes),
            "finished_folds": sorted(finished.folds),
            "changed": list(self.opening.changed),
        }
        earlier = read_json(self.folder.log / "attempts" / str(self.opening.attempts) / "run.json", {})
        kept = {key: earlier[key] for key in ("started", "rerun_of", "params", "command") if key in earlier}
        return {**kept, "restarts": [*earlier.get("restarts", []), restart]}

    def again(self) -> str:
        """What is said of a run that is none for the first time."""
        stored, finished = self.opening.stored, self.context.finished
        if stored is None:
            return ""
        if stored.mode == "rerun":
            return f", as experiment {stored.folder.id}"
        folds = 0 if "fit" in finished.nodes else len(finished.folds)
        parts = [*sorted(finished.nodes), *([f"{folds} fold{'s' if folds > 1 else ''}"] if folds else [])]
        return f", taken up again; finished before: {', '.join(parts) or 'nothing'}"

    def close(self) -> None:
        """Write timing and checksums, whatever the ending."""
        make_room(self.folder.log)
        sections = sorted(self.folder.sections.glob("[!.]*.json"))
        clean([self.context.events.path, *sections])
        files = {path.relative_to(self.folder.path).as_posix(): checksum(path) for path in sections}
        self.context.events.append("added", output=SECTIONS, files=files)
        write_json(self.folder.log / "timing.json", timing(self.context.events))
        write_json(self.folder.log / "checksums.json", checksums(self.context.events))
        write_json(self.folder.log / "inputs.json", inputs(self.context.events))
        reused = reused_nodes(self.folder)
        if reused:
            write_json(self.folder.log / "reused.json", reused)

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
            f"\nGo on with it when the cause is mended: kedro experiment restart {self.folder.id}"
        )

    def interrupted(self, status: str) -> ExpfwError:
        """The one message about a run that a signal ended, or was to end when it had just COMPLETED."""
        ensure_ending(self.folder.log, status)
        self.signals.over = end_without_waiting(self.signals.exit_code)
        next_step = f"; go on with it: kedro experiment restart {self.folder.id}" if status == "INTERRUPTED" else ""
        what = "was interrupted by" if status == "INTERRUPTED" else "had completed on the arrival of"
        return ExperimentInterrupted(
            f"experiment {self.folder.id} ({self.plan.experiment.name}) {what} {self.signals.sender}; it is recorded "
            f"as {status} in {self.shown(self.folder.path)}{next_step}",
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
