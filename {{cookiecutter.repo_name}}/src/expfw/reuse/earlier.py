"""Examining what an earlier experiment has of a node, and making its files ready: only what is certain is taken."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expfw.reuse.decision import Taken
from expfw.reuse.identity import Identity
from expfw.reuse.index import known
from expfw.reuse.linked import Linked, draft_of, link_file
from expfw.reuse.sections import are_intact
from expfw.run.events import EventLog, checksum
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.inputs import content_of, names_in
from expfw.run.observed import OUTSIDE

logger = logging.getLogger("expfw.reuse")

SEEN = ("read", "touched", "sections")
"""Events that tell what a node read and added to the page: they hold for whoever takes its output as well."""

PARTS = "fold_models"
"""The output that is saved in parts."""


class Unfit(Exception):
    """What an experiment has is not taken; the text says why."""


@dataclass
class Account:
    """What an experiment's events tell of one node.

    Args:
        number: the experiment that computed it.
        files: by output, by file: its checksum, the node's identity when it was written, and modules of what is in it.
        seen: the events of :data:`SEEN`, the last of each kind last.
    """

    number: int
    files: dict[str, dict[str, tuple[str, str | None, Sequence[str]]]] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sections(self) -> dict[str, str]:
        """What the node added to the page."""
        return {name: d for event in self.seen if event["event"] == "sections" for name, d in event["files"].items()}


def account_of(folder: ResultFolder, node: str) -> Account:
    """What an experiment's events tell of a node.

    Args:
        folder: the experiment's folder.
        node: the node.
    """
    found, identity = Account(folder.id), None
    for event in EventLog(folder.log / "events.jsonl").read("identity", "saved", "removed", "reused", *SEEN):
        kind = event["event"]
        if kind == "removed":
            files = found.files.get(event["output"], {})
            found.files[event["output"]] = {name: file for name, file in files.items() if name in event["kept"]}
        elif event.get("node") != node:
            continue
        elif kind == "identity":
            identity, found.number = event["identity"], folder.id
        elif kind == "reused":
            found.number = event["from"]
        elif kind == "saved":
            known = {n: (digest, identity, event.get("modules") or ()) for n, digest in event["files"].items()}
            found.files.setdefault(event["output"], {}).update(known)
        else:
            found.seen.append(event)
    return found


def take(
    node: str, identity: Identity, places: Mapping[str, Sequence[Path]], folder: ResultFolder, project: Path
) -> tuple[Taken, int] | None:
    """Take a node's outputs from an earlier experiment: make its files ready in this one's folder.

    Args:
        node: the node.
        identity: its identity.
        places: by output, the files that it will be kept in.
        folder: this experiment's folder.
        project: the project's folder.

    Returns:
        What the node is to give, and the experiment that computed it; None if there is nothing to take.
    """
    for number in known(folder.path.parent, str(identity.value)):
        earlier = ResultFolder(folder.path.with_name(f"result_experiment_{number}"))
        if number == folder.id or not earlier.path.is_dir():
            continue
        try:
            account = account_of(earlier, node)
            examine(account, identity, earlier, project)
            drafts = _ready(account, identity, places, earlier, folder)
        except (Unfit, OSError, KeyError, TypeError, ValueError) as problem:
            logger.debug("%s is not taken from experiment %d: %s", node, number, problem)
            continue
        events = EventLog(folder.log / "events.jsonl")
        for event in account.seen:
            events.append(event["event"], **{key: value for key, value in event.items() if key != "event"})
        events.append("reused", node=node, outputs=list(places), **{"from": account.number})
        return drafts, account.number
    return None


def examine(account: Account, identity: Identity, folder: ResultFolder, project: Path) -> None:
    """Refuse what depended on something that was not known, or is different by now.

    Raises:
        Unfit: if so.
    """
    touched = [event for event in account.seen if event["event"] == "touched"]
    if not touched:
        raise Unfit("it was not observed")
    outside = sorted({what for event in touched for what in event["outside"]})
    if outside and not (identity.leaves and set(outside) <= OUTSIDE):
        raise Unfit(f"it depended on {', '.join(outside)}")
    listed = {name: digest for event in touched for name, digest in event["folders"].items()}
    files = [(name, digest) for event in touched for name, digest in event["files"].items()]
    read = [event["files"].items() for event in account.seen if event["event"] == "read"]
    files += [(name, entry["sha256"]) for entries in read for name, entry in entries]
    if not identity.reads and (listed or files):
        raise Unfit("a component read files, and does not say reusable = True")
    _compare(dict.fromkeys(files), listed, project)
    if not are_intact(folder, account.sections):
        raise Unfit("what it added to the page is not intact")


def _compare(files: Iterable[tuple[str, str | None]], folders: Mapping[str, str], project: Path) -> None:
    """Refuse if a file has another content by now (None: it was not there), or a folder other names."""
    for name, digest in files:
        if content_of(str(project / name)) != digest:
            raise Unfit(f"{name} has changed")
    for name, digest in folders.items():
        if names_in(str(project / name)) != digest:
            raise Unfit(f"the folder {name} has changed")


def _ready(
    account: Account, identity: Identity, places: Mapping[str, Sequence[Path]], earlier: ResultFolder, own: ResultFolder
) -> Taken:
    """The files under temporary names in the experiment's own folder, their content compared there."""
    told = read_json(earlier.log / "checksums.json", {}) if _is_completed(earlier) else None
    made: list[Path] = []
    try:
        taken: list[Linked | dict[int, Linked]] = []
        for output, paths in places.items():
            files = account.files.get(output, {})
            names = [path.relative_to(own.path).as_posix() for path in paths]
            if set(files) != set(names):
                raise Unfit(f"{output} is not whole")
            links = []
            for name, path in zip(names, paths, strict=True):
                digest, then, modules = files[name]
                if then != identity.value or (told is not None and told.get(name) != digest):
                    raise Unfit(f"{name} was written by something else")
                made.append(draft_of(path))
                _link(earlier, name, digest, made[-1])
                links.append(Linked(made[-1], digest, tuple(modules)))
            taken += [{fold: link} for fold, link in enumerate(links)] if output == PARTS else links
        _add_sections(account, earlier, own)
        return taken
    except BaseException:
        _remove(made)
        raise


