"""Events of a run, one line each in ``log/events.jsonl``: written from any process, read when the run ends.

A line is appended by a single write to a file opened for appending, so that processes and threads need no lock. A
line break stands before it as well, so that what a killed process left of a line does not spoil the next.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expfw.config.secrets import hide_in
from expfw.run.files import parsed

SECTIONS = "sections"
"""Under this name the files of what was added to the page go on record, beside the outputs."""


@dataclass(frozen=True)
class EventLog:
    """The events of one run.

    Args:
        path: the file.

    Example:
        >>> import tempfile
        >>> log = EventLog(Path(tempfile.mkdtemp()) / "events.jsonl")
        >>> log.append("saved", node="load")
        >>> [event["node"] for event in log.read("saved")]
        ['load']
    """

    path: Path

    def append(self, kind: str, **fields: Any) -> None:
        """Add one event; ``fields`` are JSON values."""
        line = ("\n" + json.dumps({"event": kind, **hide_in(fields)}) + "\n").encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.write(descriptor, line) < len(line):  # a full disk takes a part, and says nothing
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        finally:
            os.close(descriptor)

    def read(self, *kinds: str) -> list[dict[str, Any]]:
        """All events of some kinds, oldest first; a torn line is left out."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        words = [kind.encode() for kind in kinds]
        likely = [line for line in lines if any(word in line for word in words)]  # parsing takes longest
        return [event for event in map(_parse, likely) if event.get("event") in kinds]


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = parsed(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


@dataclass(frozen=True)
class Timer:
    """Service: measures parts of a component's work; they are listed with the run's timing.

    Args:
        events: where the times go.
        step: the workflow step that the component belongs to.
        fold: number of the fold, or None outside folds.
        node: the node that the component was built in.

    Example:
        >>> import tempfile
        >>> timer = Timer(EventLog(Path(tempfile.mkdtemp()) / "events.jsonl"), step="features")
        >>> with timer("tokenise"):
        ...     pass
        >>> timer.events.read("part")[0]["part"]
        'tokenise'
    """

    events: EventLog
    step: str
    fold: int | None = None
    node: str = ""

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Measure the block as ``part``, also when it ends with an error."""
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            self.events.append("part", step=self.step, node=self.node, fold=self.fold, part=part, seconds=seconds)


def timing(events: EventLog) -> dict[str, Any]:
    """Seconds per node (loading and saving included), per fold, and per part that a component measured.

    Of a run that was restarted, a node's seconds are those of all attempts together; what an attempt measured in a fold
    or node that a later one had to do again is left out.

    Returns:
        ``{"nodes": {"fit": 1.2}, "folds": {"0": 0.2}, "parts": [{"step", "fold", "part", "seconds"}]}``
    """
    nodes: dict[str, float] = {}
    folds: dict[str, float] = {}
    parts: list[dict[str, Any]] = []
    for attempt in _attempts(events):
        done = {event["node"]: event["seconds"] for event in (*attempt["ran"], *attempt["saved"])}
        nodes |= {node: nodes.get(node, 0.0) + seconds for node, seconds in done.items()}
        fitted = {event["fold"]: event["seconds"] for event in attempt["fold"]}
        folds |= {str(fold): seconds for fold, seconds in fitted.items()}
        ran = {event["node"] for event in attempt["ran"]}
        parts = [part for part in parts if not _done_again(part, fitted.keys(), ran)] + attempt["part"]
    keys = ("step", "fold", "part", "seconds")
    return {"nodes": nodes, "folds": folds, "parts": [{key: part[key] for key in keys} for part in parts]}


def _attempts(events: EventLog) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """By attempt at the run, by kind, its events."""
    kinds = ("ran", "saved", "fold", "part")
    attempt: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for event in events.read("attempt", *kinds):
        if event["event"] == "attempt":
            yield attempt
            attempt = {kind: [] for kind in kinds}
        else:
            attempt[event["event"]].append(event)
    yield attempt


def _done_again(part: Mapping[str, Any], folds: Set[int], nodes: Set[str]) -> bool:
    return part.get("node") in nodes if part["fold"] is None else part["fold"] in folds


def saved_files(events: EventLog) -> dict[str, dict[str, str]]:
    """By output, its files with the checksums taken when they were written; without those that a restart removed.

    What was added to the page is among them as :data:`SECTIONS`, once a run (or an attempt at it) has ended.
    """
    outputs: dict[str, dict[str, str]] = {}
    for event in events.read("saved", "removed", "added", "attempt"):
        if event["event"] == "attempt":
            outputs.pop(SECTIONS, None)
            continue
        files = outputs.setdefault(str(event.get("output")), {})
        if event["event"] == "removed":
            outputs[event["output"]] = {name: digest for name, digest in files.items() if name in event["kept"]}
        else:
            files.update(event.get("files") or {})
    return outputs


def checksums(events: EventLog) -> dict[str, str]:
    """The checksum of each output file, ``{"data/folds.npz": "sha256:…"}``, as taken right after it was written."""
    return {path: digest for files in saved_files(events).values() for path, digest in files.items()}


def checksum(path: Path) -> str:
    """SHA-256 of a file's content, as ``sha256:<hex>``.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> checksum(path)[:15]
        'sha256:e3b0c442'
    """
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
