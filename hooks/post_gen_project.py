"""Removes what a developer's checkout may hold beside the template's files: Python's and the tools' caches."""

from __future__ import annotations

import shutil
from pathlib import Path

CACHES = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def remove_caches(project: Path) -> None:
    """Delete all cache folders below ``project``; nothing else, as the folder may be an older project of the user's."""
    for name in CACHES:
        for cache in list(project.rglob(name)):
            shutil.rmtree(cache, ignore_errors=True)


if __name__ == "__main__":
    remove_caches(Path.cwd())
