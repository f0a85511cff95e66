"""The section ``search`` of an experiment file: read, checked as a whole, and planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from expfw.config.experiment import Experiment
from expfw.config.files import kind
from expfw.config.keys import ABSENT, KEYS
from expfw.config.merge import Merged
from expfw.construct.blueprint import Blueprint
from expfw.construct.find import Components
from expfw.construct.plan import Plan, make_plan, plan_part
from expfw.construct.reference import Reference
from expfw.errors import ConfigurationError, Fault, did_you_mean
from expfw.scoring import metric_names
from expfw.search.parsing import Problem, parse_space
from expfw.search.space import Point, Space

KEY = "search"

ENTRIES = "space sampler pruner n_trials timeout metric batch keep_models nested".split()
"""Keys of the section."""

FIXED = {
    "holdout": "the hold-out must be the same for all trials, or one would be trained on what another is tested on",
    "metrics": "trials are compared by them",
    "test": "no trial reads the hold-out",
    **dict.fromkeys(
        ("search", "parallel", "extends", "$schema", "published"), "it changes nothing in what is computed"
    ),
    **dict.fromkeys(("description", "tags", "mute", "reports"), "it changes nothing in what is computed"),
}
"""Keys of an experiment file that a search cannot vary, and why."""

GRID = "grid"
"""The sampler that tries all points of a space."""

BATCH = 4
"""How many trials are asked for at a time, unless the section says otherwise."""


@dataclass(frozen=True)
class Search:
    """A planned search.

    Args:
        space: what it varies.
        sampler: ``grid``, or the plan of one of Optuna's samplers.
        pruner: the plan of one of Optuna's pruners; None to run every fold of every trial.
        n_trials: how many trials; None for as many as the grid has, or as fit into ``timeout``.
        timeout: seconds after which no further trial begins; None for no limit.
        metrics: names of the metrics to go by; several for a Pareto front.
        batch: how many trials a sampler that learns is asked for at a time. What it is told decides what it gives
            next, so with a fixed number the sequence is the same however many trials run at once.
        keep_models: whether trials keep the fitted models of their folds.
        nested: configuration of the splitter within each fold of ``resampling``; None for a search that is not nested.
    """

    space: Space
    sampler: Blueprint | str
    pruner: Blueprint | None = None
    n_trials: int | None = None
    timeout: float | None = None
    metrics: Sequence[str] = ()
    batch: int = BATCH
    keep_models: bool = False
    nested: Mapping[str, Any] | None = None

    @property
    def is_grid(self) -> bool:
        """Whether all points are tried, one after the other."""
        return self.sampler == GRID

    @property
    def learns(self) -> bool:
        """Whether results of trials decide which come next, or which are broken off."""
        fixed = self.is_grid or self.sampler.type.rpartition(".")[2] in ("RandomSampler", "QMCSampler")  # type: ignore[union-attr]
        return self.pruner is not None or not fixed


def search_faults(plan: Plan, components: Components) -> list[Fault]:
    """What is wrong with the section ``search`` of a plan that is sound apart from it; nothing where there is none."""
    return [] if plan.experiment.values.get(KEY) is None else _Reader(plan, components).read()[1]


def search_of(plan: Plan, components: Components) -> Search:
    """The search that an experiment's file describes.

    Args:
        plan: the plan of the experiment.
        components: where components may come from.

    Raises:
        ConfigurationError: with every fault of the section, or if there is none.
    """
    experiment = plan.experiment
    if experiment.values.get(KEY) is None:
        hint = 'add "search": {"space": {"model.params.…": {"low": …, "high": …}}, "sampler": "random", "n_trials": 20}'
        raise ConfigurationError(experiment.name, [Fault(experiment.own or "the file", KEY, "is missing", hint)])
    search, faults = _Reader(plan, components).read()
    if faults or search is None:
        raise ConfigurationError(experiment.name, faults)
    return search


def as_search(plan: Plan, extent: Mapping[str, Any] | None = None) -> Plan:
    """The plan of an experiment's search: that of one without a test, so that no trial reads the hold-out.

    Args:
        plan: the plan of the experiment.
        extent: entries of the section that are given otherwise, see :data:`expfw.config.experiment.EXTENT`.
    """
    merged = Merged(dict(plan.experiment.merged.values), dict(plan.experiment.merged.origins))
    merged.lay({"test": False, **({KEY: extent} if extent else {})}, "the search")
    values = {**plan.experiment.values, **merged.values}
    return replace(plan, experiment=replace(plan.experiment, values=values, merged=merged, searching=True))


def varied(experiment: Experiment, layer: Mapping[str, Any], origin: str) -> Experiment:
    """An experiment with a layer over its configuration, and without its search.

    Args:
        experiment: the experiment.
        layer: what differs.
        origin: what to call the layer as the origin of its values.
    """
    merged = Merged(dict(experiment.merged.values), dict(experiment.merged.origins))
    merged.lay(layer, origin)
    merged.lay({KEY: None}, origin)
    return replace(experiment, values={**ABSENT, **merged.values}, merged=merged)


class _Reader:
    """Reads the section of one experiment, collecting faults."""

    def __init__(self, plan: Plan, components: Components) -> None:
        self.plan, self.experiment, self.components = plan, plan.experiment, components
        self.section: Any = plan.experiment.values[KEY]
        self.faults: list[Fault] = []

    def read(self) -> tuple[Search | None, list[Fault]]:
        if not isinstance(self.section, Mapping):
            self.fault((), f"holds {kind(self.section)}, expected an object", 'write {"space": {…}, …}')
            return None, self.faults
        for key in self.section:
            if key not in ENTRIES:
                self.fault((str(key),), "unknown key", did_you_mean(str(key), ENTRIES))
        search = Search(
            self.space(),
            self.sampler(),
            self.pruner(),
            self.number("n_trials", int),
            self.number("timeout", float),
            self.metrics(),
            self.number("batch", int) or BATCH,
            self.truth("keep_models"),
            self.nested(),
        )
        self.check_whole(search)
        if not self.faults:
            self.faults += self.point_faults(search.space)
        return search, self.faults

    def space(self) -> Space:
        problems: list[Problem] = []
        section = self.section.get("space")
        if not section:
            self.fault(("space",), "is missing" if section is None else "is empty", "name at least one setting to vary")
            return Space()
        space = parse_space(section, problems)
        for where, what, hint in problems:
            self.fault(("space", *where), what, hint)
        for parameter in space.parameters:
            first = parameter.path[0]
            if first in FIXED:
                self.fault(("space", parameter.name), f"{first} cannot vary: {FIXED[first]}", "leave it out")
            elif first not in KEYS:
                self.fault(("space", parameter.name), f"there is no key '{first}'", did_you_mean(first, KEYS))
        return space

    def sampler(self) -> Blueprint | str:
        given = self.section.get("sampler", "random")
        if given == GRID:
            return GRID
        if given == "random":
            given = {"type": "optuna.samplers.RandomSampler"}
        return self.optuna("sampler", given, "grid, random, or a sampler of Optuna's such as TPESampler") or ""

    def pruner(self) -> Blueprint | None:
        given = self.section.get("pruner")
        return (
            None
            if given is None
            else self.optuna("pruner", given, "a pruner of Optuna's such as MedianPruner, or null")
        )

    def optuna(self, key: str, given: Any, valid: str) -> Blueprint | None:
        given = {"type": given} if isinstance(given, str) else given
        if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
            self.fault((key,), f"holds {kind(given)}", f"give {valid}")
            return None
        name = str(given["type"])
        given = {**given, "type": name if "." in name else f"optuna.{key}s.{name}"}
        allowed = replace(self.components, modules=(*self.components.modules, "optuna"))
        from expfw.search.course import quiet_optuna  # it knows this module

        with quiet_optuna():
            blueprint, faults = plan_part(self.experiment, allowed, given, (KEY, key))
        self.faults += faults
        return blueprint

    def number(self, key: str, wanted: type[int] | type[float]) -> Any:
        value = self.section.get(key)
        kinds = (int,) if wanted is int else (int, float)
        if value is None or (isinstance(value, kinds) and not isinstance(value, bool) and value > 0):
            return value
        self.fault(
            (key,), f"is {value!r}", f"give a {'whole number' if wanted is int else 'number of seconds'} above 0"
        )
        return None

    def truth(self, key: str) -> bool:
        value = self.section.get(key, False)
        if not isinstance(value, bool):
            self.fault((key,), f"holds {kind(value)}", "give true or false")
        return bool(value)

    def metrics(self) -> Sequence[str]:
        there = metric_names(self.plan.components["metrics"])  # type: ignore[arg-type] # a list
        given = self.section.get("metric", there[:1])
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not names:
            self.fault(("metric",), "names no metric", did_you_mean("", there) or "add one to metrics")
            return ()
        for name in names:
            if name not in there:
                self.fault(("metric",), f"'{name}' is none of the experiment's metrics", did_you_mean(str(name), there))
        return tuple(map(str, names))

    def nested(self) -> Mapping[str, Any] | None:
        given = self.section.get("nested")
        if given is None:
            return None
        if not isinstance(given, Mapping):
            self.fault(("nested",), f"holds {kind(given)}", 'give a splitter, {"type": …, "params": {…}}, or null')
            return None
        _, faults = plan_part(self.experiment, self.components, given, (KEY, "nested"))
        self.faults += faults
        return given

    def check_whole(self, search: Search) -> None:
        if self.experiment.values.get("resampling") is None:
            hint = "configure it: trials are compared by their folds, never by the hold-out"
            self.faults.append(
                Fault(self.experiment.place("resampling") or "experiment", "resampling", "is null", hint)
            )
        self.check_fitted_anew()
        if search.is_grid:
            for parameter in search.space.all():
                if parameter.domain.values() is None:
                    hint = "give a step or choices, or another sampler"
                    self.fault(("space", parameter.name), "cannot be counted, which a grid needs", hint)
        elif self.section.get("n_trials") is None and self.section.get("timeout") is None:
            self.fault(("n_trials",), "is missing", "say how many trials there shall be, or give a timeout in seconds")
        if len(search.metrics) > 1 and search.pruner is not None:
            self.fault(
                ("pruner",), "cannot go with several metrics", "leave one of them out: Optuna prunes by one value"
            )

    def check_fitted_anew(self) -> None:
        """A trial fits its features and its model itself."""
        for key in ("features", "model"):
            if isinstance(self.plan.components.get(key), Reference):
                hint = "give the component itself: a trial fits it anew"
                place = self.experiment.place(key) or "experiment"
                self.faults.append(
                    Fault(place, key, "is taken from another experiment, and so cannot be searched", hint)
                )

    def point_faults(self, space: Space) -> Iterator[Fault]:
        """Faults of configurations at the corners of the space, each told once, of the parameter that makes it."""
        told: set[tuple[str, str]] = set()
        for point in space.corners():
            try:
                make_plan(varied(self.experiment, space.layer(point), "search"), self.components)
            except ConfigurationError as error:
                for fault in error.faults:
                    key = self.responsible(space, point, fault)
                    if (key, fault.what) not in told:
                        told.add((key, fault.what))
                        yield Fault(self.place("space", key), f"{KEY}.space.{key}", fault.what, fault.hint)

    def responsible(self, space: Space, point: Point, fault: Fault) -> str:
        """The parameter of the space that a fault of a configuration belongs to."""
        by_path = {p.path: p.name for p in space.all() if p.name in point}
        path = tuple(fault.key.split("."))
        return next((by_path[path[:end]] for end in range(len(path), 0, -1) if path[:end] in by_path), fault.key)

    def place(self, *path: str) -> str:
        return self.experiment.place(KEY, *path) or f"experiment {self.experiment.name}"

    def fault(self, path: tuple[str, ...], what: str, hint: str = "") -> None:
        self.faults.append(Fault(self.place(*path), ".".join((KEY, *path)), what, hint))
