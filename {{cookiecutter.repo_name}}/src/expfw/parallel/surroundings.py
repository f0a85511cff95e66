"""What a run's work needs around it in another process: places, logs, secrets, seeds, as they are in the main one."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from kedro.io import DataCatalog

from expfw.config.secrets import known
from expfw.run import place
from expfw.run.build import RunContext
from expfw.run.generators import seed_generators
from expfw.run.inputs import Inputs
from expfw.run.log import FORMAT, PlaceFormatter, log_to
from expfw.run.redacted_log import hidden_in_logs

FOREIGN = ("asyncio", "concurrent", "dask", "distributed", "tornado")
"""Loggers of those who run the workers; their levels are not the run's affair."""


@dataclass(frozen=True)
class Surroundings:
    """What the worker is told of the run; made by :meth:`of`, in the main process.

    Args:
        context: the run.
        node: the node that hands out work.
        folder: the folder that relative paths start from.
        project: the project's folder.
        levels: levels of loggers, by name.
        filters: Python's filters of warnings.
        captured: whether warnings are logged.
    """

    context: RunContext
    node: str
    folder: Path
    project: Path | None
    levels: Mapping[str, int]
    filters: tuple[Any, ...]
    captured: bool

    @classmethod
    def of(cls, context: RunContext, node: str) -> Surroundings:
        """Those of this process.

        Args:
            context: the run.
            node: the node that hands out work.
        """
        project = context.reuse.project if context.reuse is not None else None
        captured = getattr(logging, "_warnings_showwarning", None) is not None
        told = replace(context, reuse=None)
        return cls(told, node, Path.cwd(), project, _levels(), tuple(warnings.filters), captured)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Within the block, this thread works for the run as the main process does."""
        log = self.context.folder.log
        with ExitStack() as stack:
            stack.enter_context(known(self.context.secrets))
            stack.enter_context(hidden_in_logs())
            stack.enter_context(_terminal())
            stack.enter_context(log_to(log))
            if self.folder.is_dir() and Path.cwd() != self.folder:
                stack.enter_context(chdir(self.folder))
            self._restore_warnings()
            for name, level in self.levels.items():
                logging.getLogger(name or None).setLevel(level)
            place.enter(str(log), self.node)
            seed_generators(self.context.seed)
            yield

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Within the block, the files that a component reads are noted for the run."""
        context = self.context
        noted = Inputs(
            context.events, self.node, context.folder.path.parent, [], DataCatalog(), context.folder.path, self.project
        )
        try:
            yield
        finally:
            with suppress(OSError):  # of a full disk: what ended the work is the word to keep
                noted.note()
            noted.end()

    def _restore_warnings(self) -> None:
        """Once for each worker, so that a warning that is to be shown once is shown once."""
        if tuple(warnings.filters) != self.filters:
            warnings.filters[:] = self.filters  # type: ignore[index] # it is a list
            getattr(warnings, "_filters_mutated", lambda: None)()
        logging.captureWarnings(self.captured)


def _levels() -> dict[str, int]:
    """Levels that were set, by logger; the root's under the empty name."""
    loggers = {name: logger for name, logger in logging.Logger.manager.loggerDict.items() if _is_own(name)}
    set_ones = {name: logger.level for name, logger in loggers.items() if isinstance(logger, logging.Logger)}
    return {"": logging.getLogger().level, **{name: level for name, level in set_ones.items() if level}}


def _is_own(name: str) -> bool:
    return name.partition(".")[0] not in FOREIGN


class _Terminal(logging.StreamHandler[TextIO]):
    """Writes to whatever is standard error at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


@contextmanager
def _terminal() -> Iterator[None]:
    """Show on the terminal what is logged, where nobody does so."""
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    handler = _Terminal()
    handler.setFormatter(PlaceFormatter(FORMAT, "%H:%M:%S"))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
