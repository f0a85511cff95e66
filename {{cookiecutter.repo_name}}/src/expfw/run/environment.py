"""What a run ran with: Python, packages, platform, git. Collected beside the run's first imports, in a thread."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from expfw.run.files import read_json

NUMERIC_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "VECLIB_MAXIMUM_THREADS",
)
"""Environment variables that can change numerical results; no other variable is recorded."""

MAX_DIFF = 5_000_000
"""Bytes of a dirty tree's diff that are kept."""


def start_collecting(project: Path) -> Future[dict[str, Any]]:
    """Begin to collect the environment in the background; ``.result()`` waits for it.

    Args:
        project: the project's folder.
    """
    future: Future[dict[str, Any]] = Future()

    def work() -> None:
        try:
            future.set_result(collect(project))
        except BaseException as error:
            future.set_exception(error)

    # No executor: one that is interrupted while it starts its thread keeps Python from ending.
    threading.Thread(target=work, name="environment", daemon=True).start()
    return future


def collect(project: Path) -> dict[str, Any]:
    """The environment, as ``log/environment.json`` holds it.

    Returns:
        ``{"python", "platform", "cpu_count", "variables", "packages": {name: version}, "git": {…} or None}``; the git
        part holds ``commit``, ``branch``, ``dirty``, ``untracked`` and ``diff``.
    """
    return {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "cpu_count": os.cpu_count(),
        "variables": {name: os.environ[name] for name in NUMERIC_VARIABLES if name in os.environ},
        "packages": packages(),
        "git": git_state(project),
    }


def packages() -> dict[str, str]:
    """All installed packages, from the names of their metadata folders (reading the metadata takes 50 times longer).

    A package installed from a repository or a folder has its commit, or ``editable``, behind the version.

    Example:
        >>> "numpy" in packages()
        True
    """
    found: dict[str, str] = {}
    for info in _metadata_folders():
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        if name:
            found.setdefault(name.lower().replace("_", "-"), version + _source(info))
    return dict(sorted(found.items()))


def _metadata_folders() -> Iterator[Path]:
    for entry in sys.path:
        folder = Path(entry or ".")
        if folder.is_dir():
            yield from folder.glob("*.dist-info")


def _source(info: Path) -> str:
    direct = read_json(info / "direct_url.json")
    if not isinstance(direct, dict):
        return ""
    commit = direct.get("vcs_info", {}).get("commit_id")
    return f" (commit {commit})" if commit else " (editable)" if direct.get("dir_info", {}).get("editable") else ""


def git_state(project: Path) -> dict[str, Any] | None:
    """Commit, branch, and what differs from the commit; None outside of git or without git.

    Args:
        project: the project's folder.
    """
    status = _git(project, "status", "--porcelain=v2", "--branch", "--untracked-files=all", "--", ".")
    if status is None:
        return None
    lines = status.splitlines()
    header = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch.") and line.count(" ") >= 2)
    changed = [line for line in lines if not line.startswith("#")]
    commit = header.get("branch.oid", "")
    return {
        "commit": None if commit == "(initial)" else commit,
        "branch": header.get("branch.head"),
        "dirty": bool(changed),
        "untracked": [line[2:] for line in changed if line.startswith("? ")],
        "diff": _diff(project) if changed and commit != "(initial)" else "",
    }


def _diff(project: Path) -> str:
    diff = _git(project, "diff", "HEAD", "--binary", "--no-textconv", "--no-color", "--no-ext-diff", "--", ".") or ""
    return diff if len(diff) <= MAX_DIFF else f"{diff[:MAX_DIFF]}\n… cut off after {MAX_DIFF} characters\n"


def _git(project: Path, *arguments: str) -> str | None:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(project), "-c", "core.quotePath=false", *arguments]
    try:
        result = subprocess.run(command, capture_output=True, env=environment, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.decode("utf-8", "replace") if result.returncode == 0 else None
