"""From an experiment's folder to its row: the same that its record says, read as quickly as can be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

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
    return Row(folder.id, "?", "?", "", (), None, None, None, {}, nothing, (), folder.path, error=error)


def _row(folder: ResultFolder) -> Row:
    run, config, sacred, checksums, validation, test, diagnostics, search = (
        _object(folder.path, name) for name in SOURCES
    )
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
        path=folder.path,
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


def _object(path: Path, name: str) -> dict[str, Any]:
    """What :func:`read_object` gives, without its detours for the many files that are as they should be."""
    try:
        descriptor = os.open(f"{path}/{name}", os.O_RDONLY)
    except OSError:
        return {}
    try:
        content = os.read(descriptor, _MOST)
    finally:
        os.close(descriptor)
    with suppress(ValueError):
        found = parsed(content)
        if isinstance(found, dict):
            return found
    return read_object(path / name)


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
