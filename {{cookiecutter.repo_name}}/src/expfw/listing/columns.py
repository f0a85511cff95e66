"""What can be shown of an experiment, sorted and filtered by: fields, metrics and settings, each by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from expfw.errors import ExpfwError, did_you_mean
from expfw.index.direction import better_is_lower
from expfw.index.row import Row
from expfw.listing.telling import setting_keys
from expfw.record import number, value_of, with_spread

DASH = "–"
LONGEST = 40
"""Characters of a cell; the rest is in ``show`` and in the other formats."""


class ListingError(ExpfwError):
    """A column, an order or a filter that cannot be; nothing was listed."""

    exit_code = 2


@dataclass(frozen=True)
class Column:
    """One thing about experiments.

    Args:
        key: its name.
        title: what stands above it.
        value: of an experiment, as Python has it; None where there is none.
        text: the same for people.
        lower_first: whether small values come first in an order.
        kind: ``field``, ``metric`` or ``setting``.
    """

    key: str
    title: str
    value: Callable[[Row], Any]
    text: Callable[[Row], str]
    kind: str = "field"
    lower_first: bool = True


def _field(key: str, text: Callable[[Any], str] | None = None, title: str | None = None) -> Column:
    def shown(row: Row) -> str:
        value = getattr(row, key)
        return DASH if value in (None, "", ()) else (text or str)(value)

    return Column(key, title or key, lambda row: getattr(row, key), shown)


def when(stamp: Any) -> str:
    """A time for people, in this machine's time zone; as it stands if it is none.

    Example:
        >>> when("2026-05-01T10:00:00+00:00")[:7], when(None), when("soon")
        ('2026-05', '–', 'soon')
    """
    if stamp is None:
        return DASH
    try:
        return str(datetime.fromtimestamp(datetime.fromisoformat(stamp).timestamp()))[:16]  # noqa: DTZ006 - local
    except (TypeError, ValueError, OverflowError):
        return str(stamp)


def duration(seconds: float) -> str:
    """A time span for people.

    Example:
        >>> duration(0.25), duration(75), duration(7500)
        ('0.2 s', '1:15 min', '2:05 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02} h"


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


FIELDS: Mapping[str, Column] = {
    column.key: column
    for column in (
        _field("id", title="N"),
        _field("name", title="experiment"),
        _field("status"),
        _field("started", when),
        _field("stopped", when),
        _field("seconds", duration, "took"),
        _field("tags", _joined),
        _field("description"),
        _field("error"),
        _field("parents", _joined),
        _field("findings", _joined),
        _field("hash"),
        _field("data"),
        _field("folds"),
        _field("path"),
    )
}
"""By name, what every experiment has."""


def metric_names(rows: Iterable[Row]) -> list[str]:
    """Names of all metrics that any of the experiments measured, in the order met."""
    shapes = dict.fromkeys((*row.metrics["validation"], *row.metrics["test"]) for row in rows)
    return list(dict.fromkeys(name for names in shapes for name in names))


def metric_column(key: str) -> Column:
    """A metric: over the folds if it was measured there, else on the held-out rows."""
    part, _, name = key.rpartition(".")

    def shown(row: Row) -> str:
        found = row.metrics["validation"].get(name) if part != "test" else None
        if found is not None:
            return with_spread(found)
        return number(row.metrics["test"].get(name) if part != "validation" else None)

    return Column(key, key, lambda row: value_of(row.metrics, part, name), shown, "metric", better_is_lower(key))


def setting_column(key: str) -> Column:
    """A setting of the configuration."""
    return Column(key, key, lambda row: row.settings.get(key), lambda row: shown_setting(row, key), "setting")


def shown_setting(row: Row, key: str) -> str:
    """A setting for people: of a class only its name; a dash where the experiment has no such setting."""
    value = row.settings.get(key, DASH)
    if value is None:
        return "null"
    if isinstance(value, str):
        return value.rpartition(".")[2] if key.endswith("type") else value
    if type(value) in (int, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


class Known:
    """The names that mean something for at least one experiment.

    Args:
        rows: all experiments.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    @cached_property
    def metrics(self) -> list[str]:
        """Names of metrics."""
        return metric_names(self.rows)

    @cached_property
    def settings(self) -> list[str]:
        """Key paths of settings."""
        return setting_keys(self.rows)

    def column(self, key: str, what: str) -> Column:
        """The column of a name.

        Args:
            key: a field, a metric, with or without ``validation.`` or ``test.``, or the key path of a setting.
            what: what it is wanted for, as the message says it.

        Raises:
            ListingError: if no experiment has it; the message has the nearest name.
        """
        if key in FIELDS:
            return FIELDS[key]
        part, _, short = key.rpartition(".")
        if part in ("", "validation", "test") and short in self.metrics:
            return metric_column(key)
        if key in self.settings:
            return setting_column(key)
        names = [*FIELDS, *self.metrics, *(f"{part}.{m}" for m in self.metrics if part), *self.settings]
        raise ListingError(f"{what} '{key}': no experiment has it; {did_you_mean(key, names)}")
