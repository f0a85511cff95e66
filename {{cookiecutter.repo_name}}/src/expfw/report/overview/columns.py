"""Experiments turned into columns: what the page's table, filters and charts are made of."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from expfw.index import better_is_lower
from expfw.listing.telling import setting_keys, telling_settings

if TYPE_CHECKING:
    from expfw.index import Row

Kind = Literal["number", "metric", "text", "type", "time", "seconds", "list"]
Group = Literal["experiment", "result", "setting", "hidden"]

SETTINGS_SHOWN = 6
"""Of the settings that differ, the most telling; the data have a column of their own."""

LONGEST = 300
"""Letters of a value that the page holds; a longer one is cut."""


@dataclass(frozen=True)
class Column:
    """One thing that is known about each experiment.

    Args:
        key: how filters and addresses name it, ``accuracy`` or ``model.params.C``.
        label: what stands above it.
        kind: how its values are written and compared.
        group: where the reader finds it when choosing columns; ``hidden`` for what only other parts of the page use.
        values: one per experiment; None where there is none.
        over: what the label belongs to, a step or a component.
        shown: whether it is there before the reader has chosen.
        lower: of a metric, whether less is better.
        spread: of a metric, the standard deviations over the folds.
    """

    key: str
    label: str
    kind: Kind
    group: Group
    values: Sequence[Any]
    over: str = ""
    shown: bool = False
    lower: bool = False
    spread: Sequence[float | None] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape that the page's script reads: values that repeat are written once, and referred to by position."""
        described = {"key": self.key, "label": self.label, "kind": self.kind, "group": self.group}
        optional = {"over": self.over, "shown": self.shown, "lower": self.lower}
        spread = {"spread": list(self.spread)} if any(value is not None for value in self.spread) else {}
        return {**described, **{k: v for k, v in optional.items() if v}, **packed(self.values), **spread}


def packed(values: Sequence[Any]) -> dict[str, Any]:
    """Values as they are, or, where that is shorter, as levels and the position of each value among them (-1: none).

    Example:
        >>> packed(["a", "b", None, "a", "a"])
        {'levels': ['a', 'b'], 'codes': [0, 1, -1, 0, 0]}
        >>> packed(["a", "a"]), packed([0.1, 0.2, 0.3])
        ({'levels': ['a']}, {'values': [0.1, 0.2, 0.3]})
    """
    keys = [None if value is None else _identity(value) for value in values]
    levels = {key: value for key, value in zip(keys, values, strict=True) if key is not None}
    if len(levels) * 2 > len(values):
        return {"values": list(values)}
    position = {key: at for at, key in enumerate(levels)}
    codes = [position.get(key, -1) for key in keys]  # type: ignore[arg-type] # None is absent, as meant
    return {"levels": list(levels.values()), **({"codes": codes} if any(codes) else {})}


def _identity(value: Any) -> tuple[Any, ...]:
    """1, 1.0, True and "1" are different settings, though Python calls some of them equal."""
    return (type(value), *(value if isinstance(value, list) else [value]))


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """All columns in the order of the table, each with one value per experiment."""
    return [*_fields(rows), *_metrics(rows), *_settings(rows), *_details(rows)]


def metric_names(rows: Iterable[Row]) -> list[str]:
    """Names of all metrics, those of the most experiments first."""
    counts = Counter(name for row in rows for name in {**row.metrics["validation"], **row.metrics["test"]})
    return [name for name, _ in counts.most_common()]


def _fields(rows: Sequence[Row]) -> list[Column]:
    several = len({row.data for row in rows if row.data}) > 1
    return [
        Column("id", "N", "number", "experiment", [row.id for row in rows], shown=True),
        Column("name", "experiment", "text", "experiment", [_cut(row.name) for row in rows], shown=True),
        Column("status", "status", "text", "experiment", [row.status for row in rows], shown=True),
        Column("started", "started", "time", "experiment", [_epoch(row.started) for row in rows], shown=True),
        Column("data", "data", "text", "experiment", data_names(rows), shown=several),
    ]


