"""Reading what an experiment left: the one place that knows how a folder becomes a record."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from expfw.errors import RecordError
from expfw.run.files import read_object
from expfw.run.folder import ResultFolder, experiment_folders
from expfw.run.lineage import children

STALE = 60.0
"""Seconds without a heartbeat (one comes every 2) after which a run on another machine counts as dead."""


@dataclass(frozen=True)
class ExperimentRecord:
    """One experiment as its folder tells it.

    Args:
        id: the number N.
        name: the experiment's name.
        status: COMPLETED, FAILED, INTERRUPTED, RUNNING, or DEAD for a run that was killed.
        config: the resolved configuration.
        metrics: ``{"validation": {…}, "test": {…}}``.
        parents: numbers of the experiments that it took something from.
        children: numbers of the experiments that took something from it.
        timing: ``{"nodes": {…}, "folds": {…}, "parts": […]}``, in seconds.
        started: ISO 8601 with time zone, or None.
        stopped: the same, or None for a run that has not ended.
        path: the experiment's folder.
        error: last line of the traceback of a failed run.
        reused: by node that took its outputs, the experiment that computed them.
        restarts: of each time that it was taken up again: when, what was finished, what had changed (``--force``).
    """

    id: int
    name: str
    status: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    parents: Sequence[int]
    timing: Mapping[str, Any]
    started: str | None
    stopped: str | None
    path: Path
    error: str | None = None
    children: Sequence[int] = ()
    reused: Mapping[str, int] = field(default_factory=dict)
    restarts: Sequence[Mapping[str, Any]] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "metrics": self.metrics,
            "config": self.config,
            "parents": list(self.parents),
            "children": list(self.children),
            "reused": dict(self.reused),
            "restarts": list(self.restarts),
            "timing": self.timing,
            "started": self.started,
            "stopped": self.stopped,
            "path": str(self.path),
            **({"error": self.error} if self.error else {}),
        }

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What the checks found, as in ``report/diagnostics.json``; empty where nothing was checked."""
        return read_object(self.path / "report" / "diagnostics.json")

    @property
    def search(self) -> dict[str, Any]:
        """What came of a search, as in ``report/search.json``; empty of any other experiment."""
        return read_object(self.path / "report" / "search.json")

    def metric(self, name: str) -> float | None:
        """A metric's main value: the mean over folds, else the test value; None where it was not measured.

        ``name`` may say which: ``test.accuracy`` or ``validation.accuracy``.
        """
        return main_value(self.metrics, name)


def read_record(folder: ResultFolder) -> ExperimentRecord:
    """Read one experiment; what is missing or torn is left empty, for a run may be going on or have been killed.

    Raises:
        RecordError: if a file of the record is whole and yet no record, or the folder cannot be read.
    """
    try:
        return _read(folder)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise RecordError(unreadable(folder, error)) from error


def unreadable(folder: ResultFolder, error: Exception) -> str:
    """The sentence about a record that cannot be read.

    Example:
        >>> unreadable(ResultFolder(Path("result_experiment_1")), TypeError("no list"))
        'the record in result_experiment_1/log cannot be read (TypeError: no list); restore it'
    """
    what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return f"the record in {folder.log} cannot be read ({what}); restore it"


def _read(folder: ResultFolder) -> ExperimentRecord:
    run = read_object(folder.log / "run.json")
    sacred = read_object(folder.log / "sacred" / "run.json")
    trace = sacred.get("fail_trace")
    return ExperimentRecord(
        id=folder.id,
        name=str(run.get("name", "?")),
        status=status_of(sacred, run.get("process", {})),
        config=read_object(folder.log / "config.json"),
        metrics=recorded_metrics(folder),
        parents=run.get("parents", []),
        timing=read_object(folder.log / "timing.json"),
        started=run.get("started"),
        stopped=in_utc(sacred.get("stop_time")),
        path=folder.path,
        error=last_line(trace),
        children=children(folder.path),
        reused={node: taken["from"] for node, taken in read_object(folder.log / "reused.json").items()},
        restarts=[*run.get("restarts", [])],
    )


def read_records(root: Path) -> list[ExperimentRecord]:
    """All experiments of a project, by ascending N; one that cannot be read has the status ``?`` and an error."""
    return [read_or_reason(folder) for folder in experiment_folders(root)]


def read_or_reason(folder: ResultFolder) -> ExperimentRecord:
    """One experiment; one that cannot be read has the status ``?`` and an error."""
    try:
        return read_record(folder)
    except RecordError as error:
        nothing: dict[str, Any] = {"validation": {}, "test": {}}
        return ExperimentRecord(folder.id, "?", "?", {}, nothing, [], {}, None, None, folder.path, error=str(error))


def recorded_metrics(folder: ResultFolder) -> dict[str, Any]:
    """The metrics on record, ``{"validation": {…}, "test": {…}}``; empty parts where there are none (yet)."""
    return {
        "validation": read_object(folder.report / "validation_metrics.json"),
        "test": read_object(folder.report / "test_metrics.json"),
    }