def _link(earlier: ResultFolder, name: str, digest: str, draft: Path) -> None:
    source = earlier.path / name
    if source.resolve() != earlier.path.resolve() / name or not source.is_file():
        raise Unfit(f"{name} is missing, or a link")
    draft.parent.mkdir(parents=True, exist_ok=True)
    link_file(source, draft)
    if checksum(draft) != digest:
        raise Unfit(f"{name} was altered")


def _add_sections(account: Account, earlier: ResultFolder, own: ResultFolder) -> None:
    for name in account.sections:
        own.sections.mkdir(parents=True, exist_ok=True)
        draft = own.sections / f".{name}.{os.getpid()}.tmp"
        link_file(earlier.sections / name, draft)
        draft.replace(own.sections / name)


def _is_completed(folder: ResultFolder) -> bool:
    return bool(read_json(folder.log / "sacred" / "run.json", {}).get("status") == "COMPLETED")


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def reused_nodes(folder: ResultFolder) -> dict[str, dict[str, Any]]:
    """By node that took its outputs, ``{"from": N, "identity": …}``: the experiment that computed them, and as what.

    Args:
        folder: the experiment's folder.
    """
    found: dict[str, dict[str, Any]] = {}
    identities: dict[str, str | None] = {}
    for event in EventLog(folder.log / "events.jsonl").read("identity", "reused"):
        if event["event"] == "identity":
            identities[event["node"]] = event["identity"]
            found.pop(event["node"], None)
        else:
            found[event["node"]] = {"from": event["from"], "identity": identities.get(event["node"])}
    return found
