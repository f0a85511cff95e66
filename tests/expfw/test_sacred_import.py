"""Sacred without ``pkg_resources``: no run pays for it, and whoever asks for it has the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import expfw

SOURCE = str(Path(expfw.__file__).parents[1])


def said(code: str) -> str:
    """What a fresh process prints."""
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_a_run_is_tracked_without_loading_pkg_resources() -> None:
    code = "import sys, expfw.run.tracking; print('pkg_resources' in sys.modules, 'sacred' in sys.modules)"
    assert said(code) == "False True"


def test_who_imports_pkg_resources_afterwards_has_the_real_one() -> None:
    code = "import expfw.run.tracking, pkg_resources; print(pkg_resources.get_distribution('sacred').version)"
    assert said(code) == "0.8.7"


def test_pkg_resources_that_was_there_before_stays() -> None:
    code = (
        "import sys, pkg_resources as before, expfw.run.tracking, sacred.dependencies as asks; "
        "print(sys.modules['pkg_resources'] is before is asks.pkg_resources)"
    )
    assert said(code) == "True"


def test_sacred_finds_packages_where_it_is_to_discover_them() -> None:
    code = (
        "import expfw.run.tracking as tracking, sacred.dependencies as asks; "
        "tracking.sacred.SETTINGS.DISCOVER_DEPENDENCIES = 'pkg'; "
        "print(any(package.project_name == 'sacred' for package in asks.pkg_resources.working_set))"
    )
    assert said(code) == "True"
