"""The structured log of a run, ``log/log.jsonl``: a JSON object in each line, written by whatever process logs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expfw.config.secrets import hide, hide_in
from expfw.errors import RecordError
from expfw.run.files import plain
from expfw.run.place import NOWHERE, Place
from expfw.run.redacted_log import PLACE, message_of

NAME = "log.jsonl"

FIELDS = ("time", "level", "logger", "message", "node", "fold", "folds", "component", "process", "thread", "exception")
"""What each line holds; a line of a call with ``extra`` has that under ``extra``."""

_BEGINNING = '{"time": '
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {PLACE, "message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    Example:
        >>> record = logging.makeLogRecord({"msg": "%d rows", "args": (3,), "name": "a", "levelname": "INFO"})
        >>> line = json.loads(JsonFormatter().format(record))
        >>> line["level"], line["message"], line["node"]
        ('INFO', '3 rows', None)
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        place: Place = getattr(record, PLACE, NOWHERE)
        exception = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide(message_of(record)),
            "node": place.node or None,
            "fold": place.fold,
            "folds": place.folds,
            "component": place.component or None,
            "process": record.process,
            "thread": record.threadName,
            "exception": hide(exception) if exception else None,
        }
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if extra:
            values["extra"] = hide_in(plain(json.loads(json.dumps(plain(extra), default=str, skipkeys=True))))
        return json.dumps(values, ensure_ascii=False)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's structured log, oldest first; torn ones are left out.

    Args:
        folder: the experiment's ``log`` folder.

    Raises:
        RecordError: if there is none.
    """
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    lines = (line for line in map(_parsed, text.split("\n")) if line is not None)
    return sorted(lines, key=lambda line: str(line["time"]))


def _parsed(line: str) -> dict[str, Any] | None:
    """A line's object; also of one that follows a torn one, to which a full disk gave no end."""
    try:
        value = json.loads(line[max(line.rfind(_BEGINNING), 0) :])
    except ValueError:
        return None
    return value if isinstance(value, dict) and set(FIELDS) <= value.keys() else None


def chosen(
    lines: Iterable[dict[str, Any]],
    node: str | None = None,
    fold: int | None = None,
    component: str | None = None,
    level: str = "NOTSET",
) -> Iterator[dict[str, Any]]:
    """The lines of a node, a fold, a component, and of at least a level; None for all.

    Args:
        lines: from :func:`read_log`.
        node: name of a node.
        fold: number of a fold, from 0.
        component: name of a component's class.
        level: name of a level of ``logging``.
    """
    wanted = {"node": node, "fold": fold, "component": component}
    asked = {key: value for key, value in wanted.items() if value is not None}
    levels = logging.getLevelNamesMapping()
    for line in lines:
        is_asked_for = all(line[key] == value for key, value in asked.items())
        if is_asked_for and levels.get(line["level"], logging.CRITICAL) >= levels[level]:
            yield line


def place_in(line: dict[str, Any]) -> Place:
    """Where a line was logged."""
    return Place("", line["node"] or "", line["fold"], line["folds"], line["component"] or "")
