"""The folders of experiments: taken once, found again."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from expfw.errors import ExpfwError, RecordError
from expfw.run.folder import ResultFolder, experiment_folders, find_folder, result_root, take_folder


def test_a_folder_is_taken_with_its_parts(tmp_path: Path) -> None:
    folder = take_folder(tmp_path / "deep" / "result")
    assert folder.id == 1
    assert {path.name for path in folder.path.iterdir()} == {"data", "log", "model", "report"}
    assert take_folder(tmp_path / "deep" / "result").id == 2


def test_threads_take_folders_of_their_own(tmp_path: Path) -> None:
    taken: list[int] = []
    threads = [threading.Thread(target=lambda: taken.append(take_folder(tmp_path).id)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 21))


def test_a_number_is_not_given_again_after_its_folder_was_deleted(tmp_path: Path) -> None:
    take_folder(tmp_path)
    shutil.rmtree(take_folder(tmp_path).path)
    assert take_folder(tmp_path).id == 3


@pytest.mark.parametrize("content", ["", "x", "-5", "1", None])
def test_a_lost_or_wrong_note_of_the_last_number_does_no_harm(tmp_path: Path, content: str | None) -> None:
    for _ in range(3):
        take_folder(tmp_path)
    note = tmp_path / ".last_experiment"
    note.unlink() if content is None else note.write_text(content)
    assert take_folder(tmp_path).id == 4


def test_folders_come_by_number_not_by_name(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100):
        (tmp_path / f"result_experiment_{number}").mkdir()
    (tmp_path / "result_experiment_x").mkdir()
    (tmp_path / "other").mkdir()
    assert [folder.id for folder in experiment_folders(tmp_path)] == [1, 9, 10, 100]
    assert list(experiment_folders(tmp_path / "nowhere")) == []


def test_a_folder_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is none yet, start one with 'kedro run'"):
        find_folder(tmp_path, 1)
    take_folder(tmp_path)
    assert find_folder(tmp_path, 1).id == 1
    with pytest.raises(RecordError, match="there is no experiment 7"):
        find_folder(tmp_path, 7)


def test_a_place_that_cannot_be_written_to_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExpfwError, match="is a file, not a folder; move it away"):
        take_folder(tmp_path / "file")
    for root in (tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(ExpfwError, match="no result folder can be created in"):
            take_folder(root)


def test_another_place_is_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPFW_RESULT_ROOT", raising=False)
    assert result_root(tmp_path) == tmp_path / "result"
    monkeypatch.setenv("EXPFW_RESULT_ROOT", str(tmp_path / "elsewhere"))
    assert result_root(tmp_path) == tmp_path / "elsewhere"


def test_a_folder_with_another_name_has_no_number() -> None:
    with pytest.raises(RecordError, match="is not the folder of an experiment"):
        _ = ResultFolder(Path("result/other")).id
