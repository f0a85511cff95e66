"""``make demo``: from nothing to a report. Needs Python only (the standard library) and git's checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).resolve().parent.parent


def say(step: str) -> None:
    """Announce a step."""
    print(f"\n── {step}", flush=True)


def environment(folder: Path) -> Path:
    """Create a virtual environment and return the folder of its commands."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command, its output on the terminal."""
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


def output_of(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed."""
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


def bake(folder: Path) -> Path:
    """Generate a project with all defaults, with a Cookiecutter of its own."""
    commands = environment(folder / "cookiecutter")
    run(commands / "python", "-m", "pip", "install", "--quiet", "cookiecutter>=2.6,<3", cwd=folder)
    run(commands / "cookiecutter", "--no-input", "--default-config", TEMPLATE, cwd=folder)
    return next(path.parent for path in folder.glob("*/pyproject.toml"))


def main_results(experiment: dict[str, Any]) -> list[str]:
    """One line per metric."""
    lines = [
        f"  {name} (validation): {value['mean']:.3f} ± {value['std']:.3f}"
        for name, value in experiment["metrics"].get("validation", {}).items()
    ]
    return lines + [f"  {name} (test): {value:.3f}" for name, value in experiment["metrics"].get("test", {}).items()]


def demo() -> None:
    """Bake, install, run, and tell the results."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    folder = Path(tempfile.mkdtemp(prefix="expfw-demo-"))
    say(f"bake a project in {folder}")
    project = bake(folder)
    say("install it in its own environment")
    commands = environment(project / ".venv")
    run(commands / "python", "-m", "pip", "install", "--quiet", "-e", ".", cwd=project)
    say("run the default experiment")
    run(commands / "kedro", "run", cwd=project)
    say("results")
    experiment = json.loads(output_of(commands / "kedro", "experiment", "show", "1", "--format", "json", cwd=project))
    report = (project / experiment["path"] / "report" / "index.html").resolve()
    print(f"  experiment {experiment['id']}, {experiment['name']}: {experiment['status']}")
    print("\n".join(main_results(experiment)))
    print(f"  report: {report}")
    if not report.is_file():
        sys.exit(f"demo: the report is missing: {report}")


if __name__ == "__main__":
    try:
        demo()
    except subprocess.CalledProcessError as error:
        sys.exit(f"demo: this command failed with exit code {error.returncode}: {' '.join(error.cmd)}")
