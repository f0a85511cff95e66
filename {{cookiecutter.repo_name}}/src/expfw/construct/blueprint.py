"""The plan of one component: its class, its parameters, what is nested in it. Made before a run, built during it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from expfw.construct.find import Target

Service = type
"""The type by which a constructor asks for a service."""

Inject = Callable[[Service, "Blueprint"], Any]
"""Gives the service of a type to the component that a blueprint is for."""


@dataclass(frozen=True)
class Blueprint:
    """How to build one component, again and again.

    Args:
        type: the ``type`` as configured.
        target: the class, or the function, that it names.
        params: parameters; a nested component is a :class:`Blueprint` among them.
        services: constructor parameters that the framework fills, by name.
        given: parameters as they were configured, where ``params`` holds them converted (a list as a tuple, …).

    Example:
        >>> from sklearn.svm import SVC
        >>> blueprint = Blueprint("sklearn.svm.SVC", SVC, {"C": 2.0})
        >>> blueprint.build(), blueprint.build() is blueprint.build()
        (SVC(C=2.0), False)
    """

    type: str
    target: Target
    params: Mapping[str, Any]
    services: Mapping[str, Service] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    def build(self, inject: Inject | None = None) -> Any:
        """A fresh instance, nested components included; of a function the function itself, its parameters bound.

        Args:
            inject: gives the services that constructors ask for.
        """
        params = {name: _built(value, inject) for name, value in self.params.items()}
        if not inspect.isclass(self.target):
            return functools.partial(self.target, **params) if params else self.target
        services = {name: inject(kind, self) for name, kind in self.services.items()} if inject else {}
        return self.target(**params, **services)

    def describe(self) -> dict[str, Any]:
        """The configuration that this plan stands for, applied defaults included."""
        configured = {**self.params, **self.given}
        return {"type": self.type, "params": {name: _described(value) for name, value in configured.items()}}


def _built(value: Any, inject: Inject | None) -> Any:
    if isinstance(value, Blueprint):
        return value.build(inject)
    if isinstance(value, list):
        return [_built(item, inject) for item in value]
    if isinstance(value, dict):
        return {key: _built(item, inject) for key, item in value.items()}
    return value


def _described(value: Any) -> Any:
    if isinstance(value, Blueprint):
        return value.describe()
    if isinstance(value, list):
        return [_described(item) for item in value]
    if isinstance(value, dict):
        return {key: _described(item) for key, item in value.items()}
    return value
