"""Loading what an earlier experiment recorded: only what its checksums vouch for.

Its checksum is taken from a copy of the file (in memory, or a temporary file without a name), and the copy is read:
nothing can be put in its place in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from expfw import pickling
from expfw.config.experiment import computed_part, configuration_hash
from expfw.config.keys import KEYS
from expfw.config.loader import RESERVED
from expfw.config.secrets import MARK
from expfw.errors import RecordError
from expfw.run.copied import copied
from expfw.run.events import EventLog, checksum, saved_files
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.unreadable import why_unreadable

if TYPE_CHECKING:
    from expfw.datasets import FoldsDataset, JsonDataset, TableDataset

PICKLE = ".pkl"
DANGER = "it is a pickle, which can run any code when it is loaded"


def recorded_files(folder: ResultFolder, output: str) -> dict[str, str]:
    """The files of an output with the checksums taken when they were written; empty if it was not written.

    Args:
        folder: the experiment's folder.
        output: name of a catalog entry, for example ``folds``.
    """
    return saved_files(EventLog(folder.log / "events.jsonl")).get(output, {})


def has_output(folder: ResultFolder, output: str) -> bool:
    """Whether the experiment wrote an output."""
    return bool(recorded_files(folder, output))


def verified_files(folder: ResultFolder, output: str) -> list[Path]:
    """The files of an output, each compared with its checksum.

    Raises:
        RecordError: if a file is missing or was altered; the message names it.
    """
    files = _vouched(folder, output)
    for name, digest in files.items():
        _verify(folder, name, digest)
    return [folder.path / name for name in files]


def verify_all(folder: ResultFolder) -> list[str]:
    """Compare all recorded files of an experiment with their checksums; give their names.

    Raises:
        RecordError: for the first that is missing or was altered.
    """
    outputs = saved_files(EventLog(folder.log / "events.jsonl"))
    paths = [path for output in outputs for path in verified_files(folder, output)]
    return sorted(path.relative_to(folder.path).as_posix() for path in paths if path.is_relative_to(folder.path))


def check_configuration(folder: ResultFolder, config: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Compare a recorded configuration with the hash that the run recorded of it.

    A configuration that held a secret cannot be compared: the secret is in no record.

    Args:
        folder: the experiment's folder.
        config: content of ``log/config.json``.
        run: content of ``log/run.json``.

    Raises:
        RecordError: if it was altered.
    """
    computed = computed_part(config, searching=bool(run.get("search")))
    defaults = computed.pop("defaults", None)
    seed = defaults.get("random_state") if isinstance(defaults, dict) else None
    others = other_params(run)
    expected = configuration_hash({**computed, "random_state": seed}, others)
    if run.get("hash") not in (None, expected) and MARK not in f"{config}{others}":
        raise RecordError(
            f"experiment {folder.id}: log/config.json was altered after it was written (its hash differs), so it is "
            "not used; restore the file, or run the experiment again"
        )


def is_trial(folder: ResultFolder) -> bool:
    """Whether an experiment is a trial of a search.

    Args:
        folder: the experiment's folder.
    """
    run = read_json(folder.log / "run.json", {})
    return isinstance(run, dict) and "trial" in run


def is_untested(folder: ResultFolder) -> bool:
    """Whether an experiment was measured by resampling alone (``"test": false``): no test rows, no final model.

    Args:
        folder: the experiment's folder.
    """
    config = read_json(folder.log / "config.json", {})
    return isinstance(config, dict) and config.get("test") is False


def other_params(run: Mapping[str, Any]) -> dict[str, Any]:
    """The ``--params`` of the project's own that a run was given.

    Args:
        run: content of ``log/run.json``.

    Example:
        >>> other_params({"params": {"experiment": "a", "model": {"params": {}}, "data_file": "b.csv"}})
        {'data_file': 'b.csv'}
    """
    given = run.get("params")
    own = given.items() if isinstance(given, Mapping) else ()
    return {key: value for key, value in own if key not in (*KEYS, *RESERVED)}


def load_output(folder: ResultFolder, output: str) -> Any:
    """An output of an earlier experiment, verified first.

    Args:
        folder: the experiment's folder.
        output: name of a catalog entry; ``fold_models`` gives a mapping that verifies and reads each model when it is
            asked for.

    Raises:
        RecordError: if it was not recorded, is missing or was altered, or cannot be read here.
    """
    files = _vouched(folder, output)
    if output == "fold_models":
        verified_files(folder, output)
        return RecordedModels(folder, files)
    if not files:
        raise RecordError(
            f"experiment {folder.id} has no {output} on record: its run did not get so far, or goes on; what lies in "
            "its folder without a recorded checksum is not loaded"
        )
    name, digest = next(iter(files.items()))
    return _load(folder, name, digest)


