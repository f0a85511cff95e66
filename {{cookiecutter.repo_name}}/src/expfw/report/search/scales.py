"""Scales beside the linear one: over orders of magnitude, and for choices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from expfw.report.axes import Axis, finite

LONGEST = 14
"""Letters of a choice's name below the axis."""

FEW = 10
"""Values that are all shown, however bad."""


@dataclass(frozen=True)
class LogAxis(Axis):
    """A logarithmic scale; its ends are above 0.

    Example:
        >>> axis = LogAxis.around([0.002, 30.0], 0, 100)
        >>> axis.at(1.0), [label for _, label in axis.ticks()]
        (60.0, ['0.001', '0.01', '0.1', '1', '10', '100'])
    """

    @classmethod
    def around(cls, values: Iterable[Any], start: float, stop: float) -> LogAxis:
        """An axis from power of ten to power of ten that holds all values above 0."""
        known = [value for value in finite(values) if value > 0] or [1.0, 10.0]
        low = math.floor(math.log10(min(known)) + 1e-9)
        high = max(math.ceil(math.log10(max(known)) - 1e-9), low + 1)
        return cls(10.0**low, 10.0**high, start, stop)

    def at(self, value: float) -> float:
        """Position of ``value``, to a tenth; values beyond the ends are put at the ends."""
        inside = min(max(value, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Powers of ten, at most ``count`` + 1 of them, with their labels."""
        low, high = round(math.log10(self.low)), round(math.log10(self.high))
        step = max(math.ceil((high - low) / max(count, 1)), 1)
        return [(10.0**power, _power(power)) for power in range(low, high + 1, step)]


def _power(power: int) -> str:
    return f"{10.0**power:g}" if -4 <= power <= 4 else f"1e{power}"


@dataclass(frozen=True)
class Choice(Axis):
    """A scale with a place for each choice; values are numbers of choices, from 0.

    Args:
        names: what the choices are called.

    Example:
        >>> axis = Choice.of(["a", "b"], 0, 100)
        >>> axis.at(0), axis.at(1), axis.ticks()
        (25.0, 75.0, [(0, 'a'), (1, 'b')])
    """

    names: Sequence[str] = ()

    @classmethod
    def of(cls, names: Sequence[str], start: float, stop: float) -> Choice:
        """An axis for these choices."""
        return cls(-0.5, len(names) - 0.5, start, stop, tuple(names))

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """All choices, with as much of their names as there is room for."""
        room = int(abs(self.stop - self.start) / max(len(self.names), 1) / 6.8)
        return [(at, _cut(name, min(max(room, 3), 3 * LONGEST))) for at, name in enumerate(self.names)]


def _cut(name: str, room: int) -> str:
    return name if len(name) <= room else f"{name[: room - 1]}…"


def focused(values: Sequence[float], *, lower: bool) -> list[float]:
    """The values that an axis should show: without the few that are so bad that the good ones could not be told apart.

    Args:
        values: all values.
        lower: whether less is better.

    Example:
        >>> focused([*range(10), -80.0], lower=False)
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        >>> focused([0.9, -80.0], lower=False)
        [0.9, -80.0]
    """
    if len(values) < FEW:
        return list(values)
    ranked = sorted(values)
    first, third = ranked[len(ranked) // 4], ranked[len(ranked) * 3 // 4]
    reach = 3 * (third - first) or math.inf
    if lower:
        return [value for value in values if value <= third + reach]
    return [value for value in values if value >= first - reach]
