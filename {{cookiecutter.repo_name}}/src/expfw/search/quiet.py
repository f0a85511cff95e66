"""A terminal on which a search tells of its trials, one line each, and these say nothing themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from expfw.run.folder import ResultFolder
from expfw.run.log import RunLog
from expfw.run.place import NOWHERE
from expfw.run.redacted_log import PLACE


@contextmanager
def quiet(folder: ResultFolder) -> Iterator[None]:
    """Within the block, the terminal shows what is logged for one experiment alone; logs of others are written as ever.

    Args:
        folder: that experiment's folder.
    """
    run = str(folder.log)

    def wanted(record: logging.LogRecord) -> bool:
        return getattr(record, PLACE, NOWHERE).run in ("", run)

    handlers = [handler for handler in logging.getLogger().handlers if not isinstance(handler, RunLog)]
    for handler in handlers:
        handler.addFilter(wanted)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(wanted)
