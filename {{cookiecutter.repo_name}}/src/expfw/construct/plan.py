"""Planning all components of an experiment: every fault is found here, before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from expfw.config.credentials import in_settings
from expfw.config.experiment import PARAMS, Experiment, computed_part, configuration_hash, with_params_hint
from expfw.config.files import kind
from expfw.config.keys import KEYS, STEPS, UNSAID, Step
from expfw.config.leaves import leaves
from expfw.config.secrets import Secrets, redacted
from expfw.construct.blueprint import Blueprint
from expfw.construct.defaults import asks_for_services, holds_blueprint, with_defaults
from expfw.construct.find import Components, NotFound, Target
from expfw.construct.reference import FROM, BadReference, Reference, make_reference
from expfw.construct.signature import configurable, missing_methods, required, services_of, signature_of
from expfw.construct.stopping import stopping_problems
from expfw.construct.values import WrongValue, checked_value
from expfw.construct.workers import find_workers
from expfw.errors import ConfigurationError, Fault, did_you_mean
from expfw.interfaces import Metric

SEED = "random_state"
"""The default that seeds the global random generators as well."""

Planned = Blueprint | Reference | str | None
"""A step's plan; a metric may be the name of a scikit-learn scorer."""


@dataclass(frozen=True)
class Plan:
    """An experiment, ready to be built.

    Args:
        experiment: its configuration.
        components: for each key its plan, or the list of plans.
        parallel: plan of the workers; None if there are none.
    """

    experiment: Experiment
    components: Mapping[str, Planned | list[Planned]]
    parallel: Blueprint | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration: as merged, with the defaults that were applied written out, without secrets."""
        described = {key: _describe(planned) for key, planned in self.components.items()}
        values = {**self.experiment.values, **described}
        said = [key for key in KEYS if key in values and not (key in UNSAID and values[key] == UNSAID[key])]
        return {key: redacted(values[key]) for key in said}

    @property
    def tests(self) -> bool:
        """Whether the experiment ends with a test; if not, it is measured by resampling alone."""
        return self.experiment.tests

    @property
    def hash(self) -> str:
        """Identity of what is computed; equal for equal configurations, whatever they are called."""
        computed = computed_part(self.config, searching=self.experiment.searching)
        seed = computed.pop("defaults").get(SEED)  # all other defaults stand where they are taken
        return configuration_hash({**computed, SEED: seed}, self.experiment.others)

    @property
    def parents(self) -> list[int]:
        """Numbers of the experiments that it takes something from."""
        return sorted({planned.number for planned in self.components.values() if isinstance(planned, Reference)})

    @property
    def origins(self) -> dict[str, str]:
        """For each value of the resolved configuration the file and line, or ``--params``, that it came from."""
        return {".".join(path): self.experiment.place(*path) for path, _ in leaves(self.config)}


def _describe(planned: Any) -> Any:
    if isinstance(planned, list):
        return [_describe(item) for item in planned]
    return planned.describe() if isinstance(planned, Blueprint | Reference) else planned


def make_plan(experiment: Experiment, components: Components) -> Plan:
    """Plan every component of an experiment.

    Args:
        experiment: the merged configuration.
        components: where components may come from.

    Raises:
        ConfigurationError: with every fault that was found in all components.
    """
    planner = _Planner(experiment, components)
    planned = {key: planner.step(step) for key, step in STEPS.items()}
    planner.check_defaults()
    planner.check_references(planned)
    for path, what, hint in stopping_problems(planned):
        planner.fault(path, what, hint)
    parallel = planner.workers(experiment.values.get("parallel"))
    planner.check_search(planned)
    if planner.faults:
        secrets = Secrets.of(in_settings(experiment.values))
        faults = [replace(f, what=secrets.hide(f.what), hint=secrets.hide(f.hint)) for f in planner.faults]
        raise ConfigurationError(experiment.name, faults)
    return Plan(experiment, planned, parallel)


def plan_part(
    experiment: Experiment, components: Components, value: Mapping[str, Any], path: tuple[str, ...]
) -> tuple[Blueprint | None, list[Fault]]:
    """Plan an object ``{"type", "params"}`` that is no step's component, such as a search's sampler.

    Args:
        experiment: the configuration that it stands in.
        components: where it may come from.
        value: the object.
        path: its key path.

    Returns:
        Its plan, None if it has faults, and these.
    """
    planner = _Planner(replace(experiment, faults=()), components)
    blueprint = planner.blueprint(value, None, path)
    return (None if planner.faults else blueprint), planner.faults


class _Planner:
    """Walks through the configuration, collecting faults instead of stopping at the first."""

    def __init__(self, experiment: Experiment, components: Components) -> None:
        self.experiment, self.components = experiment, components
        self.faults: list[Fault] = list(experiment.faults)
        self.defaults: Mapping[str, Any] = experiment.values["defaults"]
        if not isinstance(self.defaults, Mapping):
            self.defaults = {}
        self.takeable: set[str] = set()

    def step(self, step: Step) -> Any:
        value = self.experiment.values.get(step.key)
        if any(fault.key == step.key for fault in self.experiment.faults):
            return None
        if step.several:
            return [self.entry(item, step, (step.key, str(i))) for i, item in enumerate(value or [])]
        return None if value is None else self.entry(value, step, (step.key,))

    def entry(self, value: Any, step: Step, path: tuple[str, ...]) -> Planned:
        if isinstance(value, str) and step.interface is Metric:
            return self.scorer(value, path)
        if not isinstance(value, Mapping):
            self.fault(path, f"holds {kind(value)}, expected an object", 'write {"type": …, "params": {…}}')
            return None
        if FROM in value:
            return self.reference(value, path)
        return self.blueprint(value, step, path)

    def reference(self, value: Mapping[str, Any], path: tuple[str, ...]) -> Reference | None:
        try:
            return make_reference(path[0], value, self.components.results, tests=self.experiment.tests)
        except BadReference as problem:
            self.fault((*path, FROM), str(problem))
            return None

    def workers(self, value: Any) -> Blueprint | None:
        """The plan of those who do the work; global defaults are the components', not theirs."""
        if value is None:
            return None
        path = ("parallel",)
        if not isinstance(value, Mapping):
            self.fault(path, f"holds {kind(value)}, expected an object", 'write {"type": "loky"}, or null')
            return None
        self.defaults, defaults = {}, self.defaults
        try:
            return self.blueprint(value, None, path)
        finally:
            self.defaults = defaults

    def check_references(self, planned: Mapping[str, Any]) -> None:
        """A model that was fitted elsewhere was fitted behind its own features."""
        features, model = planned["features"], planned["model"]
        if isinstance(model, Reference) and features is not None and features != replace(model, key="features"):
            hint = f'set features to {{"{FROM}": {model.number}}} as well, or to null'
            self.fault(
                ("features",), f"the model of experiment {model.number} comes with the features it was fitted on", hint
            )

    def check_search(self, planned: Mapping[str, Any]) -> None:
        """What is varied by a search must be sound as well; it is looked at where all else is."""
        if self.experiment.values.get("search") is not None and not self.faults:
            from expfw.search.section import search_faults  # it plans experiments itself

            self.faults += search_faults(Plan(self.experiment, planned), self.components)

    def scorer(self, name: str, path: tuple[str, ...]) -> str | None:
        from sklearn.metrics import get_scorer_names

        if name in get_scorer_names():
            return name
        self.fault(path, f"unknown metric '{name}'", did_you_mean(name, get_scorer_names()))
        return None

    def blueprint(self, value: Mapping[str, Any], step: Step | None, path: tuple[str, ...]) -> Blueprint | None:
        for key in value:
            if key not in ("type", "params"):
                self.fault((*path, str(key)), "unknown key", did_you_mean(str(key), ("type", "params")))
        target = self.target(value.get("type"), step, (*path, "type"))
        params = value.get("params", {})
        if not isinstance(params, Mapping):
            self.fault((*path, "params"), f"holds {kind(params)}, expected an object")
            return None
        nested = {str(name): self.nested(item, (*path, "params", str(name))) for name, item in params.items()}
        if target is None or (step is not None and not self.has_interface(target, value["type"], step, path)):
            return None
        return self.complete(Blueprint(str(value["type"]), target, nested, services_of(target)), path)

    def target(self, name: Any, step: Step | None, path: tuple[str, ...]) -> Target | None:
        if not isinstance(name, str) or not name:
            self.fault(path, "is missing" if name is None else f"holds {kind(name)}, expected the name of a class")
            return None
        try:
            if path == ("parallel", "type"):
                return find_workers(name, self.components)
            return self.components.find(name, step) if step else self.find_nested(name)
        except NotFound as problem:
            self.fault(path, problem.what, problem.hint)
            return None

    def find_nested(self, name: str) -> Target:
        """A nested component may be of any kind: its short name is looked up at every step."""
        if "." in name:
            return self.components.resolve(name)
        for step in STEPS.values():
            if name in self.components.short_names(step):
                return self.components.find(name, step)
        known = [other for step in STEPS.values() for other in self.components.short_names(step)]
        raise NotFound(f"unknown type '{name}'", did_you_mean(name, known))

    def nested(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("type"), str) and set(value) <= {"type", "params"}:
            return self.blueprint(value, None, path)
        if isinstance(value, Mapping):
            return {str(key): self.nested(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [self.nested(item, (*path, str(i))) for i, item in enumerate(value)]
        return value

    def complete(self, blueprint: Blueprint, path: tuple[str, ...]) -> Blueprint:
        """Check the parameters against the signature and add the global defaults that fit."""
        signature = signature_of(blueprint.target)
        if signature is None:
            return blueprint
        self.check_parameters(blueprint, signature, path)
        blueprint = self.check_values(blueprint, signature, path)
        if inspect.isclass(blueprint.target):
            self.takeable |= configurable(signature, blueprint.services)
        blueprint = with_defaults(blueprint, signature, self.defaults, trial=path[0] != "data_source")
        if not self.has_faults(path):
            self.check_construction(blueprint, path)
        return blueprint

    def check_values(self, blueprint: Blueprint, signature: inspect.Signature, path: tuple[str, ...]) -> Blueprint:
        """Check each value against what the class says of its parameter."""
        params = dict(blueprint.params)
        checkable = configurable(signature, blueprint.services)
        for name in [name for name in params if name in checkable]:
            if not holds_blueprint(params[name]) and not self.has_faults((*path, "params", name)):
                try:
                    params[name] = checked_value(blueprint.target, name, params[name])
                except WrongValue as problem:
                    self.fault((*path, "params", name), f"{blueprint.type}: {problem}", problem.hint)
        return replace(blueprint, params=params, given=blueprint.params)

    def check_construction(self, blueprint: Blueprint, path: tuple[str, ...]) -> None:
        """Build a component once where that tells something: some check their parameters only then (splitters do).

        A data source is left alone, for it might open a connection, and so is what asks for a service.
        """
        if path[0] == "data_source" or asks_for_services(blueprint) or not inspect.isclass(blueprint.target):
            return
        try:
            component = blueprint.build()
        except Exception as error:
            first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self.fault((*path, "params"), f"{blueprint.type} refuses them: {first_line}")
            return
        if path in (("holdout",), ("early_stopping",)):
            self.check_single_split(component, path)

    def check_single_split(self, splitter: Any, path: tuple[str, ...]) -> None:
        try:
            splits = int(splitter.get_n_splits())
        except Exception:
            return  # it depends on the data: the hold_out node will see
        if splits != 1:
            hint = "set n_splits to 1, or choose another splitter (sklearn.model_selection.ShuffleSplit, LastRows)"
            what = "a hold-out" if path == ("holdout",) else "early stopping"
            self.fault((*path, "params"), f"gives {splits} splits, {what} is one", hint)

    def check_defaults(self) -> None:
        """An experiment's own default that no component takes is a slip; a project's may wait for others."""
        for name in self.defaults:
            own = self.experiment.origin("defaults", name) in (PARAMS, self.experiment.own)
            if own and self.takeable and name not in self.takeable and name != SEED:
                hint = did_you_mean(name, self.takeable)
                self.fault(("defaults", name), "no component of this experiment has such a parameter", hint)

    def check_parameters(self, blueprint: Blueprint, signature: inspect.Signature, path: tuple[str, ...]) -> None:
        given, valid = set(blueprint.params), configurable(signature, blueprint.services)
        open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
        for name in blueprint.params:
            if name in blueprint.services:
                self.fault((*path, "params", name), "is filled by the framework", "leave it out")
            elif name not in valid and not open_ended:
                hint = did_you_mean(name, valid) or f"{blueprint.type} takes no parameters"
                self.fault((*path, "params", name), f"{blueprint.type} has no such parameter", hint)
        needed = required(signature, blueprint.services) if inspect.isclass(blueprint.target) else set[str]()
        if path[0] == "metrics" and not inspect.isclass(blueprint.target):
            needed = required(signature, {}) - set(list(signature.parameters)[:2])  # y_true and y_pred
        for name in sorted(needed - given - set(self.defaults)):
            self.fault((*path, "params", name), f"is missing; {blueprint.type} needs it", "add it")

    def has_interface(self, target: Target, name: str, step: Step, path: tuple[str, ...]) -> bool:
        """Whether a class can be the step's component; asked before anything of it is called."""
        missing = missing_methods(target, step.interface)
        if missing:
            interface = step.interface.__name__
            what = f"'{name}' is no {interface}: it has no {' and no '.join(f'{m}()' for m in missing)}"
            self.fault((*path, "type"), what, f"see expfw.interfaces.{interface}")
        return not missing

    def has_faults(self, path: tuple[str, ...]) -> bool:
        """Whether something was found at a key path or below it."""
        key = ".".join(path)
        return any(f"{fault.key}.".startswith(f"{key}.") for fault in self.faults)

    def fault(self, path: tuple[str, ...], what: str, hint: str = "") -> None:
        experiment = self.experiment
        fault = Fault(experiment.place(*path) or f"experiment {experiment.name}", ".".join(path), what, hint)
        self.faults.append(with_params_hint(fault, experiment.values, experiment.without_params, experiment.name))
