"""The fields of a run's document, as Sacred's observer names them, read from what Sacred left in files.

What MongoDB would not take (16 MB a document, 64 bits a number) is shortened, with a note that says where the whole is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from expfw.database.files import EARLY, artifact_name, stamp
from expfw.database.omniboard import columns
from expfw.database.storable import shortened, storable, whole
from expfw.run.folder import ResultFolder

FORMAT = "MongoObserver-0.7.0"
"""Name of the layout, as Sacred 0.8.7 gives it."""

MAX_OUTPUT = 1_000_000
"""Bytes of captured output that the document holds: its end."""

MAX_CONFIG = 2_000_000
"""Bytes of configuration that the document holds."""

MAX_FIELD = 300_000
"""Bytes that any other field may take."""

MAX_COLUMNS = 100
"""Main metrics that are fields of their own."""

MAX_VALUES = 100_000
"""Values of one metric that are kept as a curve."""

MAX_METRICS = 5_000
"""Metrics that are kept as curves."""


@dataclass(frozen=True)
class Metric:
    """A metric's curve, sorted by step."""

    name: str
    steps: list[Any]
    values: list[Any]
    timestamps: list[datetime]


@dataclass
class Notes:
    """What a document holds a part of, and the files that hold the whole."""

    sentences: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)

    def add(self, what: str, name: str) -> str:
        """Note that there is more of something, in a file below the experiment's folder."""
        self.sentences.append(f"{what}; the whole is in the artifact {artifact_name(name)}")
        if name not in EARLY:
            self.whole.append(name)
        return self.sentences[-1]


def fields_of(
    folder: ResultFolder, run: Mapping[str, Any], sacred: Mapping[str, Any], status: str, notes: Notes
) -> dict[str, Any]:
    """The document's fields, in the order in which Omniboard shows them as columns.

    Args:
        folder: the experiment's folder.
        run: content of its ``log/run.json``.
        sacred: content of its ``log/sacred/run.json``.
        status: the run's status.
        notes: takes what had to be shortened.
    """
    started = _time(sacred.get("start_time")) or _time(run.get("started"))
    optional = {"stop_time": _time(sacred.get("stop_time")), "fail_trace": _trace(sacred.get("fail_trace"))}
    config = _config(folder, notes)
    return {
        "experiment": _experiment(part(sacred, "experiment"), run),
        "host": {"hostname": None, **_bounded(part(sacred, "host"))},
        **_columns(folder, config),
        # Omniboard takes a run for dead by its old heartbeat, and knows no word for it.
        "status": "RUNNING" if status == "DEAD" else whole(status)[:100],
        "start_time": started,
        "heartbeat": _time(sacred.get("heartbeat")) or started,
        **{key: value for key, value in optional.items() if value is not None},
        "result": _bounded(_nested(sacred.get("result"))),
        "config": config,
        "captured_out": _output(folder.log / "sacred" / "cout.txt", notes),
        "info": _bounded(mapping(folder.log / "sacred" / "info.json")),
        "meta": _meta(part(sacred, "meta"), config),
        "command": _bounded(sacred.get("command", "main")),
        "resources": [],
        "format": FORMAT,
    }


def _columns(folder: ResultFolder, config: Any) -> dict[str, Any]:
    """The main metrics as fields of their own, near the beginning: a table shows the fields in this order."""
    metrics = {name: mapping(folder.report / f"{name}_metrics.json") for name in ("validation", "test")}
    try:
        found = columns(metrics, config)
    except (TypeError, AttributeError, ValueError, OverflowError):  # no metrics, or no configuration
        return {}
    return {whole(name): value for name, value in list(found.items())[:MAX_COLUMNS]}


