"""Which experiments have a node of an identity on record, told quickly however many there are.

The answer lies in each experiment's ``log/events.jsonl``. What was read of them is kept in ``result/.known_outputs``:
in a file for each beginning of an identity the lines ``identity:N;``, in ``experiments`` the numbers of those that are
accounted for. All of it only saves time: whatever it names is examined in the folder before it is believed, and it can
be deleted at any time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from expfw.run.events import EventLog
from expfw.run.folder import ResultFolder
from expfw.run.known import experiment_numbers

INDEX = ".known_outputs"
"""Name of the folder that remembers, in the folder of all experiments."""

TRIED = 20
"""How many experiments are examined for one output, the newest first."""

_NUMBERS = "experiments"
_NUMBER = re.compile(rb"^(\d+);$", re.MULTILINE)


def remember(root: Path, number: int, identities: Iterable[str] = ()) -> None:
    """Note that an experiment is accounted for, and the identities of its nodes.

    Args:
        root: folder of all experiments.
        number: the experiment.
        identities: those of its nodes.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> remember(root, 3, ["ab12"]), remember(root, 5, ["ab12", "cd34"])
        (None, None)
        >>> list(known(root, "ab12")), list(known(root, "ab1"))
        ([5, 3], [])
    """
    with suppress(OSError):
        (root / INDEX).mkdir(exist_ok=True)
        for identity in identities:
            _append(_shard(root, identity), f"{identity}:{number};")
        if not identities:
            _append(root / INDEX / _NUMBERS, f"{number};")


def known(root: Path, identity: str) -> Iterator[int]:
    """Numbers of experiments that may have a node of this identity, the newest first, no more than are worth trying."""
    try:
        content = _shard(root, identity).read_bytes()
    except OSError:
        return
    pattern = re.compile(rb"^" + re.escape(identity.encode()) + rb":(\d+);$", re.MULTILINE)
    yield from sorted({int(number) for number in pattern.findall(content)}, reverse=True)[:TRIED]


def catch_up(root: Path) -> None:
    """Take account of the experiments that the index lacks, as all do after it was deleted."""
    try:
        accounted = {int(number) for number in _NUMBER.findall((root / INDEX / _NUMBERS).read_bytes())}
    except OSError:
        accounted = set()
    for number in sorted(experiment_numbers(root) - accounted):
        events = EventLog(ResultFolder(root / f"result_experiment_{number}").log / "events.jsonl")
        found = {str(event["identity"]) for event in events.read("identity") if event.get("identity")}
        if found:
            remember(root, number, sorted(found))
        remember(root, number)


def _shard(root: Path, identity: str) -> Path:
    return root / INDEX / identity[:2]


def _append(path: Path, line: str) -> None:
    """Append by a single write, beginning a line of its own: what another process left torn stays apart."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"\n{line}\n".encode())
    finally:
        os.close(descriptor)
