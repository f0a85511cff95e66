"""Going on with a run that failed, was interrupted or killed: what it finished and is intact is not computed again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.pipeline import Pipeline

from expfw.database.mark import remove_mark
from expfw.errors import ExpfwError, RecordError
from expfw.record import read_record
from expfw.run.ending import advice, keep_room
from expfw.run.events import EventLog, checksum, saved_files
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.kept import Catalog, class_of, fold_model_file, path_of
from expfw.run.recorded import load_output
from expfw.run.since import attempts

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two restarts of one experiment apart but their user
    fcntl = None  # type: ignore[assignment]

ARCHIVED = tuple(
    "run.json environment.json timing.json checksums.json traceback.txt inputs.json git.diff rerun.json reused.json "
    "sacred sources untracked".split()
)
"""What the record holds of one attempt; of an earlier one it is kept below ``log/attempts``."""

SECTION_NODES: Mapping[str, str] = {
    "data_source": "load",
    "preparer": "prepare",
    "holdout": "hold_out",
    "resampling": "resample",
    "metrics": "evaluate",
    "metrics (test)": "test",
    "report": "report",
}
"""By the step that added something to the page, the node that did; features and model add in folds or in ``refit``."""


Files = Mapping[str, str]
"""By file its checksum, taken when it was written."""


@dataclass(frozen=True)
class Finished:
    """What an earlier attempt finished, and is intact.

    Args:
        nodes: nodes of which every output is there, and of all nodes before them.
        folds: folds whose model is there.
        files: by output of these nodes, and for the models of these folds, the files with their checksums.
    """

    nodes: frozenset[str] = frozenset()
    folds: frozenset[int] = frozenset()
    files: Mapping[str, Files] = field(default_factory=dict)


def check_restartable(folder: ResultFolder, *, extend: bool = False) -> None:
    """Refuse to restart what needs none.

    Args:
        folder: the experiment's folder.
        extend: whether there is more to do than it has done: further trials of a search.

    Raises:
        ExpfwError: if the experiment is running or has completed.
    """
    status = read_record(folder).status
    if status == "RUNNING":
        raise ExpfwError(f"experiment {folder.id} is running; wait for its end, or stop it first")
    if status == "COMPLETED" and not extend:
        raise ExpfwError(
            f"experiment {folder.id} has completed, there is nothing left to do; 'kedro experiment rerun {folder.id}' "
            "runs it again"
        )


@contextmanager
def alone_in(folder: ResultFolder) -> Iterator[None]:
    """Keep other restarts of the same experiment out while the block runs; a killed process leaves nothing locked.

    Raises:
        ExpfwError: if another restart is at work.
    """
    descriptor = os.open(folder.log / ".restart", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ExpfwError(f"experiment {folder.id} is being restarted by another process") from None
        yield
    finally:
        os.close(descriptor)


def finished_part(folder: ResultFolder, pipeline: Pipeline, catalog: Catalog) -> Finished:
    """What need not be computed again: outputs whose checksums, taken when they were written, are theirs still.

    What the catalog of today keeps in another place, in another way or in memory would not be found: it does not count.

    Args:
        folder: the experiment's folder.
        pipeline: the workflow.
        catalog: the catalog of today, with the experiment's folder in its paths.
    """
    makers = {output: node.name for node in pipeline.nodes for output in node.outputs}
    recorded = _kept_alike(folder, catalog)
    folds = _finished_folds(folder, recorded.get("fold_models", {}))
    done: set[str] = set()
    for node in pipeline.nodes:  # in an order in which each comes after those before it
        before = {makers[name] for name in node.inputs if name in makers}
        if (
            node.name != "report"
            and node.outputs
            and before <= done
            and all(_finished(folder, name, recorded, folds) for name in node.outputs)
        ):
            done.add(node.name)
    fitted_on = {
        makers[name] for node in pipeline.nodes if node.name == "fit" for name in node.inputs if name in makers
    }
    folds = folds if fitted_on <= done else frozenset()
    models = {name: digest for name, digest in recorded.get("fold_models", {}).items() if _fold_of(name) in folds}
    files = {name: recorded[name] for name, maker in makers.items() if maker in done} | {"fold_models": models}
    return Finished(frozenset(done), folds, files)


def _kept_alike(folder: ResultFolder, catalog: Catalog) -> Mapping[str, Files]:
    """By output, its files on record, if the catalog would read these very files, and by the same class."""
    events = EventLog(folder.log / "events.jsonl")
    classes = {event.get("output"): event.get("dataset") for event in events.read("saved")}
    found = {}
    for name, files in saved_files(events).items():
        path = path_of(catalog, name)
        there = path is not None and all((folder.path / file).is_relative_to(path) for file in files)
        if there and classes.get(name) in (None, class_of(catalog, name)):
            found[name] = files
    return found


def _finished(folder: ResultFolder, output: str, recorded: Mapping[str, Files], folds: frozenset[int]) -> bool:
    if output == "fold_models":
        try:
            return _intact(folder, recorded.get("folds")) and len(folds) == len(load_output(folder, "folds"))
        except RecordError:  # of a kind that the project's catalog alone reads: `fit` looks itself
            return False
    return _intact(folder, recorded.get(output))


def _intact(folder: ResultFolder, files: Files | None) -> bool:
    return bool(files) and all(_same(folder.path / name, digest) for name, digest in (files or {}).items())


def _same(path: Path, digest: str) -> bool:
    return path.is_file() and checksum(path) == digest


def _finished_folds(folder: ResultFolder, files: Files) -> frozenset[int]:
    intact = (_fold_of(name) for name, digest in files.items() if _same(folder.path / name, digest))
    return frozenset(fold for fold in intact if fold is not None)


def _fold_of(name: str) -> int | None:
    number = Path(name).stem.removeprefix("fold_")
    return int(number) if number.isdecimal() else None


def archive_attempt(folder: ResultFolder) -> int:
    """Keep the earlier attempt's part of the record below ``log/attempts``, and make way for the next one's.

    ``run.json`` is copied, so that there is one at any moment, whatever interrupts this.

    Returns:
        How many attempts there were before.
    """
    try:
        keep_room(folder.log)
    except OSError as error:
        raise ExpfwError(f"experiment {folder.id} cannot be restarted: {error.strerror}{advice(error)}") from error
    number = 1 + len(attempts(folder))
    place = folder.log / "attempts" / str(number)
    place.mkdir(parents=True)
    for name in ARCHIVED:
        path = folder.log / name
        if name == "run.json":
            shutil.copy2(path, place / name)
        elif path.exists():
            path.rename(place / name)
    remove_mark(folder)
    EventLog(folder.log / "events.jsonl").append("attempt", number=number + 1)
    return number


def clear_unfinished(folder: ResultFolder, finished: Finished) -> None:
    """Remove drafts, and what unfinished nodes added to the page."""
    for draft in folder.path.rglob(".*.tmp"):
        draft.unlink(missing_ok=True)
    for path in folder.sections.glob("*.json"):
        content = read_json(path, {})
        if not isinstance(content, dict) or not _kept(content, finished):
            path.unlink(missing_ok=True)


def _kept(section: Mapping[str, Any], finished: Finished) -> bool:
    fold, step = section.get("fold"), str(section.get("step"))
    if step in SECTION_NODES:
        return SECTION_NODES[step] in finished.nodes
    return fold in finished.folds if fold is not None else "refit" in finished.nodes


def clear_outputs(folder: ResultFolder, outputs: Mapping[str, Path | None], finished: Finished) -> None:
    """Remove the outputs that will be computed again, so that nothing half done or out of date is taken for done.

    Args:
        folder: the experiment's folder.
        outputs: by catalog entry, where it is to lie; None for one that is no file.
        finished: what stays.
    """
    events = EventLog(folder.log / "events.jsonl")
    recorded = saved_files(events)
    for name, path in outputs.items():
        kept = {fold_model_file(path, fold) for fold in finished.folds} if path and name == "fold_models" else set()
        for file in {*_present(path), *(folder.path / file for file in recorded.get(name, {}))} - kept:
            if not file.parent.resolve().is_relative_to(folder.path.resolve()):
                continue  # what lies elsewhere may be others' as well
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            else:
                file.unlink(missing_ok=True)
        if name in recorded:
            names = [file for file in recorded[name] if folder.path / file in kept]
            events.append("removed", output=name, kept=names)


def _present(path: Path | None) -> list[Path]:
    """What lies where an output is kept: its file, or the files of its folder."""
    if path is None:
        return []
    return list(path.iterdir()) if path.is_dir() else [path]


def expect(folder: ResultFolder, catalog: Catalog, finished: Finished) -> None:
    """Have the datasets load what is finished only as it was found: a file may be altered while the run goes on.

    Datasets of another kind than the framework's load what is there.

    Args:
        folder: the experiment's folder.
        catalog: the run's catalog.
        finished: what is finished.
    """
    for name, files in finished.files.items():
        dataset: Any = catalog.get(name)
        if hasattr(dataset, "checksums"):
            dataset.checksums = {folder.path / file: digest for file, digest in files.items()}
