"""The log of one run: ``log/experiment.log`` for people, ``log/log.jsonl`` for programs; and what the terminal shows.

Each line is appended by a single write, so that threads and processes need no lock. Runs in threads of one process are
told apart by the place that each record knows.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from kedro.utils import find_kedro_project

from expfw.run import place
from expfw.run.place import NOWHERE, Place
from expfw.run.redacted_log import PLACE, RedactingFormatter, hide_in_logs
from expfw.run.structured import NAME, JsonFormatter

KEDRO_WARNINGS = (r".*register_new_resolver\(\) is deprecated", "The 'preview_fn' feature is experimental")
"""Beginnings of warnings that are not shown: Kedro's call of OmegaConf, and its mark on previews of nodes."""

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"

LOGS = ("experiment.log", NAME)
"""Files of a run's log: for people, for programs."""

FRAMEWORK = ("expfw", "py.warnings")
"""Loggers whose names tell a reader nothing: what they say is said by the place and the message."""


class PlaceFormatter(RedactingFormatter):
    """Puts node and fold before a record's message, where it was made in a node.

    Example:
        >>> record = logging.makeLogRecord({"msg": "half done", "levelname": "INFO"})
        >>> setattr(record, PLACE, Place(node="fit", fold=2, folds=5))
        >>> PlaceFormatter("%(levelname)s %(message)s").format(record)
        'INFO fit fold 3/5: half done'
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        """The line; the record itself is not changed, for other handlers show it as well."""
        before = self.place(record)
        if not before:
            return super().formatMessage(record)
        return super().formatMessage(_Shown({**vars(record), "message": f"{before}: {record.message}"}))

    def place(self, record: logging.LogRecord) -> str:
        """What is put before the message."""
        return str(getattr(record, PLACE, NOWHERE).short)


class FullPlaceFormatter(PlaceFormatter):
    """The same with the component, and with the logger where that is a library's."""

    def place(self, record: logging.LogRecord) -> str:
        """What is put before the message."""
        name = "" if record.name.partition(".")[0] in FRAMEWORK or record.name in FRAMEWORK else record.name
        return " ".join(filter(None, (str(getattr(record, PLACE, NOWHERE)), name)))


class _Shown(logging.LogRecord):
    """What a formatter needs of a record: its attributes."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        vars(self).update(attributes)


def show_places() -> None:
    """Have the terminal's handlers show node and fold of records that have them; formatters of other kinds stay."""
    for handler in logging.getLogger().handlers:
        formatter = handler.formatter
        if type(formatter) is logging.Formatter:
            shown = PlaceFormatter(datefmt=formatter.datefmt)
            shown._style, shown._fmt = formatter._style, formatter._fmt
            handler.setFormatter(shown)


class RunLog(logging.Handler):
    """Writes both files of one run's log.

    Args:
        folder: the experiment's ``log`` folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.run = str(folder)
        formatters = (FullPlaceFormatter(FORMAT), JsonFormatter())
        self.files = [_Appended(folder / name, formatter) for name, formatter in zip(LOGS, formatters, strict=True)]

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of this run, and one of which it is not known whose it is."""
        if getattr(record, PLACE, NOWHERE).run in ("", self.run):
            for file in self.files:
                file.append(record)

    def ending(self, error: BaseException) -> None:
        """Write what ended the run, and where; the terminal is told by the message that the command ends with."""
        where, interrupted = place.place_of(error), isinstance(error, KeyboardInterrupt)
        level, message = (logging.WARNING, "interrupted") if interrupted else (logging.ERROR, f"failed: {error}")
        trace = None if interrupted else (type(error), error, error.__traceback__)
        record = logging.getLogRecordFactory()("expfw.run", level, "", 0, message, (), trace)
        setattr(record, PLACE, replace(where, run=self.run))
        self.handle(record)

    def close(self) -> None:
        """Close the files."""
        super().close()
        for file in self.files:
            file.close()


class _Appended:
    """A file that lines are appended to. What a full disk does not take is let go; the record's ending matters more."""

    def __init__(self, path: Path, formatter: logging.Formatter) -> None:
        self.formatter = formatter
        self.descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.torn = False

    def append(self, record: logging.LogRecord) -> None:
        with suppress(Exception):  # a record that cannot be written must not end the run; logging would print it
            line = f"{self.formatter.format(record)}\n".encode("utf-8", "backslashreplace")
            line = b"\n" + line if self.torn else line
            self.torn = True
            self.torn = os.write(self.descriptor, line) < len(line)

    def close(self) -> None:
        if self.descriptor >= 0:
            with suppress(OSError):  # of a full disk, on a network's file system
                os.close(self.descriptor)
            self.descriptor = -1


@contextmanager
def log_to(folder: Path) -> Iterator[RunLog]:
    """Write what is logged in the block to the run's log as well, from this process and those that it forks.

    Args:
        folder: the experiment's ``log`` folder; lines are appended to what is there.
    """
    handler, root = RunLog(folder), logging.getLogger()
    show_places()
    root.addHandler(handler)
    before = place.enter(handler.run)
    try:
        yield handler
    finally:
        place.back_to(before)
        root.removeHandler(handler)
        handler.close()


def attend(folder: Path) -> None:
    """Have a worker process write to the run's log, unless it does so already, as a forked one does."""
    show_places()
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, RunLog)]
    if str(folder) not in [handler.run for handler in handlers]:
        hide_in_logs()
        for handler in handlers:  # of an earlier run, for which the process worked
            logging.getLogger().removeHandler(handler)
            handler.close()
        with suppress(OSError):
            logging.getLogger().addHandler(RunLog(folder))


class ComponentLogger(logging.Logger):
    """The logger that components are given. To joblib's workers it takes along which run, node and fold they work for.

    In a file, or wherever else it is pickled, it is a plain logger.
    """

    @classmethod
    def get(cls, name: str) -> ComponentLogger:
        """The logger of this name."""
        logger = logging.getLogger(name)
        logger.__class__ = cls
        assert isinstance(logger, cls)  # noqa: S101 - it was made one
        return logger

    def __reduce__(self) -> tuple[Callable[..., logging.Logger], tuple[Any, ...]]:
        if threading.current_thread().name != FEEDER:
            return logging.getLogger, (self.name,)
        return logger_in_worker, (self.name, self.getEffectiveLevel(), os.getpid(), place.here())


FEEDER = "QueueFeederThread"
"""Name of the thread that pickles what goes to a worker process."""


def logger_in_worker(name: str, level: int, parent: int, where: Place) -> logging.Logger:
    """A component's logger in a process that joblib has started, which now logs as the run does.

    Args:
        name: of the logger.
        level: its level in the run.
        parent: process that the work comes from.
        where: what the work is for.
    """
    if os.getppid() == parent and where.run:
        if not logging.getLogger().handlers:
            terminal = logging.StreamHandler(sys.stderr)
            terminal.setFormatter(PlaceFormatter(FORMAT, "%H:%M:%S"))
            logging.getLogger().addHandler(terminal)
        attend(Path(where.run))
        place.back_to(where)
        logging.getLogger(name).setLevel(level)
    return ComponentLogger.get(name)


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
