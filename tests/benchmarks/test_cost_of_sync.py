"""What it costs to bring many experiments to the team's database: seconds and memory. Printed, never asserted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from services.fixtures import mongod, mongod_binary
from services.server import Mongod

from baking import PROJECT, Bake

__all__ = ["mongod", "mongod_binary"]

pytestmark = [pytest.mark.benchmark, pytest.mark.services]

EXPERIMENTS = int(os.environ.get("EXPFW_BENCHMARK_EXPERIMENTS", "1000"))
UP_TO_DATE = 10 * EXPERIMENTS

MEASURED = """
import sys, time
from pathlib import Path
from expfw.database.address import Address
from expfw.database.store import Store
from expfw.database.synchronise import synchronise

def peak():
    # Not getrusage: what that calls the peak includes the parent's.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

root, url, few = Path(sys.argv[1]), sys.argv[2], [int(number) for number in sys.argv[3].split(",") if number]
with Store(Address.parse(url), timeout=30) as store:
    synchronise(root, store, few)
    before, started = peak(), time.perf_counter()
    report = synchronise(root, store)
    seconds = time.perf_counter() - started
    print(seconds, peak() - before, len(report.uploaded), len(report.unchanged), len(report.failed))
"""


def measure(root: Path, url: str, few: str) -> tuple[float, float, int, int, int]:
    """Seconds, growth of the peak memory in MiB, and how many were uploaded, unchanged and failed."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    command = [sys.executable, "-c", MEASURED, str(root), url, few]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, memory, *counts = done.stdout.split()
    uploaded, unchanged, failed = map(int, counts)
    return float(seconds), float(memory), uploaded, unchanged, failed


def multiply(first: Path, numbers: range) -> None:
    """Copies of an experiment, each with an identity of its own; the sources are linked, since they never change."""
    run = json.loads((first / "log" / "run.json").read_text())
    for number in numbers:
        copy = first.with_name(f"result_experiment_{number}")
        for part in ("log", "report"):
            shutil.copytree(first / part, copy / part, copy_function=os.link)
        (copy / "log" / "run.json").unlink()
        (copy / "log" / "run.json").write_text(json.dumps({**run, "id": number, "uuid": f"benchmark-{number}"}))


@pytest.fixture
def first(bake_into: Bake, tmp_path: Path) -> Path:
    """A real experiment."""
    project = bake_into(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(project.path / "src"), "EXPFW_MONGODB_URL": ""}
    command = [sys.executable, "-m", "kedro", "run", "--params", "experiment=iris_forest,reuse=off"]
    subprocess.run(command, cwd=project.path, env=environment, check=True, capture_output=True)
    return project.path / "result" / "result_experiment_1"


def test_many_experiments(first: Path, mongod: Mongod, capsys: pytest.CaptureFixture[str]) -> None:
    multiply(first, range(2, EXPERIMENTS + 2))
    seconds, memory, uploaded, _, failed = measure(first.parent, mongod.uri, "1")
    again, more, _, unchanged, _ = measure(first.parent, mongod.uri, "1")
    assert (uploaded, unchanged, failed) == (EXPERIMENTS, EXPERIMENTS + 1, 0)
    with mongod.client() as client:
        size = client.experiments.command("dbStats")["dataSize"] / 2**20
    with capsys.disabled():
        print(f"\nsync of {EXPERIMENTS} experiments ({size:.0f} MiB): {seconds:.1f} s, peak memory +{memory:.1f} MiB")
        print(f"  again, all up to date: {again:.2f} s, +{more:.1f} MiB")


def test_very_many_that_are_up_to_date(first: Path, mongod: Mongod, capsys: pytest.CaptureFixture[str]) -> None:
    """Documents are large here: 20 kB of output each, which must not be read."""
    multiply(first, range(2, UP_TO_DATE + 1))
    seconds, memory, uploaded, unchanged, _ = fill_and_measure(first.parent, mongod)
    assert (uploaded, unchanged) == (0, UP_TO_DATE)
    with capsys.disabled():
        print(f"\nsync of {UP_TO_DATE} experiments that are up to date: {seconds:.2f} s, peak memory +{memory:.1f} MiB")


def fill_and_measure(root: Path, mongod: Mongod) -> tuple[float, float, int, int, int]:
    """Measure with documents that say that all is there."""
    from expfw.database.documents import identity
    from expfw.database.files import digest_of
    from expfw.run.folder import experiment_folders

    with mongod.client() as client:
        batch = []
        for folder in experiment_folders(root):
            own = {"uuid": identity(folder)[0], "digest": digest_of(folder)}
            batch.append({"_id": folder.id, "captured_out": "x" * 20_000, "expfw": own})
            if len(batch) == 500:
                client.experiments.runs.insert_many(batch)
                batch = []
        if batch:
            client.experiments.runs.insert_many(batch)
    return measure(root, mongod.uri, "1")
