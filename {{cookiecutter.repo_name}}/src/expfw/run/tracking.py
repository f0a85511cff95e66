"""Sacred's record of a run, in files under ``log/sacred``. A database is one more observer beside it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from expfw.config.secrets import hide, hide_in
from expfw.run.files import atomic
from expfw.run.output import hidden_output
from expfw.run.sacred_import import (
    FileStorageObserver,
    Ingredient,
    MetricsLogger,
    Run,
    flatten,
    gather_command_line_options,
    sacred,
)
from expfw.run.sources import SourceFile, copy_sources

if TYPE_CHECKING:
    from expfw.run.capture import Captured

sacred.SETTINGS.DISCOVER_SOURCES = "none"
sacred.SETTINGS.DISCOVER_DEPENDENCIES = "none"
sacred.SETTINGS.HOST_INFO.INCLUDE_GPU_INFO = False
sacred.SETTINGS.HOST_INFO.INCLUDE_CPU_INFO = False
sacred.SETTINGS.CONFIG.READ_ONLY_CONFIG = False
sacred.SETTINGS.DEFAULT_BEAT_INTERVAL = 2.0

Measurements = Iterable[tuple[str, Any, int]]
"""Metrics: name, value, fold."""


@dataclass(frozen=True)
class Tracked:
    """What Sacred is told about a run.

    Args:
        id: the number N, Sacred's ``_id``.
        name: the experiment's name.
        config: the resolved configuration.
        seed: seed of the global generators.
        log: the experiment's ``log`` folder.
        sources: the project's source files.
        environment: the recorded environment.
        measured: gives the metrics that have become known since it was last asked.
    """

    id: int
    name: str
    config: Mapping[str, Any]
    seed: int
    log: Path
    sources: Sequence[SourceFile]
    environment: Mapping[str, Any]
    measured: Callable[[], Measurements]


class _Experiment(sacred.Experiment):
    """Sacred's experiment with our own account of sources, packages and git, which costs a hundredth of Sacred's."""

    output: Captured | None = None

    def __init__(self, tracked: Tracked) -> None:
        self.tracked = tracked
        # Sacred's own constructor looks for its caller in the files of all modules in memory, which takes 40 ms.
        Ingredient.__init__(
            self,
            tracked.name,
            interactive=True,
            _caller_globals={"__doc__": __doc__},
            base_dir=str(tracked.log.parent),
            save_git_info=False,
        )
        self.observers: list[Any] = []
        self.option_hooks: list[Any] = []
        self.additional_host_info: list[Any] = []
        self.additional_cli_options: list[Any] = []
        self.all_cli_options = gather_command_line_options()  # type: ignore[no-untyped-call]
        self.default_command = self.current_run = None
        self.logger = logging.getLogger("expfw.sacred")  # type: ignore[assignment]
        self.captured_out_filter = _captured  # type: ignore[assignment]

    def _create_run(self, *args: Any, **kwargs: Any) -> Run:
        run: Run = super()._create_run(*args, **kwargs)  # type: ignore[no-untyped-call]
        run._metrics = _Metrics(self.tracked.measured)
        if self.output is not None:
            run._get_captured_output = partial(_take_output, run, self.output)  # type: ignore[method-assign]
        return run

    def get_experiment_info(self) -> dict[str, Any]:
        """Name, sources, packages and git state in Sacred's own shape."""
        git = self.tracked.environment.get("git") or {}
        packages: Mapping[str, str] = self.tracked.environment.get("packages", {})
        repository = {"url": None, "commit": git.get("commit"), "dirty": git.get("dirty")}
        return {
            "name": self.tracked.name,
            "base_dir": ".",
            "sources": [(source.name, source.digest) for source in self.tracked.sources],
            "dependencies": [f"{name}=={version}" for name, version in packages.items()],
            "repositories": [repository] if git else [],
            "mainfile": None,
        }


