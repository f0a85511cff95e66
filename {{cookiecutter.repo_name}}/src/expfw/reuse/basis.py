"""What the identities of a run's nodes rest on and is known before the first node: code, parameters, surroundings."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.io import DataCatalog

from expfw.config.secrets import hide_in, redacted
from expfw.construct.blueprint import Blueprint
from expfw.construct.plan import Plan
from expfw.construct.reference import Reference
from expfw.reuse.code import FRAMEWORK, Code, SourceTree, framework_digest, lies_in_python
from expfw.run.compared import without_kernel
from expfw.run.folder import ResultFolder

KEYS: Mapping[str, tuple[str, ...]] = {
    "load": ("data_source",),
    "prepare": ("preparer",),
    "hold_out": ("holdout",),
    "resample": ("resampling",),
    "fit": ("features", "model", "early_stopping"),
    "predict": ("features", "model"),
    "evaluate": ("features", "model", "metrics"),
    "refit": ("features", "model", "early_stopping"),
    "test": ("features", "model", "metrics"),
}
"""By node that can be reused, the components that decide what it does; some reach it within a model."""

TESTED = ("hold_out", "refit")
"""The nodes that give something else where the experiment has no test."""

SURROUNDINGS = tuple(
    "python implementation build compiler machine cpu_model cpu_usable variables packages package_origins".split()
)
"""What of the recorded environment can change a result."""


@dataclass(frozen=True)
class Footing:
    """What is known of the components at one key.

    Args:
        described: digest of their types and parameters.
        code: digest of the code of those that are the user's.
        modules: the project's modules that they consist of.
        reasons: why their node cannot be reused.
        unvouched: whether one is the user's and does not say ``reusable = True``.
        installed: whether one is an installed package's.
    """

    described: str
    code: str = ""
    modules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    unvouched: bool = False
    installed: bool = False


@dataclass(frozen=True)
class Basis:
    """What is known before a run's first node; picklable.

    Args:
        take: whether outputs of earlier experiments are taken; they are offered to later ones in any case.
        project: the project's folder.
        common: digests that are part of every node's identity, by what they are of.
        footings: by key of the experiment file, what is known of its components.
        reasons: why no node at all can be reused.
    """

    take: bool
    project: Path
    common: Mapping[str, str] = field(default_factory=dict)
    footings: Mapping[str, Footing] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    def tree(self) -> SourceTree:
        """The project's sources as they are now."""
        return SourceTree(self.project / "src")


def basis_of(plan: Plan, project: Path, environment: Mapping[str, Any], *, take: bool, hooks: Iterable[Any]) -> Basis:
    """What the identities of a run's nodes rest on.

    Args:
        plan: the experiment's plan.
        project: the project's folder.
        environment: what ``log/environment.json`` will hold.
        take: whether outputs are taken.
        hooks: the project's hooks.
    """
    from kedro.framework import project as kedro_project

    tree, framework = SourceTree(project / "src"), framework_digest()
    package = str(kedro_project.PACKAGE_NAME or "")
    strange = [type(hook).__module__ for hook in hooks if not _is_framework(type(hook).__module__)]
    names = (f"{package}.settings", f"{package}.pipeline_registry")
    settings, others = tree.code(names, doubted=False, files=False), tree.code(strange)
    common = {
        "framework": framework.digest,
        "settings": f"{settings.digest}{others.digest}",
        "environment": digest_of([without_kernel(environment), *(environment.get(key) for key in SURROUNDINGS)]),
        "installed": digest_of(_local_installs(environment.get("package_origins") or {})),
    }
    footings = {key: _footing(plan.components[key], tree) for key in plan.components}
    return Basis(take, project, common, footings, (*framework.reasons, *settings.reasons, *others.reasons))