@dataclass(frozen=True)
class RecordedModels(Mapping[int, Any]):
    """The fitted model of each fold of an earlier experiment, verified and read when it is asked for.

    Args:
        folder: the experiment's folder.
        files: the recorded files with their checksums.
    """

    folder: ResultFolder
    files: Mapping[str, str]

    def __getitem__(self, fold: int) -> Any:
        for name, digest in self.files.items():
            if _fold(name) == fold:
                return _load(self.folder, name, digest)
        name = f"model/folds/fold_{fold}{PICKLE}"
        if (self.folder.path / name).exists():
            raise RecordError(
                f"experiment {self.folder.id}: {name} was not recorded by its run; {DANGER}, so it is not loaded"
            )
        raise KeyError(fold)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(map(_fold, self.files)))

    def __len__(self) -> int:
        return len(self.files)


def _fold(name: str) -> int:
    return int(Path(name).stem.removeprefix("fold_"))


@contextmanager
def opened(folder: ResultFolder, name: str, digest: str) -> Iterator[IO[bytes]]:
    """A copy of a recorded file, open at its beginning, after it was compared with its checksum.

    Args:
        folder: the experiment's folder.
        name: the file, relative to the folder.
        digest: its checksum on record.

    Raises:
        RecordError: if it is missing, a link, unreadable or altered; the message names it.
    """
    _check_place(folder, name)
    with ExitStack() as stack:
        try:
            file, found = stack.enter_context(copied(folder.path / name))
        except OSError as error:
            raise _unreadable(folder, name, error) from error
        _compare(folder, name, digest, found)
        yield file


def _verify(folder: ResultFolder, name: str, digest: str) -> None:
    """Compare a recorded file with its checksum, and no more."""
    _check_place(folder, name)
    try:
        found = checksum(folder.path / name)
    except OSError as error:
        raise _unreadable(folder, name, error) from error
    _compare(folder, name, digest, found)


def _unreadable(folder: ResultFolder, name: str, error: OSError) -> RecordError:
    return RecordError(f"experiment {folder.id}: {name} cannot be read: {error.strerror or error}")


def _compare(folder: ResultFolder, name: str, digest: str, found: str) -> None:
    if found != digest:
        danger = f" ({DANGER})" if Path(name).suffix == PICKLE else ""
        raise RecordError(
            f"experiment {folder.id}: {name} was altered after it was written (its checksum differs), so it is not "
            f"used{danger}; restore the file, or run the experiment again"
        )


def _check_place(folder: ResultFolder, name: str) -> None:
    path = folder.path / name
    home = folder.path.resolve()
    if path.is_relative_to(folder.path) and path.resolve() != home / name:
        raise RecordError(
            f"experiment {folder.id}: {name} was replaced by a link, or lies behind one ('{path.resolve()}'), so it is "
            "not used; put the file itself in its place, or run the experiment again"
        )
    if not path.is_file():
        raise RecordError(
            f"experiment {folder.id}: {name} is missing; it cannot be used any more; restore it, or run the experiment "
            "again"
        )


def _load(folder: ResultFolder, name: str, digest: str) -> Any:
    path = folder.path / name
    reader = _reader(path.suffix)
    if reader is None and path.suffix != PICKLE:
        raise RecordError(f"experiment {folder.id}: {path.name} is of a kind that cannot be taken over")
    with opened(folder, name, digest) as file:
        try:
            return _unpickled(file, path) if reader is None else reader(filepath=str(path)).read(file)
        except (RecordError, MemoryError):
            raise
        except Exception as error:  # what a file of another version does cannot be foreseen
            raise RecordError(why_unreadable(folder, name, error)) from error


def _reader(suffix: str) -> type[FoldsDataset | JsonDataset | TableDataset] | None:
    """By the ending of a file, the dataset that reads it; pickles apart."""
    from expfw.datasets import FoldsDataset, JsonDataset, TableDataset

    readers: dict[str, type[FoldsDataset | JsonDataset | TableDataset]] = {
        ".feather": TableDataset,
        ".json": JsonDataset,
        ".npz": FoldsDataset,
    }
    return readers.get(suffix)


def _unpickled(file: IO[bytes], path: Path) -> Any:
    from expfw.run.onlooking import INSTEAD

    return pickling.load(file, path, INSTEAD)


def _vouched(folder: ResultFolder, output: str) -> dict[str, str]:
    """The recorded files of an output; of a completed run, both of its records must agree on them."""
    files = recorded_files(folder, output)
    if read_json(folder.log / "sacred" / "run.json", {}).get("status") != "COMPLETED":
        return files
    told = read_json(folder.log / "checksums.json", {})
    for name, digest in files.items():
        if told.get(name) != digest:
            raise RecordError(
                f"experiment {folder.id}: log/checksums.json and log/events.jsonl do not agree on {name}, so one of "
                "them was altered and the file is not used; restore them, or run the experiment again"
            )
    return files
