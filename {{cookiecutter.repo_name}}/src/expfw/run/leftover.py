"""Processes that a run started and that outlive it when it is killed, such as joblib's workers.

They would go on writing into the experiment's folder, where a restart is at work. A process is known by an environment
variable, which a program that is started inherits, whatever becomes of its parents.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from expfw.errors import ExpfwError
from expfw.record import status_of
from expfw.run.folder import ResultFolder

logger = logging.getLogger(__name__)

VARIABLE = "EXPFW_RUN"
"""Environment variable of what a run starts: the experiment's uuid."""

PATIENCE = 10.0
"""Seconds within which a process is gone that was told to end."""


@contextmanager
def marked(uuid: str) -> Iterator[None]:
    """Within the block, programs that are started carry the mark of an experiment.

    Args:
        uuid: identity of the experiment.
    """
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = uuid
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def end_leftovers(folder: ResultFolder, run: Mapping[str, Any]) -> None:
    """End what a run that was killed has left behind on this machine.

    What belongs to a main process that is still alive (a notebook, in which the run failed) is left to it.

    Args:
        folder: the experiment's folder.
        run: content of its ``log/run.json``.

    Raises:
        ExpfwError: if one does not end.
    """
    if not run.get("uuid") or status_of({}, run.get("process") or {}) == "RUNNING":
        return
    found = list(_marked_processes(str(run["uuid"])))
    for one in found:
        with suppress(psutil.Error):
            one.kill()
    _, alive = psutil.wait_procs(found, timeout=PATIENCE)
    if alive:
        raise ExpfwError(
            f"experiment {folder.id} left processes behind that write into its folder and cannot be ended: "
            f"{', '.join(str(one.pid) for one in alive)}; end them first"
        )
    if found:
        pids = ", ".join(str(one.pid) for one in found)
        logger.warning("experiment %d had left processes behind, which were ended: %s", folder.id, pids)


def _marked_processes(uuid: str) -> Iterator[psutil.Process]:
    """Other processes that carry the mark; what this one started, and what started it, are none of them.

    Nor are Python's and joblib's trackers of shared memory: they end by themselves when the others have, and clean up.
    """
    this = psutil.Process()
    related = {process.pid for process in (this, *this.parents(), *this.children(recursive=True))}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid in related or process.environ().get(VARIABLE) != uuid:
                continue
            if not any("resource_tracker" in part for part in process.cmdline()):
                yield process
