"""What every trial of a search shares: the configuration that is varied, and data and folds, loaded once per worker."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from expfw.config.experiment import Experiment
from expfw.config.secrets import Secrets
from expfw.construct.find import Components
from expfw.construct.plan import Plan, make_plan
from expfw.interfaces import Data, Fold
from expfw.parallel.handover import HandedOver
from expfw.parallel.surroundings import Surroundings
from expfw.run.build import Builder, RunContext
from expfw.run.events import EventLog
from expfw.run.folder import ResultFolder
from expfw.search.section import Search, varied
from expfw.search.space import Point

DATA_KEYS = ("data_source", "preparer", "holdout", "resampling")
"""Keys of an experiment file that decide which rows there are and how they are divided."""

SHARED = ("development_data", "test_data", "folds")
"""Outputs that a trial has in common with its search, if it varies none of :data:`DATA_KEYS`."""

KEPT = 2
"""How many divisions of data a worker keeps in memory."""


@dataclass(frozen=True)
class Bench:
    """What a worker must know of a search; picklable.

    Args:
        folder: the search's folder.
        experiment: its configuration, without a test.
        components: where components may come from.
        search: what is searched.
        env: Kedro's environment.
        secrets: what is hidden in all that is logged and recorded.
        handed: development data and folds.
        surroundings: what a trial needs around it in another process.
        shares_folds: whether the folds are the search's own; those of a nested search's trials lie within one of these.
    """

    folder: ResultFolder
    experiment: Experiment
    components: Components
    search: Search
    env: str | None = None
    secrets: Secrets = field(default_factory=Secrets)
    handed: HandedOver | None = None
    surroundings: Surroundings | None = None
    shares_folds: bool = True

    def plan(self, layer: Mapping[str, Any], origin: str) -> Plan:
        """The plan of the configuration with a layer over it.

        Raises:
            ConfigurationError: if the values do not go together.
        """
        tags = [*self.experiment.values.get("tags", []), f"search-{self.folder.id}"]
        return make_plan(varied(self.experiment, {**layer, "tags": tags}, origin), self.components)

    def layer(self, point: Point) -> dict[str, Any]:
        """What a point of the space changes."""
        return self.search.space.layer(point)

    def shares_data(self, layer: Mapping[str, Any]) -> bool:
        """Whether a layer leaves the rows and their division as they are."""
        return not any(key in layer for key in (*DATA_KEYS, "defaults"))


@dataclass(frozen=True)
class Rows:
    """Data and folds of a trial.

    Args:
        development: the development rows.
        folds: their folds.
        events: what the search has on record about having written them; empty if the trial must write them itself.
    """

    development: Data
    folds: Sequence[Fold]
    events: Sequence[Mapping[str, Any]] = ()


_rows: OrderedDict[str, Rows] = OrderedDict()
"""By search and configuration of the data, the rows that this process has loaded."""


def rows_of(bench: Bench, layer: Mapping[str, Any], context: RunContext) -> Rows:
    """Data and folds of a trial: the search's, or those that its own configuration gives.

    Args:
        bench: the search.
        layer: what the trial changes.
        context: the trial.
    """
    own = {} if bench.shares_data(layer) else {key: context.plan.config.get(key) for key in (*DATA_KEYS, "defaults")}
    key = f"{bench.folder.path}:{bench.handed and bench.handed.path}:{json.dumps(own, sort_keys=True, default=str)}"
    if key not in _rows:
        _rows[key] = _made(context) if own else _loaded(bench)
    _rows.move_to_end(key)
    while len(_rows) > KEPT:
        _rows.popitem(last=False)
    return _rows[key]


def _loaded(bench: Bench) -> Rows:
    """The search's own."""
    events = EventLog(bench.folder.log / "events.jsonl").read("saved")
    outputs = SHARED if bench.shares_folds else [name for name in SHARED if name != "folds"]
    shared = [event for event in events if event["output"] in outputs]
    assert bench.handed is not None  # noqa: S101 - it was handed over before the first trial
    development, folds = bench.handed.get()
    return Rows(development, folds, shared)


def _made(context: RunContext) -> Rows:
    """Those that the steps before ``fit`` give for a configuration."""
    from expfw import steps

    def builder(key: str, node: str) -> Builder:
        return Builder(key, context, None, node)

    data = steps.prepare(steps.load(builder("data_source", "load")), builder("preparer", "prepare"))
    development, _ = steps.hold_out(data, builder("holdout", "hold_out"))
    return Rows(development, steps.resample(development, builder("resampling", "resample")))
