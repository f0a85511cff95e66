"""The global defaults of an experiment: which of them a component takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from expfw.construct.blueprint import Blueprint
from expfw.construct.signature import configurable


def asks_for_services(value: Any) -> bool:
    """Whether a component, or one nested in it, needs what only a run can give."""
    if isinstance(value, Blueprint):
        return bool(value.services) or any(map(asks_for_services, value.params.values()))
    entries = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(asks_for_services, entries))


def holds_blueprint(value: Any) -> bool:
    """Whether a value is a planned component, or has one in it."""
    if isinstance(value, Mapping):
        return any(holds_blueprint(item) for item in value.values())
    return any(map(holds_blueprint, value)) if isinstance(value, list) else isinstance(value, Blueprint)


def with_defaults(
    blueprint: Blueprint, signature: inspect.Signature, defaults: Mapping[str, Any], *, trial: bool = True
) -> Blueprint:
    """``blueprint`` with the global defaults that its class has a parameter for and was not given.

    A default that the constructor refuses is withheld (scikit-learn's ``KFold`` takes no ``random_state`` unless it
    shuffles): a default is there to help, never to make a configuration fail.
    """
    names = [n for n in defaults if n in configurable(signature, blueprint.services) and n not in blueprint.params]
    if not names or not inspect.isclass(blueprint.target):
        return blueprint
    full = _extended(blueprint, {name: defaults[name] for name in names})
    if not trial or asks_for_services(blueprint):
        return full
    return full if _builds(full) or not _builds(blueprint) else blueprint


def _extended(blueprint: Blueprint, more: Mapping[str, Any]) -> Blueprint:
    return replace(blueprint, params={**blueprint.params, **more})


def _builds(blueprint: Blueprint) -> bool:
    try:
        blueprint.build()
    except Exception:
        return False
    return True