def digest_of(value: Any) -> str:
    """SHA-256 of a value as canonical JSON.

    Example:
        >>> digest_of({"a": 1, "b": 2.0}) == digest_of({"b": 2.0, "a": 1}), digest_of(1) == digest_of(1.0)
        (True, False)
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> list[str]:
    return [str(type(value)), repr(value)]


def blueprints(planned: Any) -> Iterator[Blueprint]:
    """The components of a plan, nested ones included."""
    if isinstance(planned, Blueprint):
        yield planned
        yield from blueprints(list(planned.params.values()))
    elif isinstance(planned, Mapping):
        yield from blueprints(list(planned.values()))
    elif isinstance(planned, list | tuple):
        for item in planned:
            yield from blueprints(item)


def texts(planned: Any) -> Iterator[str]:
    """All texts among the parameters of a plan."""
    if isinstance(planned, Blueprint):
        yield from texts(list(planned.params.values()))
    elif isinstance(planned, Mapping):
        yield from texts([*planned, *planned.values()])
    elif isinstance(planned, list | tuple):
        for item in planned:
            yield from texts(item)
    elif isinstance(planned, str):
        yield planned


def _footing(planned: Any, tree: SourceTree) -> Footing:
    entries = planned if isinstance(planned, list) else [planned]
    if any(isinstance(entry, Reference) for entry in entries):
        return Footing("", reasons=("it takes from an experiment that is named",))
    described = [entry.describe() if isinstance(entry, Blueprint) else entry for entry in entries]
    components = list(blueprints(planned))
    reasons = [reason for component in components for reason in _against(component)]
    if redacted(described) != described or hide_in(described) != described:
        return Footing("", reasons=("a parameter is secret",))
    own = [component for component in components if _is_own(component, tree)]
    code = _own_code(own, planned, tree)
    return Footing(
        described=digest_of(described),
        code=code.digest,
        modules=code.modules,
        reasons=(*reasons, *code.reasons),
        unvouched=any(not is_vouched(component) for component in own),
        installed=any(c not in own and not _is_framework(module_of(c)) for c in components),
    )


def _own_code(own: list[Blueprint], planned: Any, tree: SourceTree) -> Code:
    """The code of the user's components; what those mention that vouch for themselves is left to them."""
    named = any(tree.holds(text) for text in texts(planned) if "." in text)
    if not own and not named:
        return Code("")
    doubted = tree.code(_modules([c for c in own if not is_vouched(c)]))
    whole = named or any(not _is_found(component) for component in own)
    everything = tree.code(_modules(own), whole=whole, doubted=False)
    return Code(everything.digest, everything.modules, (*everything.reasons, *doubted.reasons))


def _modules(components: Iterable[Blueprint]) -> list[str]:
    """Where components, and the classes that they are made from, are defined."""
    modules = [module_of(component) for component in components]
    for component in components:
        modules += [base.__module__ for base in getattr(component.target, "__mro__", ())]
        modules.append(component.type.rpartition(".")[0])
    return [name for name in dict.fromkeys(modules) if name]


def _against(component: Blueprint) -> Iterator[str]:
    """Why a component cannot be reused, as far as that is known without its code."""
    target, module = component.target, module_of(component)
    name = component.type
    if getattr(target, "reusable", None) is False:
        yield f"{name} says reusable = False"
    elif not is_vouched(component) and {ResultFolder, DataCatalog} & set(component.services.values()):
        yield f"{name} asks for the result folder or the catalog, where it may leave or read anything"
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None and module not in sys.builtin_module_names:
        yield f"{name} was defined in no file"


def is_vouched(component: Blueprint) -> bool:
    """Whether a component itself, not one that it inherits from, says that all it depends on is known."""
    return getattr(component.target, "__dict__", {}).get("reusable") is True


def _is_own(component: Blueprint, tree: SourceTree) -> bool:
    """Whether a component is the user's: of the project, or of wherever versions tell nothing."""
    module = module_of(component)
    if _is_framework(module) or module in sys.builtin_module_names:
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return tree.holds(module) or file is None or not lies_in_python(os.path.realpath(file))


def _is_found(component: Blueprint) -> bool:
    """Whether a class is what its module calls so: not made by a function, in which anything may decide."""
    found: Any = sys.modules.get(module_of(component))
    for part in getattr(component.target, "__qualname__", "<none>").split("."):
        found = getattr(found, part, None)
    return found is component.target


def module_of(component: Blueprint) -> str:
    """The module that a component's class, or function, was defined in."""
    return str(getattr(component.target, "__module__", "") or "")


def _is_framework(module: str) -> bool:
    return module.partition(".")[0] == FRAMEWORK


def _local_installs(origins: Mapping[str, str]) -> dict[str, str]:
    """Of packages that came from no index, whose version may stay while they change, a digest of all their files."""
    found = {}
    for folder in {Path(entry or ".") for entry in sys.path} if origins else ():
        for record in folder.glob("*.dist-info/RECORD"):
            name = record.parent.name.removesuffix(".dist-info").rpartition("-")[0].lower().replace("_", "-")
            if name in origins:
                found[f"{name} {record.parent}"] = hashlib.sha256(record.read_bytes()).hexdigest()
    return found
