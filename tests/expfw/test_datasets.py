"""Kedro datasets of the workflow: what is loaded is what was saved, and a file is whole or not there."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expfw.datasets import FoldModels, FoldModelsDataset, FoldsDataset, TableDataset
from expfw.interfaces import Fold


class Unpicklable:
    """Cannot be kept."""

    def __reduce__(self) -> Any:
        raise TypeError("cannot be kept")


def files(folder: Path) -> list[str]:
    """All files below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_folds_come_back_in_their_order(tmp_path: Path) -> None:
    folds = [Fold(np.arange(number, 20), np.arange(number)) for number in range(1, 13)]
    dataset = FoldsDataset(filepath=str(tmp_path / "deep" / "folds.npz"))
    assert not dataset.exists()
    dataset.save(folds)
    assert dataset.exists()
    for before, after in zip(folds, dataset.load(), strict=True):
        assert after.train.tolist() == before.train.tolist()
        assert after.validation.tolist() == before.validation.tolist()
        assert after.train.dtype == np.int64


def test_no_folds_are_no_folds(tmp_path: Path) -> None:
    dataset = FoldsDataset(filepath=str(tmp_path / "folds.npz"))
    dataset.save([])
    assert dataset.load() == []


def test_the_same_folds_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        FoldsDataset(filepath=str(tmp_path / name)).save([Fold(np.arange(5), np.arange(5, 8))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_fold_models_are_read_one_by_one(tmp_path: Path) -> None:
    dataset = FoldModelsDataset(filepath=str(tmp_path / "folds"))
    for number in (0, 2, 10, 1):
        dataset.save({number: f"model {number}"})
    models = dataset.load()
    assert list(models) == [0, 1, 2, 10]
    assert (models[10], len(models)) == ("model 10", 4)
    with pytest.raises(KeyError):
        models[3]
    assert files(tmp_path) == [f"folds/fold_{number}.pkl" for number in (0, 1, 10, 2)]
    assert dataset.files({2: None}) == [tmp_path / "folds" / "fold_2.pkl"]


def test_without_models_there_are_none(tmp_path: Path) -> None:
    assert list(FoldModels(tmp_path / "nowhere")) == []


def test_a_model_that_cannot_be_kept_leaves_the_others_and_no_half_file(tmp_path: Path) -> None:
    dataset = FoldModelsDataset(filepath=str(tmp_path))
    dataset.save({0: "first"})
    with pytest.raises(Exception, match="cannot be kept"):
        dataset.save({1: [b"much" * 100_000, Unpicklable()]})
    assert files(tmp_path) == ["fold_0.pkl"]
    assert pickle.loads((tmp_path / "fold_0.pkl").read_bytes()) == "first"


def test_a_table_comes_back_with_its_kinds(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "number": pd.Categorical([3, 1, 3], categories=[1, 2, 3]),
            "text": pd.Categorical(["b", "a", "b"]),
            "truth": pd.Categorical([True, False, True]),
            "decimal": [0.1, np.nan, 1e300],
        },
        index=[5, 6, 7],
    )
    dataset = TableDataset(filepath=str(tmp_path / "table.feather"))
    dataset.save(frame)
    loaded = dataset.load()
    assert loaded.index.tolist() == [0, 1, 2]
    assert loaded["number"].cat.categories.tolist() == [1, 2, 3]
    assert loaded["truth"].cat.categories.tolist() == [False, True]
    pd.testing.assert_frame_equal(loaded, frame.reset_index(drop=True), check_categorical=False)


@pytest.mark.parametrize("dataset", [FoldsDataset, FoldModelsDataset, TableDataset])
def test_a_dataset_tells_where_it_lies(dataset: Any, tmp_path: Path) -> None:
    assert tmp_path.as_posix() in str(dataset(filepath=str(tmp_path / "x")))
    assert dataset(filepath="x", metadata={"layer": "data"}).metadata == {"layer": "data"}
