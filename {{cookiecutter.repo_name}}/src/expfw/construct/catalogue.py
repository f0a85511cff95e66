"""What an experiment file can name, and what the docstrings say of it: the entries of the schema that editors read."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from docstring_parser import Docstring, DocstringStyle, ParseError, parse

from expfw.config.keys import STEPS
from expfw.construct.find import Components, Target
from expfw.construct.signature import missing_methods, signature_of
from expfw.interfaces import Metric

KINDS = (*dict.fromkeys(step.module for step in STEPS.values()), "estimator", "any")
"""What a component can be: the modules of ``expfw.components``, ``estimator`` (has ``fit``), ``any``."""

KIND_OF = {step.interface: step.module for step in STEPS.values()}
"""Which kind of component an interface asks for."""

_EXPERIMENTAL = frozenset(["HalvingGridSearchCV", "HalvingRandomSearchCV", "IterativeImputer"])
"""Classes of scikit-learn that are there only after something has imported ``sklearn.experimental``."""

_NO_COMPONENTS = frozenset(
    ["__main__", "cli", "components", "conftest", "experimental", "externals", "pipeline_registry", "settings", "tests"]
)
"""Modules in which nothing is looked for that a dotted path could name."""

LIMIT = 240
"""Characters of a text at most."""

_NUMPYDOC = re.compile(r"^[ \t]*(Parameters|Returns|Attributes)[ \t]*\n[ \t]*-{3,}", re.MULTILINE)
_GOOGLE = re.compile(r"^[ \t]*(Args|Arguments|Returns|Raises|Yields|Examples?):[ \t]*$", re.MULTILINE)
_ROLE = re.compile(r":[a-z:+]+:`(~?)([^`<]*?)\s*(?:<[^`>]*>)?`")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])")


@dataclass(frozen=True)
class Named:
    """A class or function, by a name under which an experiment file can have it.

    Args:
        name: the ``type``.
        target: what it means.
        definition: the schema's definition of its parameters; empty for a function that is no metric.
    """

    name: str
    target: Target
    definition: str = ""


@dataclass(frozen=True)
class Source:
    """Where components come from.

    Args:
        name: ``own``, or the module of a library as the project allows it.
        version: the library's version; None if it is not there.
        kinds: for each kind its components, sorted by name.
        elsewhere: modules that are allowed, too, without being listed.
    """

    name: str
    version: str | None = None
    kinds: Mapping[str, list[Named]] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()


def own_source(components: Components) -> Source:
    """The components with short names, the user's and the framework's."""
    kinds: dict[str, dict[str, Named]] = {kind: {} for kind in KINDS}
    for step in STEPS.values():
        for name in components.short_names(step):
            named = Named(name, components.find(name, step), f"own:class:{step.module}.{name}")
            plain = named if inspect.isclass(named.target) else replace(named, definition="")
            kinds["any"].setdefault(name, plain)
            if callable(getattr(named.target, "fit", None)):
                kinds["estimator"].setdefault(name, named)
            if not missing_methods(named.target, step.interface):
                kinds[step.module][name] = named
    return Source("own", None, {kind: _sorted(found.values()) for kind, found in kinds.items()}, _others(components))


def _others(components: Components) -> tuple[str, ...]:
    """Modules of the user's package that may hold classes, too; they are not imported, for who knows what they do."""
    spec = importlib.util.find_spec(components.package) if components.package else None
    places = list(spec.submodule_search_locations or []) if spec else []
    names = sorted(info.name for info in pkgutil.iter_modules(places) if info.name not in _NO_COMPONENTS)
    return tuple(f"{components.package}.{name}" for name in names)


def libraries(components: Components) -> list[str]:
    """Modules that are allowed, without those that lie in another one of them, and without the project's own.

    Example:
        >>> libraries(Components(package="study", modules=("sklearn.svm", "study", "sklearn")))
        ['sklearn']
    """
    own = tuple(filter(None, (components.package, "expfw")))
    names = [name for name in components.modules if not f"{name}.".startswith(tuple(f"{one}." for one in own))]
    return sorted(n for n in set(names) if not any(n.startswith(f"{other}.") for other in names))


