"""Values as MongoDB takes them: names of fields, numbers, depth and size."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

DEEPEST = 60
"""Levels of nesting that are kept as such; MongoDB takes 100 in a document, and refuses more."""

SHORTEST = 60
"""Characters below which nothing is worth being shortened to."""

_FULL_WIDTH = str.maketrans({".": "．", "$": "＄", "=": "＝", "\0": "␀"})


def storable(value: Any, depth: int = DEEPEST) -> Any:
    """A JSON value with names of fields that MongoDB takes, integers of 64 bits, and texts of whole characters.

    Args:
        value: as it was read from a JSON file.
        depth: levels of nesting that are kept; what lies deeper becomes its text.

    Example:
        >>> storable({"a.b": [{"$c": 2**64}]})
        {'a．b': [{'＄c': '18446744073709551616'}]}
    """
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, bool) or not isinstance(value, int | Mapping | list):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else number_text(value)
    if depth == 0:
        return "… (nested too deeply)"
    if isinstance(value, Mapping):
        return {whole(str(key)).translate(_FULL_WIDTH): storable(item, depth - 1) for key, item in value.items()}
    return [storable(item, depth - 1) for item in value]


def whole(text: str) -> str:
    r"""A text without halves of characters, which JSON can spell and UTF-8 cannot.

    Example:
        >>> whole("a\ud800b")
        'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def number_text(value: int) -> str:
    """The digits of a number; Python refuses to write thousands of them.

    Example:
        >>> number_text(2**64), number_text(10**5000)[:12]
        ('18446744073709551616', 'about 10**50')
    """
    return str(value) if value.bit_length() < 10_000 else f"about 10**{round(value.bit_length() * math.log10(2))}"


def size(value: Any) -> int:
    """About how many bytes a value takes, by its JSON."""
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def shortened(value: Any, limit: int) -> Any:
    """``value`` in at most about ``limit`` bytes: what is small stays, of what is large the beginning, with a note.

    Args:
        value: a JSON value.
        limit: bytes of JSON.

    Example:
        >>> shortened({"n": 1, "rows": list(range(1000))}, 200)["n"]
        1
        >>> shortened("a" * 1000, 100)
        'aaaaaaaaaaaaaaaaaaaaaaaaa… (975 characters are left out here)'
    """
    if size(value) <= limit:
        return value
    if isinstance(value, Mapping):
        return _fewer_entries(value, limit)
    if isinstance(value, list):
        return _fewer_items(value, limit)
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    kept = max(limit // 4, 0)
    return f"{text[:kept]}… ({len(text) - kept} characters are left out here)"


def _fewer_entries(value: Mapping[str, Any], limit: int) -> dict[str, Any]:
    sizes = {key: size(key) + size(item) + 2 for key, item in value.items()}
    kept: dict[str, Any] = {}
    for count, key in enumerate(sorted(sizes, key=sizes.__getitem__)):
        share = limit // (len(sizes) - count)
        if sizes[key] > share and share < SHORTEST + size(key):
            break
        kept[key] = value[key] if sizes[key] <= share else shortened(value[key], share - size(key))
        limit -= min(sizes[key], share)
    ordered = {key: kept[key] for key in value if key in kept}
    missing = len(value) - len(kept)
    return {**ordered, **({"…": f"{missing} entries are left out here"} if missing else {})}


def _fewer_items(value: list[Any], limit: int) -> list[Any]:
    kept: list[Any] = []
    for item in value:
        taken = size(item) + 2
        if taken > limit:
            if limit >= SHORTEST and not isinstance(item, int | float | None):
                kept.append(shortened(item, limit))
            break
        kept.append(item)
        limit -= taken
    missing = len(value) - len(kept)
    return [*kept, f"… ({missing} items are left out here)"] if missing else kept
