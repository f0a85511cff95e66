"""Kedro datasets for what the workflow produces: folds, one model per fold, tables of predictions.

kedro-datasets has none for folds or fold models, and none for tables that keeps number-valued categories (Parquet turns
them into plain numbers) without importing the readers of databases and clouds beside it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import AbstractDataset

from expfw.interfaces import Fold
from expfw.run.files import atomic


class FoldsDataset(AbstractDataset[list[Fold], list[Fold]]):
    """Rows of each fold, as arrays in one ``.npz`` file (``train_0``, ``validation_0``, …); no pickle inside.

    Args:
        filepath: the file.
        metadata: for Kedro-Viz; not read.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> list[Fold]:
        """The folds, in their order."""
        with np.load(self._filepath, allow_pickle=False) as arrays:
            return [Fold(arrays[f"train_{i}"], arrays[f"validation_{i}"]) for i in range(len(arrays.files) // 2)]

    def save(self, data: list[Fold]) -> None:
        """Write the folds; row numbers are kept as 64-bit integers."""
        arrays = {f"train_{i}": np.asarray(fold.train, dtype=np.int64) for i, fold in enumerate(data)}
        arrays |= {f"validation_{i}": np.asarray(fold.validation, dtype=np.int64) for i, fold in enumerate(data)}
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        with atomic(self._filepath) as file:
            np.savez(file, allow_pickle=False, **arrays)

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}


class FoldModels(Mapping[int, Any]):
    """The fitted model of each fold, read from its file when it is asked for, so that one at a time is in memory.

    Args:
        folder: folder of the files ``fold_<number>.pkl``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, fold: int) -> Any:
        path = fold_model_file(self._folder, fold)
        if not path.exists():
            raise KeyError(fold)
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - the run's own model, written moments ago

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(int(path.stem.removeprefix("fold_")) for path in self._folder.glob("fold_*.pkl")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def fold_model_file(folder: Path, fold: int) -> Path:
    """Where the model of one fold is kept."""
    return folder / f"fold_{fold}.pkl"


class FoldModelsDataset(AbstractDataset[dict[int, Any], FoldModels]):
    """The fitted model of each fold, one pickle file per fold. Each save adds the folds that it is given.

    Args:
        filepath: the folder.
        metadata: for Kedro-Viz; not read.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> FoldModels:
        """All folds' models, each read when it is asked for; empty without resampling."""
        return FoldModels(self._filepath)

    def save(self, data: dict[int, Any]) -> None:
        """Write the models of the given folds."""
        self._filepath.mkdir(parents=True, exist_ok=True)
        for fold, model in data.items():
            with atomic(fold_model_file(self._filepath, fold)) as file:
                pickle.dump(model, file, protocol=pickle.HIGHEST_PROTOCOL)

    def files(self, data: dict[int, Any]) -> list[Path]:
        """The files that :meth:`save` wrote for ``data``."""
        return [fold_model_file(self._filepath, fold) for fold in data]

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}


class TableDataset(AbstractDataset[pd.DataFrame, pd.DataFrame]):
    """A frame as a Feather file (Arrow IPC), which keeps all types, those of categories included.

    Args:
        filepath: the file.
        metadata: for Kedro-Viz; not read.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """The frame."""
        return pd.read_feather(self._filepath)

    def save(self, data: pd.DataFrame) -> None:
        """Write the frame; its index is not kept."""
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        with atomic(self._filepath) as file:
            data.reset_index(drop=True).to_feather(file)

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
