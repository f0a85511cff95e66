"""A disk that is full, or may not be written to: one clear message, nothing torn, other experiments untouched.

The disk is a real one: a small file system in memory, mounted by root, or the small ``/dev/shm`` of a container. Where
neither is to be had, what can be tested with a limit on the size of files is tested, everywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from runs.lab import SMALL, Lab, Outcome, sklearn, snapshot, trial
from runs.test_endings import listed
from runs.trial import fill

from expfw.run.ending import ROOM

SMALL_ENOUGH = 256 * 2**20
"""Bytes of a file system that can be filled without doing harm."""

TABLE: dict[str, Any] = {"reports": [{"type": "MetricsTable"}]}


@dataclass(frozen=True)
class Disk:
    """A file system that can be filled.

    Args:
        path: a folder on it.
    """

    path: Path

    @property
    def free(self) -> int:
        """Bytes."""
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def fill(self, leave: int) -> None:
        """Leave so many bytes."""
        fill(self.path, leave)
        assert self.free <= max(leave, 0)

    def clear(self) -> None:
        """Take away what fills it."""
        for path in self.path.glob("ballast*"):
            path.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    mount = [*root, "mount", "-t", "tmpfs", "-o", "size=12m,mode=1777", "tmpfs", str(folder)]
    if sys.platform == "linux" and _succeeds(mount):
        yield Disk(folder)
        assert _succeeds([*root, "umount", str(folder)]) or _succeeds([*root, "umount", "--lazy", str(folder)])
        return
    memory = Path("/dev/shm")
    alone = "PYTEST_XDIST_WORKER" not in os.environ  # other tests need it as well
    if not (alone and memory.is_dir() and Disk(memory).free < SMALL_ENOUGH):
        pytest.skip("no small disk: neither may one be mounted, nor is /dev/shm small, with no other test on it")
    inside = memory / f"disk_{os.getpid()}"
    inside.mkdir()
    yield Disk(inside)
    shutil.rmtree(inside)


def _succeeds(command: list[str]) -> bool:
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def check_whole(folder: Path) -> None:
    """Nothing in an experiment's folder is torn, and what is on record is there."""
    assert not list(folder.rglob("*.tmp"))
    for path in folder.rglob("*.json"):
        json.loads(path.read_text())
    checksums = json.loads((folder / "log" / "checksums.json").read_text())
    for name, digest in checksums.items():
        assert digest == f"sha256:{hashlib.sha256((folder / name).read_bytes()).hexdigest()}"


@dataclass
class Scene:
    """A result folder on a small disk, with one experiment, and how much that took."""

    lab: Lab
    disk: Disk
    changes: dict[str, Any]
    used: int
    before: dict[str, bytes]

    def run(self, leave: int | None = None, **changes: Any) -> Outcome:
        """Run with so many bytes left; look whether the first experiment is as it was."""
        if leave is not None:
            self.disk.fill(leave)
        outcome = self.lab.run({**self.changes, **changes}, params="reuse=off")
        assert snapshot(self.lab.root / "result_experiment_1") == self.before
        return outcome

    def go_on(self, expected: dict[int, str]) -> None:
        """``list`` works on the full disk; when there is space again, the next run does."""
        assert listed(self.lab) == expected
        self.disk.clear()
        assert self.run().ok().sacred["status"] == "COMPLETED"
        assert listed(self.lab)[1] == "COMPLETED"


@pytest.fixture
def scene(lab: Lab, disk: Disk) -> Scene:
    """A first experiment on the small disk."""
    there = lab.at(disk.path / "result")
    there.started = lab.started
    free = disk.free
    folder = there.run(TABLE, params="reuse=off").ok().folder
    return Scene(there, disk, TABLE, free - disk.free, snapshot(folder))


def check_failed(outcome: Outcome) -> None:
    """One message that says what to do; on record as FAILED, with its traceback."""
    message = outcome.message()
    assert outcome.code == 1
    assert "No space left on device" in message
    assert "The disk is full, or your share of it: free some space, then run it again" in message
    assert "It is recorded as FAILED; the traceback is in" in message
    assert "No space left on device" in (outcome.folder / "log" / "traceback.txt").read_text()
    assert outcome.sacred["status"] == "FAILED"
    assert outcome.sacred["stop_time"]
    assert "No space left on device" in "".join(outcome.sacred["fail_trace"])
    assert not (outcome.folder / "log" / ".room").exists()


