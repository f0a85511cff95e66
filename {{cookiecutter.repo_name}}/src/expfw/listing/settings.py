"""A configuration as key paths and values, and which of them tell experiments apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

LEFT_OUT = frozenset(
    (
        "$schema",
        "description",
        "tags",
        "published",
        "reports",
        "extends",
        "defaults",
        "mute",
        "search",
        "selection",
        "test",
        "parallel",
    )
)
"""Keys of a configuration that only describe, or say how to report."""


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as key paths and values, without what only describes.

    Example:
        >>> settings({"model": {"type": "A", "params": {"depth": 2}}, "holdout": None, "tags": []})
        {'model.type': 'A', 'model.params.depth': 2, 'holdout': None}
    """
    return {path: value for section in sections(config) for path, value in section.items()}


def sections(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings of each key of a configuration.

    Example:
        >>> sections({"model": {"type": "A"}, "holdout": None, "description": "none"})
        [{'model.type': 'A'}, {'holdout': None}]
    """
    return [_leaves(value, str(key), {}) for key, value in config.items() if key not in LEFT_OUT]


def _leaves(value: Any, path: str, found: dict[str, Any]) -> dict[str, Any]:
    """``found``, to which the leaves of a value have been added."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _leaves(item, f"{path}.{key}", found)
    else:
        found[path] = value
    return found


def differing(configurations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Key paths of the settings in which some configurations differ; one that has no settings is left out.

    Args:
        configurations: the settings of each, by key path.

    Example:
        >>> differing([{"model.type": "A", "seed": 1}, {"model.type": "B", "seed": 1}, {}])
        ['model.type']
    """
    flat = [one for one in configurations if one]
    keys = dict.fromkeys(key for one in flat for key in one)
    return [key for key in keys if len({json.dumps(one.get(key), sort_keys=True) for one in flat}) > 1]