def library(name: str, *, listed: bool = True) -> Source:
    """What a library shows: its public classes, and its functions that are metrics or can be given as a parameter.

    Args:
        name: its module; modules that it names in its ``__all__`` are looked through as well.
        listed: False gives nothing but the version.

    Example:
        >>> [splitter.name for splitter in library("sklearn").kinds["splitter"]][:2]
        ['sklearn.model_selection.GroupKFold', 'sklearn.model_selection.GroupShuffleSplit']
    """
    try:
        module = importlib.import_module(name)
    except Exception:  # not installed, or broken: no reason to have no schema at all
        return Source(name, None, {}, (name,))
    version = getattr(importlib.import_module(name.partition(".")[0]), "__version__", "")
    return _listed_library(module, str(version)) if listed else Source(name, str(version))


def _listed_library(library: ModuleType, version: str) -> Source:
    modules = list(_public_modules(library, set()))
    kinds: dict[str, list[Named]] = {kind: [] for kind in KINDS}
    definitions: dict[int, str] = {}
    for path, target in sorted(_public_targets(library.__name__, modules), key=_depth):
        definition = definitions.setdefault(id(target), f"{library.__name__}:class:{path}")
        for kind in _kinds_of(target):
            with_parameters = inspect.isclass(target) or kind == "metrics"
            kinds[kind].append(Named(path, target, definition if with_parameters else ""))
    seen = {module.__name__ for module in modules}
    unseen = sorted({path for module in modules for path in _submodules(module)} - seen)
    sorted_kinds = {kind: _sorted(found) for kind, found in kinds.items()}
    return Source(library.__name__, version, sorted_kinds, tuple(unseen))


def _depth(found: tuple[str, Target]) -> tuple[int, str]:
    """The shortest of several paths to one class comes first."""
    return found[0].count("."), found[0]


def _public_modules(module: ModuleType, seen: set[str]) -> Iterator[ModuleType]:
    """A module, and the modules that it names in its ``__all__``."""
    seen.add(module.__name__)
    yield module
    for name in getattr(module, "__all__", ()):
        inner = _attribute(module, name)
        if inspect.ismodule(inner) and inner.__name__ == f"{module.__name__}.{name}" and inner.__name__ not in seen:
            yield from _public_modules(inner, seen)


def _public_targets(root: str, modules: Iterable[ModuleType]) -> Iterator[tuple[str, Target]]:
    for module in modules:
        for name in _public_names(module):
            target = _attribute(module, name)
            own = f"{getattr(target, '__module__', '')}.".startswith(f"{root}.")
            if own and (inspect.isroutine(target) or (inspect.isclass(target) and _can_be_built(target))):
                yield f"{module.__name__}.{name}", target


def _public_names(module: ModuleType) -> list[str]:
    named = getattr(module, "__all__", None)
    if named is not None:
        return sorted(name for name in named if not name.startswith("_"))
    return sorted(n for n, v in vars(module).items() if n[0] != "_" and getattr(v, "__module__", "") == module.__name__)


