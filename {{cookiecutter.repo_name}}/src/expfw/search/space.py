"""The space of a search: which values which settings may take, and one point of it as a layer of a configuration.

A parameter of the space stands at a key path of the experiment file. Its values are numbers between two bounds, or
choices; a choice may be a whole component, with a space of its own that counts only where it is chosen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from expfw.config.merge import Merged

Point = Mapping[str, Any]
"""Values of parameters by their names, as a sampler gives them; a choice that is an object or a list by its label."""


@dataclass(frozen=True)
class Number:
    """A number between two bounds, both included.

    Args:
        low: the least value.
        high: the greatest value.
        step: distance of neighbouring values; None for any value between (for whole numbers 1).
        log: whether values are spread evenly over orders of magnitude.
    """

    low: float | int
    high: float | int
    step: float | int | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 0))

    def values(self) -> list[Any] | None:
        """All values, ascending; None where they cannot be counted.

        Example:
            >>> Number(1, 10, step=4).values(), Number(0.0, 1.0, step=0.5).values(), Number(0.0, 1.0).values()
            ([1, 5, 9], [0.0, 0.5, 1.0], None)
        """
        if self.whole:
            return list(range(int(self.low), int(self.high) + 1, int(self.step or 1)))
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + 1e-9)
        return [round(self.low + self.step * at, 12) for at in range(count + 1)]

    @property
    def top(self) -> float | int:
        """The greatest value that the steps reach; Optuna warns of any other bound.

        Example:
            >>> Number(1, 10, step=4).top, Number(0.0, 1.0, step=0.3).top, Number(0.1, 1.0).top
            (9, 0.9, 1.0)
        """
        values = None if self.step is None else self.values()
        return self.high if values is None else values[-1]

    def distribution(self) -> Any:
        """The same as Optuna's distribution."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.top), self.log, int(self.step or 1))
        return FloatDistribution(float(self.low), float(self.top), self.log, self.step)

    def suggest(self, trial: Any, name: str) -> Any:
        """A value from Optuna's sampler."""
        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return trial.suggest_int(name, int(self.low), int(self.top), step=step, log=self.log)
        return trial.suggest_float(name, float(self.low), float(self.top), step=self.step, log=self.log)


@dataclass(frozen=True)
class Choices:
    """One of several values.

    Args:
        options: by label, the value that stands in the configuration. A text, a number, true, false or null is its own
            label; a component has the short name of its class, another object or list its JSON, and so have values that
            Python takes for equal (1, 1.0 and true).
        inner: by label, the space that counts only where that value is chosen.
    """

    options: Mapping[Any, Any]
    inner: Mapping[Any, Space] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """All labels."""
        return list(self.options)

    def distribution(self) -> Any:
        """The same as Optuna's distribution."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(list(self.options))

    def suggest(self, trial: Any, name: str) -> Any:
        """A label from Optuna's sampler."""
        return trial.suggest_categorical(name, list(self.options))


@dataclass(frozen=True)
class Parameter:
    """One setting that a search varies.

    Args:
        path: its key path in the experiment file.
        name: its name in the study: the key path, with the choice that it belongs to in brackets.
        domain: what values it may take.
    """

    path: tuple[str, ...]
    name: str
    domain: Number | Choices


@dataclass(frozen=True)
class Space:
    """All that a search varies.

    Args:
        parameters: those that are always there, in the order in which their values are laid into a configuration.

    Example:
        >>> from expfw.search.parsing import parse_space
        >>> space = parse_space({"model.params.C": {"low": 1, "high": 3}, "features": {"choices": [None]}}, [])
        >>> [point for point in space.grid()][:2]
        [{'features': None, 'model.params.C': 1}, {'features': None, 'model.params.C': 2}]
        >>> space.layer({"features": None, "model.params.C": 2})
        {'features': None, 'model': {'params': {'C': 2}}}
    """

    parameters: Sequence[Parameter] = ()

    def suggest(self, trial: Any) -> dict[str, Any]:
        """A point of the space, drawn by Optuna's sampler for a trial."""
        return self._point(lambda parameter: parameter.domain.suggest(trial, parameter.name))

    def _point(self, value: Callable[[Parameter], Any]) -> dict[str, Any]:
        point: dict[str, Any] = {}
        for parameter in self.parameters:
            point[parameter.name] = chosen = value(parameter)
            if isinstance(parameter.domain, Choices) and chosen in parameter.domain.inner:
                point |= parameter.domain.inner[chosen]._point(value)
        return point

    def distributions(self, point: Point) -> dict[str, Any]:
        """By name, Optuna's distribution of each parameter that counts at a point."""
        return {parameter.name: parameter.domain.distribution() for parameter in self.all() if parameter.name in point}

    def layer(self, point: Point) -> dict[str, Any]:
        """What a point of the space changes in a configuration, as a layer over it."""
        merged = Merged()
        for path, value in self.settings(point):
            merged.lay(_nested(path, value), "search")
        return merged.values

    def settings(self, point: Point) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Key paths and the values that a point of the space puts there, in the order in which they are laid."""
        for parameter in self.parameters:
            if parameter.name not in point:
                continue
            value = point[parameter.name]
            if isinstance(parameter.domain, Number):
                yield parameter.path, value
                continue
            yield parameter.path, parameter.domain.options[value]
            if value in parameter.domain.inner:
                yield from parameter.domain.inner[value].settings(point)

    def grid(self) -> Iterator[dict[str, Any]]:
        """All points of the space, the last parameter varying first.

        Raises:
            ValueError: with the name of a parameter whose values cannot be counted.
        """
        if not self.parameters:
            yield {}
            return
        first, rest = self.parameters[0], Space(self.parameters[1:])
        values = first.domain.values()
        if values is None:
            raise ValueError(first.name)
        for value in values:
            inner = first.domain.inner.get(value, Space()) if isinstance(first.domain, Choices) else Space()
            for within, others in itertools.product(list(inner.grid()), list(rest.grid())):
                yield {first.name: value, **within, **others}

    def all(self) -> Iterator[Parameter]:
        """All parameters, those that count only where something is chosen included."""
        for parameter in self.parameters:
            yield parameter
            if isinstance(parameter.domain, Choices):
                for inner in parameter.domain.inner.values():
                    yield from inner.all()

    def corners(self) -> Iterator[dict[str, Any]]:
        """Points that hold each choice and each bound at least once: what is wrong with a value shows in one of them.

        Example:
            >>> space = Space([Parameter(("model", "params", "C"), "model.params.C", Number(1, 9))])
            >>> list(space.corners())
            [{'model.params.C': 1}, {'model.params.C': 9}]
        """
        most = max((len(_extremes(parameter.domain)) for parameter in self.all()), default=0)
        seen: list[dict[str, Any]] = []
        for at in range(most):
            for parameter in [None, *self._choosers()]:
                for label in [None] if parameter is None else list(parameter.domain.inner):  # type: ignore[union-attr]
                    forced = {} if parameter is None else {parameter.name: label}
                    point = self._point(lambda p, at=at, forced=forced: forced.get(p.name, _extreme(p.domain, at)))  # type: ignore[misc]
                    if point not in seen:
                        seen.append(point)
                        yield point

    def _choosers(self) -> list[Parameter]:
        return [p for p in self.all() if isinstance(p.domain, Choices) and p.domain.inner]


def _extremes(domain: Number | Choices) -> list[Any]:
    return list(domain.options) if isinstance(domain, Choices) else [domain.low, domain.high]


def _extreme(domain: Number | Choices, at: int) -> Any:
    found = _extremes(domain)
    return found[min(at, len(found) - 1)]


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value  # type: ignore[no-any-return]
