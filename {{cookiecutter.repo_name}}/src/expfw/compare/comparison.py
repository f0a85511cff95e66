"""Experiments beside a reference: what they are, what they ran with, what they gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expfw.compare.metrics import MetricComparison, compared_metrics
from expfw.compare.rows import Rows, compared_rows
from expfw.compare.significance import METHOD
from expfw.errors import RecordError, did_you_mean
from expfw.record import ExperimentRecord, read_record
from expfw.reproduce.changes import Changes, changes
from expfw.run.files import read_json, read_object
from expfw.run.folder import ResultFolder, experiment_folders, find_folder
from expfw.run.recorded import verified_files


@dataclass(frozen=True)
class SettingRow:
    """One setting that differs.

    Args:
        key: its key path.
        values: its value in each experiment, the reference first; None where it is not set.
        origins: file and line, or ``--params``, that each value came from; empty where nobody said anything.
    """

    key: str
    values: tuple[Any, ...]
    origins: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Several experiments, the first of which the others are compared with.

    Args:
        records: the experiments, the reference first.
        changes: by number of each other experiment what changed from the reference to it.
        rows: by number of each other experiment its rows beside the reference's.
        settings: the settings that differ.
        metrics: the metrics side by side.
    """

    records: tuple[ExperimentRecord, ...]
    changes: Mapping[int, Changes]
    rows: Mapping[int, Rows]
    settings: tuple[SettingRow, ...]
    metrics: tuple[MetricComparison, ...]

    @property
    def reference(self) -> ExperimentRecord:
        """The experiment that the others are compared with."""
        return self.records[0]

    @property
    def others(self) -> tuple[ExperimentRecord, ...]:
        """The others, in the order asked for."""
        return self.records[1:]

    @property
    def notes(self) -> list[str]:
        """What a reader must know first: experiments that did not complete, or have nothing to compare."""
        notes = [
            f"Experiment {record.id} is {_state(record)}." for record in self.records if record.status != "COMPLETED"
        ]
        bare = [record for record in self.records if record.status == "COMPLETED" and not any(record.metrics.values())]
        notes += [f"Experiment {record.id} measured nothing (its metrics are [])." for record in bare]
        cautions = dict.fromkeys(rows.caution for rows in self.rows.values() if rows.caution)
        return [*notes, *cautions]

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {
            "reference": self.reference.id,
            "experiments": [_named(record) for record in self.records],
            "settings": {
                row.key: {"values": list(row.values), "origins": [origin or None for origin in row.origins]}
                for row in self.settings
            },
            "changes": {str(number): _changes_json(found) for number, found in self.changes.items()},
            "rows": {str(number): _rows_json(rows) for number, rows in self.rows.items()},
            "metrics": {metric.name: metric.as_json() for metric in self.metrics},
            "method": METHOD,
            "notes": self.notes,
        }


def _state(record: ExperimentRecord) -> str:
    states = {"RUNNING": "still running, so what it has on record so far is compared", "DEAD": "DEAD: it was killed"}
    return states.get(record.status, record.status) + (f": {record.error}" if record.error else "")


def _named(record: ExperimentRecord) -> dict[str, Any]:
    named = {"id": record.id, "name": record.name, "status": record.status, "started": record.started}
    return {**named, "path": str(record.path), **({"error": record.error} if record.error else {})}


def _changes_json(found: Changes) -> dict[str, Any]:
    pairs = {"packages": found.packages, "platform": found.platform, "data": found.data}
    return {
        "code": dict(found.code),
        "python": None if found.python is None else list(found.python),
        **{kind: {name: list(pair) for name, pair in entries.items()} for kind, entries in pairs.items()},
    }


def _rows_json(rows: Rows) -> dict[str, Any]:
    outputs = {
        name: {"same": output.same, "why": output.why or None, "checksums": list(output.checksums)}
        for name, output in rows.outputs.items()
    }
    return {"outputs": outputs, "shared_folds": len(rows.folds), "why_not": rows.why_not or None}


def compare(root: Path, which: Sequence[str]) -> Comparison:
    """Compare experiments with the first of them.

    Args:
        root: folder of all experiments.
        which: two or more numbers, or names, each of which stands for its newest experiment that completed.

    Raises:
        RecordError: if there are fewer than two, one twice, one that is not there, or one whose metrics were altered.
    """
    folders = [find_experiment(root, each) for each in which]
    _check(folders)
    records = tuple(_verified(folder) for folder in folders)
    found = {folder.id: changes(folders[0], folder) for folder in folders[1:]}
    rows = {folder.id: compared_rows(folders[0], folder) for folder in folders[1:]}
    return Comparison(
        records, found, rows, _settings(records, found), tuple(compared_metrics(records[0], records[1:], rows))
    )


def _check(folders: Sequence[ResultFolder]) -> None:
    numbers = [folder.id for folder in folders]
    if len(numbers) < 2:
        raise RecordError(
            f"there is nothing to compare experiment {numbers[0]} with; name another, by number or name"
            if numbers
            else "name the experiments to compare, two or more, by number or name; 'kedro experiment list' shows all"
        )
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise RecordError(f"experiment {twice} is named twice; name each once, the reference first")


def find_experiment(root: Path, which: str) -> ResultFolder:
    """The folder of an experiment by its number, or by its name.

    Args:
        root: folder of all experiments.
        which: a number, or a name, which stands for the newest experiment of that name that completed; for the newest
            of all if none did.

    Raises:
        RecordError: if there is none; the message tells the nearest.
    """
    if which.isdecimal():
        return find_folder(root, int(which))
    folders = list(experiment_folders(root))[::-1]
    newest: ResultFolder | None = None
    names = set()
    for folder in folders:
        name = str(read_object(folder.log / "run.json").get("name", ""))
        names.add(name)
        if name == which and read_json(folder.log / "sacred" / "run.json", {}).get("status") == "COMPLETED":
            return folder
        newest = newest or (folder if name == which else None)
    if newest is None:
        hint = did_you_mean(which, names - {""}) or "there is none yet, start one with 'kedro run'"
        raise RecordError(f"no experiment of the name '{which}' was run in '{root}'; {hint}")
    return newest


def _verified(folder: ResultFolder) -> ExperimentRecord:
    """An experiment's record, its metrics compared with their checksums."""
    for name in ("validation_metrics", "test_metrics"):
        verified_files(folder, name)
    return read_record(folder)


def _settings(records: Sequence[ExperimentRecord], found: Mapping[int, Changes]) -> tuple[SettingRow, ...]:
    """The settings in which any experiment differs from the reference."""
    keys = dict.fromkeys(key for each in found.values() for key in each.configuration)
    origins = [read_json(record.path / "log" / "origin.json", {}) for record in records]
    return tuple(_setting(key, records, found, origins) for key in keys)


def _setting(
    key: str, records: Sequence[ExperimentRecord], found: Mapping[int, Changes], origins: Sequence[Mapping[str, str]]
) -> SettingRow:
    pairs = [found[record.id].configuration.get(key) for record in records[1:]]
    reference = next(pair[0] for pair in pairs if pair is not None)
    values = (reference, *(reference if pair is None else pair[1] for pair in pairs))
    return SettingRow(key, values, tuple(_origin(key, each) for each in origins))


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """Where a setting came from; of a list, where its first entry did."""
    first = next((origin for path, origin in origins.items() if path.startswith(f"{key}.")), "")
    return origins.get(key) or first
