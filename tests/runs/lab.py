"""A baked project to run experiments in: each run a process of its own, as ``kedro run`` is."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from baking import BakedProject

HERE = Path(__file__).resolve().parent
SHIM = HERE / "shim.py"
PACKAGE = "ml_experiments"
TRIAL = f"{PACKAGE}.trial"
DEADLINE = 120.0
"""Seconds after which something that is waited for counts as missing; nothing takes a tenth of it."""

SMALL: dict[str, Any] = {
    "data_source": {"type": f"{TRIAL}.Made"},
    "holdout": {"type": "sklearn.model_selection.ShuffleSplit", "params": {"n_splits": 1, "test_size": 0.2}},
    "resampling": {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 3, "shuffle": True}},
    "model": {"type": "sklearn.linear_model.LogisticRegression"},
    "metrics": ["accuracy"],
    "reports": [],
}
"""A quick experiment; a test names what is different about it."""


def trial(name: str, **params: Any) -> dict[str, Any]:
    """A component of ``trial.py``."""
    return {"type": f"{TRIAL}.{name}", **({"params": params} if params else {})}


def sklearn(path: str, **params: Any) -> dict[str, Any]:
    """A component of scikit-learn."""
    return {"type": f"sklearn.{path}", **({"params": params} if params else {})}


def wait_for(what: str, ready: Callable[[], Any]) -> Any:
    """What ``ready`` gives as soon as it gives something; the test fails after the deadline."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        result = ready()
        if result:
            return result
        time.sleep(0.01)
    pytest.fail(f"waited in vain for {what}")


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str
    root: Path

    @property
    def text(self) -> str:
        """All that was said."""
        return self.out + self.err

    @property
    def folders(self) -> list[Path]:
        """Folders of all experiments, by ascending N."""
        found = self.root.glob("result_experiment_*") if self.root.is_dir() else []
        return sorted(found, key=lambda path: int(path.name.rpartition("_")[2]))

    @property
    def folder(self) -> Path:
        """The last experiment's folder."""
        assert self.folders, f"there is no experiment's folder:\n{self.text}"
        return self.folders[-1]

    def ok(self) -> Outcome:
        """The same, if it went well."""
        assert self.code == 0, self.text
        return self

    def json(self, name: str) -> Any:
        """A file of the last experiment."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def metrics(self) -> dict[str, Any]:
        """The last experiment's metrics."""
        return {part: self.json(f"report/{part}_metrics.json") for part in ("validation", "test")}

    @property
    def sacred(self) -> dict[str, Any]:
        """Sacred's entry of the last experiment."""
        content: dict[str, Any] = self.json("log/sacred/run.json")
        return content

    def message(self) -> str:
        """The one message of a command that failed, without any traceback."""
        assert self.code > 0, f"exit code {self.code}:\n{self.text}"
        assert "Traceback" not in self.text, self.text
        lines = self.err.splitlines()
        begins = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
        assert len(begins) == 1, self.text
        return "\n".join(lines[begins[0] :])


