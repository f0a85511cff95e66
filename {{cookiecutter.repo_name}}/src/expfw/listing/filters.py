"""Which experiments to list: expressions such as ``accuracy>0.9``, ``model.type=*Forest*``, ``tag:baseline``.

An expression is a name, a sign and a value. The name is that of a field, a metric or a setting, as for columns.

========  ===================================================================================================
sign      means
========  ===================================================================================================
``=``     equal; ``*``, ``?`` and ``[…]`` stand for other characters as in names of files
``!=``    not equal, or not there
``>`` …   ``>``, ``>=``, ``<``, ``<=``: numbers and times
``~``     contains the text
``tag:``  has the tag (``finding:`` the finding, ``parent:`` the parent)
``since:``  started after a time: ``7d``, ``12h``, ``2026-05-01``; ``until:`` before it
========  ===================================================================================================

Upper and lower case are the same to all of them. Several expressions all have to hold.
"""

from __future__ import annotations

import fnmatch
import json
import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from expfw.errors import did_you_mean
from expfw.index.row import Row
from expfw.listing.columns import Column, Known, ListingError

Test = Callable[[Row], bool]
"""Whether an experiment is wanted."""

STATUSES = ("COMPLETED", "FAILED", "INTERRUPTED", "RUNNING", "DEAD", "?")

_EXPRESSION = re.compile(r"(?P<key>[^=!<>~:]+)(?P<sign>!=|>=|<=|=|>|<|~|:)(?P<value>.*)", re.DOTALL)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ORDER = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_LISTS = {"tag": "tags", "finding": "findings", "parent": "parents"}


def matching(rows: Sequence[Row], expressions: Sequence[str], known: Known) -> list[Row]:
    """The experiments for which all expressions hold.

    Args:
        rows: the experiments.
        expressions: see above.
        known: the names that there are.

    Raises:
        ListingError: with everything that is wrong with the expressions.
    """
    tests, faults = [], []
    for expression in expressions:
        try:
            tests.append(parse(expression, known))
        except ListingError as error:
            faults.append(error.message)
    if faults and rows:
        raise ListingError("\n".join(faults))
    return [row for row in rows if all(test(row) for test in tests)]


def parse(expression: str, known: Known, now: datetime | None = None) -> Test:
    """What an expression says about an experiment.

    Args:
        expression: see above.
        known: the names that there are.
        now: what ``since:7d`` counts from; the present unless given.

    Raises:
        ListingError: if it is none, or names what no experiment has.
    """
    found = _EXPRESSION.fullmatch(expression.strip())
    if found is None:
        raise ListingError(
            f"cannot filter by '{expression}': it is not NAME, one of = != > >= < <= ~, and VALUE "
            "(nor tag:…, finding:…, parent:…, since:…, until:…); an example is 'accuracy>0.9', with the quotes"
        )
    key, sign, value = (found[part].strip() for part in ("key", "sign", "value"))
    if sign == ":":
        return _special(expression, key, value, now or datetime.now(UTC))
    column = known.column(key, "cannot filter by")
    if column.key == "status":
        _check_status(expression, sign, value)
    if sign in _ORDER:
        return _ordering(expression, column, sign, value)
    if sign == "~":
        return lambda row: value.casefold() in " ".join(_texts(column, row))
    equal = _equal(value)
    if sign == "=":
        return lambda row: any(map(equal, _texts(column, row)))
    return lambda row: not any(map(equal, _texts(column, row)))


def _special(expression: str, key: str, value: str, now: datetime) -> Test:
    if key in _LISTS:
        field, equal = _LISTS[key], _equal(value)
        return lambda row: any(equal(str(one).casefold()) for one in getattr(row, field))
    if key not in ("since", "until"):
        names = [*_LISTS, "since", "until"]
        raise ListingError(f"cannot filter by '{expression}': there is no '{key}:'; {did_you_mean(key, names)}")
    border = _time(expression, value, now)
    later = key == "since"
    return lambda row: (started := _moment(row.started)) is not None and (started >= border) == later


def _check_status(expression: str, sign: str, value: str) -> None:
    if sign in ("=", "!=") and not any(map(_equal(value), map(str.casefold, STATUSES))):
        raise ListingError(
            f"cannot filter by '{expression}': there is no status '{value}'; {did_you_mean(value, STATUSES)}"
        )


def _ordering(expression: str, column: Column, sign: str, value: str) -> Test:
    holds = _ORDER[sign]
    if column.key in ("started", "stopped"):
        border = _time(expression, value, datetime.now(UTC))
        return lambda row: (moment := _moment(column.value(row))) is not None and bool(holds(moment, border))
    try:
        limit = float(value)
    except ValueError as error:
        raise ListingError(
            f"cannot filter by '{expression}': '{value}' is no number, and {sign} compares numbers; "
            f"for texts there are =, != and ~"
        ) from error

    def test(row: Row) -> bool:
        given = column.value(row)
        return isinstance(given, int | float) and not isinstance(given, bool) and bool(holds(given, limit))

    return test


def _time(expression: str, value: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(value)
    try:
        if span:
            return now - timedelta(**{_UNITS[span[2]]: float(span[1])})
        return datetime.fromisoformat(value).astimezone()
    except (ValueError, OverflowError) as error:
        raise ListingError(
            f"cannot filter by '{expression}': '{value}' is no time; valid are spans such as 30m, 12h, 7d, 2w, "
            "and dates such as 2026-05-01 or 2026-05-01T10:00"
        ) from error


def _moment(stamp: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp).astimezone()
    except (TypeError, ValueError):
        return None


def _texts(column: Column, row: Row) -> list[str]:
    """What a value may be compared with, in small letters: of a class its name alone as well, of a list each part."""
    value = column.value(row)
    if value is None:
        return ["null"] if column.kind == "setting" and column.key in row.settings else []
    if isinstance(value, str):
        texts = [value, value.rpartition(".")[2]] if column.key.endswith("type") else [value]
    elif isinstance(value, tuple):
        texts = [str(one) for one in value]
    elif column.kind == "setting":
        texts = [json.dumps(value, ensure_ascii=False)]
    else:
        texts = [str(value)]
    return [text.casefold() for text in texts]


def _equal(wanted: str) -> Callable[[str], bool]:
    """Whether a text is what was written: the same number, or the same letters, with wildcards."""
    pattern = re.compile(fnmatch.translate(wanted.casefold()))
    figure = _number(wanted)

    def test(text: str) -> bool:
        if text == wanted.casefold() or pattern.match(text) is not None:
            return True
        return figure is not None and _number(text) == figure

    return test


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
