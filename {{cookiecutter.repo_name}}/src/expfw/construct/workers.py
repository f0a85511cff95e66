"""Finding the class of workers that ``parallel`` names."""

from __future__ import annotations

import importlib
import inspect

from expfw.construct.find import Components, NotFound, Target
from expfw.errors import did_you_mean

TYPES = {"loky": ("expfw.parallel.loky", "Loky"), "dask": ("expfw.parallel.dask", "Dask")}
"""Short names of the workers that come with the framework: module and class."""

METHODS = ("submit", "first_done", "close")
"""What workers must have; see :class:`expfw.parallel.workers.Workers`."""


def find_workers(name: str, components: Components) -> Target:
    """The class of workers that a ``type`` names.

    Args:
        name: a short name, or the dotted path of a class of the user's own.
        components: where classes may come from.

    Raises:
        NotFound: if there is no such class, it lies outside of what is allowed, or has not the methods of workers.

    Example:
        >>> find_workers("loky", Components("", ())).__name__
        'Loky'
        >>> find_workers("locky", Components("", ()))
        Traceback (most recent call last):
        expfw.construct.find.NotFound: unknown type 'locky'
    """
    if name in TYPES:
        module, attribute = TYPES[name]
        target: Target = getattr(importlib.import_module(module), attribute)
        return target
    if "." not in name:
        raise NotFound(f"unknown type '{name}'", did_you_mean(name, TYPES))
    target = components.resolve(name)
    missing = [method for method in METHODS if not callable(getattr(target, method, None))]
    if missing or not inspect.isclass(target):
        what = f"it has no {' and no '.join(f'{method}()' for method in missing)}" if missing else "it is no class"
        raise NotFound(f"'{name}' cannot be workers: {what}", "see expfw.parallel.workers.Workers")
    return target
