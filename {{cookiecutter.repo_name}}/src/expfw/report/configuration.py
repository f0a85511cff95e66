"""The configuration as the page shows it: what each step used, and where each value came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from expfw.report.table import cell

MAX_CONFIG = 100_000
MAX_SETTINGS = 200
DESCRIBING = ("$schema", "description", "tags", "published", "extends", "mute", "parallel")


@dataclass(frozen=True)
class Setting:
    """One line of the configuration.

    Args:
        name: the key, for a parameter its name.
        value: the value as text.
        origin: where it came from, shortened; empty where nobody said anything.
        place: the same in full.
        own: whether this experiment's own file or the command line says so.
        depth: 0 for a step, 1 for what is below it.
    """

    name: str
    value: str
    origin: str = ""
    place: str = ""
    own: bool = False
    depth: int = 0


@dataclass(frozen=True)
class Configuration:
    """The configuration.

    Args:
        settings: line by line.
        note: a sentence on what was left out; may be empty.
        whole: all of it, as JSON.
    """

    settings: tuple[Setting, ...] = ()
    note: str = ""
    whole: str = ""


def arrange(config: Mapping[str, Any], origins: Mapping[str, str], name: str) -> Configuration:
    """The lines of a configuration.

    Args:
        config: the resolved configuration.
        origins: by key path, file and line, as in ``log/origin.json``.
        name: the experiment's name, which is that of its file.

    Example:
        >>> config = {"model": {"type": "sklearn.svm.SVC", "params": {"C": 2.5}}}
        >>> origins = {"model.type": "config/experiments/a.json:3", "model.params.C": "--params"}
        >>> for line in arrange(config, origins, "b").settings:
        ...     print(line.depth, line.name, line.value, line.origin, line.own)
        0 model sklearn.svm.SVC a.json:3 False
        1 C 2.5 --params True
    """
    lines = [line for key, value in config.items() if key not in DESCRIBING for line in _lines(key, value)]
    settings = tuple(_setting(*line, origins, name) for line in lines[:MAX_SETTINGS])
    note = f"The first {MAX_SETTINGS} of {len(lines):,} settings are shown." if len(lines) > MAX_SETTINGS else ""
    return Configuration(settings, note, _pretty(config))


Line = tuple[str, str, str, int]
"""Key path, name, value and depth."""


def _lines(key: str, value: Any) -> Iterator[Line]:
    if isinstance(value, Mapping) and ("type" in value or "from_experiment" in value):
        yield (*_component(key, value), 0)
        yield from _params(f"{key}.params", value.get("params"), "")
    elif isinstance(value, Mapping):
        yield key, key, "" if value else "none", 0
        yield from _params(key, value, "")
    elif isinstance(value, list):
        yield key, key, str(cell(", ".join(map(_named, value[:50])))) if value else "none", 0
    else:
        yield key, key, "none" if value is None else _compact(value), 0


def _component(key: str, value: Mapping[str, Any]) -> tuple[str, str, str]:
    if "from_experiment" in value:
        return f"{key}.from_experiment", key, f"from experiment {value['from_experiment']}"
    return f"{key}.type", key, str(value["type"])


def _params(path: str, params: Any, prefix: str) -> Iterator[Line]:
    for name, value in params.items() if isinstance(params, Mapping) else ():
        if isinstance(value, Mapping) and value:
            yield from _params(f"{path}.{name}", value, f"{prefix}{name}.")
        else:
            yield f"{path}.{name}", f"{prefix}{name}", _compact(value), 1


def _named(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    params = entry.get("params") or {}
    inside = ", ".join(f"{name}={_compact(value)}" for name, value in params.items())
    return f"{str(entry.get('type', '?')).rpartition('.')[2]}{f'({inside})' if inside else ''}"


def _compact(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return str(cell(text))


def _setting(path: str, name: str, value: str, depth: int, origins: Mapping[str, str], experiment: str) -> Setting:
    place = str(next((origins[key] for key in (path, f"{path}.0", f"{path}.0.type") if key in origins), ""))
    own = place.startswith((f"config/experiments/{experiment}.", "--params"))
    return Setting(name, value, place.rpartition("/")[2], place, own, depth)


def _pretty(config: Mapping[str, Any]) -> str:
    text = json.dumps(config, indent=2, default=str, ensure_ascii=False)
    return text if len(text) <= MAX_CONFIG else f"{text[:MAX_CONFIG]}\n… (the rest is left out)"
