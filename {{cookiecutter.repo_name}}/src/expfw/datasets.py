"""Kedro datasets for what the workflow produces. Each file appears under its name only when it is whole.

kedro-datasets has the like for some of them, but writes in place, so that a killed run leaves half a file; it has none
for folds or fold models, and its readers of tables import those of databases and clouds beside them. Parquet would turn
number-valued categories into plain numbers; Feather keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from kedro.io import AbstractDataset

from expfw import pickling
from expfw.errors import RecordError
from expfw.interfaces import Fold
from expfw.reuse.linked import Linked
from expfw.run.copied import copied
from expfw.run.files import atomic, json_text
from expfw.run.kept import fold_model_file


class _FileDataset(AbstractDataset[Any, Any]):
    """One file, which appears under its name only when it is whole.

    Args:
        filepath: the file.
        metadata: for Kedro-Viz; not read.

    Attributes:
        modules: after a save, the modules whose classes a pickle is made of.
        checksums: by file, what it must have to be loaded; empty but in a run that was taken up again.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata
        self.modules: tuple[str, ...] = ()
        self.checksums: Mapping[Path, str] = {}

    def load(self) -> Any:
        """What the file holds."""
        with _opened(self._filepath, self.checksums) as file:
            return self.read(file)

    def read(self, file: IO[bytes]) -> Any:
        """The same from the file when it is open already, for example because its checksum was taken."""
        return self._read(file)

    def save(self, data: Any) -> None:
        """Write the file; one that is taken from an earlier experiment only gets its name."""
        if isinstance(data, Linked):
            self.modules = tuple(data.modules)
            data.become(self._filepath)
            return
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        with atomic(self._filepath) as file:
            self._write(file, data)

    def _read(self, file: IO[bytes]) -> Any:
        raise NotImplementedError

    def _write(self, file: IO[bytes], data: Any) -> None:
        raise NotImplementedError

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}


@contextmanager
def _opened(path: Path, checksums: Mapping[Path, str]) -> Iterator[IO[bytes]]:
    """A file to read; if it has a checksum that it must have, what is read is what was compared."""
    if path not in checksums:
        with path.open("rb") as file:
            yield file
        return
    with copied(path) as (file, found):
        if found != checksums[path]:
            raise RecordError(
                f"{path} was altered after this restart found it intact, so it is not used; restart once more, and it "
                "is computed again"
            )
        yield file


class FoldsDataset(_FileDataset):
    """Rows of each fold, as arrays in one ``.npz`` file (``train_0``, ``validation_0``, …); no pickle inside."""

    def _read(self, file: IO[bytes]) -> list[Fold]:
        with np.load(file, allow_pickle=False) as arrays:
            return [Fold(arrays[f"train_{i}"], arrays[f"validation_{i}"]) for i in range(len(arrays.files) // 2)]

    def _write(self, file: IO[bytes], data: list[Fold]) -> None:
        arrays = {f"train_{i}": np.asarray(fold.train, dtype=np.int64) for i, fold in enumerate(data)}
        arrays |= {f"validation_{i}": np.asarray(fold.validation, dtype=np.int64) for i, fold in enumerate(data)}
        np.savez(file, allow_pickle=False, **arrays)


class TableDataset(_FileDataset):
    """A frame as a Feather file (Arrow IPC), which keeps all types, those of categories included; without its index."""

    def _read(self, file: IO[bytes]) -> pd.DataFrame:
        return pd.read_feather(file)

    def _write(self, file: IO[bytes], data: pd.DataFrame) -> None:
        data.reset_index(drop=True).to_feather(file)


class ObjectDataset(_FileDataset):
    """Any object as a pickle file: data of whatever kind, models. See :mod:`expfw.pickling` for the paths in it."""

    def _read(self, file: IO[bytes]) -> Any:
        return pickling.load(file, self._filepath)

    def _write(self, file: IO[bytes], data: Any) -> None:
        self.modules = pickling.dump(data, file, self._filepath)


class JsonDataset(_FileDataset):
    """JSON for people and programs: indented, not-a-number as null."""

    def _read(self, file: IO[bytes]) -> Any:
        return json.load(file)

    def _write(self, file: IO[bytes], data: Any) -> None:
        file.write(json_text(data).encode())


class TextDataset(_FileDataset):
    """A text in UTF-8."""

    def _read(self, file: IO[bytes]) -> str:
        return file.read().decode()

    def _write(self, file: IO[bytes], data: str) -> None:
        file.write(data.encode())


class FoldModels(Mapping[int, Any]):
    """The fitted model of each fold, read from its file when it is asked for, so that one at a time is in memory.

    Args:
        folder: folder of the files ``fold_<number>.pkl``.
        checksums: by file, what it must have, where that is known.
    """

    def __init__(self, folder: Path, checksums: Mapping[Path, str] | None = None) -> None:
        self._folder, self._checksums = folder, checksums or {}

    def __getitem__(self, fold: int) -> Any:
        path = fold_model_file(self._folder, fold)
        if not path.exists():
            raise KeyError(fold)
        with _opened(path, self._checksums) as file:
            return pickling.load(file, path)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(int(path.stem.removeprefix("fold_")) for path in self._folder.glob("fold_*.pkl")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class FoldModelsDataset(AbstractDataset[dict[int, Any], FoldModels]):
    """The fitted model of each fold, one pickle file per fold. Each save adds the folds that it is given.

    Args:
        filepath: the folder.
        metadata: for Kedro-Viz; not read.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata
        self.modules: tuple[str, ...] = ()
        self.checksums: Mapping[Path, str] = {}

    def load(self) -> FoldModels:
        """All folds' models, each read when it is asked for; empty without resampling."""
        return FoldModels(self._filepath, self.checksums)

    def save(self, data: dict[int, Any]) -> None:
        """Write the models of the given folds."""
        self._filepath.mkdir(parents=True, exist_ok=True)
        for fold, model in data.items():
            path = fold_model_file(self._filepath, fold)
            if isinstance(model, Linked):
                self.modules = tuple(model.modules)
                model.become(path)
                continue
            with atomic(path) as file:
                self.modules = pickling.dump(model, file, path)

    def files(self, data: dict[int, Any]) -> list[Path]:
        """The files that :meth:`save` wrote for ``data``."""
        return [fold_model_file(self._filepath, fold) for fold in data]

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
