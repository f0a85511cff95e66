"""Which settings tell experiments apart, the most telling first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from expfw.index.row import Row, Settings

_FIRST = ("model.type", *(f"data_source.params.{name}" for name in ("name", "path", "entry")))
_SEEDS = (".random_state", ".seed")
_SCALARS = (str, int, float, bool, type(None))


def setting_keys(rows: Iterable[Row]) -> list[str]:
    """Key paths of all settings of some experiments, in the order met."""
    return list(dict.fromkeys(key for section, _ in _shared(rows) for key in section))


def telling_settings(rows: Sequence[Row]) -> list[str]:
    """Key paths of the settings in which experiments differ; those without settings are left out.

    The model's class comes first, then which data there are, then the classes of the other steps in the order of the
    workflow, then what sets most experiments apart from the rest: the number of those whose value is not the commonest.
    Seeds and the list of metrics come last. That a component has no parameters is left out: the parameters that others
    have tell as much.

    Args:
        rows: the experiments.
    """
    counts: dict[str, Counter[str]] = {}
    total = sum(1 for row in rows if row.settings)
    for section, number in _shared(rows):
        for key, value in section.items():
            counts.setdefault(key, Counter())[_text(value)] += number
    for values in counts.values():
        values["null"] += total - values.total()
    apart = {key: total - max(values.values()) for key, values in counts.items() if set(values) - {"null", "{}"}}
    return sorted((key for key, number in apart.items() if number), key=lambda key: _rank(key, apart[key]))


def _rank(key: str, apart: int) -> tuple[int, int]:
    if key in _FIRST:
        return 0, _FIRST.index(key)
    if key.endswith(_SEEDS) or key == "metrics":
        return 3, -apart
    return (1, 0) if key.endswith(".type") and key.count(".") == 1 else (2, -apart)


def _shared(rows: Iterable[Row]) -> Iterable[tuple[Mapping[str, Any], int]]:
    """Sections of settings, each with the number of experiments that have it: most have it in common with others."""
    shared = list(chain.from_iterable([_parts(row.settings) for row in rows]))
    numbers = Counter(map(id, shared))
    return [(part, numbers[key]) for key, part in dict(zip(map(id, shared), shared, strict=True)).items()]


def _parts(settings: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return settings.sections if isinstance(settings, Settings) else (settings,)


def _text(value: Any) -> str:
    """Equal for values that are equal in JSON."""
    if value is None:
        return "null"
    return repr(value) if isinstance(value, _SCALARS) else json.dumps(value, sort_keys=True)