def _attribute(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except Exception:  # a module imported on demand, or a name that must be enabled first
        path = f"{module.__name__}.{name}"
        try:
            return importlib.import_module(path)
        except Exception:
            return None


def _can_be_built(target: type) -> bool:
    for_inheritance = inspect.isabstract(target) or re.match(r"Base[A-Z]|.*Mixin$", target.__name__)
    if target.__name__ in _EXPERIMENTAL:
        return False
    return not for_inheritance and not issubclass(target, BaseException)


def _submodules(module: ModuleType) -> Iterator[str]:
    for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
        path = f"{module.__name__}.{info.name}"
        if not info.name.startswith("_") and _NO_COMPONENTS.isdisjoint(path.split(".")):
            yield path


def _kinds_of(target: Target) -> list[str]:
    """What a library's class or function can be."""
    if not inspect.isclass(target):
        return ["metrics", "any"] if _measures(target) else ["any"]
    interfaces = [interface for interface in KIND_OF if interface is not Metric]
    kinds = [KIND_OF[interface] for interface in interfaces if not missing_methods(target, interface)]
    return [*kinds, *(["estimator"] if callable(getattr(target, "fit", None)) else []), "any"]


def _measures(function: Target) -> bool:
    """Whether a function compares true with predicted values and gives one number."""
    signature = signature_of(function)
    first = next(iter(signature.parameters), "") if signature else ""
    returns = docs_of(function).returns
    return first in ("y_true", "labels_true") and len(returns) == 1 and "float" in returns[0]


def _sorted(found: Iterable[Named]) -> list[Named]:
    return sorted(found, key=lambda named: named.name)


@dataclass(frozen=True)
class Docs:
    """A docstring, taken apart.

    Args:
        summary: its first paragraph, shortened.
        params: the beginning of each parameter's text.
        types: what stands for each parameter's type, in words.
        returns: what stands for the type of each value returned, in words.
    """

    summary: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    returns: tuple[str, ...] = ()


@functools.cache
def docs_of(target: Callable[..., Any]) -> Docs:
    """What the docstring of a class or function says; of a class also that of its constructor, inherited or not.

    Example:
        >>> from sklearn.svm import SVC
        >>> docs = docs_of(SVC)
        >>> docs.summary, docs.types["C"]
        ('C-Support Vector Classification.', 'float')
        >>> docs.params["shrinking"]
        'Whether to use the shrinking heuristic. See the User Guide.'
    """
    text = _text(target)
    parsed = _parsed(text)
    texts, types = {}, {}
    for docstring in (*_constructor_docs(target), parsed):
        for param in docstring.params:
            texts[param.arg_name] = brief(param.description or "")
            types[param.arg_name] = param.type_name or ""
    summary = brief(text.partition("\n\n")[0]) if text and not _GOOGLE.match(text) else ""
    return Docs(summary, texts, types, tuple(returned.type_name or "" for returned in parsed.many_returns))


def about(interface: type) -> str:
    """The first sentences of an interface's docstring, without the key that they begin with.

    Example:
        >>> from expfw.interfaces import DataSource
        >>> about(DataSource).partition(".")[0]
        'Where the rows come from'
    """
    _, _, text = (interface.__doc__ or "").partition(": ")
    first, _, rest = inspect.cleandoc(text).partition("\n\n")
    return f"{brief(first[:1].upper() + first[1:])} {brief(rest)}".strip()


def brief(text: str) -> str:
    r"""The first sentence or two of the first paragraph, without reStructuredText's marks.

    Example:
        >>> brief("The :class:`~sklearn.svm.SVC` to use.\n\nMuch more.")
        'The SVC to use.'
        >>> brief("Number of ``trees``. Many help. A third sentence.")
        'Number of `trees`. Many help.'
    """
    paragraph = re.split(r"\n\s*\n|\n\s*(?:\.\. |[-*] )", text.strip())[0]
    line = " ".join(_ROLE.sub(_plain_role, paragraph).replace("``", "`").split())
    first, *more = _SENTENCE_END.split(line)
    if more and len(first) + len(more[0]) < LIMIT:
        first = f"{first} {more[0]}"
    return first if len(first) <= LIMIT else f"{first[:LIMIT].rpartition(' ')[0]} …"


def _plain_role(role: re.Match[str]) -> str:
    shortened, name = role.groups()
    return name.rpartition(".")[2] if shortened else name


def _text(target: Callable[..., Any]) -> str:
    text = inspect.cleandoc(target.__doc__ or "")
    made_by_dataclass = text.startswith(f"{getattr(target, '__name__', '')}(")
    return "" if made_by_dataclass else text


def _constructor_docs(target: Callable[..., Any]) -> list[Docstring]:
    """The docstring of the parent that a class has its constructor from, and of the constructor itself."""
    if not inspect.isclass(target):
        return []
    owner = next((parent for parent in inspect.getmro(target) if "__init__" in vars(parent)), object)
    if owner is object:
        return []
    own = [] if owner is target else [_parsed(_text(owner))]
    return [*own, _parsed(inspect.cleandoc(vars(owner)["__init__"].__doc__ or ""))]


def _parsed(text: str) -> Docstring:
    style = DocstringStyle.REST
    if _NUMPYDOC.search(text):
        style = DocstringStyle.NUMPYDOC
    elif _GOOGLE.search(text):
        style = DocstringStyle.GOOGLE
    try:
        return parse(text, style)
    except ParseError:
        return Docstring()
