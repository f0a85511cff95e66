"""What looking at thousands of experiments costs, against Kedro alone and a plain scan. Printed, never asserted."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.many import multiply

from baking import Bake, BakedProject

pytestmark = pytest.mark.benchmark

MEASURE = Path(__file__).with_name("measure.py")
ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))

KEDRO = ("-m", "kedro", "--version")
LIST = ("-m", "kedro", "experiment", "list")
SCAN = """
import os, sys, orjson
root, read = sys.argv[1], 0
for entry in os.scandir(root):
    if entry.name.startswith("result_experiment_"):
        for name in ("log/run.json", "log/config.json", "log/sacred/run.json", "report/validation_metrics.json"):
            with open(f"{entry.path}/{name}", "rb") as file:
                read += bool(orjson.loads(file.read()))
"""
"""The least that a list without an index must do, in the fastest way that Python has."""


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A project in which one experiment was run."""
    project = bake_into(tmp_path_factory.mktemp("overview"))
    project.run("kedro", "run", "--params", "experiment=iris_logistic")
    return project


@pytest.mark.parametrize(
    "count",
    [
        10_000,
        pytest.param(
            100_000,
            marks=pytest.mark.skipif(
                not os.environ.get("EXPFW_BENCHMARK_FULL"), reason="takes minutes; set EXPFW_BENCHMARK_FULL to run it"
            ),
        ),
    ],
)
def test_a_list_against_kedro_alone_and_a_plain_scan(
    project: BakedProject, tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "result"
    multiply(project.path / "result" / "result_experiment_1", root, count)

    def measured(*command: str, rounds: int = ROUNDS) -> tuple[float, float]:
        """Median seconds and peak MiB of a command."""
        runs = [_measured(project, root, command) for _ in range(rounds)]
        return statistics.median(run[0] for run in runs), max(run[1] for run in runs)

    kedro, scan = measured(*KEDRO), measured("-c", SCAN, str(root))
    first = measured(*LIST, "--limit", "20", rounds=1)  # nothing is kept yet
    later = {
        "all of it": measured(*LIST),
        "sorted, the best 20": measured(*LIST, "--sort", "accuracy", "--limit", "20"),
        "filtered": measured(*LIST, "model.type=*Forest*", "accuracy>0.9"),
        "csv": measured(*LIST, "--format", "csv"),
    }
    page = measured("-m", "kedro", "experiment", "overview", rounds=1)
    with capsys.disabled():
        print(f"\n{count:,} experiments; kedro --version {kedro[0]:.2f} s, {kedro[1]:.0f} MiB")
        print(f"  plain scan with orjson, no list made: {scan[0]:.2f} s")
        print(f"  list, first call: {_told(first, kedro)}; the index has {_size(root / '.experiments')}")
        for what, run in later.items():
            print(f"  list, later, {what}: {_told(run, kedro)}")
        print(f"  overview: {_told(page, kedro)}; the page has {_size(root / 'overview.html')}")
    shutil.rmtree(root)


def _measured(project: BakedProject, root: Path, command: tuple[str, ...]) -> tuple[float, float]:
    environment = {**os.environ, "PYTHONPATH": str(project.path / "src"), "EXPFW_RESULT_ROOT": str(root)}
    process = subprocess.run(
        [sys.executable, str(MEASURE), sys.executable, *command],
        cwd=project.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    seconds, memory, code = json.loads(process.stdout)
    assert code == 0, command
    return seconds, memory


def _told(run: tuple[float, float], kedro: tuple[float, float]) -> str:
    return f"{run[0]:.2f} s, {run[0] - kedro[0]:+.2f} s against kedro, {run[1]:.0f} MiB"


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
