"""Numbers as a reader wants them: short labels, round ticks, and axes that survive NaN, infinity and no data at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MISSING = "–"


def format_number(value: Any) -> str:
    """A number at a length that can be compared at a glance; everything else as its text.

    Args:
        value: a number, None, or anything with a text form.

    Returns:
        Four decimals below 10, fewer above; whole numbers whole; a dash for None and NaN.

    Example:
        >>> [format_number(value) for value in (0.96666667, 54.4312, 12345, 3.2e-7, None, "a")]
        ['0.9667', '54.431', '12,345', '3.2e-07', '–', 'a']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{float(value):.3g}" if abs(value) < 10**300 else "huge"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e6):
        return f"{value:.3g}"
    return f"{value:,.{_decimals(size)}f}"


def format_seconds(seconds: float) -> str:
    """A time span for people.

    Example:
        >>> [format_seconds(seconds) for seconds in (0.0123, 2.084, 75.3, 7500)]
        ['0.0123 s', '2.08 s', '1 min 15 s', '2 h 5 min']
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def _decimals(size: float) -> int:
    return 4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 1


def finite(values: Iterable[Any]) -> list[float]:
    """The values that are finite numbers.

    Example:
        >>> finite([1, None, float("inf"), 2.5])
        [1.0, 2.5]
    """
    return [float(value) for value in values if isinstance(value, (int, float)) and math.isfinite(value)]


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to positions in the drawing.

    Args:
        low: the smallest value shown.
        high: the largest value shown, above ``low``.
        start: position of ``low``.
        stop: position of ``high``.

    Example:
        >>> axis = Axis.around([0.0, 9.7], 0, 100)
        >>> axis.at(5), axis.ticks()
        (50.0, [(0.0, '0'), (2.0, '2'), (4.0, '4'), (6.0, '6'), (8.0, '8'), (10.0, '10')])
    """

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def around(cls, values: Iterable[Any], start: float, stop: float) -> Axis:
        """An axis with round ends that holds all finite ``values``; from 0 to 1 if there are none."""
        known = finite(values) or [0.0, 1.0]
        low, high = _widened(min(known), max(known))
        step = _step(low, high)
        return cls(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, stop)

    def at(self, value: float) -> float:
        """Position of ``value``, to a tenth; values beyond the ends are put at the ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """About ``count`` round values on the axis, with their labels."""
        step = _step(self.low, self.high, count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(number * step + 0.0, _tick(number * step + 0.0, step)) for number in range(first, last + 1)]


def _widened(low: float, high: float) -> tuple[float, float]:
    low, high = max(low, -1e300), min(high, 1e300)
    size = max(abs(low), abs(high))
    if high - low > size * 1e-9:
        return low, high
    return low - (size * 0.1 or 1.0), high + (size * 0.1 or 1.0)


def _step(low: float, high: float, count: int = 5) -> float:
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= rough * 0.999), 10 * power)


def _tick(value: float, step: float) -> str:
    if abs(value) >= 1e6 or step < 1e-4:
        return f"{value:.3g}"
    return f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"
