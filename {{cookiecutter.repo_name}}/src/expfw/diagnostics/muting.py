"""Key ``mute`` of an experiment file: findings that are known and no news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from expfw.diagnostics.catalogue import CHECKS
from expfw.errors import did_you_mean

UNEXPLAINED = "no reason given"

MUTE: dict[str, Any] = {
    "description": "Checks whose findings are no news: a list of codes, or codes with the reason of each.",
    "anyOf": [
        {"type": "array", "items": {"enum": list(CHECKS)}},
        {"type": "object", "propertyNames": {"enum": list(CHECKS)}, "additionalProperties": {"type": "string"}},
    ],
}
"""The key in JSON Schema."""


def muted(value: Any) -> dict[str, str]:
    """The codes that are muted, with the reason of each.

    Args:
        value: what stands at ``mute``: a list of codes, or an object of codes and reasons.

    Example:
        >>> muted(["EX101"]), muted({"EX201": "each visit counts for itself"})
        ({'EX101': 'no reason given'}, {'EX201': 'each visit counts for itself'})
    """
    if isinstance(value, Mapping):
        return {str(code): str(reason) or UNEXPLAINED for code, reason in value.items()}
    return {str(code): UNEXPLAINED for code in value or ()}


def mute_faults(value: Any) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What is wrong at ``mute``: key path, what, hint.

    Example:
        >>> list(mute_faults(["EX110"]))[0][:2]
        (('mute', '0'), "there is no check 'EX110'")
    """
    if isinstance(value, Mapping):
        for code, reason in value.items():
            yield from _code_faults(code, ("mute", str(code)))
            if not isinstance(reason, str):
                yield ("mute", str(code)), f"holds {reason!r}, expected a text", "say why it is muted"
    elif isinstance(value, list):
        for position, code in enumerate(value):
            yield from _code_faults(code, ("mute", str(position)))
    else:
        yield ("mute",), f"holds {value!r}, expected a list or an object", 'write ["EX101"] or {"EX101": "why"}'


def _code_faults(code: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if code not in CHECKS:
        yield path, f"there is no check {code!r}", did_you_mean(str(code), CHECKS, limit=len(CHECKS))