class _Metrics(MetricsLogger):
    """Sacred's metrics, fetched from the run's files at each heartbeat: nodes may run in processes of their own."""

    def __init__(self, measured: Callable[[], Measurements]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.measured = measured

    def get_last_metrics(self) -> list[Any]:
        for name, value, fold in self.measured():
            self.log_scalar_metric(name, value, fold)  # type: ignore[no-untyped-call]
        entries: list[Any] = super().get_last_metrics()  # type: ignore[no-untyped-call]
        return entries


class RecordObserver(FileStorageObserver):
    """Sacred's file observer, writing to one given folder, each file whole or not at all.

    Args:
        folder: the folder of the record; created.
        sources: the project's source files; copied to ``log/sources``.
    """

    def __init__(self, folder: Path, sources: Sequence[SourceFile]) -> None:
        super().__init__(folder)
        self.folder, self.sources = folder, sources
        self.metrics: dict[str, dict[str, list[Any]]] = {}

    def _make_run_dir(self, _id: int) -> None:
        self.folder.mkdir(exist_ok=True)
        self.dir = str(self.folder)

    def save_sources(self, ex_info: Mapping[str, Any]) -> list[list[str]]:
        """Copy the sources under their own names, so that a reviewer finds his way."""
        copy_sources(self.sources, self.folder.parent / "sources")
        return [[source.name, f"../sources/{source.name}"] for source in self.sources]

    def save_json(self, obj: Any, filename: str) -> None:
        """Write a file of the record atomically: ``list`` may read it while the run goes on."""
        content = hide_in(flatten(obj))  # type: ignore[no-untyped-call]
        with atomic(self.folder / filename) as file:
            file.write(json.dumps(content, sort_keys=True, indent=2).encode())

    def save_cout(self) -> None:
        """Append what was said since; on a full disk nothing of it, so that it is not there twice the next time."""
        path = self.folder / "cout.txt"
        before = path.stat().st_size if path.exists() else 0
        try:
            super().save_cout()  # type: ignore[no-untyped-call]
        except OSError:
            with suppress(OSError):
                os.truncate(path, before)
            raise

    def log_metrics(self, metrics_by_name: Mapping[str, Mapping[str, Any]], info: Any) -> None:
        """Write all metrics there are; those that a full disk did not take come with the next ones.

        A value takes the place of an earlier one of the same step.
        """
        for name, fresh in metrics_by_name.items():
            entry = self.metrics.setdefault(name, {"steps": [], "timestamps": [], "values": []})
            stamps = [stamp.isoformat() for stamp in fresh["timestamps"]]
            places = {step: at for at, step in enumerate(entry["steps"])}
            for step, stamp, value in zip(fresh["steps"], stamps, fresh["values"], strict=True):
                at = places.setdefault(step, len(places))
                for key, item in (("steps", step), ("timestamps", stamp), ("values", value)):
                    entry[key][at : at + 1] = [item]
        with suppress(OSError):
            self.save_json(self.metrics, "metrics.json")

    def heartbeat_event(self, *args: Any, **kwargs: Any) -> None:
        """Write the beat; Sacred would let the heart stand still for good once the disk was full."""
        with suppress(OSError):
            super().heartbeat_event(*args, **kwargs)  # type: ignore[no-untyped-call]

    def completed_event(self, *args: Any, **kwargs: Any) -> None:
        """Write the ending; the session looks whether it is there, where Sacred would print a traceback."""
        with suppress(OSError):
            super().completed_event(*args, **kwargs)  # type: ignore[no-untyped-call]

    def failed_event(self, *args: Any, **kwargs: Any) -> None:
        """The same for a failed run."""
        with suppress(OSError):
            super().failed_event(*args, **kwargs)  # type: ignore[no-untyped-call]

    def interrupted_event(self, *args: Any, **kwargs: Any) -> None:
        """The same for an interrupted run."""
        with suppress(OSError):
            super().interrupted_event(*args, **kwargs)  # type: ignore[no-untyped-call]

    def artifact_event(self, name: str, filename: str, metadata: Any = None, content_type: Any = None) -> None:
        """Note an artifact where it lies, in the experiment's folder already; written with the run's next event."""
        entry: dict[str, Any] = self.run_entry  # type: ignore[assignment]
        entry["artifacts"].append(os.path.relpath(filename, self.folder))

    def complete_output(self, run: Run, output: Captured | None) -> None:
        """Write what was captured after the last heartbeat, and Sacred would lose."""
        rest = run._output_file.final if run._output_file is not None else None
        self.cout = _captured(output.text()) if output is not None else run.captured_out + _captured(rest or "")
        with suppress(OSError):
            self.save_cout()


def track(tracked: Tracked, work: Callable[[Run], Any]) -> Any:
    """Do ``work`` as a Sacred run: COMPLETED, FAILED with traceback, or INTERRUPTED by Ctrl-C or SIGTERM.

    Args:
        tracked: what Sacred is told.
        work: called with Sacred's run; what it returns becomes the run's result.

    Returns:
        The result.

    Raises:
        BaseException: whatever ``work`` raised, after it was recorded.
    """
    experiment = _Experiment(tracked)
    observer = RecordObserver(tracked.log / "sacred", tracked.sources)
    experiment.observers.append(observer)
    experiment.add_config({**mongo_safe(tracked.config), "seed": tracked.seed})  # type: ignore[no-untyped-call]
    runs: list[Run] = []

    @experiment.main  # type: ignore[untyped-decorator]
    def main(_run: Run) -> Any:
        runs.append(_run)
        with hidden_output(capture):
            return work(_run)

    capture = capture_mode()
    try:
        with _captured_output(capture) as experiment.output:
            options = {"--id": tracked.id, "--capture": "sys" if experiment.output is None else "no"}
            return experiment.run(options=options).result
    finally:
        for run in runs:
            observer.complete_output(run, experiment.output)


@contextmanager
def _captured_output(capture: str) -> Iterator[Captured | None]:
    """What is printed in the block; None where Sacred is to capture it."""
    if capture == "sys":
        yield None
        return
    from expfw.run.capture import captured_at_descriptors  # needs a system with file descriptors as Unix has them

    with captured_at_descriptors() as output:
        yield output


def _take_output(run: Run, output: Captured) -> None:
    run.captured_out = _captured(output.text())


def _captured(text: str) -> str:
    """Captured output as it is kept: without colours, without secrets."""
    return hide(str(click.unstyle(text)))


def capture_mode() -> str:
    """How output is captured: at the file descriptors where they are the real ones, else at ``sys.stdout``."""
    try:
        real = sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):
        real = False
    real = real and shutil.which("tee") is not None
    return "fd" if real and click.get_current_context(silent=True) is not None else "sys"


def mongo_safe(value: Any) -> Any:
    """``value`` with keys that Sacred and MongoDB take: full-width ``．``, ``＄``, ``＝`` for what they refuse.

    Example:
        >>> mongo_safe({"a.b": [{"$c": 1}]})
        {'a．b': [{'＄c': 1}]}
    """
    if isinstance(value, Mapping):
        return {str(key).translate(_FULL_WIDTH): mongo_safe(item) for key, item in value.items()}
    return [mongo_safe(item) for item in value] if isinstance(value, list | tuple) else value


_FULL_WIDTH = str.maketrans({".": "．", "$": "＄", "=": "＝"})