@dataclass
class Command:
    """A command that may be running."""

    notes: Path
    root: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(wait_for("the process", lambda: (self.notes / "pid").exists() and (self.notes / "pid").read_text()))

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to it, or to it and all that it started."""
        (os.killpg if group else os.kill)(self.pid, number)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not (self.notes / "exit").exists()

    def wait(self) -> Outcome:
        """How it ended."""
        wait_for(f"the end of {self.notes}", lambda: not self.running)
        out, err = ((self.notes / name).read_text(encoding="utf-8", errors="replace") for name in ("stdout", "stderr"))
        return Outcome(int((self.notes / "exit").read_text()), out, err, self.root)


@dataclass
class Lab:
    """A baked project with the components of ``trial.py`` in its package.

    Args:
        project: the project.
        scratch: folder for what the commands say.
        root: where results go.
    """

    project: BakedProject
    scratch: Path
    root: Path
    forge: subprocess.Popen[str]
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    started: list[Command] = field(default_factory=list)

    def at(self, root: Path) -> Lab:
        """The same project with results elsewhere."""
        return Lab(self.project, self.scratch, root, self.forge, self.numbers)

    def of(self, project: BakedProject) -> Lab:
        """Another project, run by this one's framework; its results lie in its own folder."""
        return Lab(project, self.scratch, project.path / "result", self.forge, self.numbers)

    def start(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        limit: int = 0,
        code: str = "",
    ) -> Command:
        """Start ``kedro`` with these arguments, or Python with this code."""
        notes = self.scratch / f"command_{next(self.numbers)}"
        notes.mkdir(parents=True)
        job = {
            "args": args,
            "code": code,
            "cwd": str(cwd or self.project.path),
            "env": {"EXPFW_RESULT_ROOT": str(self.root), "COLUMNS": "200", **(env or {})},
            "folder": str(notes),
            "limit": limit,
            "src": str(self.project.path / "src"),
        }
        assert self.forge.stdin is not None
        self.forge.stdin.write(json.dumps(job) + "\n")
        self.forge.stdin.flush()
        command = Command(notes, self.root)
        self.started.append(command)
        return command

    def kedro(self, *args: str, env: Mapping[str, str] | None = None, limit: int = 0) -> Outcome:
        """Run ``kedro`` with these arguments to its end."""
        return self.start(*args, env=env, limit=limit).wait()

    def python(self, code: str) -> Outcome:
        """Run a script in the project to its end."""
        return self.start(code=code).wait().ok()

    def shell(self) -> dict[str, str]:
        """Environment of a shell in which ``kedro`` is a command of this lab's."""
        notes = self.scratch / "shell"
        kedro = notes / "bin" / "kedro"
        if not kedro.exists():
            kedro.parent.mkdir(parents=True)
            kedro.write_text(f"#!{sys.executable} -SE\n{SHIM.read_text(encoding='utf-8')}", encoding="utf-8")
            kedro.chmod(0o755)
        assert self.forge.stdin is not None
        path = [str(kedro.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
        return {
            "PATH": os.pathsep.join(path),
            "FORGE": self.forge.stdin.name,
            "FORGE_NOTES": str(notes),
            "FORGE_SRC": str(self.project.path / "src"),
        }

    def write(self, content: Mapping[str, Any] | str, name: str | None = None, suffix: str = ".json") -> str:
        """Write an experiment file, give its name."""
        name = name or f"trial_{next(self.numbers)}"
        text = content if isinstance(content, str) else json.dumps(content)
        (self.project.path / "config" / "experiments" / f"{name}{suffix}").write_text(text, encoding="utf-8")
        return name

    def begin(self, changes: Mapping[str, Any] | None = None, *args: str, params: str = "", **options: Any) -> Command:
        """Start :data:`SMALL` with changes."""
        name = self.write({**SMALL, **(changes or {})})
        return self.start("run", "--params", f"experiment={name}{',' if params else ''}{params}", *args, **options)

    def run(self, changes: Mapping[str, Any] | None = None, *args: str, params: str = "", **options: Any) -> Outcome:
        """Run :data:`SMALL` with changes, to its end."""
        return self.begin(changes, *args, params=params, **options).wait()

    def experiment(self, name: str, *args: str, params: str = "") -> Outcome:
        """Run an experiment that is there, to its end."""
        return self.kedro("run", "--params", f"experiment={name}{',' if params else ''}{params}", *args)

    def end(self) -> None:
        """Kill what a failed test left running."""
        for command in self.started:
            if command.running:
                with suppress(ProcessLookupError):
                    command.send(signal.SIGKILL, group=True)


def forge_for(project: BakedProject, log: Path) -> subprocess.Popen[str]:
    """The process that forks a project's commands."""
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(project.path / "src"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    environment.pop("KEDRO_LOGGING_CONFIG", None)
    jobs = log.with_suffix(".jobs")
    os.mkfifo(jobs)  # a pipe with a name: shells hand out jobs as well
    reading = os.open(jobs, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, HERE / "forge.py"],
            cwd=project.path,
            env=environment,
            stdin=reading,
            stdout=output,
            stderr=output,
            text=True,
        )
    process.stdin = jobs.open("w", encoding="utf-8")
    os.close(reading)
    return process


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def snapshot(folder: Path, leave_out: Sequence[str] = ()) -> dict[str, bytes]:
    """All files below a folder with what they hold."""
    files = (path for path in folder.rglob("*") if path.is_file())
    named = ((path.relative_to(folder).as_posix(), path) for path in files)
    return {name: path.read_bytes() for name, path in named if name not in leave_out}
