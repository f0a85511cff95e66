"""What checking and describing a configuration cost, against the imports that they need. Printed, never asserted."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from baking import Bake, BakedProject

pytestmark = pytest.mark.benchmark

FILES = 200
ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    project = bake_into(tmp_path_factory.mktemp("commands"))
    for number in range(FILES):
        content = {"extends": "iris_forest", "model": {"params": {"n_estimators": number + 1}}}
        (project.path / f"config/experiments/many_{number}.json").write_text(json.dumps(content))
    return project


def seconds(project: BakedProject, command: Sequence[str]) -> float:
    environment = {**os.environ, "PYTHONPATH": str(project.path / "src")}
    started = time.perf_counter()
    subprocess.run(command, cwd=project.path, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


@pytest.mark.parametrize("command", ["check", "schema"])
def test_a_command_against_kedro_and_scikit_learn_alone(
    project: BakedProject, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    imports = (
        "import kedro.framework.cli.cli, pandas, sklearn.ensemble, sklearn.model_selection, sklearn.utils.discovery"
    )
    alone, ours = [], []
    for _ in range(ROUNDS):
        alone.append(seconds(project, [sys.executable, "-c", imports]))
        ours.append(seconds(project, [sys.executable, "-m", "kedro", "experiment", command]))
    with capsys.disabled():
        a, b = statistics.median(ours), statistics.median(alone)
        print(f"\nkedro experiment {command} over {FILES} files and more: {a:.2f} s, the imports alone {b:.2f} s")
        print(f"  ratio {a / b:.2f}, added {a - b:.2f} s")
