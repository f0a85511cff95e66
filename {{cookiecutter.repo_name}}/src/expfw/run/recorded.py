"""Loading what an earlier experiment recorded: only what its checksums vouch for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from expfw.datasets import FoldModels, FoldsDataset, JsonDataset, ObjectDataset, TableDataset
from expfw.errors import RecordError
from expfw.run.events import EventLog, checksum
from expfw.run.folder import ResultFolder

READERS: dict[str, type[AbstractDataset[Any, Any]]] = {
    ".feather": TableDataset,
    ".json": JsonDataset,
    ".npz": FoldsDataset,
    ".pkl": ObjectDataset,
}
"""By the ending of a file, the dataset that reads it."""


def recorded_files(folder: ResultFolder, output: str) -> dict[str, str]:
    """The files of an output with the checksums taken when they were written; empty if it was not written.

    Args:
        folder: the experiment's folder.
        output: name of a catalog entry, for example ``folds``.
    """
    events = EventLog(folder.log / "events.jsonl").read("saved")
    return {path: digest for event in events if event["output"] == output for path, digest in event["files"].items()}


def has_output(folder: ResultFolder, output: str) -> bool:
    """Whether the experiment wrote an output."""
    return bool(recorded_files(folder, output))


def verified_files(folder: ResultFolder, output: str) -> list[Path]:
    """The files of an output, each compared with its checksum.

    Raises:
        RecordError: if a file is missing or was altered; the message names it.
    """
    files = recorded_files(folder, output)
    for name, digest in files.items():
        path = folder.path / name
        if not path.is_file():
            raise RecordError(f"experiment {folder.id}: {name} is missing; it cannot be used any more")
        if checksum(path) != digest:
            raise RecordError(
                f"experiment {folder.id}: {name} was altered after it was written (its checksum differs), so it is not "
                "used; restore the file, or run the experiment again"
            )
    return [folder.path / name for name in files]


def load_output(folder: ResultFolder, output: str) -> Any:
    """An output of an earlier experiment, verified first.

    Args:
        folder: the experiment's folder.
        output: name of a catalog entry; ``fold_models`` gives a mapping that reads each model when it is asked for.

    Raises:
        RecordError: if it was not recorded, is missing or was altered.
    """
    paths = verified_files(folder, output)
    if output == "fold_models":
        return FoldModels(paths[0].parent) if paths else {}
    if not paths:
        raise RecordError(f"experiment {folder.id} has no {output}")
    reader = READERS.get(paths[0].suffix)
    if reader is None:
        raise RecordError(f"experiment {folder.id}: {paths[0].name} is of a kind that cannot be taken over")
    return reader(filepath=str(paths[0])).load()  # type: ignore[call-arg]
