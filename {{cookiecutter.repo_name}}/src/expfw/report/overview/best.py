"""The best experiment on each data set: results are compared only where the rows are the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expfw.index import better_is_lower
from expfw.report.overview.columns import data_names, metric_names

if TYPE_CHECKING:
    from expfw.index import Row

CARDS = 4


@dataclass(frozen=True)
class Best:
    """The best of all experiments on the same data.

    Args:
        data: the name of the data.
        metric: the metric that the most of them measured.
        value: its best value.
        row: the experiment that reached it.
        count: how many experiments measured it on these data.
    """

    data: str
    metric: str
    value: float
    row: Row
    count: int


def best_by_data(rows: Sequence[Row]) -> list[Best]:
    """The best completed experiment on each data set, for the data of the most experiments; at most four."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row, data in zip(rows, data_names(rows), strict=True):
        if data is not None and row.status == "COMPLETED":
            groups[data].append(row)
    found = [_best(data, group) for data, group in sorted(groups.items(), key=lambda item: -len(item[1]))]
    return [best for best in found if best is not None][:CARDS]


def _best(data: str, rows: Sequence[Row]) -> Best | None:
    for metric in metric_names(rows):
        measured = [(value, row) for row in rows if (value := row.metric(metric)) is not None]
        if measured:
            choose = min if better_is_lower(metric) else max
            value, row = choose(measured, key=lambda pair: pair[0])
            return Best(data, metric, value, row, len(measured))
    return None
