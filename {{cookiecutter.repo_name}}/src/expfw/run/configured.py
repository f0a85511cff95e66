"""Where a run's configuration lay, if not in the project's folder ``config``: another folder, or an archive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expfw.config.loader import ExperimentConfigLoader


def other_source(loader: ExperimentConfigLoader, project: Path) -> dict[str, Any]:
    """What ``log/run.json`` holds of another source of configuration; nothing of the project's own.

    Args:
        loader: the run's config loader.
        project: the project's folder.

    Returns:
        ``{"conf_source": {"path"}}``: the source, relative to the project if it lies below.
    """
    source = str(loader.conf_source)
    if Path(source).resolve() == (project / "config").resolve():
        return {}
    path = Path(source).absolute()
    inside = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()
    return {"conf_source": {"path": source if "://" in source else inside}}


def source_path(recorded: Mapping[str, Any], project: Path) -> str | None:
    """Where a recorded source lies; None if it is gone.

    Args:
        recorded: what :func:`other_source` gave.
        project: the project's folder.
    """
    path = str(recorded["path"])
    if "://" in path:
        return path
    return str(project / path) if (project / path).exists() else None