@pytest.mark.parametrize("leave", [0, 8192, ROOM - 8192])
def test_a_full_disk_at_the_start_is_one_message_and_creates_nothing(scene: Scene, leave: int) -> None:
    outcome = scene.run(leave)
    assert "no result folder can be created in" in outcome.message()
    assert "No space left on device; free or unlock the disk" in outcome.message()
    assert [folder.name for folder in outcome.folders] == ["result_experiment_1"]
    scene.go_on({1: "COMPLETED"})


def test_a_disk_that_is_full_before_the_first_node(scene: Scene) -> None:
    outcome = scene.run(ROOM + 40_000)
    check_failed(outcome)
    assert not list((outcome.folder / "data").iterdir())
    scene.go_on({1: "COMPLETED", 2: "FAILED"})


def test_a_disk_that_is_full_when_a_model_is_saved(scene: Scene) -> None:
    outcome = scene.run(model=trial("Greedy", folder=str(scene.disk.path), leave=50_000))
    check_failed(outcome)
    assert "fold_models" in outcome.message() or "final_model" in outcome.message()
    check_whole(outcome.folder)
    assert "data/raw_data.pkl" in outcome.json("log/checksums.json")
    assert not list((outcome.folder / "model").rglob("*.pkl"))
    scene.go_on({1: "COMPLETED", 2: "FAILED"})


@pytest.mark.slow
def test_a_disk_that_is_full_when_the_page_is_written(scene: Scene) -> None:
    page = len(scene.before["report/index.html"])
    index = 4096 * len(list((scene.lab.root / ".known_outputs").iterdir()))  # which the first experiment made
    outcome = scene.run(scene.used + ROOM - page - index)
    check_failed(outcome)
    assert "index.html" in outcome.message()
    check_whole(outcome.folder)
    assert outcome.metrics["validation"]["accuracy"]["folds"], "what was measured is kept"
    scene.go_on({1: "COMPLETED", 2: "FAILED"})


@pytest.mark.slow
def test_what_is_kept_for_the_ending_is_enough_for_it(scene: Scene) -> None:
    """With not one block more than the outputs need, the run completes: log, timing and record fit into that room."""
    outcome = scene.run(scene.used + ROOM - 8192)
    if outcome.code:
        check_failed(outcome)
    else:
        assert outcome.sacred["status"] == "COMPLETED"
        assert "completed" in outcome.err
    check_whole(outcome.folder)


def test_a_disk_that_stays_full_whatever_is_freed(scene: Scene) -> None:
    """Another program takes every byte; so the ending may be on record or not, but it is never told wrongly."""
    outcome = scene.run(model=trial("Greedy", folder=str(scene.disk.path), always=True))
    assert "No space left on device" in outcome.message()
    recorded = "It is recorded as FAILED" in outcome.message()
    assert recorded or "Its ending could not be recorded" in outcome.message()
    scene.go_on({1: "COMPLETED", 2: "FAILED" if recorded else "DEAD"})


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_a_full_disk_with_workers_of_other_kinds(scene: Scene, runner: str) -> None:
    scene.disk.fill(ROOM + 600_000)
    outcome = scene.lab.run(TABLE, "--runner", runner, params="reuse=off")
    check_failed(outcome)
    scene.go_on({1: "COMPLETED", 2: "FAILED"})


@pytest.mark.slow
def test_a_disk_that_becomes_full_at_any_point(scene: Scene) -> None:
    """From not enough for the folder to enough for all, block by block where it matters."""
    levels = [*range(0, scene.used, 40_000), *range(scene.used, scene.used + ROOM + 8192, 8192)]
    statuses = []
    for leave in levels:
        outcome = scene.run(leave)
        if len(outcome.folders) == 1:
            assert "no result folder can be created" in outcome.message()
            statuses.append("none")
        elif outcome.code:
            check_failed(outcome)
            statuses.append("FAILED")
        else:
            assert outcome.sacred["status"] == "COMPLETED"
            statuses.append("COMPLETED")
        if statuses[-1] != "none":
            assert listed(scene.lab) == {1: "COMPLETED", int(outcome.folder.name.rpartition("_")[2]): statuses[-1]}
            shutil.rmtree(outcome.folder)
        scene.disk.clear()
    assert [statuses[0], statuses[-1]] == ["none", "COMPLETED"]
    assert statuses == sorted(statuses, key=["none", "FAILED", "COMPLETED"].index)
    assert statuses.count("FAILED") > 5


