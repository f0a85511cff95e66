"""Merging the layers of a configuration, weakest first, remembering where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from expfw.errors import Fault

Path = tuple[str, ...]
"""Key path of a value, for example ``("model", "params", "n_estimators")``."""


@dataclass
class Merged:
    """A configuration in the making.

    Args:
        values: the values so far.
        origins: for each value that is no object, and for each empty object, the layer that it came from.
        faults: positions in lists that there are not.

    Example:
        >>> merged = Merged()
        >>> merged.lay({"model": {"type": "A", "params": {"depth": 2}}}, "base")
        >>> merged.lay({"model": {"params": {"depth": 3}}}, "a.json")
        >>> merged.values, merged.origin(("model", "params", "depth"))
        ({'model': {'type': 'A', 'params': {'depth': 3}}}, 'a.json')
        >>> merged.lay({"model": {"type": "B"}}, "--params")
        >>> merged.values
        {'model': {'type': 'B'}}
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def lay(self, layer: Mapping[str, Any], origin: str) -> None:
        """Lay ``layer`` over what is there: objects are merged key by key, everything else is replaced.

        An object with another ``type`` drops the ``params`` that it inherited, for they belonged to the other class.
        An object whose keys are all positions (``{"0": …}``, as ``--params reports.0.type=X`` gives) changes the list
        entries at those positions.
        """
        self.values = self._over(self.values, layer, origin, ())

    def origin(self, path: Path) -> str:
        """The layer that decided the value at ``path``, or the nearest value around it."""
        while path and path not in self.origins:
            below = [origin for other, origin in self.origins.items() if other[: len(path)] == path]
            if below:
                return below[0]
            path = path[:-1]
        return self.origins.get(path, "")

    def _over(self, under: Any, over: Any, origin: str, path: Path) -> Any:
        if isinstance(under, list) and _are_positions(over):
            self.faults += _beyond(under, over, origin, path)
            return [
                self._over(item, over[str(i)], origin, (*path, str(i))) if str(i) in over else item
                for i, item in enumerate(under)
            ]
        if not isinstance(over, Mapping):
            return self._replace(over, origin, path)
        kept = self._kept(under, over, path) if isinstance(under, Mapping) else self._cleared(path)
        if not over and not kept:
            self.origins[path] = origin
        merged = dict(kept)
        for key, value in over.items():
            merged[str(key)] = self._over(kept.get(key), value, origin, (*path, str(key)))
        return merged

    def _kept(self, under: Mapping[str, Any], over: Mapping[str, Any], path: Path) -> dict[str, Any]:
        self.origins.pop(path, None)
        if under and ("from_experiment" in over) != ("from_experiment" in under) and _COMPONENT & {*over, *under}:
            return self._cleared(path)  # a reference takes the place of a component, and the other way round
        if "type" not in over or "type" not in under or over["type"] == under["type"]:
            return dict(under)
        self._forget((*path, "params"))
        return {key: value for key, value in under.items() if key != "params"}

    def _cleared(self, path: Path) -> dict[str, Any]:
        self._forget(path)
        return {}

    def _replace(self, value: Any, origin: str, path: Path) -> Any:
        self._forget(path)
        self.origins[path] = origin
        return value

    def _forget(self, path: Path) -> None:
        for other in [other for other in self.origins if other[: len(path)] == path]:
            del self.origins[other]


_COMPONENT = {"type", "params", "from_experiment"}


def _are_positions(keys: Any) -> bool:
    return isinstance(keys, Mapping) and bool(keys) and all(str(key).isdecimal() for key in keys)


def _beyond(items: list[Any], over: Mapping[str, Any], origin: str, path: Path) -> list[Fault]:
    entries = "1 entry" if len(items) == 1 else f"{len(items)} entries"
    what = f"there is no such position, the list has {entries} (counted from 0)"
    return [Fault(origin, ".".join((*path, key)), what) for key in over if int(key) >= len(items)]
