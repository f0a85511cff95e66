"""From an experiment's folder to its row: the same that its record says, read as quickly as can be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from expfw.errors import RecordError
from expfw.index.row import Row, Settings
from expfw.index.same_data import digests_of
from expfw.listing.settings import sections
from expfw.record import in_utc, last_line, status_of, unreadable
from expfw.run.files import parsed, read_object
from expfw.run.folder import ResultFolder

SOURCES = (
    "log/run.json",
    "log/config.json",
    "log/sacred/run.json",
    "log/checksums.json",
    "report/validation_metrics.json",
    "report/test_metrics.json",
    "report/diagnostics.json",
    "report/search.json",
)
"""Files that a row is made from."""

_MOST = 1 << 16
"""Bytes that are read at once; hardly any of these files has more."""


def read_row(folder: ResultFolder) -> Row:
    """The row of one experiment; one that cannot be read has the status ``?`` and an error."""
    try:
        return _row(folder)
    except RecordError as error:
        return _unread(folder, str(error))
    except (OSError, AttributeError, LookupError, TypeError, ValueError) as error:
        return _unread(folder, unreadable(folder, error))


def _unread(folder: ResultFolder, error: str) -> Row:
    nothing: dict[str, Any] = {"validation": {}, "test": {}}
    return Row(folder.id, "?", "?", "", (), None, None, None, {}, nothing, (), str(folder.path), error=error)


def _row(folder: ResultFolder) -> Row:
    place = str(folder.path)
    run, config, sacred, checksums, validation, test, diagnostics, search = (_object(place, name) for name in SOURCES)
    data, folds = digests_of(checksums)
    started, stopped = run.get("started"), in_utc(sacred.get("stop_time"))
    return Row(
        id=folder.id,
        name=str(run.get("name", "?")),
        status=status_of(sacred, run.get("process", {})),
        description=str(config.get("description") or ""),
        tags=tuple(str(tag) for tag in config.get("tags") or ()),
        started=started,
        stopped=stopped,
        seconds=_seconds(started, stopped),
        settings=Settings(tuple(sections(config))),
        metrics={"validation": _over_folds(validation), "test": _checked(test)},
        parents=tuple(run.get("parents", [])),
        folder=place,
        error=last_line(sacred.get("fail_trace")),
        hash=run.get("hash"),
        data=data,
        folds=folds,
        findings=_findings(diagnostics),
        search=_search(search),
    )


def _over_folds(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Mean and spread of each metric; the values on single folds, which take the most room, no list shows."""
    return {name: _checked({"mean": value["mean"], "std": value.get("std")}) for name, value in found.items()}


def _checked(figures: dict[str, Any]) -> dict[str, Any]:
    if not all(value is None or isinstance(value, int | float) for value in figures.values()):
        raise TypeError(f"{figures} are no figures")
    return figures


def _object(folder: str, name: str) -> dict[str, Any]:
    """What :func:`read_object` gives, without its detours for the many files that are as they should be."""
    path = f"{folder}/{name}"
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return {}
    try:
        content = os.read(descriptor, _MOST)
    finally:
        os.close(descriptor)
    with suppress(ValueError):
        found = parsed(_told.without(content))
        if isinstance(found, dict):
            return found
    return read_object(Path(path))


class _Told:
    """Members of JSON texts that many texts have in common and no row tells of; they take nine tenths of the reading.

    A member that was found to be right once is left out of any text that has the same at the same depth. Whatever is
    written otherwise than Sacred writes it is read in full.

    Args:
        keys: of the members, lists that are indented by four.
    """

    def __init__(self, *keys: str) -> None:
        self.known = {f',\n    "{key}": ['.encode(): (b"",) * _REMEMBERED for key in keys}

    def without(self, content: bytes) -> bytes:
        """A text without the members."""
        for begin in self.known if len(content) > _LONG else ():
            at = content.find(begin)
            if at >= 0:
                end = at + self._length(content, begin, at)
                if content.startswith(_NEXT, end):
                    content = content[:at] + content[end:]
        return content

    def _length(self, content: bytes, begin: bytes, at: int) -> int:
        """Bytes of the member that begins somewhere, the comma before it included; 0 if it is to stay."""
        for member in self.known[begin]:
            if member and content.startswith(member, at):
                return len(member)
        member = content[at : content.find(_END, at) + len(_END)]
        with suppress(ValueError):
            orjson.loads(b"{" + member[1:] + b"}")
            self.known[begin] = (member, *self.known[begin][:-1])
            return len(member)
        return 0


_END = b"\n    ]"
_NEXT = (b",\n    ", b"\n  }")
_REMEMBERED = 4
"""Members of a key that are known at a time: experiments of several states of code and packages."""

_LONG = 5_000
"""Bytes from which on a text is worth looking through."""

_told = _Told("dependencies", "sources")


def _seconds(started: str | None, stopped: str | None) -> float | None:
    if started is None or stopped is None:
        return None
    return (datetime.fromisoformat(stopped) - datetime.fromisoformat(started)).total_seconds()


def _search(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a search chose; None for any other experiment."""
    if not told:
        return None
    best = told["best"]
    figures = {"value": best["values"][0], "experiment": best["experiment"], "configurations": told["configurations"]}
    return {"metric": str(told["metrics"][0]), **_checked(figures)}


def _findings(diagnostics: Mapping[str, Any]) -> tuple[str, ...]:
    found = diagnostics.get("findings") or ()
    return tuple(dict.fromkeys(str(one["code"]) for one in found if one.get("muted") is None))
