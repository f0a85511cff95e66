"""Sacred's record of a run, in files under ``log/sacred``. A database is one more observer beside it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import sacred
from sacred.observers import FileStorageObserver, RunObserver
from sacred.run import Run
from sacred.serializer import flatten

from expfw.run.files import atomic
from expfw.run.signals import terminable
from expfw.run.sources import SourceFile, copy_sources

sacred.SETTINGS.DISCOVER_SOURCES = "none"
sacred.SETTINGS.DISCOVER_DEPENDENCIES = "none"
sacred.SETTINGS.HOST_INFO.INCLUDE_GPU_INFO = False
sacred.SETTINGS.HOST_INFO.INCLUDE_CPU_INFO = False
sacred.SETTINGS.CONFIG.READ_ONLY_CONFIG = False


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
    """

    id: int
    name: str
    config: Mapping[str, Any]
    seed: int
    log: Path
    sources: Sequence[SourceFile]
    environment: Mapping[str, Any]
    observers: Sequence[RunObserver] = field(default=())


class _Experiment(sacred.Experiment):
    """Sacred's experiment with our own account of sources, packages and git, which costs a hundredth of Sacred's."""

    def __init__(self, tracked: Tracked) -> None:
        self.tracked = tracked
        super().__init__(tracked.name, interactive=True, base_dir=str(tracked.log.parent), save_git_info=False)
        self.logger = logging.getLogger("expfw.sacred")  # type: ignore[assignment]
        self.captured_out_filter = click.unstyle  # type: ignore[assignment]

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


class RecordObserver(FileStorageObserver):
    """Sacred's file observer, writing to one given folder, each file whole or not at all.

    Args:
        folder: the folder of the record; created.
        sources: the project's source files; copied to ``log/sources``.
    """

    def __init__(self, folder: Path, sources: Sequence[SourceFile]) -> None:
        super().__init__(folder)
        self.folder, self.sources = folder, sources

    def _make_run_dir(self, _id: int) -> None:
        self.folder.mkdir(exist_ok=True)
        self.dir = str(self.folder)

    def save_sources(self, ex_info: Mapping[str, Any]) -> list[list[str]]:
        """Copy the sources under their own names, so that a reviewer finds his way."""
        copy_sources(self.sources, self.folder.parent / "sources")
        return [[source.name, f"../sources/{source.name}"] for source in self.sources]

    def save_json(self, obj: Any, filename: str) -> None:
        """Write a file of the record atomically: ``list`` may read it while the run goes on."""
        content = flatten(obj)  # type: ignore[no-untyped-call]
        with atomic(self.folder / filename) as file:
            file.write(json.dumps(content, sort_keys=True, indent=2).encode())

    def artifact_event(self, name: str, filename: str, metadata: Any = None, content_type: Any = None) -> None:
        """Note an artifact where it lies, in the experiment's folder already; written with the run's next event."""
        entry: dict[str, Any] = self.run_entry  # type: ignore[assignment]
        entry["artifacts"].append(os.path.relpath(filename, self.folder))

    def complete_output(self, run: Run) -> None:
        """Write what Sacred captured after its last heartbeat, and would lose."""
        rest = run._output_file.final if run._output_file is not None else None
        if rest:
            self.cout = run.captured_out + click.unstyle(rest)
            self.save_cout()  # type: ignore[no-untyped-call]


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
    experiment.observers.extend([observer, *tracked.observers])
    experiment.add_config({**mongo_safe(tracked.config), "seed": tracked.seed})  # type: ignore[no-untyped-call]
    runs: list[Run] = []

    @experiment.main  # type: ignore[untyped-decorator]
    def main(_run: Run) -> Any:
        runs.append(_run)
        return work(_run)

    try:
        with terminable():
            return experiment.run(options={"--id": tracked.id, "--capture": capture_mode()}).result
    finally:
        for run in runs:
            observer.complete_output(run)


def capture_mode() -> str:
    """How output is captured: at the file descriptors where they are the real ones, else at ``sys.stdout``."""
    try:
        real = sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):
        real = False
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
