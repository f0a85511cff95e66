"""The log of one run: everything that is logged while it runs, in ``log/experiment.log``."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kedro.utils import find_kedro_project

from expfw.run.redacted_log import RedactingFormatter

KEDRO_WARNINGS = (r".*register_new_resolver\(\) is deprecated", "The 'preview_fn' feature is experimental")
"""Beginnings of warnings that are not shown: Kedro's call of OmegaConf, and its mark on previews of nodes."""

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class _RunLog(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Let a line go that a full disk does not take; logging would print a traceback for each."""


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write what is logged in the block to ``path`` as well, from this process and those that it forks.

    Args:
        path: the log file; lines are appended.
    """
    handler = _RunLog(path, encoding="utf-8")
    handler.setFormatter(RedactingFormatter(FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with suppress(OSError):  # of a full disk, which did not take the last lines
            handler.close()


def configure_project_logging(conf_source: str) -> None:
    """Configure logging from the project's ``base/logging.yml``; without the file Kedro's own configuration stays.

    A file that the environment variable ``KEDRO_LOGGING_CONFIG`` names comes before the project's. Warnings of Kedro
    about its own insides, which a user can do nothing about, are not shown.

    Args:
        conf_source: the project's configuration folder, relative to the project.
    """
    for text in KEDRO_WARNINGS:
        warnings.filterwarnings("ignore", message=text)
    path = (find_kedro_project(Path.cwd()) or Path.cwd()) / conf_source / "base" / "logging.yml"
    if path.exists():
        configure_from(path.read_text(encoding="utf-8"))


def configure_from(text: str) -> None:
    """Configure logging, unless ``KEDRO_LOGGING_CONFIG`` names a file, which comes first.

    Args:
        text: content of a ``logging.yml``.
    """
    import yaml
    from kedro.framework.project import configure_logging

    if "KEDRO_LOGGING_CONFIG" not in os.environ:
        configure_logging(yaml.safe_load(text))
