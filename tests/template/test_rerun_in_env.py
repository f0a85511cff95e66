"""An old experiment run as it was, after the project moved on (slow: environments are really built)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from template.test_project import interpreter

from baking import Bake, BakedProject
from expfw.errors import ExpfwError
from expfw.reproduce import rebuild as rebuilding
from expfw.reproduce.rebuild import environment_folder, find_uv, rebuild
from expfw.reproduce.requirements import Requirements

pytestmark = pytest.mark.slow

RUNNING = ".".join(str(part) for part in sys.version_info[:3])
SMALL = Requirements(RUNNING, ("colorama==0.4.6",))
PACKAGE = "ml_experiments"

MODEL = """
import os
import time
from pathlib import Path

import colorama

from ml_experiments.helping import shift


class Helped:
    def fit(self, X, y=None):
        waiting = Path("data/wait")
        if waiting.exists():
            waiting.with_name("waits").touch()
            time.sleep(60)
        return self

    def predict(self, X):
        return [shift() + float(colorama.__version__.rpartition(".")[2])] * len(X)
"""

EXPERIMENT = {
    "data_source": {"type": "CsvFile", "params": {"path": "data/table.csv", "target": "y"}},
    "holdout": None,
    "resampling": {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 2}},
    "model": {"type": f"{PACKAGE}.helped.Helped"},
    "metrics": ["neg_mean_absolute_error"],
    "reports": [],
}


@dataclass(frozen=True)
class Study:
    """A project in an environment of its own, with one experiment that has been run."""

    project: BakedProject
    python: Path

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.project.path

    def write(self, name: str, text: str) -> None:
        """Write one of its files."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text, encoding="utf-8")

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command of ``kedro``."""
        hidden = (
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "PYTHONDONTWRITEBYTECODE",
        )  # the last: uv does not compile, the first run does
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.Popen(
            [self.python, "-m", "kedro", *arguments],
            cwd=self.path,
            env={**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kedro(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Run a command of ``kedro``: its exit code and what it said."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate()
        return process.returncode, out, err

    def rerun(self, *arguments: str, **variables: str) -> tuple[int, dict[str, Any], str]:
        """Run experiment 1 again."""
        code, out, err = self.kedro("experiment", "rerun", "1", "--format", "json", *arguments, **variables)
        assert out, err
        return code, json.loads(out), err

    def log(self, number: int, name: str) -> Any:
        """A file of an experiment's record."""
        return json.loads((self.path / f"result/result_experiment_{number}/log/{name}").read_bytes())

    @property
    def last(self) -> int:
        """The last experiment's number."""
        return int((self.path / "result" / ".last_experiment").read_text())

    @property
    def left(self) -> list[str]:
        """Projects as they were that have not been removed."""
        return [path.name for path in (self.path / ".expfw" / "reruns").iterdir()]

    def install(self, *arguments: str) -> None:
        """Install something into its environment."""
        uv = [*find_uv(), "pip", "install", "--quiet", "--python"]
        subprocess.run([*uv, str(self.python), *arguments], cwd=self.path, check=True)


@pytest.fixture(scope="module")
def study(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """An experiment, and a project that has moved on since: code, a module that is gone, a package."""
    folder = tmp_path_factory.mktemp("study")
    project = bake_into(folder)
    study = Study(project, project.path / ".venv" / "bin" / "python")
    project.run(*find_uv(), "venv", "--quiet", f"--python={sys.executable}", ".venv")
    study.install("-e", ".", "colorama==0.4.6")
    study.write(f"src/{PACKAGE}/helped.py", MODEL)
    study.write(f"src/{PACKAGE}/helping.py", "def shift():\n    return 1.0\n")
    study.write("data/table.csv", "a,y\n" + "\n".join(f"{i},{i % 7}.5" for i in range(40)) + "\n")
    study.write("config/experiments/helped.json", json.dumps(EXPERIMENT))
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "then"]):
        project.run(*git, *arguments)
    code, _, err = study.kedro("run", "--params", "experiment=helped")
    assert code == 0, err
    study.write(f"src/{PACKAGE}/helping.py", "def shift():\n    return 3.0\n")
    study.install("colorama==0.4.5")
    yield study
    shutil.rmtree(folder, ignore_errors=True)


def test_what_differs_today_is_identical_in_its_own_environment(study: Study) -> None:
    code, said, _ = study.rerun()
    assert (code, said["verdict"], said["in_env"]) == (1, "different", None)
    assert said["changes"]["packages"] == {"colorama": ["0.4.6", "0.4.5"]}
    assert list(said["changes"]["code"]) == [f"src/{PACKAGE}/helping.py"]
    code, said, err = study.rerun("--in-env")
    assert (code, said["verdict"], said["rerun_of"], said["id"]) == (0, "identical", 1, study.last), err
    assert not any(said["changes"].values()), said["changes"]
    assert said == study.log(said["id"], "rerun.json")
    packages = study.log(1, "environment.json")["packages"]
    assert said["in_env"] == {
        "python": RUNNING,
        "packages": len(packages) - 1,  # all but the project itself
        "left_out": {},
        "commit": study.log(1, "environment.json")["git"]["commit"],
        "notes": [],
    }
    assert study.log(said["id"], "environment.json")["packages"] == packages
    assert study.log(said["id"], "environment.json")["git"] is None
    assert list(study.log(said["id"], "inputs.json")) == ["data/table.csv"]
    assert study.left == []
    assert "building the environment of then, this once: Python" in err


