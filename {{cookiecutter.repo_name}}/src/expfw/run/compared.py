"""What differs between two records of what experiments ran with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NO_SURROUNDINGS = ("packages", "package_origins", "python", "implementation", "git", "host")
"""Parts of the environment's record that are told elsewhere, or change no result."""

Pair = tuple[Any, Any]
"""What it was and what it is; None where it was not, or is not any more."""


def changed(then: Mapping[str, Any], now: Mapping[str, Any], *, both: bool = False) -> dict[str, Pair]:
    """The entries of two mappings that differ.

    Args:
        then: the earlier one.
        now: the later one.
        both: whether only entries count that both have.

    Example:
        >>> changed({"a": 1, "b": 1}, {"a": 1, "b": 2, "c": 3})
        {'b': (1, 2), 'c': (None, 3)}
    """
    names = sorted({*then} & {*now} if both else {*then, *now})
    return {name: (then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)}


def surroundings(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Pair]:
    """What differs between two records of the environment, beside packages and Python: platform, threads, variables.

    Args:
        then: content of the earlier ``environment.json``.
        now: that of the later one.

    Returns:
        Entries that both have and that differ; each variable by itself, set or not.

    Example:
        >>> surroundings({"machine": "x86_64", "host": "a"}, {"machine": "arm64", "variables": {"TZ": "UTC"}})
        {'machine': ('x86_64', 'arm64'), 'TZ': (None, 'UTC')}
    """
    entries = [{key: value for key, value in e.items() if key not in NO_SURROUNDINGS} for e in (then, now)]
    for entry in entries:
        if "platform" in entry:
            entry["platform"] = without_kernel(entry)
    variables = [e.pop("variables", {}) for e in entries]
    pools = [_pools(e.pop("thread_pools", [])) for e in entries]
    both = changed(entries[0], entries[1], both=True) | changed(pools[0], pools[1], both=True)
    return both | changed(variables[0], variables[1])


def without_kernel(environment: Mapping[str, Any]) -> str:
    """The platform without the release of Linux, which changes no result, and changes whenever a machine is updated.

    Args:
        environment: content of ``environment.json``.

    Example:
        >>> without_kernel({"platform": "Linux-6.1.0-13-amd64-x86_64-with-glibc2.36", "machine": "x86_64"})
        'Linux-x86_64-with-glibc2.36'
    """
    machine = str(environment.get("machine", ""))
    return re.sub(rf"^Linux-.*?-{re.escape(machine)}\b", f"Linux-{machine}", str(environment.get("platform", "")))


def _pools(pools: Any) -> dict[str, str]:
    """Threads and processor type per numeric library; one that only one of the runs had loaded says nothing."""
    found = [pool for pool in pools if isinstance(pool, Mapping)] if isinstance(pools, list) else []
    return {
        f"threads of {pool.get('prefix')} {pool.get('version') or ''}".strip(): " ".join(
            str(pool[key]) for key in ("num_threads", "architecture") if pool.get(key) is not None
        )
        for pool in found
    }
