"""Running an old experiment again as it was: its code and its packages, in an environment that is rebuilt for it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import click

from expfw.config.secrets import MARK
from expfw.reproduce.rebuild import cache_folder, rebuild, version_of
from expfw.reproduce.requirements import Requirements, requirements
from expfw.reproduce.rerun import IN_ENV, Rerun, check_repeatable, recorded_rerun
from expfw.reproduce.unpack import check_sources, unpack
from expfw.reproduce.verdict import TOLERANCE
from expfw.run.environment import NUMERIC_VARIABLES, cpu_model
from expfw.run.events import checksum
from expfw.run.files import read_json, write_json
from expfw.run.folder import ROOT_VARIABLE, ResultFolder, find_folder, result_root
from expfw.run.stored import StoredRun

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of a run that was ended from outside."""


def rerun_in_env(project: Path, number: int, tolerance: float = TOLERANCE, runner: str | None = None) -> Rerun:
    """Run an experiment again with its own code and packages, as a new experiment of this project.

    Args:
        project: the project's folder.
        number: the experiment.
        tolerance: the largest difference that counts as equal.
        runner: name of the runner; None for that of ``kedro run``.

    Raises:
        RecordError: if it cannot be run again, or the record does not hold what that takes.
        ExpfwError: if its environment cannot be rebuilt.
        click.exceptions.Exit: if the new run ended without a verdict; it has said why.
    """
    root = result_root(project)
    old = find_folder(root, number)
    check_repeatable(old)
    check_sources(project, old)
    needed = requirements(old)
    warnings = list(cannot_be_had(project, old, needed))
    for warning in warnings:
        click.echo(f"Note: {warning}", err=True)
    python = rebuild(project, needed)
    variables, said = _variables(old)
    if said:
        click.echo(f"variables of experiment {number}: {said}", err=True)
    about = {
        "python": version_of(python),
        "packages": len(needed.lines),
        "left_out": dict(needed.left_out),
        "commit": (read_json(old.log / "environment.json", {}).get("git") or {}).get("commit"),
        "notes": warnings,
    }
    with _scratch(project, old, needed) as place:
        environment = {**variables, **_surroundings(python, place, root), IN_ENV: json.dumps(about)}
        arguments = ["--tolerance", repr(tolerance), *(["--runner", runner] if runner else [])]
        command = [str(python), "-P", "-m", "kedro", "experiment", "rerun", str(number), "--format", "json", *arguments]
        new = find_folder(root, _run(command, place, environment))
    return _noted(new, about)


def _noted(new: ResultFolder, about: Mapping[str, Any]) -> Rerun:
    """The verdict on record, with what the run ran in; a framework that is too old to note that did not do so."""
    made = recorded_rerun(read_json(new.log / "rerun.json", {}))
    if made.in_env is not None:
        return made
    made = replace(made, in_env=about)
    write_json(new.log / "rerun.json", made.as_json())
    return made


def cannot_be_had(project: Path, old: ResultFolder, needed: Requirements) -> Iterator[str]:
    """What will not be as it was, a sentence each.

    Args:
        project: the project's folder.
        old: the experiment.
        needed: its packages.

    Raises:
        RecordError: if the configuration lay in a folder or archive that is gone.
    """
    record = read_json(old.log / "environment.json", {})
    today = {"platform": platform.platform(), "machine": platform.machine(), "cpu_model": cpu_model()}
    other = [f"{key} {record[key]} → {now}" for key, now in today.items() if record.get(key, now) != now]
    if other:
        yield f"experiment {old.id} ran elsewhere: {'; '.join(other)}"
    source = StoredRun(old, "rerun").source(project)
    if source:
        yield f"the configuration in '{source}' is read as it is today"
    running = sys.version.split()[0]
    if needed.python != running and running.startswith(f"{needed.series}."):
        yield f"experiment {old.id} ran with Python {needed.python}; {running} is what is there"
    for name, reason in needed.left_out.items():
        yield f"package {name} is left out: {reason}"
    changed = [
        name for name, entry in read_json(old.log / "inputs.json", {}).items() if _differs(project / name, entry)
    ]
    if changed:
        yield f"data is that of today, and differs: {', '.join(changed)}"


def _differs(path: Path, entry: Any) -> bool:
    try:
        return isinstance(entry, Mapping) and entry.get("sha256") != checksum(path)
    except OSError:
        return True


def _variables(old: ResultFolder) -> tuple[dict[str, str], str]:
    """Today's environment variables, but those that change numbers as they were then; and what that altered."""
    recorded = read_json(old.log / "environment.json", {}).get("variables", {})
    then = {name: value for name, value in recorded.items() if MARK not in value}
    altered = [f"{name}={then[name]}" for name in sorted(then) if os.environ.get(name) != then[name]]
    unset = [name for name in NUMERIC_VARIABLES if name in os.environ and name not in recorded]
    kept = {name: value for name, value in os.environ.items() if name not in (*unset, "PYTHONHOME")}
    return {**kept, **then}, ", ".join([*altered, *(f"{name} unset" for name in unset)])


def _surroundings(python: Path, place: Path, root: Path) -> dict[str, str]:
    """Variables by which the code of then finds its packages, itself, and the results; and no git but its own."""
    return {
        "PYTHONPATH": str(place / "src"),
        "VIRTUAL_ENV": str(python.parent.parent),
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "GIT_CEILING_DIRECTORIES": str(place.parent),
        ROOT_VARIABLE: str(root),
    }


@contextmanager
def _scratch(project: Path, old: ResultFolder, needed: Requirements) -> Iterator[Path]:
    """The project as it was, while the block runs; it stays for a look at it if the run failed."""
    parent = cache_folder(project.resolve()) / "reruns"
    parent.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f"experiment_{old.id}_", dir=parent))
    try:
        unpack(project, old, place, needed)
        yield place
    except click.exceptions.Exit as error:
        if error.exit_code not in INTERRUPTED:
            click.echo(f"the project as it was is left in {place}; delete it when you have seen enough", err=True)
            raise
        shutil.rmtree(place, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    shutil.rmtree(place, ignore_errors=True)


def _run(command: list[str], place: Path, environment: Mapping[str, str]) -> int:
    """Run the experiment, its output passing through; give its number."""
    with _passed_on() as children:
        child = subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
        children.append(child)
        said, _ = child.communicate()
    try:
        return int(json.loads(said[f"\n{said}".rindex("\n{\n") :])["id"])  # a component may print as well
    except (ValueError, KeyError) as error:
        code = child.returncode
        raise click.exceptions.Exit(128 - code if code < 0 else code or 1) from error


@contextmanager
def _passed_on() -> Iterator[list[subprocess.Popen[str]]]:
    """Leave Ctrl-C and SIGTERM to the run, which knows how to end; to be told twice, by a terminal too, is no harm."""
    children: list[subprocess.Popen[str]] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        for child in children:
            if os.name != "nt":
                child.send_signal(number)

    if threading.current_thread() is not threading.main_thread():
        yield children
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    taken = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in taken:
            signal.signal(number, pass_on)
        yield children
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