def test_a_component_that_is_gone_runs_in_the_environment_that_is_there_already(study: Study) -> None:
    study.rerun("--in-env")
    marks = {path: path.stat().st_mtime_ns for path in study.path.glob(f".expfw/environments/*/{rebuilding.MARK}")}
    model = study.path / "src" / PACKAGE / "helped.py"
    model.rename(model.with_suffix(".gone"))
    try:
        code, _, err = study.kedro("experiment", "rerun", "1")
        assert (code, "there is no module" in err) == (2, True), err
        code, out, err = study.kedro("experiment", "rerun", "1", "--in-env", "--runner", "ThreadRunner")
    finally:
        model.with_suffix(".gone").rename(model)
    assert code == 0, err
    assert f"experiment {study.last} against experiment 1: identical to the bit" in out
    assert "It ran as then: " in out
    assert "building" not in err
    assert study.log(study.last, "run.json")["rerun_of"] == 1
    assert len(marks) == 1
    assert {path: path.stat().st_mtime_ns for path in marks} == marks


def test_variables_are_those_of_then(study: Study) -> None:
    _, said, err = study.rerun("--in-env", OMP_NUM_THREADS="2", MKL_CBWR="AVX2")
    assert "variables of experiment 1: OMP_NUM_THREADS=1, MKL_CBWR unset" in err
    assert study.log(said["id"], "environment.json")["variables"] == study.log(1, "environment.json")["variables"]
    assert said["changes"]["platform"] == {}


def test_changed_data_is_told_before_and_after(study: Study) -> None:
    table = study.path / "data" / "table.csv"
    before = table.read_text()
    table.write_text(before.replace("\n3,", "\n3000,"))
    try:
        code, said, err = study.rerun("--in-env")
    finally:
        table.write_text(before)
    assert (code, said["verdict"], list(said["changes"]["data"])) == (1, "different", ["data/table.csv"])
    assert "Note: data is that of today, and differs: data/table.csv" in err
    assert said["in_env"]["notes"] == ["data is that of today, and differs: data/table.csv"]


def test_a_run_that_fails_says_why_once_and_leaves_its_project_for_a_look(study: Study) -> None:
    table = study.path / "data" / "table.csv"
    table.rename(table.with_suffix(".gone"))
    try:
        code, out, err = study.kedro("experiment", "rerun", "1", "--in-env")
    finally:
        table.with_suffix(".gone").rename(table)
    assert (code, out, err.count("Error: "), "Traceback" in err) == (1, "", 1, False), err
    assert "table.csv" in err
    (left,) = study.left
    assert f"the project as it was is left in {study.path / '.expfw' / 'reruns' / left}" in err
    shutil.rmtree(study.path / ".expfw" / "reruns" / left)
    assert table.is_file()


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_which_records_it(study: Study, number: signal.Signals, expected: int) -> None:
    study.write("data/wait", "")
    process = study.start("experiment", "rerun", "1", "--in-env")
    try:
        end = time.monotonic() + 120
        while not (study.path / "data" / "waits").exists():
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        for name in ("wait", "waits"):
            (study.path / "data" / name).unlink(missing_ok=True)
    assert (process.returncode, "Traceback" in err) == (expected, False), err
    assert study.log(study.last, "sacred/run.json")["status"] == "INTERRUPTED"
    assert study.left == []


def version_in(python: Path, package: str = "colorama") -> str:
    """The version of a package in an environment."""
    code = f"from importlib.metadata import version; print(version('{package}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def installed_in(python: Path) -> set[str]:
    """Everything that is installed in an environment."""
    code = "from importlib.metadata import distributions; print(*(d.name for d in distributions()))"
    return set(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_an_environment_that_was_cut_off_or_lost_its_python_is_built_again(tmp_path: Path) -> None:
    folder = environment_folder(tmp_path, SMALL)
    folder.mkdir(parents=True)
    (folder / "half").touch()
    python = rebuild(tmp_path, SMALL)
    assert (version_in(python), (folder / "half").exists()) == ("0.4.6", False)
    python.unlink()
    assert version_in(rebuild(tmp_path, SMALL)) == "0.4.6"


def test_two_at_once_build_it_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: rebuild(tmp_path, SMALL), range(2))
    assert one == other
    mark = environment_folder(tmp_path, SMALL) / rebuilding.MARK
    written = mark.stat().st_mtime_ns
    assert version_in(rebuild(tmp_path, SMALL)) == "0.4.6"
    assert mark.stat().st_mtime_ns == written


def test_without_uv_pip_does_it_and_brings_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "find_uv", list)
    assert installed_in(rebuild(tmp_path, SMALL)) == {"colorama"}


@pytest.mark.parametrize("with_uv", [True, False])
def test_what_no_index_has_is_told_in_the_installers_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_uv: bool
) -> None:
    if not with_uv:
        monkeypatch.setattr(rebuilding, "find_uv", list)
    needed = Requirements(RUNNING, ("colorama==0.4.6", "colorama-of-nobody==99.1"))
    with pytest.raises(ExpfwError) as caught:
        rebuild(tmp_path, needed)
    assert "2 packages) cannot be rebuilt" in str(caught.value)
    assert "colorama-of-nobody" in str(caught.value)
    assert "Nothing was run" in str(caught.value)
    assert not (environment_folder(tmp_path, needed) / rebuilding.MARK).exists()


@pytest.mark.parametrize("with_uv", [True, False])
def test_another_python_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_uv: bool) -> None:
    series = "3.12" if sys.version_info[:2] != (3, 12) else "3.11"
    monkeypatch.setenv("PATH", f"{interpreter(series).parent}{os.pathsep}{os.environ['PATH']}")
    if not with_uv:
        monkeypatch.setattr(rebuilding, "find_uv", list)
    python = rebuild(tmp_path, Requirements(f"{series}.0", SMALL.lines))
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"Python {series}.")
