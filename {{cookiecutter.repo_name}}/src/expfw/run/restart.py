"""Going on with a run that failed, was interrupted or killed: what it finished and is intact is not computed again."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.pipeline import Pipeline

from expfw.datasets import fold_model_file
from expfw.errors import ExpfwError, RecordError
from expfw.record import read_record
from expfw.run.ending import advice, keep_room
from expfw.run.environment import packages
from expfw.run.events import EventLog, checksum, saved_files
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.recorded import load_output, recorded_files
from expfw.run.sources import silent, source_files

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two restarts of one experiment apart but their user
    fcntl = None  # type: ignore[assignment]

ARCHIVED = tuple(
    "run.json environment.json timing.json checksums.json traceback.txt inputs.json git.diff rerun.json sacred sources "
    "untracked".split()
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


@dataclass(frozen=True)
class Finished:
    """What an earlier attempt finished, and is intact.

    Args:
        nodes: nodes of which every output is there, and of all nodes before them.
        folds: folds whose model is there.
    """

    nodes: frozenset[str] = frozenset()
    folds: frozenset[int] = frozenset()


def check_restartable(folder: ResultFolder) -> None:
    """Refuse to restart what needs none.

    Raises:
        ExpfwError: if the experiment is running or has completed.
    """
    status = read_record(folder).status
    if status == "RUNNING":
        raise ExpfwError(f"experiment {folder.id} is running; wait for its end, or stop it first")
    if status == "COMPLETED":
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


def changes_since(folder: ResultFolder, project: Path) -> list[str]:
    """What differs by now in code, packages and Python from what the experiment ran with, a sentence part each.

    Args:
        folder: the experiment's folder.
        project: the project's folder.
    """
    logs = [folder.log, *reversed(_attempts(folder))]  # a restart that was killed early recorded nothing of its own
    records = [record for log in logs if (record := read_json(log / "environment.json"))]
    recorded: Mapping[str, Any] = records[0] if records else {}
    kept = next((log for log in logs if (log / "sacred" / "run.json").exists() and (log / "sources").is_dir()), None)
    found = [] if kept is None else _changed_sources(kept / "sources", project)
    if recorded.get("python") not in (None, sys.version.split()[0]):
        found.append(f"Python (was {recorded['python']}, is {sys.version.split()[0]})")
    before, now = recorded.get("packages") or packages(), packages()
    different = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    versions = [f"(was {before.get(name, 'absent')}, is {now.get(name, 'absent')})" for name in different]
    return found + [f"package {name} {version}" for name, version in zip(different, versions, strict=True)]


def _changed_sources(recorded: Path, project: Path) -> list[str]:
    """Names of source files that differ."""
    before = {path.relative_to(recorded).as_posix(): path for path in recorded.rglob("*") if path.is_file()}
    now = {source.name: silent(source).content for source in source_files(project) if _decides(source.name)}
    names = sorted({*filter(_decides, before), *now})
    return [name for name in names if name not in before or now.get(name) != before[name].read_bytes()]


def _decides(name: str) -> bool:
    return name == "pyproject.toml" or name.startswith("src/") or bool(re.match(r"config/[^/]+/catalog", name))


def finished_part(folder: ResultFolder, pipeline: Pipeline) -> Finished:
    """What need not be computed again: outputs whose checksums, taken when they were written, are theirs still.

    Args:
        folder: the experiment's folder.
        pipeline: the workflow.
    """
    makers = {output: node.name for node in pipeline.nodes for output in node.outputs}
    folds = _finished_folds(folder)
    done: set[str] = set()
    for node in pipeline.nodes:  # in an order in which each comes after those before it
        before = {makers[name] for name in node.inputs if name in makers}
        if (
            node.name != "report"
            and node.outputs
            and before <= done
            and all(_finished(folder, name, folds) for name in node.outputs)
        ):
            done.add(node.name)
    fitted_on = {
        makers[name] for node in pipeline.nodes if node.name == "fit" for name in node.inputs if name in makers
    }
    return Finished(frozenset(done), folds if fitted_on <= done else frozenset())


def _finished(folder: ResultFolder, output: str, folds: frozenset[int]) -> bool:
    if output == "fold_models":
        try:
            return _intact(folder, "folds") and len(folds) == len(load_output(folder, "folds"))
        except RecordError:  # of a kind that the project's catalog alone reads: `fit` looks itself
            return False
    return _intact(folder, output)


def _intact(folder: ResultFolder, output: str) -> bool:
    files = recorded_files(folder, output)
    return bool(files) and all(_same(folder.path / name, digest) for name, digest in files.items())


def _same(path: Path, digest: str) -> bool:
    return path.is_file() and checksum(path) == digest


def _finished_folds(folder: ResultFolder) -> frozenset[int]:
    files = {folder.path / name: digest for name, digest in recorded_files(folder, "fold_models").items()}
    names = (path.stem.removeprefix("fold_") for path, digest in files.items() if _same(path, digest))
    return frozenset(int(name) for name in names if name.isdecimal())


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
    attempts = folder.log / "attempts"
    attempts.mkdir(exist_ok=True)
    number = 1 + len(_attempts(folder))
    place = attempts / str(number)
    place.mkdir()
    for name in ARCHIVED:
        path = folder.log / name
        if name == "run.json":
            shutil.copy2(path, place / name)
        elif path.exists():
            path.rename(place / name)
    (folder.log / "database.json").unlink(missing_ok=True)  # what is in the database is no longer all
    return number


def _attempts(folder: ResultFolder) -> list[Path]:
    """Records of earlier attempts, the oldest first."""
    found = [path for path in (folder.log / "attempts").glob("*") if path.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.name))


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


def clear_outputs(folder: ResultFolder, outputs: Mapping[str, Path], finished: Finished) -> None:
    """Remove the outputs that will be computed again, so that nothing half done is taken for done.

    Args:
        folder: the experiment's folder.
        outputs: by catalog entry, where it lies.
        finished: what stays.
    """
    events = EventLog(folder.log / "events.jsonl")
    recorded = saved_files(events)
    for name, path in outputs.items():
        if not path.is_relative_to(folder.path):
            continue  # what lies elsewhere may be others' as well
        kept = {fold_model_file(path, fold) for fold in finished.folds} if name == "fold_models" else set()
        for file in path.iterdir() if path.is_dir() else [path]:
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            elif file not in kept:
                file.unlink(missing_ok=True)
        if name in recorded:
            events.append("removed", output=name, kept=[file.relative_to(folder.path).as_posix() for file in kept])


def refusal(folder: ResultFolder, changed: list[str]) -> RecordError:
    """Why a restart is refused."""
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
    return RecordError(
        f"experiment {folder.id} was begun with something else than there is now: {shown}; what it finished and what "
        f"it would go on with would not fit together. 'kedro experiment rerun {folder.id}' begins anew; --force goes "
        "on, and records that"
    )
