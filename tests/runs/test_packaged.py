"""A packaged project, installed from its wheel, runs with the configuration that was packed beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runs.lab import PACKAGE, wait_for

from baking import Bake

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from the project, nothing of the tests' own on the path."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "DO_NOT_TRACK": "1", "HOME": str(cwd)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_wheel_runs_with_the_packed_configuration(bake: Bake, tmp_path: Path) -> None:
    """Its environment sees the packages of the tests' own, but nothing of the project except the wheel."""
    project = bake()
    project.run(sys.executable, "-m", "kedro", "package")
    (wheel,), (conf,) = (list((project.path / "dist").glob(f"*.{ending}")) for ending in ("whl", "tar.gz"))
    environment, elsewhere = tmp_path / "venv", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "venv", environment, cwd=elsewhere)
    python = environment / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=elsewhere).strip())
    own = run(sys.executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=elsewhere).strip()
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=elsewhere)
    (site / "tests_own.pth").write_text(f"{own}\n")
    project.path.rename(tmp_path / "away")

    conf = tmp_path / "away" / "dist" / conf.name
    command: list[str | Path] = [python, "-m", PACKAGE, f"--conf-source={conf}", "--params", "experiment=iris_logistic"]
    said = run(*command, cwd=elsewhere)
    assert "iris_logistic completed" in said, said
    folder = wait_for("the folder", lambda: next((elsewhere / "result").glob("result_experiment_*"), None))
    metrics = json.loads((folder / "report" / "validation_metrics.json").read_text())
    assert metrics["accuracy"]["mean"] > 0.9
    assert (folder / "report" / "index.html").is_file()

    run(*command[:-1], "experiment=my_first", cwd=elsewhere)
    assert (elsewhere / "result" / "result_experiment_2" / "report" / "index.html").is_file()
    origin = json.loads((elsewhere / "result" / "result_experiment_2" / "log" / "origin.json").read_text())
    assert "experiments/my_first.json:" in origin["model.type"]
