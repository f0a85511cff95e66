"""Log records without secrets that know where they were made: whoever logs, in this process and those that it forks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from expfw.config.secrets import hide
from expfw.run.place import here

PLACE = "expfw_place"
"""Attribute of a log record that holds where it was made. (``node`` or ``fold`` may be anybody's ``extra``.)"""


class RedactingFormatter(logging.Formatter):
    """Hides secrets in the finished line as well: a record that was made in another process comes as it is."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return hide(super().format(record))


class _RedactedRecords:
    """Makes log records without secrets and with their place, for all handlers of all loggers."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self.make(*args, **kwargs)
        setattr(record, PLACE, here())
        message = message_of(record)
        hidden = hide(message)
        if hidden != message:
            record.msg, record.args = hidden, None
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            hidden = hide(trace)
            if hidden != trace:
                record.exc_text, record.exc_info = hidden, None
        if record.stack_info:
            record.stack_info = hide(record.stack_info)
        return record


def message_of(record: logging.LogRecord) -> str:
    """The record's text; of one whose arguments do not fit, what Python would print of it instead."""
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} {record.args}"


@contextmanager
def hidden_in_logs() -> Iterator[None]:
    """Hide the secrets that are known in all that is logged in the block, also by processes that are forked in it."""
    before = logging.getLogRecordFactory()
    records = _RedactedRecords(before)
    logging.setLogRecordFactory(records)
    try:
        yield
    finally:
        if logging.getLogRecordFactory() is records:
            logging.setLogRecordFactory(before)


def hide_in_logs() -> None:
    """The same for the rest of a worker process."""
    if not isinstance(logging.getLogRecordFactory(), _RedactedRecords):
        logging.setLogRecordFactory(_RedactedRecords(logging.getLogRecordFactory()))