@pytest.mark.parametrize("limit", [300_000, 700_000])
def test_a_limit_on_the_size_of_files_is_one_message(lab: Lab, limit: int) -> None:
    """Needs no right: each larger file fails in the middle of its writing, as on a full disk."""
    first = lab.run().ok().folder
    before = snapshot(first)
    outcome = lab.run({"data_source": {"type": "SklearnDataset", "params": {"name": "digits"}}}, limit=limit)
    assert outcome.code == 1
    assert "File too large" in outcome.message()
    assert outcome.sacred["status"] == "FAILED"
    check_whole(outcome.folder)
    assert snapshot(first) == before
    assert lab.run().ok().folder.name == "result_experiment_3"
    assert listed(lab) == {1: "COMPLETED", 2: "FAILED", 3: "COMPLETED"}


def test_a_limit_below_what_the_ending_needs_is_refused_at_the_start(lab: Lab) -> None:
    outcome = lab.run(limit=ROOM - 1)
    assert "no result folder can be created" in outcome.message()
    assert "File too large" in outcome.message()
    assert not outcome.folders


READ_ONLY = """
import ctypes, os, sys
if os.geteuid() == 0:
    # Root may write anywhere by a capability, which each process may give up, in any container.
    class Header(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
    class Data(ctypes.Structure):
        _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]
    libc, header, data = ctypes.CDLL(None, use_errno=True), Header(0x20080522, 0), (Data * 2)()
    assert libc.capget(ctypes.byref(header), data) == 0
    data[0].effective &= ~(1 << 1)  # CAP_DAC_OVERRIDE
    assert libc.capset(ctypes.byref(header), data) == 0, os.strerror(ctypes.get_errno())
sys.argv = ["kedro", *{args!r}]
from kedro.framework.cli.cli import main
main()
"""


def without_rights(lab: Lab, *args: str) -> Outcome:
    """A command that is bound by the permissions of files, whoever runs the tests."""
    return lab.start(code=READ_ONLY.format(args=list(args))).wait()


@pytest.fixture
def locked(lab: Lab) -> Iterator[Lab]:
    """A result folder with one experiment, in which nothing can be written."""
    lab.run(TABLE).ok()
    folders = [lab.root, *(path for path in lab.root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield lab
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_result_folder_is_one_message(locked: Lab) -> None:
    before = snapshot(locked.root)
    outcome = without_rights(locked, "run", "--params", f"experiment={locked.write(SMALL)}")
    assert outcome.code == 1
    assert f"no result folder can be created in '{locked.root}': Permission denied" in outcome.message()
    assert "EXPFW_RESULT_ROOT" in outcome.message()
    assert snapshot(locked.root) == before


def test_a_read_only_result_folder_can_be_looked_at(locked: Lab) -> None:
    (record,) = json.loads(without_rights(locked, "experiment", "list", "--format", "json").ok().out)
    assert record["status"] == "COMPLETED"
    assert "accuracy" in without_rights(locked, "experiment", "show", "1").ok().out


def test_a_parent_that_cannot_be_written_to_gives_what_it_has(locked: Lab) -> None:
    """An archive: its experiments can be referred to; they are not told of it, which is logged."""
    locked.root.chmod(0o755)
    name = locked.write({**SMALL, "data_source": {"from_experiment": 1}, "model": sklearn("svm.SVC")})
    outcome = without_rights(locked, "run", "--params", f"experiment={name}").ok()
    assert outcome.json("log/run.json")["parents"] == [1]
    assert "experiment 1 cannot be told of its child: Permission denied" in outcome.err


def test_a_folder_that_becomes_read_only_during_the_run(lab: Lab) -> None:
    """As a network disk may. The ending cannot be recorded then, and that is said."""
    lab.run().ok()
    experiment = lab.write({**SMALL, "model": trial("Locking", root=str(lab.root))})
    outcome = without_rights(lab, "run", "--params", f"experiment={experiment}")
    for folder in (lab.root / "result_experiment_2").rglob("*"):
        if folder.is_dir():
            folder.chmod(0o755)
    assert "Permission denied" in outcome.message()
    assert "Its ending could not be recorded" in outcome.message()
    assert listed(lab) == {1: "COMPLETED", 2: "DEAD"}
