"""What a class says of itself: its parameters, the services it asks for, the methods it has."""

from __future__ import annotations

import inspect
import logging
import typing
from collections.abc import Mapping

from kedro.io import DataCatalog

from expfw.construct.find import Target
from expfw.construct.values import hints_of
from expfw.interfaces import Metric
from expfw.report.collector import ReportCollector
from expfw.run.events import Timer
from expfw.run.folder import ResultFolder

SERVICES: tuple[type, ...] = (ReportCollector, logging.Logger, Timer, ResultFolder, DataCatalog)
"""Types that a constructor may ask for."""


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
    hints = hints_of(target)
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