def main_value(metrics: Mapping[str, Mapping[str, Any]], name: str) -> float | None:
    """A metric's main value: the mean over folds, else the test value; None where it was not measured.

    Args:
        metrics: ``{"validation": {…}, "test": {…}}``.
        name: the metric; ``test.accuracy`` or ``validation.accuracy`` say which of its values.

    Example:
        >>> main_value({"validation": {"r2": {"mean": 0.8}}, "test": {"r2": 0.7}}, "test.r2")
        0.7
    """
    part, _, short = name.rpartition(".")
    return value_of(metrics, part, short)


def value_of(metrics: Mapping[str, Mapping[str, Any]], part: str, name: str) -> float | None:
    """What :func:`main_value` gives, of a name in two parts.

    Args:
        metrics: the same.
        part: ``validation``, ``test``, or nothing for the first of both that is there.
        name: the metric.
    """
    validation = metrics["validation"].get(name) if part in ("", "validation") else None
    if validation is not None and validation["mean"] is not None:
        return validation["mean"]  # type: ignore[no-any-return]
    return metrics["test"].get(name) if part in ("", "test") else None


def headline(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The main results in words, one line per metric.

    Example:
        >>> accuracy = {"mean": 0.98, "std": 0.02, "folds": [0.96, 1.0]}
        >>> headline({"validation": {"accuracy": accuracy}, "test": {"accuracy": 1.0}})
        ['accuracy 0.98 ± 0.02 over 2 folds, test 1']
        >>> area = {"mean": 0.9, "std": None, "folds": [None, None], "pooled": True}
        >>> headline({"validation": {"roc_auc": area}, "test": {}})
        ['roc_auc 0.9 pooled over 2 folds']
    """
    names = dict.fromkeys([*metrics["validation"], *metrics["test"]])
    return [f"{name} {', '.join(_phrases(metrics, name))}" for name in names]


def _phrases(metrics: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    phrases = []
    validation = metrics["validation"].get(name)
    if validation is not None:
        count = len(validation["folds"])
        over = "pooled over" if validation.get("pooled") else "over"
        phrases.append(f"{with_spread(validation)} {over} {count} fold{'s' if count != 1 else ''}")
        if "bootstrap" in validation:
            phrases.append(f".632+ {number(validation['bootstrap']['632+'])}")
    if name in metrics["test"]:
        phrases.append(f"test {number(metrics['test'][name])}")
    return phrases


def number(value: float | None) -> str:
    """A figure for people: four significant digits; a dash where there is none.

    Example:
        >>> number(0.98), number(1234567.0), number(None)
        ('0.98', '1.235e+06', '–')
    """
    return "–" if value is None else f"{value:.4g}"


def with_spread(validation: Mapping[str, Any]) -> str:
    """A metric over folds in words: mean and standard deviation.

    Example:
        >>> with_spread({"mean": 0.95, "std": 0.03486})
        '0.95 ± 0.035'
    """
    return number(validation["mean"]) + ("" if validation["std"] is None else f" ± {validation['std']:.2g}")


def status_of(sacred: Mapping[str, Any], process: Mapping[str, Any]) -> str:
    """A run's status; DEAD for one that says RUNNING, but was killed.

    Args:
        sacred: Sacred's entry of the run.
        process: what the run noted of its process, ``{"pid", "created", "host"}``.

    Example:
        >>> status_of({"status": "COMPLETED"}, {}), status_of({}, {})
        ('COMPLETED', 'DEAD')
    """
    status = str(sacred.get("status", "RUNNING"))
    return "DEAD" if status == "RUNNING" and not _alive(sacred, process) else status


def _alive(sacred: Mapping[str, Any], process: Mapping[str, Any]) -> bool:
    """On the same machine the process decides, elsewhere the heartbeat."""
    try:
        if process.get("host") == platform.node():
            return bool(abs(psutil.Process(process["pid"]).create_time() - process["created"]) < 1)
        beat = sacred.get("heartbeat") or sacred.get("start_time")
        return beat is not None and time.time() - datetime.fromisoformat(beat).replace(tzinfo=UTC).timestamp() < STALE
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def in_utc(stamp: str | None) -> str | None:
    """A time stamp of Sacred's, which is UTC without saying so.

    Example:
        >>> in_utc("2026-05-01T10:00:00")
        '2026-05-01T10:00:00+00:00'
    """
    return None if stamp is None else datetime.fromisoformat(stamp).replace(tzinfo=UTC).isoformat()


def last_line(trace: Sequence[str] | None) -> str | None:
    r"""The last line of a traceback, None without one.

    Example:
        >>> last_line(["Traceback\n", "ValueError: no\n"])
        'ValueError: no'
    """
    text = "".join(trace or []).strip()
    return text.splitlines()[-1] if text else None
