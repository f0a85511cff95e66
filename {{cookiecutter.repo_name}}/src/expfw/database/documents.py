"""What the team's database holds of an experiment, read from its folder: nothing here knows a database.

A run may be going on, or have been killed while it wrote: what is missing or torn is left out, never an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from expfw.database.fields import Metric, Notes, curves, fields_of, mapping, part
from expfw.database.files import File, artifacts, digest_of, sources
from expfw.database.storable import storable, whole
from expfw.record import status_of
from expfw.run.folder import ResultFolder


@dataclass(frozen=True)
class RunState:
    """An experiment as it stands.

    Args:
        uuid: its identity, wherever it is recorded.
        local_id: its number N in its own result folder.
        digest: changes with the files.
        ended: whether its run has ended, a killed one included.
        document: the run's document; without artifacts, sources and metrics, which the database gives names to.
        metrics: curves.
        artifacts: files to keep with it.
        sources: source files it ran with.
    """

    uuid: str
    local_id: int
    digest: str
    ended: bool
    document: dict[str, Any]
    metrics: list[Metric] = field(default_factory=list)
    artifacts: list[File] = field(default_factory=list)
    sources: list[File] = field(default_factory=list)


def read_state(folder: ResultFolder, digest: str = "") -> RunState:
    """Read an experiment's folder.

    Args:
        folder: the experiment's folder.
        digest: :func:`~expfw.database.files.digest_of` it, taken before; what changes in between shows the next time.
    """
    digest = digest or digest_of(folder)
    run, sacred = mapping(folder.log / "run.json"), mapping(folder.log / "sacred" / "run.json")
    status, notes = status_of(sacred, part(run, "process")), Notes()
    metrics = curves(mapping(folder.log / "sacred" / "metrics.json"), notes)
    document = fields_of(folder, run, sacred, status, notes)
    uuid, _ = identity(folder, run)
    ended = status != "RUNNING"
    own = {
        "uuid": uuid,
        "local_id": folder.id,
        "project": whole(folder.path.parent.parent.name),
        "status": whole(status)[:100],
        "hash": storable(run.get("hash")),
        "parents": storable(run.get("parents", [])),
        "notes": notes.sentences,
    }
    return RunState(
        uuid=uuid,
        local_id=folder.id,
        digest=digest,
        ended=ended,
        document={**document, "expfw": own},
        metrics=metrics,
        artifacts=artifacts(folder, ended=ended, also=notes.whole if ended else ()),
        sources=sources(folder),
    )


def has_ended(folder: ResultFolder) -> bool:
    """Whether an experiment's run has ended, a killed one included."""
    run, sacred = mapping(folder.log / "run.json"), mapping(folder.log / "sacred" / "run.json")
    return status_of(sacred, part(run, "process")) != "RUNNING"


def identity(folder: ResultFolder, run: Mapping[str, Any] | None = None) -> tuple[str, int | None]:
    """Who an experiment is: the identity it was given when it began, or one made from what it was; and its number then.

    Args:
        folder: the experiment's folder.
        run: content of its ``log/run.json``, if it was read already.
    """
    run = mapping(folder.log / "run.json") if run is None else run
    given, number = run.get("uuid"), run.get("id")
    number = number if isinstance(number, int) else None
    if isinstance(given, str) and given:
        return whole(given)[:100], number
    told = [run.get("name"), run.get("started"), run.get("process")]
    told = told if run.get("started") else [*told, str(folder.path.absolute())]
    return str(uuid5(NAMESPACE_OID, json.dumps(told, sort_keys=True))), number
