"""Bringing all experiments of a result folder to the team's database: what is missing there, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from expfw.database.documents import has_ended, identity
from expfw.database.files import digest_of
from expfw.database.store import Known, Store
from expfw.database.upload import Upload, place_of, upload
from expfw.errors import DatabaseError, ExpfwError
from expfw.run.folder import ResultFolder, experiment_folders, find_folder

FORGOTTEN = timedelta(hours=1)
"""Age at which a number that was reserved for a run that never came is given back."""

PATIENCE = 2
"""Experiments in a row that the database fails at before it is taken for away: one may be too large for a line."""

Progress = Callable[[Sequence["Candidate"]], Iterable["Candidate"]]
"""Shows how far the work is: gives what it is given, one by one."""


@dataclass(frozen=True)
class Candidate:
    """An experiment's folder, and who it says it is."""

    folder: ResultFolder
    uuid: str
    is_original: bool


@dataclass
class Report:
    """What was done.

    Args:
        database: the database, as it is shown.
        unchanged: numbers of the experiments that were up to date.
        uploaded: number in the result folder → number in the database, of those that were brought there.
        running: numbers of those that still run; each run brings itself.
        copies: number of a folder that is a copy → number of the original.
        failed: number → why it could not be brought.
        returned: numbers that were reserved for runs that never came, and are free again.
        stopped: why the work was given up before its end; empty if it was not.
    """

    database: str
    unchanged: list[int] = field(default_factory=list)
    uploaded: dict[int, int] = field(default_factory=dict)
    running: list[int] = field(default_factory=list)
    copies: dict[int, int] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    returned: list[int] = field(default_factory=list)
    stopped: str = ""

    @property
    def renumbered(self) -> dict[int, int]:
        """Of the uploaded ones those that have another number in the database, since somebody else has theirs."""
        return {local: there for local, there in self.uploaded.items() if local != there}

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {**vars(self), "renumbered": self.renumbered}


def synchronise(root: Path, store: Store, numbers: Iterable[int] | None = None, progress: Progress = iter) -> Report:
    """Bring the experiments of a result folder up to date in the database.

    It can be cut off at any moment and done again: what is there whole is not brought again. An experiment that runs
    is left to its own run; one that was killed is brought. One that cannot be brought does not stop the others, but a
    database that is away does.

    Args:
        root: folder of all experiments.
        store: the database.
        numbers: only these experiments; all by default.
        progress: is given the experiments that are not up to date, and gives them back one by one.

    Raises:
        RecordError: if there is no experiment of one of the ``numbers``.
        DatabaseError: if the database is away, or refuses, from the start.
    """
    chosen = list(experiment_folders(root)) if numbers is None else [find_folder(root, number) for number in numbers]
    report = Report(store.shown)
    known = store.known()
    candidates = list(_originals(chosen, report))
    in_vain = 0
    for candidate in progress(list(_missing(candidates, known, report))):
        try:
            _note(upload(candidate.folder, store, trusting=False), report)
            in_vain = 0
        except ExpfwError as error:
            report.failed[candidate.folder.id] = str(error)
            in_vain += isinstance(error, DatabaseError) and error.hopeless
            if in_vain == PATIENCE:
                report.stopped = str(error)
                return report
        except Exception as error:  # a fault of ours, or of one folder, must not keep the others from the database
            report.failed[candidate.folder.id] = f"{type(error).__name__} while it was read"
    if numbers is None:
        _clear(root, store, known, {candidate.uuid for candidate in candidates}, report)
    return report


def _originals(folders: Iterable[ResultFolder], report: Report) -> Iterator[Candidate]:
    """Each experiment once: a folder that was copied is the same experiment, and would overwrite its original."""
    candidates = [_candidate(folder) for folder in folders]
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        other = best.setdefault(candidate.uuid, candidate)
        if candidate.is_original and not other.is_original:
            best[candidate.uuid] = candidate
    for candidate in candidates:
        original = best[candidate.uuid]
        if original is candidate:
            yield candidate
        else:
            report.copies[candidate.folder.id] = original.folder.id


def _candidate(folder: ResultFolder) -> Candidate:
    uuid, number = identity(folder)
    return Candidate(folder, uuid, number == folder.id)


def _missing(candidates: Iterable[Candidate], known: dict[str, Known], report: Report) -> Iterator[Candidate]:
    for candidate in candidates:
        there = known.get(candidate.uuid)
        if there is not None and there.digest is not None and there.digest == digest_of(candidate.folder):
            report.unchanged.append(candidate.folder.id)
        elif not has_ended(candidate.folder):
            report.running.append(candidate.folder.id)
        else:
            yield candidate


def _note(done: Upload, report: Report) -> None:
    if done.action == "unchanged":
        report.unchanged.append(done.local_id)
    else:
        report.uploaded[done.local_id] = done.id


def _clear(root: Path, store: Store, known: dict[str, Known], ours: set[str], report: Report) -> None:
    """Give back what was reserved from here for runs that never came."""
    open_ones = [there.id for uuid, there in known.items() if there.digest is None and uuid not in ours]
    if not open_ones:
        return
    for number, uuid in store.forgotten(open_ones, place_of(root), FORGOTTEN).items():
        store.release(number, {"uuid": uuid})
        report.returned.append(number)
