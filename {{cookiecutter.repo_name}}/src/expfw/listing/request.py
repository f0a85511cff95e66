"""What is asked of the list, and the experiments that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from expfw.index.row import Row
from expfw.index.store import read_index
from expfw.listing.columns import FIELDS, Column, Known, ListingError
from expfw.listing.filters import matching
from expfw.listing.formats import data_columns
from expfw.listing.order import ordered
from expfw.listing.table import default_columns, result_columns
from expfw.listing.telling import setting_keys, telling_settings


@dataclass(frozen=True)
class Request:
    """Which experiments to list, in what order, with what of each.

    Args:
        columns: names of columns with commas between them; None for those that tell most.
        sort: what to sort by; see :func:`expfw.listing.order.ordered`.
        where: expressions; see :mod:`expfw.listing.filters`.
        limit: how many to list at most.
        all_settings: whether to show settings in which the experiments do not differ.
    """

    columns: str | None = None
    sort: str | None = None
    where: Sequence[str] = ()
    limit: int | None = None
    all_settings: bool = False


@dataclass(frozen=True)
class Listing:
    """The experiments that were asked for.

    Args:
        rows: in the order asked for.
        chosen: the columns that were named; None if none were.
        settings: key paths of the settings to show.
        metric: the metric that was sorted by; None if none was.
        total: how many experiments there are.
    """

    rows: Sequence[Row]
    chosen: Sequence[Column] | None
    settings: Sequence[str]
    metric: str | None
    total: int

    def for_people(self) -> list[Column]:
        """The columns of a table to look at."""
        if self.chosen is None:
            return default_columns(self.metric, self.settings)
        return [*self._identity(), *self.chosen]

    def for_programs(self) -> list[Column]:
        """The columns of a table to compute with."""
        return data_columns(self.rows, self.settings) if self.chosen is None else [*self._identity(), *self.chosen]

    def summary(self) -> list[str]:
        """How many of all these are, where they are not all."""
        return [f"{len(self.rows)} of {self.total} experiments"] if len(self.rows) < self.total else []

    def _identity(self) -> list[Column]:
        named = {column.key for column in self.chosen or ()}
        return [FIELDS[key] for key in ("id", "name") if key not in named]


def listing(root: Path, request: Request) -> Listing:
    """The experiments that were asked for.

    Args:
        root: folder of all experiments.
        request: what is asked.

    Raises:
        ListingError: if it names what no experiment has, or an expression is none.
    """
    every = read_index(root)
    known = Known(every)
    chosen = _chosen(request.columns, known) if every else None
    rows = ordered(matching(every, request.where, known), request.sort, known)
    if every and not rows and request.sort:
        ordered(every, request.sort, known)
    keys = [] if chosen is not None else setting_keys(rows) if request.all_settings else telling_settings(rows)
    return Listing(rows[: request.limit], chosen, keys, _metric(request.sort, known), len(every))


def _metric(sort: str | None, known: Known) -> str | None:
    first = (sort or "").split(",")[0].strip().removeprefix("-")
    return first if first and first.rpartition(".")[2] in known.metrics else None


def _chosen(names: str | None, known: Known) -> list[Column] | None:
    keys = [part.strip() for part in (names or "").split(",") if part.strip()]
    results = {column.key: column for column in result_columns(None)}
    faults, columns = [], []
    for key in keys:
        try:
            columns.append(results[key] if key in results else known.column(key, "cannot show"))
        except ListingError as error:
            faults.append(error.message)
    if faults:
        raise ListingError("\n".join(faults))
    return columns or None
