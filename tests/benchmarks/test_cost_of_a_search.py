"""What a trial costs above the bare loop, in an empty store and a full one, and what workers gain. Printed only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest
from benchmarks.many import multiply
from runs.test_dask import Cluster

from baking import Bake, BakedProject

TRIALS = int(os.environ.get("EXPFW_BENCHMARK_TRIALS", "50"))
MANY = 10_000
JOBS = int(os.environ.get("EXPFW_BENCHMARK_JOBS", str(joblib.cpu_count())))

pytestmark = pytest.mark.benchmark


def measured(project: BakedProject, root: Path, *arguments: str) -> Any:
    """What ``searching.py`` prints."""
    variables = {
        **os.environ,
        "PYTHONPATH": str(project.path / "src"),
        "OMP_NUM_THREADS": "1",
        "EXPFW_RESULT_ROOT": str(root),
    }
    script = Path(__file__).with_name("searching.py")
    command = [sys.executable, str(script), str(project.path), *arguments]
    done = subprocess.run(command, cwd=project.path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_trial_above_the_bare_loop_in_an_empty_and_in_a_full_store(
    bake_into: Bake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = bake_into(tmp_path / "project")
    empty = measured(project, tmp_path / "empty", "overhead", str(TRIALS))
    full = tmp_path / "full"
    multiply(tmp_path / "empty" / "result_experiment_3", full, MANY)
    filled = measured(project, full, "overhead", str(TRIALS))
    with capsys.disabled():
        print(f"\n{TRIALS} trials, logistic regression, iris, 5 folds; ms per trial, from one asking to the next:")
        for name, found in (("empty store", empty), (f"{MANY} experiments", filled)):
            trial, bare, first = (1000 * found[key] for key in ("trial", "bare", "first"))
            told = f"{trial:6.1f}, bare loop {bare:6.1f}: {trial - bare:5.1f} more; the first trial {first:6.1f}"
            print(f"  {name:18} {told}")
        growth = (filled["trial"] - filled["bare"]) / (empty["trial"] - empty["bare"])
        print(f"  growth of what is added: {growth:.2f} times")
        if empty["memory"]:
            print(f"  memory after each 100 trials, MiB: {', '.join(f'{value:.0f}' for value in empty['memory'])}")


def test_trials_in_parallel(bake_into: Bake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = bake_into(tmp_path / "project")
    cluster = Cluster(tmp_path, JOBS)
    ways = {
        "serial": None,
        "loky": {"type": "loky", "params": {"n_jobs": JOBS}},
        "dask": {"type": "dask", "params": {"scheduler": cluster.address}},
    }
    try:
        found = measured(project, tmp_path / "result", "rates", json.dumps(ways))
    finally:
        cluster.end()
    with capsys.disabled():
        print(f"\n24 trials of forests, {JOBS} workers on {os.cpu_count()} cores; s (speed-up), first and second use:")
        base = min(found["serial"])
        for name, times in found.items():
            print(f"  {name:8}" + "   ".join(f"{seconds:6.2f} ({base / seconds:.2f})" for seconds in times))
