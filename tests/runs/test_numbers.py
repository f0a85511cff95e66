"""N is taken atomically, however many runs start at once; a place that cannot be written to is one clear message."""

from __future__ import annotations

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from runs.lab import SMALL, Lab, snapshot

from expfw.run.folder import take_folder

STARTERS = 30


def take(root: Path) -> int:
    """Take a folder, in a process of its own."""
    return take_folder(root).id


def test_thirty_processes_take_thirty_numbers(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(STARTERS, mp_context=context) as pool:
        taken = list(pool.map(take, [tmp_path / "result"] * (STARTERS * 3)))
    assert sorted(taken) == list(range(1, STARTERS * 3 + 1))


def test_runs_that_start_at_once_have_folders_of_their_own(lab: Lab) -> None:
    name = lab.write({**SMALL, "holdout": None})
    commands = [lab.start("run", "--params", f"experiment={name}") for _ in range(8)]
    outcomes = [command.wait().ok() for command in commands]
    folders = outcomes[0].folders
    assert [folder.name for folder in folders] == [f"result_experiment_{n}" for n in range(1, 9)]
    metrics = {(folder / "report" / "validation_metrics.json").read_bytes() for folder in folders}
    assert len(metrics) == 1
    assert all((folder / "report" / "index.html").is_file() for folder in folders)


def test_the_number_of_a_deleted_experiment_is_not_given_again(lab: Lab) -> None:
    lab.run().ok()
    second = lab.run().ok()
    shutil.rmtree(second.folder)
    assert lab.run().ok().folder.name == "result_experiment_3"


def test_a_file_in_place_of_the_results_is_one_message(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "result").write_text("a file")
    message = lab.run().message()
    assert f"'{tmp_path / 'result'}' is a file, not a folder" in message
    assert "EXPFW_RESULT_ROOT" in message


def test_a_place_that_refuses_folders_is_one_message(lab: Lab) -> None:
    message = lab.at(Path("/proc/nowhere")).run().message()
    assert "no result folder can be created in '/proc/nowhere'" in message


def test_a_full_disk_during_the_run_is_one_message_and_leaves_other_results_alone(lab: Lab) -> None:
    first = lab.run().ok().folder
    before = snapshot(first)
    big = {"data_source": {"type": "SklearnDataset", "params": {"name": "digits"}}}
    outcome = lab.run(big, limit=300_000)
    assert outcome.folder.name == "result_experiment_2"
    assert "File too large" in outcome.message()
    assert outcome.sacred["status"] == "FAILED"
    assert snapshot(first) == before
