"""The run's side of the companion process: asks, waits for a moment at most, and goes on without an answer."""

from __future__ import annotations

import atexit
import json
import logging
import os
import platform
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import expfw
from expfw.config.loader import ExperimentConfigLoader
from expfw.database.address import Address, find_address
from expfw.database.probe import Probe
from expfw.errors import ExpfwError
from expfw.run.folder import ResultFolder, next_number

logger = logging.getLogger(__name__)

PATIENCE = 0.6
"""Seconds to wait for an answer of the database. On a busy machine they last longer, by as much as the companion's own
start took longer than the work in it: not the database is slow then."""

START_UP = 60.0
"""Seconds to wait for the companion process to be there; its start falls together with the run's own imports."""

BUSIEST = 30.0
"""How much longer a wait becomes at most."""

CONNECTED = 10.0
"""Seconds to wait for a number when the database has answered before: others are asking for numbers, too."""

ADVICE = "this run is recorded in files; 'kedro experiment sync' brings the database up to date"

SLOW = "it gets the rest of this run's record in the background, or else by 'kedro experiment sync'"


class Link:
    """A companion process, and what it has said. While the database is away, nothing is waited for.

    Args:
        address: the database.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.process_id = os.getpid()
        self.away = ""
        self.uuid, self.root = "", Path()
        self.warned = False
        self.slowness = 1.0
        self._connected = False
        self._probe: Probe | None = None
        self._ready = threading.Event()
        self._answers: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self._asked, self._asked_at, self._ready_at = 0, 0.0, 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "expfw.database.companion"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": _framework_first()},
            start_new_session=True,  # Ctrl-C is for the run alone
            text=True,
        )
        self._tell(url=address.url, database=address.database, parent=os.getpid(), host=platform.node())
        threading.Thread(target=self._listen, name="database", daemon=True).start()

    def expect(self, uuid: str, root: Path) -> None:
        """Ask for a number, to be fetched by :meth:`next` when it is needed; the run's imports go on meanwhile.

        Args:
            uuid: identity of the experiment that will begin.
            root: folder of all experiments.
        """
        self.warned, self.uuid, self.root = False, uuid, root
        self._probe = Probe(self.address)
        self._reserve(next_number(root))

    def expect_another(self, uuid: str) -> None:
        """The same for a further experiment of this process, while the first goes on.

        Args:
            uuid: identity of the experiment that will begin.
        """
        self.uuid, self._probe = uuid, None
        self._reserve(next_number(self.root))

    def next(self, minimum: int) -> int:
        """A number that is free in the whole database; ``minimum`` if the database gives none in time."""
        if self._probe is not None and self._probe.in_vain():
            self._warn(f"the database {self.address.shown} cannot be reached")
            return minimum
        answer = {} if self.away else self._answer(CONNECTED)
        number = answer.get("reserved")
        if number is None:
            self._warn(str(self.away or answer.get("trouble") or f"the database {self.address.shown} does not answer"))
            return minimum
        return max(int(number), minimum)

    def taken(self, number: int) -> None:
        """There is something else under this number in the result folder: ask for another."""
        self._reserve(number + 1)

    def keep(self, number: int) -> None:
        """The number that was reserved last is in use, by an experiment that :meth:`track` will be told of."""
        self._tell(do="keep", number=number)

    def track(self, folder: Path, number: int) -> None:
        """From now on the database follows what is in the folder."""
        self._tell(do="track", folder=str(folder), number=number)

    def finish(self, folder: Path) -> None:
        """The experiment has ended: give the database a moment to take its last state; the companion goes on anyway."""
        self._ask(do="finish", folder=str(folder))
        if self.warned:
            return
        answer = self._answer(PATIENCE)
        trouble = answer.get("trouble", "") if answer else self.away or SLOW
        if trouble == SLOW:
            self.warned = True
            logger.warning("the database %s is slow; %s", self.address.shown, SLOW)
        elif trouble:
            self._warn(trouble)

    def close(self) -> None:
        """This process has no more to say; the companion ends when its work is done."""
        if self.process_id == os.getpid() and self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()

    def _warn(self, why: str) -> None:
        if not self.warned:
            self.warned = True
            logger.warning("%s; %s", why, ADVICE)

    def _reserve(self, minimum: int) -> None:
        self._ask(do="reserve", uuid=self.uuid, root=str(self.root), minimum=minimum)

    def _ask(self, **question: Any) -> None:
        self._asked, self._asked_at = self._asked + 1, time.monotonic()
        self._tell(number_of_question=self._asked, **question)

    def _tell(self, **command: Any) -> None:
        with suppress(OSError, ValueError):
            assert self.process.stdin is not None  # noqa: S101 - it is a pipe
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self.process.stdout:
            answer = json.loads(line)
            self.away = answer.get("trouble", "")
            self._connected |= "connected" in answer
            self.slowness = min(max(answer.get("slowness", self.slowness), 1.0), BUSIEST)
            if not self._ready.is_set():
                self._ready_at = time.monotonic()
                self._ready.set()
            self._answers.put(answer)
        self.away = f"the process that talks to the database {self.address.shown} has ended"
        self._ready.set()

    def _answer(self, longest: float) -> Mapping[str, Any]:
        """The answer to the last question; nothing if it does not come in time."""
        self._ready.wait(START_UP)
        while not self.away:
            patience = self.slowness * (longest if self._connected else PATIENCE)
            if time.monotonic() - max(self._asked_at, self._ready_at) > patience:
                break
            with suppress(queue.Empty):
                answer = self._answers.get(timeout=0.02)
                if answer.get("number_of_question") == self._asked:
                    return answer
        return {}


def bring_again(folder: ResultFolder) -> None:
    """Something was added to an experiment that this process ran and ended: let the database have it, if there is one.

    Args:
        folder: the experiment's folder.
    """
    for (process, _), link in _links.items():
        if process == os.getpid():
            link.track(folder.path, folder.id)
            link.finish(folder.path)


def _framework_first() -> str:
    """A search path on which the companion finds this very framework."""
    own = str(Path(expfw.__file__).parent.parent)
    return os.pathsep.join([own, *filter(None, [os.environ.get("PYTHONPATH")])])


_links: dict[tuple[int, Address], Link] = {}


def link_to_database(loader: ExperimentConfigLoader) -> Link | None:
    """The process's link to the team's database; None if none is configured. It is made once per process.

    An address that is malformed is said, and the run goes on in files, as it does when the database is away.

    Args:
        loader: the project's config loader.
    """
    try:
        address = find_address(loader)
    except ExpfwError as error:
        logger.warning("%s; %s", error, ADVICE)
        return None
    if address is None:
        return None
    key = (os.getpid(), address)
    if key not in _links or _links[key].process.poll() is not None:
        _links[key] = Link(address)
        atexit.register(_links[key].close)
    return _links[key]
