"""What the framework costs: against a bare script, a bare Kedro project, and Kedro's session in one process.

Figures are printed as ratios to a baseline measured in the same run, never asserted: a slow machine is no fault.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from baking import Bake, BakedProject

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))
EXPERIMENT = "breast_cancer_forest"

pytestmark = pytest.mark.benchmark


@dataclass(frozen=True)
class Cost:
    """One process: wall time in seconds, peak memory in MiB."""

    seconds: float
    memory: float


def cost(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Cost:
    """What a command costs where people work: there Python keeps what it compiles, unlike in the tests."""
    measuring = [sys.executable, "-S", str(HERE / "measure.py"), *command]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(measuring, cwd=folder, env={**environment, **variables}, capture_output=True, text=True)
    seconds, memory, code = json.loads(done.stdout)
    assert code == 0, done.stderr
    return Cost(seconds, memory)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(pairs):.2f} (of pairs {min(pairs):.2f} to {max(pairs):.2f})"


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    return bake_into(tmp_path_factory.mktemp("measured"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare") / "bare_kedro"
    shutil.copytree(HERE / "bare_kedro", folder)
    return folder


def test_a_run_against_a_bare_script_and_a_bare_kedro_run(
    project: BakedProject, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = sys.executable
    kedro = [python, "-m", "kedro", "run"]
    source = {"PYTHONPATH": str(project.path / "src")}
    experiment = [*kedro, "--params", f"experiment={EXPERIMENT},reuse=off"]
    costs: dict[str, list[Cost]] = {"script": [], "kedro": [], "experiment": []}
    cost(experiment, project.path, source)  # not counted: it compiles, as a project's first run does
    for _ in range(ROUNDS):
        costs["script"].append(cost([python, str(HERE / "bare_script.py"), str(tmp_path)], tmp_path, {}))
        costs["kedro"].append(cost(kedro, bare, {"PYTHONPATH": ""}))
        costs["experiment"].append(cost(experiment, project.path, source))
    assert same_metrics(project.path, tmp_path, bare)
    with capsys.disabled():
        print(f"\n{EXPERIMENT}: one process each, median of {ROUNDS} rounds")
        for name, measured in costs.items():
            seconds, memory = [c.seconds for c in measured], [c.memory for c in measured]
            print(f"  {name:<11} {statistics.median(seconds):6.2f} s {statistics.median(memory):7.0f} MiB")
        for baseline in ("script", "kedro"):
            ours, theirs = costs["experiment"], costs[baseline]
            print(f"  time / {baseline:<7} {ratio([c.seconds for c in ours], [c.seconds for c in theirs])}")
            print(f"  memory / {baseline:<5} {ratio([c.memory for c in ours], [c.memory for c in theirs])}")


def same_metrics(project: Path, script: Path, bare: Path) -> bool:
    """All three computed the same, to the bit, or the ratios would mean nothing."""
    ours = json.loads((project / "result/result_experiment_1/report/validation_metrics.json").read_text())
    theirs = json.loads((script / "metrics.json").read_text())["validation"]
    kedros = json.loads((bare / "data/validation_metrics.json").read_text())
    return all(values["folds"] == [fold[name] for fold in theirs] for name, values in ours.items()) and theirs == kedros


def test_an_experiment_in_one_process_against_kedros_own_session(
    project: BakedProject, bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = {"experiment": EXPERIMENT, "reuse": "off", "model": {"params": {"n_estimators": 1}}}
    rounds = str(4 * ROUNDS)

    def seconds(path: Path, given: Mapping[str, object], source: str) -> list[float]:
        command = [sys.executable, str(HERE / "in_process.py"), str(path), rounds, json.dumps(given)]
        variables = {
            **os.environ,
            "TREES": "1",
            "PYTHONPATH": source,
            "KEDRO_LOGGING_CONFIG": str(project.path / "config/base/logging.yml"),
        }
        done = subprocess.run(command, cwd=path, env=variables, capture_output=True, text=True, check=True)
        return [float(value) for value in json.loads(done.stdout.splitlines()[-1])]

    ours, theirs = seconds(project.path, params, str(project.path / "src")), seconds(bare, {}, "")
    with capsys.disabled():
        a, b = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
        print(f"\none process, {rounds} runs of a forest of one tree: {a:.0f} ms, Kedro's session alone {b:.0f} ms")
        print(f"  what the framework adds: {a - b:.0f} ms per experiment, ratio {a / b:.2f}")
