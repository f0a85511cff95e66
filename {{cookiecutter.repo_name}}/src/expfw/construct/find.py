"""Finding what a ``type`` names: short names among the components, dotted paths within what the project allows."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from expfw.config.keys import Step
from expfw.errors import ExpfwError, did_you_mean
from expfw.run.folder import result_root

Target = Callable[..., Any]
"""What a ``type`` resolves to: a class, or a function."""


class NotFound(Exception):
    """A ``type`` cannot be resolved.

    Args:
        what: the problem, a sentence without its full stop.
        hint: the nearest valid choice, or what to do next.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclass(frozen=True)
class Components:
    """Where a project's components may come from.

    Args:
        package: the user's package, whose ``components`` are looked through first; empty for none.
        modules: modules that a dotted path may lead into, from ``[tool.expfw] component_modules``; the user's package
            and ``expfw`` are always among them.
        results: folder of all experiments, whose outputs a reference may take; None for none.

    Example:
        >>> components = Components(package="", modules=("sklearn",))
        >>> components.resolve("sklearn.svm.SVC").__name__
        'SVC'
        >>> components.resolve("os.system")
        Traceback (most recent call last):
        expfw.construct.find.NotFound: module 'os' is not allowed
    """

    package: str
    modules: tuple[str, ...]
    results: Path | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Every module that a component may come from."""
        return tuple(dict.fromkeys(filter(None, (self.package, "expfw.components", *self.modules))))

    def find(self, name: str, step: Step) -> Target:
        """What ``name`` means as a component of ``step``.

        Args:
            name: a short name or a dotted path.
            step: decides in which modules a short name is looked up.

        Raises:
            NotFound: if there is no such thing, or it lies outside of what is allowed.
        """
        if "." in name:
            return self.resolve(name)
        for module in self._modules(step):
            target = getattr(module, name, None)
            if target is not None and not name.startswith("_") and _is_component(target):
                return self._own(target)
        raise NotFound(f"unknown type '{name}'", self._suggestion(name, step))

    def short_names(self, step: Step) -> list[str]:
        """The short names that can stand at ``step``, the user's and the framework's."""
        found = (name for module in self._modules(step) for name in _public(module))
        return sorted(set(found))

    def resolve(self, path: str) -> Target:
        """Import what a dotted path names.

        The module is compared with the allow-list before it is imported, and the object's own module after: a name
        that an allowed module merely re-exports from elsewhere is refused.

        Raises:
            NotFound: if the module is not allowed or not there, or holds no class or function of that name.
        """
        module_path, _, name = path.rpartition(".")
        self._check_allowed(module_path)
        self._check_public(path)
        module = _import(module_path)
        target = getattr(module, name, None)
        if target is None:
            raise NotFound(f"module '{module_path}' has no '{name}'", did_you_mean(name, _callables(module)))
        if not _is_component(target):
            raise NotFound(f"'{path}' is neither a class nor a function", did_you_mean(name, _callables(module)))
        return self._own(target)

    def _own(self, target: Target) -> Target:
        module = str(target.__module__)  # None for some built-in functions
        self._check_allowed(module)
        if self._is_foreign(module) and not _TESTING.isdisjoint(module.split(".")):
            raise NotFound(
                f"module '{module}' holds a library's own tests, which run what they are given", "choose another"
            )
        return target

    def _check_public(self, path: str) -> None:
        """Of a library only what it shows: its private modules and its tests hold tools that run code."""
        parts = path.split(".")
        private = next((part for part in parts if part.startswith("_") or part in _TESTING), None)
        if private is not None and self._is_foreign(path):
            raise NotFound(
                f"'{path}' is not public: '{private}' belongs to the library's insides",
                "take it from the public module",
            )

    def _is_foreign(self, path: str) -> bool:
        own = (f"{self.package}.", "expfw.components.") if self.package else ("expfw.components.",)
        return not f"{path}.".startswith(own)

    def _check_allowed(self, module: str) -> None:
        if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in self.allowed):
            hint = (
                f"allowed are: {', '.join(self.allowed)}; to allow another, add it to component_modules under "
                "[tool.expfw] in pyproject.toml"
            )
            raise NotFound(f"module '{module}' is not allowed", hint)

    def _modules(self, step: Step) -> list[ModuleType]:
        packages = [f"{self.package}.components"] if self.package else []
        paths = [f"{package}.{step.module}" for package in (*packages, "expfw.components")]
        return [_import(path) for path in paths if _exists(path)]

    def _suggestion(self, name: str, step: Step) -> str:
        path = _in_sklearn(name) if "sklearn" in self.allowed else ""
        if path:
            return f"did you mean '{path}'?"
        hint = did_you_mean(name, self.short_names(step))
        return f"{hint}; a class from elsewhere needs its dotted path" if hint else "give a dotted path"


def _in_sklearn(name: str) -> str:
    """The dotted path of a class or function of scikit-learn's; empty if there is none. Nothing is imported for it.

    Example:
        >>> _in_sklearn("RandomForestClassifier"), _in_sklearn("DummyClassifier"), _in_sklearn("no_such_thing")
        ('sklearn.ensemble.RandomForestClassifier', 'sklearn.dummy.DummyClassifier', '')
    """
    spec = importlib.util.find_spec("sklearn") if name.isidentifier() else None
    for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
        for path in (*sorted(folder.glob("[a-z]*/__init__.py")), *sorted(folder.glob("[a-z]*.py"))):
            module = path.parent.name if path.name == "__init__.py" else path.stem
            text = path.read_text(encoding="utf-8", errors="replace")
            if module not in _TESTING and re.search(rf'^ +"{name}",$|^(?:class|def) {name}\b', text, re.MULTILINE):
                return f"sklearn.{module}.{name}"
    return ""


_TESTING = frozenset({"conftest", "test", "testing", "tests", "_testing"})


def _import(path: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is not None and path != error.name and not path.startswith(f"{error.name}."):
            raise NotFound(f"module '{path}' needs '{error.name}', which is not installed", "install it") from error
        parent, _, name = path.rpartition(".")
        hint = did_you_mean(name, _submodules(parent)) if parent else f"is '{path}' installed?"
        raise NotFound(f"there is no module '{path}'", hint) from error
    except Exception as error:
        raise NotFound(f"module '{path}' cannot be imported: {type(error).__name__}: {error}", "mend it") from error


def _submodules(package: str) -> Iterable[str]:
    try:
        module = importlib.import_module(package)
    except ImportError:
        return []
    return [info.name for info in pkgutil.iter_modules(getattr(module, "__path__", []))]


def _exists(path: str) -> bool:
    try:
        return importlib.util.find_spec(path) is not None
    except ModuleNotFoundError:
        return False


def _is_component(target: Any) -> bool:
    return inspect.isclass(target) or (inspect.isroutine(target) and hasattr(target, "__module__"))


def _public(module: ModuleType) -> list[str]:
    """Names of the classes and functions that a module, or a package's own modules, define."""
    own = f"{module.__name__}."
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _is_component(value) and f"{value.__module__}.".startswith(own)
    ]


def _callables(module: ModuleType) -> list[str]:
    return [name for name in dir(module) if not name.startswith("_") and _is_component(getattr(module, name, None))]


def project_components(project: Path, package: str) -> Components:
    """The allow-list of a project, from ``[tool.expfw]`` in its ``pyproject.toml``.

    Args:
        project: the project's folder.
        package: the user's package.

    Raises:
        ExpfwError: if ``component_modules`` is not a list of texts.
    """
    path = project / "pyproject.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    modules = content.get("tool", {}).get("expfw", {}).get("component_modules", ["sklearn"])
    if not isinstance(modules, list) or not all(isinstance(module, str) for module in modules):
        raise ExpfwError(f"pyproject.toml: tool.expfw.component_modules: expected a list of texts, got {modules!r}")
    return Components(package, tuple(modules), result_root(project))
