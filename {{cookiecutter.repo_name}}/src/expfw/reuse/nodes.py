"""What is done about reuse around each node: its identity is recorded, and what it can take is made ready."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.pipeline.node import Node

from expfw.errors import RecordError
from expfw.reuse.basis import KEYS, Basis
from expfw.reuse.decision import decide
from expfw.reuse.earlier import PARTS, take
from expfw.reuse.identity import Identity, describe, identify
from expfw.reuse.index import remember
from expfw.reuse.linked import Linked
from expfw.reuse.sections import sections_of
from expfw.run.kept import Catalog, fold_model_file, path_of
from expfw.run.observed import unobserved

if TYPE_CHECKING:
    from expfw.run.build import RunContext

logger = logging.getLogger("expfw.reuse")

LOKY = "joblib.externals.loky.reusable_executor"
"""What holds loky's processes, if anybody has imported it."""


def before(node: Node, context: RunContext, catalog: Catalog, inputs: dict[str, Any]) -> tuple[Identity | None, bool]:
    """Record a node's identity, and decide whether it takes its outputs.

    Args:
        node: the node that is about to run.
        context: its run.
        catalog: the project's catalog.
        inputs: what it is given.

    Returns:
        Its identity, None for one that is never reused; and whether its outputs are taken.
    """
    decide(None)
    if context.reuse is None or node.name not in KEYS:
        return None, False
    with unobserved():
        return _before(node, context, catalog, inputs)


def _before(node: Node, context: RunContext, catalog: Catalog, inputs: dict[str, Any]) -> tuple[Identity, bool]:
    try:
        identity = identify(node, context, catalog)
    except (OSError, ValueError, TypeError, KeyError) as error:
        identity = Identity(None, reasons=(f"{type(error).__name__}: {error}",))
    context.events.append("identity", node=node.name, **describe(identity))
    if identity.value is None:
        return identity, False
    taken = _taken(node, identity, context, catalog, inputs)
    remember(context.folder.path.parent, context.folder.id, [identity.value])
    return identity, taken


def _taken(node: Node, identity: Identity, context: RunContext, catalog: Catalog, inputs: dict[str, Any]) -> bool:
    assert context.reuse is not None  # noqa: S101 - asked by the caller
    places = {name: _files(catalog, name, inputs) for name in node.outputs}
    if not context.reuse.take or not any(places.values()) or (node.name == "fit" and context.finished.folds):
        return False
    found = take(node.name, identity, places, context.folder, context.reuse.project)
    if found is None:
        return False
    taken, number = found
    decide(taken)
    logger.info(
        "%s taken from experiment %d, which computed %s from the same code, parameters and inputs",
        " and ".join(node.outputs),
        number,
        "it" if len(node.outputs) == 1 else "them",
    )
    return True


def _files(catalog: Catalog, name: str, inputs: dict[str, Any]) -> list[Path]:
    path = path_of(catalog, name)
    assert path is not None  # noqa: S101 - else there is no identity
    return [fold_model_file(path, fold) for fold in range(len(inputs["folds"]))] if name == PARTS else [path]


def before_record(node: Node, identity: Identity | None, context: RunContext) -> None:
    """Before an output goes on record as one of the node's identity: take back what does not hold any more.

    Args:
        node: the node.
        identity: its identity when it began.
        context: its run.
    """
    if identity is not None and identity.value is not None and context.reuse is not None:
        with unobserved():
            _before_record(node, identity, context, context.reuse)


def _before_record(node: Node, identity: Identity, context: RunContext, basis: Basis) -> None:
    if not identity.is_current(basis):
        revoked = Identity(None, reasons=("its code changed while it ran",))
        context.events.append("identity", node=node.name, **describe(revoked))
    loky = sys.modules.get(LOKY)
    if not identity.reads and loky is not None and loky._executor is not None:
        outside = ["other processes were at work"]
        context.events.append("touched", node=node.name, files={}, folders={}, outside=outside)
    noted = context.events.read("sections")
    others = {name for event in noted if event["node"] != node.name for name in event["files"]}
    sections = sections_of(context.folder, node.name, others)
    if sections:
        context.events.append("sections", node=node.name, files=sections)


def check_taken(data: Any, files: dict[str, str]) -> None:
    """Compare what was taken with what lies there by now.

    Args:
        data: what was saved.
        files: the files with their checksums.

    Raises:
        RecordError: if a file is another one.
    """
    links = list(data.values()) if isinstance(data, dict) else [data]
    for link, (name, digest) in zip(links, files.items(), strict=False):
        if isinstance(link, Linked) and link.digest != digest:
            raise RecordError(f"{name} is not what was taken from an earlier experiment: it was altered meanwhile")
