"""What Omniboard needs to show main metrics as columns that sort, without anybody setting it up."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo.database import Database

COLUMNS = "omniboard.custom.columns"
"""Omniboard's collection of columns: what a column is called, and the path of its value in a run's document."""

SHOWN = "expfw.columns"
"""Our collection of the columns that were made once: what a team removes stays removed."""

DIGITS = 6
"""Significant digits of a figure in the table; the exact one is in the run's result and metrics."""

PARTS = {"validation": "resampling", "test": "holdout"}
"""Parts of the metrics, and the key of the configuration without which there is none."""


FIRST = ("experiment", "host")
"""Fields of a run's document before its main metrics."""


def columns(metrics: Mapping[str, Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, float | None]:
    """The main metrics as fields of a run's document: the mean over folds and the value on the held-out rows.

    Omniboard's table has the order of the document's fields, so these belong near its beginning, and there from the
    start of a run: a metric that is to come is None.

    Args:
        metrics: the metrics so far, ``{"validation": {…}, "test": {…}}``.
        config: the resolved configuration; tells which metrics are to come.

    Example:
        >>> config = {"metrics": ["accuracy"], "resampling": {"type": "KFold"}, "holdout": {"type": "ShuffleSplit"}}
        >>> columns({"validation": {"accuracy": {"mean": 0.95333333}}, "test": {}}, config)
        {'validation_accuracy': 0.953333, 'test_accuracy': None}
    """
    found: dict[str, float | None] = {}
    for name in dict.fromkeys([*_planned(config), *metrics.get("validation", {}), *metrics.get("test", {})]):
        for part, key in PARTS.items():
            values = metrics.get(part, {})
            if name in values or (config.get(key) and name in _planned(config)):
                found[_field(part, name)] = _figure(values.get(name))
    return found


def _planned(config: Mapping[str, Any]) -> list[str]:
    """Names of the metrics in a configuration: of scorers, functions or classes."""
    entries = config.get("metrics")
    types = [entry.get("type") if isinstance(entry, Mapping) else entry for entry in entries or ()]
    return [name.rpartition(".")[2] for name in types if isinstance(name, str)]


def _field(part: str, name: str) -> str:
    """A field's name; a full stop in it would be a path."""
    return f"{part}_{name}".replace(".", "．").replace("\0", "")


def _figure(value: Any) -> float | None:
    mean = value.get("mean") if isinstance(value, Mapping) else value
    if isinstance(mean, bool) or not isinstance(mean, int | float) or not math.isfinite(mean):
        return None
    return float(f"{mean:.{DIGITS}g}")


def show_columns(database: Database[dict[str, Any]], names: Iterable[str]) -> list[str]:
    """Make each of these fields a column of Omniboard's table, unless that was done before.

    Args:
        database: the team's database.
        names: fields of a run's document, see :func:`columns`.

    Returns:
        All fields of this kind that any experiment has, in the order in which they came.

    Raises:
        PyMongoError: whatever the database answers.
    """
    shown = [entry["_id"] for entry in database[SHOWN].find()]
    for name in names:
        if name not in shown:
            # Written under an id that follows from the name: however many do this at once, there is one column.
            column = {"name": name, "config_path": name}
            database[COLUMNS].replace_one({"_id": _column_id(name)}, column, upsert=True)
            database[SHOWN].replace_one({"_id": name}, {}, upsert=True)
            shown.append(name)
    return shown


def with_all_columns(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A run's document with a place for the main metrics of other experiments, behind its own.

    Omniboard takes the order of its columns from the newest run; a field that it lacks would come last of all.

    Args:
        document: the run's document.
        names: fields that other documents have, see :func:`show_columns`.

    Example:
        >>> with_all_columns({"host": {}, "test_r2": 0.5, "status": "COMPLETED"}, ["test_accuracy", "test_r2"])
        {'host': {}, 'test_r2': 0.5, 'test_accuracy': None, 'status': 'COMPLETED'}
    """
    own = {name: document[name] for name in columns_of(document)}
    before = {name: document[name] for name in FIRST if name in document}
    return {**before, **own, **{name: None for name in names if name not in own}, **document}


def columns_of(document: Mapping[str, Any]) -> list[str]:
    """Those of a document's fields that are main metrics.

    Example:
        >>> columns_of({"host": {}, "test_r2": 0.5, "status": "COMPLETED"})
        ['test_r2']
    """
    return [name for name in document if name.startswith(tuple(f"{part}_" for part in PARTS))]


def _column_id(name: str) -> Any:
    from bson import ObjectId

    return ObjectId(hashlib.sha256(name.encode()).digest()[:12])
