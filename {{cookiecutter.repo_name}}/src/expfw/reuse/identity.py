"""What a node's result is decided by, in one digest: equal for equal results, whenever and wherever it is computed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DataCatalog
from kedro.pipeline.node import Node

from expfw.reuse.basis import KEYS, TESTED, Basis, digest_of, texts
from expfw.reuse.code import SourceTree
from expfw.run.events import EventLog
from expfw.run.inputs import content_of, name_of, named_files
from expfw.run.kept import Catalog, class_of, path_of

if TYPE_CHECKING:
    from expfw.run.build import RunContext

SHOWN = 12
"""Characters of the digests that are recorded of parts: enough to see which part differs."""


@dataclass(frozen=True)
class Identity:
    """What a node's result is decided by.

    Args:
        value: the digest; None if something is not known for certain.
        parts: by what it is of, the beginning of a part's digest.
        reasons: why there is no digest.
        modules: the project's modules that the result depends on.
        code: digest of these.
        reads: whether what the node reads can be known by looking at it.
        leaves: whether the node may leave the process, and still be known.
    """

    value: str | None
    parts: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    code: str = ""
    reads: bool = False
    leaves: bool = False

    def is_current(self, basis: Basis) -> bool:
        """Whether the project's code still is what the identity was made from, where it matters."""
        return not self.modules or _digest(basis.tree(), self.modules) == self.code


def identify(node: Node, context: RunContext, catalog: Catalog) -> Identity:
    """The identity of a node that is about to run.

    Args:
        node: the node.
        context: its run.
        catalog: the project's catalog.
    """
    basis, plan = context.reuse, context.plan
    assert basis is not None  # noqa: S101 - asked by the hook first
    tree, recorded = basis.tree(), _saved(context.events)
    footings = [basis.footings[key] for key in KEYS[node.name]]
    inputs = [name for name in node.inputs if not name.startswith("params:")]
    pickled = tree.code({m for name in inputs for m in recorded.get(name, _Saved()).modules if tree.holds(m)})
    planned = [plan.components[key] for key in KEYS[node.name]]
    paths = named_files(planned, basis.project, DataCatalog())  # what needs the catalog is seen when it reads
    named = {name_of(path, basis.project): content_of(path) for path in paths}
    unvouched = any(footing.unvouched for footing in footings)
    parts = {
        **basis.common,
        "node": digest_of(node.name),
        "seed": digest_of(context.seed),
        "parameters": digest_of([*(footing.described for footing in footings), node.name in TESTED and plan.tests]),
        "code": digest_of([footing.code for footing in footings]),
        "classes": pickled.digest,
        "files": digest_of(named),
        "inputs": digest_of({name: recorded.get(name, _Saved()).files for name in inputs}),
        "datasets": digest_of([_kept(catalog, name, context.folder.path) for name in (*inputs, *node.outputs)]),
    }
    modules = tuple(sorted({*pickled.modules, *(m for footing in footings for m in footing.modules)}))
    reasons = [
        *basis.reasons,
        *(reason for footing in footings for reason in footing.reasons),
        *pickled.reasons,
        *_unknown(node, context, catalog, recorded),
        *([f"it is given the folder {text}" for text in texts(planned) if unvouched and _is_folder(text, basis)]),
    ]
    return Identity(
        value=None if reasons else digest_of(parts),
        parts={name: digest[:SHOWN] for name, digest in parts.items()},
        reasons=tuple(dict.fromkeys(reasons)),
        modules=modules,
        code=_digest(tree, modules),
        reads=not unvouched,
        leaves=not unvouched and not any(footing.installed for footing in footings),
    )


def _unknown(node: Node, context: RunContext, catalog: Catalog, recorded: Mapping[str, _Saved]) -> Iterator[str]:
    """What is not known of the files that the node reads and writes."""
    inputs = [name for name in node.inputs if not name.startswith("params:")]
    for name in inputs:
        if not recorded.get(name, _Saved()).files and name != "fold_models":
            yield f"{name} has no checksum"
    for name in (*inputs, *node.outputs):
        if not _is_ours(catalog, name, context):
            yield f"{name} is kept in another way"


@dataclass
class _Saved:
    files: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)


def _saved(events: EventLog) -> dict[str, _Saved]:
    """By output, its files with their checksums, and the modules of what is in them."""
    found: dict[str, _Saved] = {}
    for event in events.read("saved", "removed"):
        saved = found.setdefault(event["output"], _Saved())
        if event["event"] == "saved":
            saved.files.update(event["files"])
            saved.modules.update(event.get("modules") or ())
        else:
            saved.files = {name: digest for name, digest in saved.files.items() if name in event["kept"]}
    return found


def _digest(tree: SourceTree, modules: tuple[str, ...]) -> str:
    return tree.digest(tree.modules[name] for name in modules if name in tree.modules)


def _kept(catalog: Catalog, name: str, folder: Path) -> list[str | None]:
    path = path_of(catalog, name)
    inside = path is not None and path.is_relative_to(folder)
    return [name, class_of(catalog, name), path.relative_to(folder).as_posix() if path and inside else str(path)]


def _is_ours(catalog: Catalog, name: str, context: RunContext) -> bool:
    """Whether an entry is kept by a dataset of the framework's, in the experiment's folder."""
    path = path_of(catalog, name)
    kind = type(catalog.get(name))
    return kind.__module__ == "expfw.datasets" and path is not None and path.is_relative_to(context.folder.path)


def _is_folder(text: str, basis: Basis) -> bool:
    try:
        return bool(text) and os.path.isdir(basis.project / text)  # noqa: PTH112 - False for a text that is no path
    except ValueError:
        return False


def describe(identity: Identity) -> dict[str, Any]:
    """The identity as the event log has it."""
    return {"identity": identity.value, "parts": dict(identity.parts), "why": list(identity.reasons)}
