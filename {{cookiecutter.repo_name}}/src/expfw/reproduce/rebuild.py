"""An experiment's environment once more: a virtual environment with its Python and the very versions of its packages.

It is built once for each set of packages, below ``.expfw`` in the project, where it can be seen, and deleted, together
with the project. An environment is whole when it has its mark, which is written last; one that was cut off is rebuilt.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from expfw.config.secrets import redacted
from expfw.errors import ExpfwError
from expfw.reproduce.requirements import Requirements
from expfw.run.files import write_json

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two builders apart but their user
    fcntl = None  # type: ignore[assignment]

CACHE = ".expfw"
"""Folder in the project for what can be made again at any time."""

MARK = "expfw.json"
"""File of an environment that is whole."""

LINES = 15
"""Lines of what an installer said that a message repeats."""

SEEDS = ("pip", "setuptools")
"""What a virtual environment brings along without being asked."""


def cache_folder(project: Path) -> Path:
    """The project's folder for what can be made again; git does not see it, whatever the project's rules are.

    Args:
        project: the project's folder.
    """
    cache = project / CACHE
    cache.mkdir(exist_ok=True)
    (cache / ".gitignore").write_text("*\n", encoding="ascii")
    return cache


def environment_folder(project: Path, needed: Requirements) -> Path:
    """Where the environment for a set of packages lies.

    Args:
        project: the project's folder.
        needed: the packages.
    """
    key = [needed.python, platform.python_implementation(), sys.platform, platform.machine(), *needed.lines]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    return cache_folder(project) / "environments" / f"python{needed.series}-{digest[:12]}"


def rebuild(project: Path, needed: Requirements) -> Path:
    """The environment's Python; the environment is built if it is not there.

    Args:
        project: the project's folder.
        needed: what must be in it.

    Raises:
        ExpfwError: if that Python is not to be had, or a package cannot be installed.
    """
    folder = environment_folder(project, needed)
    folder.parent.mkdir(exist_ok=True)
    with _alone(folder.with_name(f"{folder.name}.lock")) as lock:
        if not (folder / MARK).is_file() or not version_of(python_of(folder)):
            what = f"Python {needed.series}, {len(needed.lines)} packages"
            click.echo(f"building the environment of then, this once: {what}", err=True)
            shutil.rmtree(folder, ignore_errors=True)
            _build(project, folder, needed, lock)
            write_json(folder / MARK, {"python": needed.python, "requirements": needed.lines})
    return python_of(folder)


def python_of(folder: Path) -> Path:
    """Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@contextmanager
def _alone(path: Path) -> Iterator[Sequence[int]]:
    """Wait until nobody else builds here. An installer holds the lock too: it may outlive a parent that is killed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield () if os.name == "nt" else (descriptor,)
    finally:
        os.close(descriptor)


def version_of(python: Path) -> str:
    """Version of an interpreter; empty if it does not run: an environment's hangs on the one that it was made from."""
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()  # noqa: S603
    except OSError:
        return ""


def _build(project: Path, folder: Path, needed: Requirements, lock: Sequence[int]) -> None:
    uv, listed = find_uv(), folder.with_name(f"{folder.name}.txt")
    origin = find_python(needed.series, uv)
    listed.write_text("".join(f"{line}\n" for line in needed.lines), encoding="utf-8")
    for command in _with_uv(uv, origin, folder, listed) if uv else _with_pip(origin, folder, listed, needed):
        _run(command, project, needed, lock)


def _with_uv(uv: Sequence[str], origin: str, folder: Path, listed: Path) -> Iterator[list[str]]:
    yield [*uv, "venv", "--python", origin, str(folder)]
    # Compiled at once by all processors; the first import would take longer, one module after the other.
    options = ["--compile-bytecode", "--no-deps", "--requirement", str(listed)]
    yield [*uv, "pip", "install", "--python", str(python_of(folder)), *options]


def _with_pip(origin: str, folder: Path, listed: Path, needed: Requirements) -> Iterator[list[str]]:
    pip = [str(python_of(folder)), "-m", "pip", "--disable-pip-version-check"]
    unwanted = [name for name in SEEDS if not any(line.startswith(f"{name}==") for line in needed.lines)]
    yield [origin, "-m", "venv", str(folder)]
    yield [*pip, "install", "--no-deps", "--requirement", str(listed)]
    if unwanted:
        yield [*pip, "uninstall", "--yes", *unwanted]


def find_uv() -> list[str]:
    """The command that is uv; empty if it is not there."""
    found = shutil.which("uv")
    if found:
        return [found]
    return [sys.executable, "-m", "uv"] if importlib.util.find_spec("uv") else []


def find_python(series: str, uv: Sequence[str]) -> str:
    """An interpreter, for uv or as a command.

    Args:
        series: its version, ``3.11``.
        uv: the command that is uv, which gets an interpreter if there is none on the PATH; may be empty.

    Raises:
        ExpfwError: if there is none.

    Example:
        >>> find_python("3.99", ["uv"])
        '3.99'
    """
    if series == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{series}")
    if found and version_of(Path(found)).startswith(f"{series}."):  # a shim of pyenv may be there and not run
        return found
    if not uv:
        raise ExpfwError(
            f"the experiment ran with Python {series}, and neither python{series} nor uv is on the PATH; install one "
            "of them ('pip install uv' is enough: uv fetches the Python it needs)"
        )
    return series


def _run(command: Sequence[str], project: Path, needed: Requirements, lock: Sequence[int]) -> None:
    """One step; where installers look for packages is theirs to know, from the project's settings as well."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    result = subprocess.run(  # noqa: S603
        command,
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=lock,
    )
    if result.returncode != 0:
        said = "\n".join(f"  {line}" for line in redacted(result.stdout).strip().splitlines()[-LINES:])
        raise ExpfwError(
            f"the environment (Python {needed.series}, {len(needed.lines)} packages) cannot be rebuilt; the installer "
            f"said:\n{said}\n{_advice(command)}"
        )


def _advice(command: Sequence[str]) -> str:
    settings = " (uv reads none of pip's settings; UV_INDEX or [tool.uv] names one)" if "--python" in command else ""
    return (
        f"It takes the network, or what the installer kept, and the index that the packages came from{settings}. "
        "Nothing was run; without --in-env the experiment runs in today's environment."
    )