def _details(rows: Sequence[Row]) -> list[Column]:
    found = any(row.findings for row in rows)
    return [
        Column("findings", "findings", "list", "experiment", [[*row.findings] or None for row in rows], shown=found),
        Column("seconds", "took", "seconds", "experiment", [_finite(row.seconds) for row in rows]),
        Column("tags", "tags", "list", "experiment", [[_cut(tag) for tag in row.tags] or None for row in rows]),
        Column("description", "description", "text", "experiment", [_cut(row.description) or None for row in rows]),
        Column("parents", "parents", "list", "experiment", [[str(n) for n in row.parents] or None for row in rows]),
        Column("error", "error", "text", "experiment", [_cut(row.error or "") or None for row in rows]),
        Column("folds", "folds", "number", "hidden", _numbered(row.folds for row in rows)),
    ]


def data_names(rows: Sequence[Row]) -> list[str | None]:
    """A name for the data of each experiment; equal names mean equal rows, for they go by the recorded checksums.

    A search and its trials have other rows than experiments that are tested: no held-out ones.
    """
    digests = dict.fromkeys(row.data for row in rows if row.data)
    sources = {row.data: _source(row.settings) for row in reversed(rows) if row.data}
    untested = {row.data for row in rows if row.search}
    number = Counter[str]()
    names: dict[str | None, str] = {}
    for digest in digests:
        source = f"{sources[digest]}, no test" if digest in untested else sources[digest]
        number[source] += 1
        names[digest] = source if number[source] == 1 else f"{source} #{number[source]}"
    return [names.get(row.data) for row in rows]


def _source(settings: Mapping[str, Any]) -> str:
    keys = [f"data_source.params.{name}" for name in ("name", "path", "entry")]
    told = next((str(settings[key]) for key in keys if settings.get(key)), None)
    return _cut(told or str(settings.get("data_source.type") or "data").rpartition(".")[2])


def _metrics(rows: Sequence[Row]) -> list[Column]:
    columns = []
    for at, name in enumerate(metric_names(rows)):
        lower = better_is_lower(name)
        spread = [_finite((row.metrics["validation"].get(name) or {}).get("std")) for row in rows]
        values = [_finite(row.metric(name)) for row in rows]
        columns.append(Column(name, name, "metric", "result", values, shown=at < 2, lower=lower, spread=spread))
        test = [_finite(row.metrics["test"].get(name)) for row in rows]
        if any(value is not None for value in test):
            shown = at == 0
            columns.append(Column(f"test.{name}", name, "metric", "result", test, "test", shown=shown, lower=lower))
    return columns


def _settings(rows: Sequence[Row]) -> list[Column]:
    """The most telling first, or the model would stand behind the edge of the table."""
    shown = [key for key in telling_settings(rows) if not key.startswith("data_source.")][:SETTINGS_SHOWN]
    columns = []
    for key in dict.fromkeys((*shown, *setting_keys(rows))):
        found = [_plain(row.settings[key]) if key in row.settings else None for row in rows]
        columns.append(_setting(key, found, key in shown))
    return columns


def _setting(key: str, values: Sequence[Any], shown: bool) -> Column:
    over, label = heading(key)
    numeric = all(isinstance(value, int | float | None) for value in values)
    kind: Kind = "type" if key.endswith("type") else "number" if numeric else "text"
    return Column(key, label, kind, "setting", values, over, shown)


def heading(key: str) -> tuple[str, str]:
    """What to write above a setting: the component that it belongs to, and its own name.

    Example:
        >>> heading("model.params.estimator.params.C"), heading("model.type"), heading("holdout")
        (('model.estimator', 'C'), ('', 'model'), ('', 'holdout'))
    """
    parts = [part for part in key.split(".") if part != "params"]
    if len(parts) > 1 and parts[-1] == "type":
        parts.pop()
    return ".".join(parts[:-1]), parts[-1] if parts else key


def _plain(value: Any) -> Any:
    """Numbers and texts as they are, everything else as JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _cut(json.dumps(value, ensure_ascii=False, default=str))
    return _cut(value) if isinstance(value, str) else value if _finite(value) is not None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _finite(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _epoch(stamp: str | None) -> int | None:
    return None if stamp is None else round(datetime.fromisoformat(stamp).timestamp())


def _numbered(digests: Iterable[str | None]) -> list[int | None]:
    numbers: dict[str, int] = {}
    return [None if digest is None else numbers.setdefault(digest, len(numbers)) for digest in digests]
