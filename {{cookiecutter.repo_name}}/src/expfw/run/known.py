"""Which experiments ran a configuration already, told quickly however many there are.

The answer lies in each experiment's ``log/run.json``. Reading ten thousand of them takes a fifth of a second, so what
was read is kept in ``result/.known_runs``, one line ``N:hash;`` each. That file only saves time: what it lacks is read
from the folders and added, what has no folder any more is dropped, a torn line counts as lacking, and whatever it names
is looked up in the folder before it is believed. It can be deleted at any time, and should be after the content of a
result folder was exchanged by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from expfw.errors import ExpfwError, did_you_mean
from expfw.record import ExperimentRecord, headline, read_record
from expfw.run.files import atomic, read_json
from expfw.run.folder import ResultFolder

INDEX = ".known_runs"
"""Name of the file that remembers, in the folder of all experiments."""

Choice = Literal["again", "skip", "fail"]
"""What to do about a configuration that was run already, as ``--params if_run=…`` says it."""

_FOLDER = "result_experiment_"
_LINE = re.compile(r"^(\d+):([0-9a-f]+|-);$", re.MULTILINE)
_NO_HASH = "-"


class UnknownChoice(ExpfwError):
    """``if_run`` is none of ``again``, ``skip`` and ``fail``; nothing was run."""

    exit_code = 2


@dataclass(frozen=True)
class Decision:
    """What to do about a configuration that may have been run already.

    Args:
        action: ``run`` it, ``skip`` it (the command ends well), or ``fail`` (it ends with an error).
        message: one line to log, or the error; empty if the configuration is new.
        record: the experiment that ran it, with its result; None if it is new.

    Example:
        >>> already_run(Path("no such folder"), "3f2a", "skip")
        Decision(action='run', message='', record=None)
    """

    action: Literal["run", "skip", "fail"]
    message: str = ""
    record: ExperimentRecord | None = None


def already_run(root: Path, plan_hash: str, choice: object = "again") -> Decision:
    """Decide whether to run a configuration, which may have been run already. Only a COMPLETED run stands for another.

    Args:
        root: folder of all experiments.
        plan_hash: the configuration's :attr:`expfw.construct.plan.Plan.hash`.
        choice: what the user wants; see :data:`Choice`.

    Raises:
        UnknownChoice: if ``choice`` is none.
    """
    if choice not in get_args(Choice):
        hint = did_you_mean(str(choice), get_args(Choice))
        raise UnknownChoice(f"--params: if_run: there is no '{choice}'; {hint}; nothing was run")
    record = _best(root, plan_hash)
    if record is None:
        return Decision("run")
    if record.status != "COMPLETED":
        error = f": {record.error}" if record.error else ""
        hint = "" if record.status == "RUNNING" else f"; to go on with it instead: kedro experiment restart {record.id}"
        told = f"{_named(record)} has this very configuration and no result, {record.status}{error}{hint}"
        return Decision("run", told)
    return _decision(record, choice)


def _best(root: Path, plan_hash: str) -> ExperimentRecord | None:
    """The experiment to tell of. Of many that ran the configuration only the one that is told of is looked up."""
    record = best_of(root, _with_hash(known_hashes(root), plan_hash))
    if record is None or _read_hash(root, record.id) == plan_hash:
        return record
    return best_of(root, numbers_of(root, plan_hash))


def _decision(record: ExperimentRecord, choice: object) -> Decision:
    told = f"{_named(record)} ran this very configuration already: {' | '.join(headline(record.metrics)[:1]) or 'done'}"
    if choice == "skip":
        return Decision("skip", f"{told}; nothing is run (if_run=skip), code and data were not compared", record)
    if choice == "fail":
        hint = "change a setting, or leave if_run out to run it again"
        return Decision("fail", f"{told}; nothing was run (if_run=fail); {hint}", record)
    return Decision("run", f"{told}; it is run again", record)


def _named(record: ExperimentRecord) -> str:
    return f"experiment {record.id} ({record.name})"


def runs_of(root: Path, plan_hash: str) -> list[ExperimentRecord]:
    """All experiments that ran a configuration: COMPLETED ones first, the newest first among equals.

    Args:
        root: folder of all experiments.
        plan_hash: the configuration's :attr:`expfw.construct.plan.Plan.hash`.
    """
    records = [_record(root, number) for number in numbers_of(root, plan_hash)]
    return sorted(records, key=lambda record: (record.status != "COMPLETED", -record.id))


def best_of(root: Path, numbers: Sequence[int]) -> ExperimentRecord | None:
    """The newest COMPLETED one of some experiments, else the newest; None if there are none."""
    newest = None
    for number in sorted(numbers, reverse=True):
        record = _record(root, number)
        if record.status == "COMPLETED":
            return record
        newest = newest or record
    return newest


def numbers_of(root: Path, plan_hash: str) -> list[int]:
    """Numbers of the experiments that ran a configuration, ascending."""
    numbers = _with_hash(known_hashes(root), plan_hash)
    if any(_read_hash(root, number) != plan_hash for number in numbers):
        _forget(root)
        numbers = _with_hash(known_hashes(root), plan_hash)
    return numbers


def known_hashes(root: Path) -> dict[int, str]:
    """For each experiment that has one on record, by ascending N, the hash of its configuration."""
    there = experiment_numbers(root)
    remembered = _remembered(root)
    missing = {n: _read_hash(root, n) for n in sorted(there - remembered.keys())}
    found = {n: value for n, value in missing.items() if value is not None}
    if remembered.keys() <= there:
        _add(root, found)
    else:
        remembered = {n: value for n, value in remembered.items() if n in there}
        _rewrite(root, {**remembered, **found})
    hashes = {**remembered, **found}
    return {n: hashes[n] for n in sorted(hashes) if hashes[n] != _NO_HASH}


def _with_hash(hashes: Mapping[int, str], wanted: str) -> list[int]:
    return [number for number, value in hashes.items() if value == wanted]


def _record(root: Path, number: int) -> ExperimentRecord:
    return read_record(_folder(root, number))


def _folder(root: Path, number: int) -> ResultFolder:
    return ResultFolder(root / f"{_FOLDER}{number}")


def experiment_numbers(root: Path) -> set[int]:
    """Numbers of all experiments that there are."""
    names = os.listdir(root) if root.is_dir() else []  # noqa: PTH208 - a Path for each would take longer than all else
    numbers = (name.removeprefix(_FOLDER) for name in names if name.startswith(_FOLDER))
    return {int(number) for number in numbers if number.isdecimal()}


def _read_hash(root: Path, number: int) -> str | None:
    """An experiment's hash on record; None while there is no record (its run has just begun, or was killed then)."""
    run = read_json(_folder(root, number).log / "run.json")
    return None if not isinstance(run, dict) else str(run.get("hash") or _NO_HASH)


def _remembered(root: Path) -> dict[int, str]:
    try:
        text = (root / INDEX).read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    return {int(number): value for number, value in _LINE.findall(text)}


def _lines(hashes: Mapping[int, str]) -> bytes:
    return "".join(f"{number}:{value};\n" for number, value in hashes.items()).encode()


def _add(root: Path, hashes: Mapping[int, str]) -> None:
    """Append, by a single write, beginning a line of its own: what another process left torn stays apart."""
    if not hashes:
        return
    with suppress(OSError):
        descriptor = os.open(root / INDEX, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, b"\n" + _lines(hashes))
        finally:
            os.close(descriptor)


def _rewrite(root: Path, hashes: Mapping[int, str]) -> None:
    with suppress(OSError), atomic(root / INDEX) as file:
        file.write(_lines(hashes))


def _forget(root: Path) -> None:
    with suppress(OSError):
        (root / INDEX).unlink(missing_ok=True)
