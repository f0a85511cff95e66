"""Planning all components of an experiment: every fault is found here, before anything runs."""

from __future__ import annotations

import inspect
import logging
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kedro.io import DataCatalog

from expfw.config.experiment import PARAMS, Experiment, configuration_hash
from expfw.config.files import kind
from expfw.config.keys import KEYS, STEPS, Step
from expfw.construct.blueprint import Blueprint
from expfw.construct.find import Components, NotFound, Target
from expfw.errors import ConfigurationError, Fault, did_you_mean
from expfw.interfaces import Metric
from expfw.report.collector import ReportCollector
from expfw.run.events import Timer
from expfw.run.folder import ResultFolder

SERVICES: tuple[type, ...] = (ReportCollector, logging.Logger, Timer, ResultFolder, DataCatalog)
"""Types that a constructor may ask for."""

Planned = Blueprint | str | None
"""A step's plan; a metric may be the name of a scikit-learn scorer."""


@dataclass(frozen=True)
class Plan:
    """An experiment, ready to be built.

    Args:
        experiment: its configuration.
        components: for each key its plan, or the list of plans.
    """

    experiment: Experiment
    components: Mapping[str, Planned | list[Planned]]

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration: as merged, with the defaults that were applied written out."""
        described = {key: _describe(planned) for key, planned in self.components.items()}
        values = {**self.experiment.values, **described}
        return {key: values[key] for key in KEYS if key in values}

    @property
    def hash(self) -> str:
        """Identity of what is computed; equal for equal configurations, whatever they are called."""
        computed = {key: value for key, value in self.config.items() if key in self.experiment.computed}
        return configuration_hash({key: value for key, value in computed.items() if key != "defaults"})


def _describe(planned: Any) -> Any:
    if isinstance(planned, list):
        return [_describe(item) for item in planned]
    return planned.describe() if isinstance(planned, Blueprint) else planned


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
    if planner.faults:
        raise ConfigurationError(experiment.name, planner.faults)
    return Plan(experiment, planned)


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
        blueprint = self.blueprint(value, step, path)
        if blueprint is not None:
            self.check_interface(blueprint, step, path)
        return blueprint

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
        params = value.get("params") or {}
        if not isinstance(params, Mapping):
            self.fault((*path, "params"), f"holds {kind(params)}, expected an object")
            return None
        nested = {str(name): self.nested(item, (*path, "params", str(name))) for name, item in params.items()}
        if target is None:
            return None
        return self.complete(Blueprint(str(value["type"]), target, nested, services_of(target)), path)

    def target(self, name: Any, step: Step | None, path: tuple[str, ...]) -> Target | None:
        if not isinstance(name, str) or not name:
            self.fault(path, "is missing" if name is None else f"holds {kind(name)}, expected the name of a class")
            return None
        try:
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
        if inspect.isclass(blueprint.target):
            self.takeable |= configurable(signature, blueprint.services)
        return with_defaults(blueprint, signature, self.defaults)

    def check_defaults(self) -> None:
        """An experiment's own default that no component takes is a slip; a project's may wait for others."""
        for name in self.defaults:
            own = self.experiment.origin("defaults", name) in (PARAMS, self.experiment.own)
            if own and self.takeable and name not in self.takeable:
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

    def check_interface(self, blueprint: Blueprint, step: Step, path: tuple[str, ...]) -> None:
        missing = missing_methods(blueprint.target, step.interface)
        if missing:
            name = step.interface.__name__
            what = f"'{blueprint.type}' is no {name}: it has no {' and no '.join(f'{m}()' for m in missing)}"
            self.fault((*path, "type"), what, f"see expfw.interfaces.{name}")

    def fault(self, path: tuple[str, ...], what: str, hint: str = "") -> None:
        where = self.experiment.origin(*path) or f"experiment {self.experiment.name}"
        self.faults.append(Fault(where, ".".join(path), what, hint))


def signature_of(target: Target) -> inspect.Signature | None:
    """A class's or function's signature; None where Python cannot tell it (some compiled classes)."""
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None


def services_of(target: Target) -> dict[str, type]:
    """Constructor parameters that ask for a service, with the service's type.

    Example:
        >>> class MyModel:
        ...     def __init__(self, depth: int, logger: logging.Logger) -> None: ...
        >>> services_of(MyModel)
        {'logger': <class 'logging.Logger'>}
    """
    if not inspect.isclass(target):
        return {}
    try:
        hints = typing.get_type_hints(target.__init__)
    except (NameError, TypeError, AttributeError):
        return {}
    found = {
        name: next((s for s in SERVICES if s is hint or s in typing.get_args(hint)), None)
        for name, hint in hints.items()
    }
    return {name: service for name, service in found.items() if service is not None and name != "return"}


def configurable(signature: inspect.Signature, services: Mapping[str, type]) -> set[str]:
    """Names of the parameters that a configuration may give."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name for p in signature.parameters.values() if p.kind in named and p.name not in services}


def required(signature: inspect.Signature, services: Mapping[str, type]) -> set[str]:
    """Names of the parameters that a configuration must give."""
    parameters = signature.parameters
    return {n for n in configurable(signature, services) if parameters[n].default is inspect.Parameter.empty}


def with_defaults(blueprint: Blueprint, signature: inspect.Signature, defaults: Mapping[str, Any]) -> Blueprint:
    """``blueprint`` with the global defaults that its class has a parameter for and was not given.

    A default that the constructor refuses is withheld (scikit-learn's ``KFold`` takes no ``random_state`` unless it
    shuffles): a default is there to help, never to make a configuration fail.
    """
    names = [n for n in defaults if n in configurable(signature, blueprint.services) and n not in blueprint.params]
    if not names or not inspect.isclass(blueprint.target):
        return blueprint
    full = _extended(blueprint, {name: defaults[name] for name in names})
    return full if blueprint.services or _builds(full) or not _builds(blueprint) else blueprint


def _extended(blueprint: Blueprint, more: Mapping[str, Any]) -> Blueprint:
    return Blueprint(blueprint.type, blueprint.target, {**blueprint.params, **more}, blueprint.services)


def _builds(blueprint: Blueprint) -> bool:
    try:
        blueprint.build()
    except Exception:
        return False
    return True


def missing_methods(target: Target, interface: type) -> list[str]:
    """Methods of an interface that a class does not have.

    Example:
        >>> from expfw.interfaces import Model
        >>> missing_methods(dict, Model)
        ['fit', 'predict']
    """
    if not inspect.isclass(target):
        return [] if interface is Metric else [*_methods(interface)]
    return [name for name in _methods(interface) if not _has_method(target, name)]


def _has_method(target: Target, name: str) -> bool:
    if name == "__call__":  # every class can be called; what counts is whether its instances can
        return any(name in vars(parent) for parent in inspect.getmro(target))  # type: ignore[arg-type]
    return callable(getattr(target, name, None))


def _methods(interface: type) -> list[str]:
    own = vars(interface)
    return [name for name, value in own.items() if inspect.isfunction(value) and (name == "__call__" or name[0] != "_")]
