"""Pickle files: equal wherever the result folder lies, and leading to where it lies when they are read."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from expfw.datasets import FoldModelsDataset, ObjectDataset
from expfw.pickling import ClassGone
from expfw.report.collector import ReportCollector
from expfw.run.events import EventLog, Timer
from expfw.run.folder import ResultFolder


def services(folder: Path) -> dict[str, Any]:
    """What a component may have kept."""
    result = ResultFolder(folder)
    return {
        "folder": result,
        "collector": ReportCollector(result.sections, step="fit"),
        "timer": Timer(EventLog(result.log / "events.jsonl"), step="fit"),
        "elsewhere": Path("/somewhere/else"),
        "pure": PurePosixPath("/somewhere"),
    }


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """The folders of two experiments, in different places."""
    return [tmp_path / "result" / "result_experiment_1", tmp_path / "other" / "place" / "result_experiment_23"]


def test_what_two_experiments_keep_alike_is_the_same_bytes(folders: list[Path]) -> None:
    for folder in folders:
        ObjectDataset(filepath=str(folder / "model" / "final_model.pkl")).save(services(folder))
        FoldModelsDataset(filepath=str(folder / "model" / "folds")).save({3: services(folder)})
    for name in ("model/final_model.pkl", "model/folds/fold_3.pkl"):
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two
        assert str(folders[0].parent).encode() not in one


def test_a_path_leads_to_where_the_folder_lies_now(folders: list[Path]) -> None:
    ObjectDataset(filepath=str(folders[0] / "model" / "final_model.pkl")).save(services(folders[0]))
    FoldModelsDataset(filepath=str(folders[0] / "model" / "folds")).save({0: services(folders[0])})
    folders[1].parent.mkdir(parents=True)
    folders[0].rename(folders[1])
    final = ObjectDataset(filepath=str(folders[1] / "model" / "final_model.pkl")).load()
    fold = FoldModelsDataset(filepath=str(folders[1] / "model" / "folds")).load()[0]
    for kept in (final, fold):
        assert kept["folder"].path == folders[1]
        assert kept["collector"].folder == folders[1] / "report" / "sections"
        assert kept["timer"].events.path == folders[1] / "log" / "events.jsonl"
        assert kept["elsewhere"] == Path("/somewhere/else")
        assert kept["pure"] == PurePosixPath("/somewhere")


def test_plain_pickle_reads_it_too_and_gets_a_path_relative_to_nothing(folders: list[Path]) -> None:
    path = folders[0] / "model" / "final_model.pkl"
    ObjectDataset(filepath=str(path)).save(services(folders[0]))
    kept = pickle.loads(path.read_bytes())
    assert kept["collector"].folder == Path("report/sections")


def test_a_folder_behind_a_link_is_known_by_either_name(folders: list[Path], tmp_path: Path) -> None:
    folders[0].mkdir(parents=True)
    (tmp_path / "linked").symlink_to(folders[0].parent)
    linked = tmp_path / "linked" / folders[0].name
    dataset = ObjectDataset(filepath=str(linked / "kept.pkl"))
    dataset.save([linked / "data", folders[0] / "data"])
    assert dataset.load() == [linked / "data", linked / "data"]


def test_outside_of_a_result_folder_a_path_stays_as_it_is(tmp_path: Path) -> None:
    dataset = ObjectDataset(filepath=str(tmp_path / "kept.pkl"))
    dataset.save([tmp_path / "data", {"other": 1}])
    assert dataset.load() == [tmp_path / "data", {"other": 1}]


def test_a_class_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shortlived.py").write_text("class Model:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    from shortlived import Model  # type: ignore[import-not-found]

    dataset = ObjectDataset(filepath=str(tmp_path / "kept.pkl"))
    dataset.save(Model())
    monkeypatch.delitem(sys.modules, "shortlived")
    (tmp_path / "shortlived.py").unlink()
    with pytest.raises(Exception, match=r"class shortlived\.Model cannot be imported") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, ClassGone)
