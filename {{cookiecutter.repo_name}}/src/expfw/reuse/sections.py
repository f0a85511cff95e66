"""What a node's components added to the page: files in the sections folder, known by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path

from expfw.report.collector import slug
from expfw.run.events import checksum
from expfw.run.folder import ResultFolder
from expfw.run.restart import SECTION_NODES

_NAME = re.compile(r"^\d+-(\w+?)-(\d{6})-")

_NODES = {slug(step): node for step, node in SECTION_NODES.items()}

_MODELS = {slug(step) for step in ("features", "model")}


def sections_of(folder: ResultFolder, node: str, others: Set[str]) -> dict[str, str]:
    """The additions of a node, by file name their checksums.

    Args:
        folder: the experiment's folder.
        node: the node.
        others: files that other nodes added: a model that adds something when it predicts does so under the same step
            as when it was fitted.
    """
    if not folder.sections.is_dir():
        return {}
    paths = [path for path in folder.sections.glob("[!.]*.json") if path.name not in others]
    return {path.name: checksum(path) for path in sorted(paths) if node in _owners(path)}


def _owners(path: Path) -> tuple[str, ...]:
    match = _NAME.match(path.name)
    if match is None:
        return ()
    if match[1] in _MODELS:
        return ("fit", "predict") if int(match[2]) else ("refit", "test")
    return (_NODES[match[1]],) if match[1] in _NODES else ()


def are_intact(folder: ResultFolder, sections: Mapping[str, str]) -> bool:
    """Whether additions are as they were noted."""
    paths = {folder.sections / name: digest for name, digest in sections.items()}
    return all(path.is_file() and not path.is_symlink() and checksum(path) == d for path, d in paths.items())
