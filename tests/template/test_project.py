"""A fresh project in an environment of its own, as its user has it (slow: each environment is installed anew)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from baking import TEMPLATE, Bake, BakedProject

pytestmark = pytest.mark.slow

HOSTILE = {
    "project_name": "Größe \"&\" 'Gewicht' {1} – 日本",
    "repo_name": "study.2024",
    "python_package": "groesse_2",
    "description": 'Is it "safe"? \\ $(id) `id` <b> {x} 👩‍🔬',
}


def interpreter(version: str) -> Path:
    """The interpreter of a version, or a skip (which is a failure where nothing may be missing)."""
    named = os.environ.get(f"EXPFW_TEST_PYTHON_{version.replace('.', '_')}")
    candidates = [named, f"python{version}", *pyenv_interpreters(version)]
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        candidates.insert(0, sys.executable)
    for candidate in filter(None, candidates):
        command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        found = shutil.which(candidate) and subprocess.run(command, capture_output=True, text=True).stdout.strip()
        if found == version:
            return Path(candidate)
    pytest.skip(f"Python {version} was not found on the PATH or below pyenv's versions")


def pyenv_interpreters(version: str) -> list[str]:
    """What pyenv has of a version, the newest first."""
    pyenv = shutil.which("pyenv")
    if not pyenv:
        return []
    root = Path(subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip())
    return sorted((str(path) for path in root.glob(f"versions/{version}.*/bin/python")), reverse=True)


@dataclass(frozen=True)
class InstalledProject:
    """A baked project with its own environment."""

    project: BakedProject
    commands: Path

    def run(self, command: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Run a command of the project's environment, nothing of the tests' own on the path."""
        own = {"PYTHONPATH": "", "VIRTUAL_ENV": str(self.commands.parent)}
        settings = {**own, "PYTHONDONTWRITEBYTECODE": "", **(env or {})}  # or each command compiles what uv installed
        return self.project.run(self.commands / command, *arguments, env=settings).stdout


def install(project: BakedProject, python: Path) -> InstalledProject:
    """Install as the README says, with pip; other versions than the README's are installed by uv, which is faster."""
    commands = project.path / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    if python == Path(sys.executable):
        project.run(python, "-m", "venv", ".venv")
        project.run(commands / "python", "-m", "pip", "install", "--quiet", "-e", ".[dev]", env={"PYTHONPATH": ""})
    else:
        project.run(sys.executable, "-m", "uv", "venv", "--quiet", "--seed", f"--python={python}", ".venv")
        target = f"--python={commands / 'python'}"
        project.run(sys.executable, "-m", "uv", "pip", "install", "--quiet", target, "-e", ".[dev]")
    return InstalledProject(project, commands)


@pytest.fixture(scope="module", params=["3.11", "3.12", "3.13"])
def installed(
    request: pytest.FixtureRequest, bake_into: Bake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstalledProject]:
    """A project of each supported Python; the one of 3.12 with hostile answers."""
    python = interpreter(request.param)
    folder = tmp_path_factory.mktemp("installed")
    yield install(bake_into(folder, **(HOSTILE if request.param == "3.12" else {})), python)
    shutil.rmtree(folder, ignore_errors=True)


def test_it_passes_its_own_lint_and_format(installed: InstalledProject) -> None:
    installed.run("ruff", "check", "--no-cache", ".")
    installed.run("ruff", "format", "--no-cache", "--check", ".")


def test_it_passes_its_own_types(installed: InstalledProject) -> None:
    installed.run("mypy")


def test_it_passes_its_own_tests(installed: InstalledProject) -> None:
    installed.run("pytest", "-q")


def test_its_requirements_agree(installed: InstalledProject) -> None:
    installed.run("python", "-m", "ensurepip", "--upgrade")
    installed.run("python", "-m", "pip", "check")


def test_the_default_experiment_runs_and_is_listed(installed: InstalledProject) -> None:
    installed.run("kedro", "run")
    path = installed.project.path
    assert (path / "result" / "result_experiment_1" / "report" / "index.html").is_file()
    (first,) = json.loads(installed.run("kedro", "experiment", "list", "--format", "json"))
    assert (first["id"], first["status"]) == (1, "COMPLETED")


def test_its_wheel_holds_both_packages_and_the_reports_templates(installed: InstalledProject, tmp_path: Path) -> None:
    installed.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ".")
    (wheel,) = tmp_path.glob("*.whl")
    names = installed.run("python", "-m", "zipfile", "--list", wheel)
    assert "expfw/py.typed" in names
    assert "expfw/report/templates/" in names
    assert f"{wheel.name.split('-')[0]}/settings.py" in names


def test_it_runs_with_uv(bake: Bake) -> None:
    project = bake()
    uv = [sys.executable, "-m", "uv", "run", "--quiet", f"--python={interpreter('3.11')}"]
    environment = {"PYTHONPATH": "", "VIRTUAL_ENV": ""}
    project.run(*uv, "kedro", "run", env=environment)
    assert (project.path / "result" / "result_experiment_1" / "report" / "index.html").is_file()


def test_make_demo_names_the_report_and_the_results() -> None:
    result = subprocess.run(
        ["make", "demo", f"PYTHON={sys.executable}"], cwd=TEMPLATE, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    report = Path(result.stdout.rstrip().splitlines()[-1].partition("report: ")[2])
    assert report.is_file()
    assert "accuracy (test): 0." in result.stdout
    shutil.rmtree(report.parents[4])