def _meta(meta: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """What Sacred notes of the command; the description is the comment that a table shows."""
    described = config.get("description") if isinstance(config, Mapping) else None
    comment = {"comment": described[:1000]} if isinstance(described, str) and described else {}
    return {**comment, **_bounded(meta)}


def _experiment(recorded: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": whole(str(recorded.get("name") or run.get("name") or "?"))[:1000],
        **{key: _bounded(recorded.get(key)) for key in ("base_dir", "mainfile")},
        **{key: _bounded(recorded.get(key, [])) for key in ("dependencies", "repositories")},
    }


def _bounded(value: Any) -> Any:
    return shortened(storable(value), MAX_FIELD)


def _nested(result: Any) -> Any:
    """``{"test.accuracy": 1}`` as ``{"test": {"accuracy": 1}}``: a field's name holds no dot."""
    if not isinstance(result, Mapping):
        return result
    nested: dict[str, Any] = {}
    for key, value in result.items():
        part, _, name = str(key).partition(".")
        if name and isinstance(nested.setdefault(part, {}), dict):
            nested[part][name] = value
        else:
            nested[str(key)] = value
    return nested


def _trace(trace: Any) -> list[str] | None:
    """A traceback's end, which says what happened."""
    if not isinstance(trace, list):
        return None
    text = whole("".join(str(line) for line in trace))
    return text[-MAX_FIELD:].splitlines(keepends=True)


def _config(folder: ResultFolder, notes: Notes) -> Any:
    path = folder.log / "sacred" / "config.json"
    path = path if path.is_file() else folder.log / "config.json"
    config, is_whole = _read_config(path, stamp(path))
    if not is_whole:
        notes.add("the configuration is shortened", "log/config.json")
    return config


@lru_cache(maxsize=1)
def _read_config(path: Path, _stamp: object) -> tuple[Any, bool]:
    """The configuration, shortened if need be. While a run goes on, the same is asked for every second."""
    config = storable(mapping(path))
    short = shortened(config, MAX_CONFIG)
    return short, short is config


def _output(path: Path, notes: Notes) -> str:
    try:
        with path.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            file.seek(max(length - MAX_OUTPUT, 0))
            text = file.read(MAX_OUTPUT).decode("utf-8", "replace")
    except OSError:
        return ""
    if length <= MAX_OUTPUT:
        return text
    note = notes.add(f"the first {length - MAX_OUTPUT} bytes of the output are left out", "log/sacred/cout.txt")
    return f"… {note}\n{text}"


def curves(metrics: Mapping[str, Any], notes: Notes) -> list[Metric]:
    """Metrics as curves; of too many, or of one with too many values, a part.

    Args:
        metrics: content of Sacred's ``metrics.json``.
        notes: takes what had to be left out.
    """
    sound = {name: entry for name, entry in metrics.items() if isinstance(entry, Mapping)}
    if len(sound) > MAX_METRICS or any(_length(entry) > MAX_VALUES for entry in sound.values()):
        notes.add("some metrics are thinned out", "log/sacred/metrics.json")
    return [_curve(name, entry) for name, entry in list(sound.items())[:MAX_METRICS]]


def _curve(name: str, entry: Mapping[str, Any]) -> Metric:
    columns = [value if isinstance(value := entry.get(key), list) else [] for key in ("steps", "values", "timestamps")]
    rows = sorted(zip(*columns, strict=False), key=lambda row: row[0] if isinstance(row[0], int | float) else 0)
    chosen = rows if len(rows) <= MAX_VALUES else [rows[place] for place in _evenly(len(rows), MAX_VALUES)]
    timestamps = [_time(stamp) or datetime(1970, 1, 1) for _, _, stamp in chosen]  # noqa: DTZ001 - UTC without saying so
    return Metric(whole(name)[:500], [_value(s) for s, _, _ in chosen], [_value(v) for _, v, _ in chosen], timestamps)


def _evenly(count: int, wanted: int) -> Iterator[int]:
    """``wanted`` places among ``count``, the first and the last among them."""
    return (place * (count - 1) // (wanted - 1) for place in range(wanted))


def _value(value: Any) -> Any:
    """A number; of anything else so much text that a hundred thousand of them fit."""
    stored = storable(value)
    return stored if stored is None or isinstance(stored, int | float) else str(stored)[:20]


def _length(entry: Mapping[str, Any]) -> int:
    values = entry.get("values")
    return len(values) if isinstance(values, list) else 0


def mapping(path: Path) -> Mapping[str, Any]:
    """A JSON object; an empty one if the file is missing, torn, something else, or nested beyond all measure."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, Mapping) else {}


def part(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside of another; an empty one if it is missing or something else."""
    value = content.get(key)
    return value if isinstance(value, Mapping) else {}


def _time(stamp: Any) -> datetime | None:
    """A time stamp as Sacred stores it: UTC, without saying so."""
    if not isinstance(stamp, str):
        return None
    try:
        moment = datetime.fromisoformat(stamp)
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
