"""A configuration as key paths and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Key paths and values of a configuration; an empty object or list counts as a value.

    Example:
        >>> list(leaves({"model": {"type": "A", "params": {}}, "tags": ["x"]}))
        [(('model', 'type'), 'A'), (('model', 'params'), {}), (('tags', '0'), 'x')]
    """
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    items = [(str(key), item) for key, item in entries]
    if not items:
        yield path, value
    for key, item in items:
        yield from leaves(item, (*path, key))
