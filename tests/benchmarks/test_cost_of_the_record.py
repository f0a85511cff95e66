"""What the record of a run costs: environment, sources, checksums; and checksums of 2 GB. Printed, never asserted."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baking import Bake
from expfw.run import inputs, observed, sources
from expfw.run.environment import collect, thread_pools
from expfw.run.events import checksum
from expfw.run.repository import git_state
from expfw.run.sources import copy_sources, source_files

ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))
LARGE = 2_000_000_000

pytestmark = pytest.mark.benchmark


def milliseconds(work: Callable[[], Any], rounds: int = ROUNDS) -> str:
    measured = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        measured.append((time.perf_counter() - started) * 1000)
    return f"{statistics.median(measured):8.1f} ms ({min(measured):.1f} to {max(measured):.1f})"


def as_for_the_first_time(project: Path) -> None:
    sources._cache.clear()
    source_files(project)


def test_cost_of_the_record(bake_into: Bake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = bake_into(tmp_path).path
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *command], cwd=project, check=True)
    costs = {
        "environment, clean tree (in a thread, beside imports)": milliseconds(lambda: collect(project)),
        "  of it git": milliseconds(lambda: git_state(project)),
    }
    (project / "README.md").write_text("changed")
    (project / "new.py").write_text("new")
    collected = collect(project)
    costs |= {
        "environment, dirty tree (in a thread, beside imports)": milliseconds(lambda: collect(project)),
        "environment, written": milliseconds(lambda: collected.keep(tmp_path)),
        "  of it numerical libraries and threads": milliseconds(thread_pools),
        "sources and configuration, read": milliseconds(lambda: as_for_the_first_time(project)),
        "sources and configuration, written": milliseconds(lambda: copy_sources(source_files(project), tmp_path / "s")),
    }
    with capsys.disabled():
        print(f"\nrecord of a run, median of {ROUNDS}")
        for what, cost in costs.items():
            print(f"  {what:<55} {cost}")


def test_cost_of_noticing_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small"
    path.write_text("x")

    def read() -> None:
        for _ in range(1000):
            with path.open("rb"):
                pass

    before = milliseconds(read)
    observed.end(observed.begin())
    idle = milliseconds(read)
    observation = observed.begin()
    active = milliseconds(read)
    observed.end(observation)
    with capsys.disabled():
        print("\nopening a file 1000 times")
        for what, cost in (("never observed", before), ("between nodes", idle), ("while a node runs", active)):
            print(f"  {what:<20} {cost}")


def test_cost_of_checksums(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.disk_usage(tmp_path).free < 3 * LARGE:
        pytest.skip("there is no room for 2 GB")
    path = tmp_path / "large"
    block = os.urandom(10_000_000)
    with path.open("wb") as file:
        for _ in range(LARGE // len(block)):
            file.write(block)
    first = milliseconds(lambda: checksum(path), 3)
    inputs.state(str(path))
    again = milliseconds(lambda: inputs.state(str(path)), 3)
    path.unlink()
    with capsys.disabled():
        print(f"\nSHA-256 of {LARGE / 1e9:.0f} GB in the system's cache {first}")
        print(f"  again in one process, unchanged    {again}")
