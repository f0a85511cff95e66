"""What the tests know about the template, and about a project that was baked from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = TEMPLATE / "{{cookiecutter.repo_name}}"
NOT_TEMPLATE = shutil.ignore_patterns(
    ".git", ".venv", "site", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "*.egg-info"
)
SOURCES = ("cookiecutter.json", "prompts.yml", "expfw_template_answers.py", "hooks", PROJECT.name)


@dataclass(frozen=True)
class BakedProject:
    """A generated project.

    Args:
        path: its folder.
    """

    path: Path

    def run(
        self, *command: str | Path, env: Mapping[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder; ``python`` and the tools are those of the tests' own environment."""
        settings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self.path / "src"), **(env or {})}
        if "PATH" not in (env or {}):
            settings["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{settings['PATH']}"
        arguments = [str(part) for part in command]
        result = subprocess.run(arguments, cwd=self.path, env=settings, capture_output=True, text=True, check=False)
        if check and result.returncode != 0:
            pytest.fail(f"{' '.join(arguments)} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
        return result

    def files(self) -> set[str]:
        """Paths of all files, relative to the project."""
        return {path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file()}

    def contents(self) -> dict[str, bytes]:
        """All files with what they hold."""
        return {name: (self.path / name).read_bytes() for name in self.files()}


Bake = Callable[..., BakedProject]
