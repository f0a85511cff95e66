"""The process beside a run that talks to the team's database, so that the run itself never waits for it.

It reads commands from its standard input, one JSON object a line, and answers on its standard output. Whatever the
database does, it makes only this process late: the record is in files first, and what is missing in the database when
this process gives up is what ``kedro experiment sync`` brings there.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expfw.database.address import Address
from expfw.errors import ExpfwError
from expfw.run.folder import ResultFolder

if TYPE_CHECKING:
    from expfw.database.store import Store

EVERY = 1.0
"""Seconds between two looks at the files of a run."""

LONGEST_PAUSE = 30.0
"""Seconds at most between two attempts to reach a database that is away."""

LINGER = 60.0
"""Seconds that the process goes on trying after its run has ended."""

Command = Mapping[str, Any]


@dataclass
class Companion:
    """What the process knows.

    Args:
        store: the database.
        host: name of this machine, kept with a reservation.
        parent: process id of the run.
        say: gives an answer to the run.
    """

    store: Store
    host: str
    parent: int
    say: Callable[..., None]
    tracked: list[Path] = field(default_factory=list)
    reserved: tuple[int, Mapping[str, str]] | None = None
    pause: float = EVERY
    due: float = 0.0

    def reserve(self, uuid: str, root: str, minimum: int) -> dict[str, Any]:
        """Take a number that is ours in the whole database."""
        from expfw.database.upload import place_of

        self.give_back()
        self.store.reach()
        self.say(connected=True)
        owner = {"uuid": uuid, "host": self.host, "place": place_of(Path(root))}
        number = self.store.reserve(minimum, owner)
        self.reserved = number, owner
        return {"reserved": number}

    def give_back(self) -> None:
        """Return a number that the run did not wait for, or could not use."""
        if self.reserved is not None:
            (number, owner), self.reserved = self.reserved, None
            self.store.release(number, owner)

    def end_reservation(self) -> dict[str, Any]:
        """The same, when the run is gone."""
        self.give_back()
        return {}

    def keep(self, number: int) -> dict[str, Any]:
        """The number is in use, by an experiment that has nothing on record yet."""
        if self.reserved is not None and self.reserved[0] == number:
            self.reserved = None
        return {}

    def track(self, folder: str, number: int) -> dict[str, Any]:
        """Follow an experiment's folder from now on."""
        self.tracked.append(Path(folder))
        self.due = 0.0
        if self.reserved is not None and self.reserved[0] == number:
            self.reserved = None
        self.give_back()
        return {}

    def finish(self, folder: str) -> dict[str, Any]:
        """Bring an ended experiment's last state to the database."""
        path = Path(folder)
        self.bring(path)
        return {"finished": folder}

    def bring(self, path: Path) -> None:
        """Bring one folder up to date; forget it once all of it is there."""
        from expfw.database.upload import upload

        if path in self.tracked and (not path.exists() or upload(ResultFolder(path), self.store).complete):
            self.tracked.remove(path)

    def bring_all(self) -> dict[str, Any]:
        """Bring all folders up to date."""
        for path in list(self.tracked):
            self.bring(path)
        return {}

    def look(self) -> None:
        """Bring all folders up to date, if it is time."""
        if self.tracked and time.monotonic() >= self.due:
            self.attempt(self.bring_all, None)

    def obey(self, command: Command) -> None:
        """Carry out one command."""
        arguments = {key: value for key, value in command.items() if key not in ("do", "number_of_question")}
        self.attempt(lambda: getattr(self, command["do"])(**arguments), command.get("number_of_question"))

    def attempt(self, work: Callable[[], dict[str, Any]], question: int | None) -> None:
        """Do what may fail with the database, and say how it went; after a failure wait longer before the next look."""
        answer: dict[str, Any] = {}
        pause = EVERY
        try:
            answer = work()
        except ExpfwError as error:
            answer, pause = {"trouble": str(error)}, min(self.pause * 2, LONGEST_PAUSE)
        except Exception as error:  # a fault of ours must not be the end of the record in the database
            answer, pause = {"trouble": f"the upload failed: {type(error).__name__}"}, LONGEST_PAUSE
        recovered = self.pause > EVERY and pause == EVERY
        self.pause, self.due = pause, time.monotonic() + pause
        if question is not None or recovered or "trouble" in answer:
            self.say(number_of_question=question, **answer)

    def serve(self, commands: queue.Queue[Command | None]) -> None:
        """Obey and look until the run is gone, then go on for a while with what is missing."""
        while (command := self.next(commands)) is not None:
            if command:
                self.obey(command)
            self.look()
        end = time.monotonic() + LINGER
        pause = self.pause
        self.attempt(self.end_reservation, None)
        self.pause, self.due = pause, 0.0
        while True:
            self.look()
            if not self.tracked or self.pause == EVERY or time.monotonic() > end:
                return
            time.sleep(EVERY)

    def next(self, commands: queue.Queue[Command | None]) -> Command | None:
        """The next command; an empty one if there is none; None if the run is gone: a killed one leaves no word."""
        try:
            return commands.get(timeout=EVERY if self.tracked else 5 * EVERY)
        except queue.Empty:
            return {} if os.getppid() == self.parent else None


def say(**answer: Any) -> None:
    """Write an answer for the run, if it still listens."""
    try:
        os.write(1, (json.dumps(answer) + "\n").encode())
    except OSError:
        return


def listen(commands: queue.Queue[Command | None]) -> None:
    """Pass on what the run says, until it says no more."""
    for line in sys.stdin:
        commands.put(json.loads(line))
    commands.put(None)


def main() -> None:
    """Serve the run that started this process."""
    first = json.loads(sys.stdin.readline())
    commands: queue.Queue[Command | None] = queue.Queue()
    threading.Thread(target=listen, args=[commands], daemon=True).start()
    began, worked = time.perf_counter(), time.process_time()
    from expfw.database.store import TIMEOUT, Store

    slowness = (time.perf_counter() - began) / max(time.process_time() - worked, 0.01)
    say(slowness=slowness)
    store = Store(Address(first["url"], first["database"]), timeout=TIMEOUT * min(max(slowness, 1), 10))
    Companion(store, first["host"], first["parent"], say).serve(commands)
    os._exit(0)  # pymongo's threads would hold the process for more than half a second


if __name__ == "__main__":
    main()
