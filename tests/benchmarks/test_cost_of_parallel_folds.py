"""What folds in parallel gain, next to scikit-learn's ``cross_validate``. Figures are printed, never asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from runs.test_dask import Cluster

from baking import Bake

JOBS = int(os.environ.get("EXPFW_BENCHMARK_JOBS", str(joblib.cpu_count())))

pytestmark = pytest.mark.benchmark


def test_eight_folds_of_a_forest_in_serial_loky_dask_and_by_cross_validate(
    bake_into: Bake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = bake_into(tmp_path / "project")
    cluster = Cluster(tmp_path, JOBS)
    script = Path(__file__).with_name("parallel_folds.py")
    variables = {**os.environ, "PYTHONPATH": str(project.path / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(project.path), str(JOBS), cluster.address]
    try:
        done = subprocess.run(command, cwd=project.path, env=variables, capture_output=True, text=True, check=False)
    finally:
        cluster.end()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    serial = {True: min(found["cross_validate serial"]), False: min(found["serial"])}
    with capsys.disabled():
        print(f"\n8 folds of a forest, {JOBS} workers on {os.cpu_count()} cores; s (speed-up), first and second use:")
        for name, times in found.items():
            base = serial[name.startswith("cross")]
            print(f"  {name:22}" + "   ".join(f"{seconds:6.2f} ({base / seconds:.2f})" for seconds in times))
