"""The process that shows a run on a terminal: what is printed, and below it a line of progress.

It is started by :mod:`expfw.run.progress` as a plain script, so that it is there within milliseconds: it imports
nothing but Python's own modules. It takes the place of ``tee``: whatever is printed goes to the file that keeps it and
to where it went before. It alone writes to the terminal, so it can take its own line away before anything else is shown
there, and none of that line gets into the file.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PIECE = 65536
"""Bytes that are read at a time."""

LONG = 2.0
"""Seconds that a node is at work before its progress is shown."""

INTERVAL = 0.5
"""Seconds between two looks at the clock."""

CLEAR = b"\r\x1b[2K"


@dataclass
class Work:
    """What one thread of the run is at.

    Args:
        node: name of the node.
        began: when, by the clock.

    Example:
        >>> work = Work("fit", 0.0)
        >>> work.fold_begins(0, 5, 0.0), work.fold_ends(3.0), work.fold_begins(1, 5, 3.0)
        (None, None, None)
        >>> work.told(4.0)
        'fit fold 2/5, 0:04, about 0:11 left'
    """

    node: str
    began: float
    fold: int | None = None
    folds: int = 0
    fold_began: float = 0.0
    took: list[float] = field(default_factory=list)

    def fold_begins(self, fold: int, folds: int, now: float) -> None:
        """Work at a fold begins."""
        self.fold, self.folds, self.fold_began = fold, folds, now

    def fold_ends(self, now: float) -> None:
        """It has ended."""
        self.took.append(now - self.fold_began)
        self.fold_began = now

    def told(self, now: float) -> str:
        """One phrase about it."""
        fold = "" if self.fold is None else f" fold {self.fold + 1}/{self.folds}"
        return f"{self.node}{fold}, {clock(now - self.began)}{self._left(now)}"

    def _left(self, now: float) -> str:
        if self.fold is None or not self.took:
            return ""
        mean = sum(self.took) / len(self.took)
        left = max(mean - (now - self.fold_began), 0.0) + mean * (self.folds - self.fold - 1)
        return f", about {clock(left)} left"


def clock(seconds: float) -> str:
    """A duration for people.

    Example:
        >>> clock(75.2), clock(3700)
        ('1:15', '1:01:40')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Screen:
    """A terminal with a line of progress as its last.

    Args:
        terminal: descriptor of the terminal.
        now: the clock, in seconds.
    """

    def __init__(self, terminal: int, now: Callable[[], float] = time.monotonic) -> None:
        self.terminal, self.now = terminal, now
        self.works: dict[str, Work] = {}
        self.shown = self.midway = False

    def take(self, thread: str, node: str, fold: int | None, folds: int, *, begins: bool) -> None:
        """What a thread of the run tells: that its work at a node, or at a fold of it, begins or has ended."""
        work = self.works.get(thread)
        if begins and (work is None or work.node != node):
            work = self.works[thread] = Work(node, self.now())
        if work is None:
            return
        if fold is None and not begins:
            del self.works[thread]
        elif fold is not None and begins:
            work.fold_begins(fold, folds, self.now())
        elif fold is not None:
            work.fold_ends(self.now())

    def draw(self) -> None:
        """Show the progress of what takes long; never in the midst of a line that somebody else has begun."""
        now = self.now()
        told = [work.told(now) for work in self.works.values() if now - work.began >= LONG]
        if not told or self.midway:
            self.clear()
            return
        line = "; ".join(told)[: self._width() - 1]
        write(self.terminal, CLEAR + line.encode("ascii", "replace"))
        self.shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self.shown:
            write(self.terminal, CLEAR)
        self.shown = False

    def passed_on(self, target: int, piece: bytes) -> None:
        """Show what was printed."""
        if os.isatty(target):
            self.clear()
            self.midway = not piece.endswith(b"\n")
        write(target, piece)

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self.terminal).columns or 80
        except OSError:
            return 80


def write(target: int, content: bytes) -> None:
    """Write all of it, unless nobody is there any more."""
    try:
        while content:
            content = content[os.write(target, content) :]
    except OSError:
        return


def serve() -> None:
    """Pass on what is printed until nobody can print any more, as the specification on standard input says.

    A run whose output nobody reads would fail at the next word. So a second process does the work, and this one goes on
    with it, without progress, should the second one be killed.
    """
    job = json.load(sys.stdin)
    worker = os.fork()
    if worker == 0:
        show(job)
        os._exit(0)
    if os.waitpid(worker, 0)[1] != 0:
        show({**job, "control": None})


def show(job: dict[str, Any]) -> None:
    """Pass on what is printed, and show progress if there is a pipe that tells of it.

    Args:
        job: ``pipes`` (pairs of descriptors: read from, write to), ``control`` (pipe that tells of progress, or None),
            ``kept`` (descriptor of the file that keeps it all), ``terminal`` (descriptor).
    """
    targets, control, kept = dict(job["pipes"]), job["control"], job["kept"]
    screen, told = Screen(job["terminal"]), b""
    sources = [*targets, *([] if control is None else [control])]
    screen.shown = control is None  # whoever was killed may have left a line
    while sources:
        waiting = control in sources and screen.works
        for source in select.select(sources, [], [], INTERVAL if waiting else None)[0]:
            piece = os.read(source, PIECE)
            if not piece:
                sources.remove(source)
            elif source == control:
                *lines, told = (told + piece).split(b"\n")
                for line in lines:
                    _obey(screen, line)
            else:
                write(kept, piece)
                screen.passed_on(targets[source], piece)
            if source == control and not piece:
                screen.works.clear()
                screen.clear()
        if screen.works or screen.shown:
            screen.draw()


def _obey(screen: Screen, line: bytes) -> None:
    thread, node, fold, folds, begins = json.loads(line)
    if thread is None:
        screen.works.clear()
        screen.clear()
    else:
        screen.take(thread, node, fold, folds or 0, begins=begins)


if __name__ == "__main__":
    serve()
