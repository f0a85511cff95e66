"""What settings and choices are called on the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from expfw.report.axes import format_number


def short_names(names: Iterable[str]) -> dict[str, str]:
    """By name of a parameter in the study, the shortest name that tells it from the others.

    Example:
        >>> short_names(["model.params.C", "features.params.scaling", "model[SVC].params.C"])
        {'model.params.C': 'model.C', 'features.params.scaling': 'scaling', 'model[SVC].params.C': 'model[SVC].C'}
    """
    known = list(dict.fromkeys(names))
    last = {name: _last(name) for name in known}
    count = Counter(last.values())
    longer = {name: name.replace(".params.", ".") for name in known}
    doubled = Counter(longer.values())
    return {
        name: last[name] if count[last[name]] == 1 else longer[name] if doubled[longer[name]] == 1 else name
        for name in known
    }


def _last(name: str) -> str:
    """The last part of a key path; dots within brackets belong to a choice's name."""
    tail = name[name.rfind("]") + 1 :].lstrip(".") if "]" in name else name
    return tail.rpartition(".")[2] or name


def shown(value: Any) -> str:
    """A setting's value for people: of a component its class, of a number what can be compared at a glance.

    Example:
        >>> [shown(value) for value in (0.0123456, 12, None, True, "minmax", {"type": "sklearn.svm.SVC"}, [1, 2])]
        ['0.01235', '12', 'null', 'true', 'minmax', 'SVC', '[1, 2]']
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("type"), str) and not value.get("params"):
        return str(value["type"]).rpartition(".")[2]
    return json.dumps(value, ensure_ascii=False, default=str)


def point_in_words(point: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A point of the space in one line.

    Example:
        >>> point_in_words({"model.params.C": 0.5}, {"model.params.C": "C"})
        'C = 0.5'
    """
    return ", ".join(f"{names.get(name, name)} = {shown(value)}" for name, value in point.items())


def signed(value: float) -> str:
    """A difference with its sign.

    Example:
        >>> signed(0.25), signed(-0.25), signed(0.0)
        ('+0.2500', '−0.2500', '±0')
    """
    if not value:
        return "±0"
    return f"{'+' if value > 0 else '−'}{format_number(abs(value))}"
