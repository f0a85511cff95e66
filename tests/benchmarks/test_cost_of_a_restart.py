"""What a restart saves: a run that was killed at 80 % of its folds against a whole run. Printed, never asserted."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from baking import Bake, BakedProject

pytestmark = pytest.mark.benchmark

ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "3"))
FOLDS = 10
EXPERIMENT = {
    "extends": "breast_cancer_forest",
    "resampling": {"type": "sklearn.model_selection.StratifiedKFold", "params": {"n_splits": FOLDS, "shuffle": True}},
    "model": {"type": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 400}},
}


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    project = bake_into(tmp_path_factory.mktemp("measured"))
    path = project.path / "config" / "experiments" / "long.json"
    path.write_text(json.dumps(EXPERIMENT), encoding="utf-8")
    return project


def start(project: BakedProject, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "kedro", *args],
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def seconds(project: BakedProject, *args: str) -> float:
    began = time.perf_counter()
    assert start(project, *args).wait() == 0
    return time.perf_counter() - began


def killed_at_eighty_percent(project: BakedProject, number: int) -> None:
    process = start(project, "run", "--params", "experiment=long,reuse=off")
    folds = project.path / "result" / f"result_experiment_{number}" / "model" / "folds"
    while len(list(Path(folds).glob("fold_*.pkl"))) < 0.8 * FOLDS:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_restart_against_a_whole_run(
    project: BakedProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(project.path / "src"))
    whole, rest = [], []
    for number in range(1, 2 * ROUNDS, 2):
        whole.append(seconds(project, "run", "--params", "experiment=long,reuse=off"))
        killed_at_eighty_percent(project, number + 1)
        rest.append(seconds(project, "experiment", "restart", str(number + 1)))
    ratios = [b / a for a, b in zip(whole, rest, strict=True)]
    with capsys.disabled():
        print(
            f"\n{FOLDS} folds of a forest: whole {statistics.median(whole):.2f} s, restarted after 80 % of the folds "
            f"{statistics.median(rest):.2f} s: {statistics.median(ratios):.2f} times "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )
