"""From a parameter to its JSON Schema: by scikit-learn's constraints, else by the type hint, else by the docstring."""

from __future__ import annotations

import collections.abc as abc
import enum
import inspect
import math
import numbers
import pathlib
import re
import sys
import types
import typing
from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from expfw.construct.catalogue import KIND_OF, Docs, docs_of
from expfw.construct.find import Target
from expfw.construct.signature import configurable, services_of, signature_of
from expfw.construct.values import constraints_of, hints_of

Schema = dict[str, Any]
"""A JSON Schema; ``{}`` restricts nothing."""

SEED: Schema = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**32 - 1}

SENTINELS = frozenset({"warn", "deprecated"})
"""Defaults by which scikit-learn knows that nothing was given; nobody writes them."""


def component(kind: str = "any") -> Schema:
    """A nested component: ``model``, ``splitter``, … or ``estimator`` (what has ``fit``) or ``any``."""
    return {"$ref": f"#/$defs/all:component:{kind}"}


def value() -> Schema:
    """Any JSON value; an object that reads like a component must be one, however deep it lies."""
    return {"$ref": "#/$defs/all:value"}


def entry(schema: Schema) -> Schema:
    """The same as an entry of a list: a component there inherits nothing, so it must be complete."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [entry(one) for one in schema["anyOf"]]}
    reference = schema.get("$ref", "")
    return {**schema, "$ref": reference.replace("all:component:", "all:entry:")} if reference else schema


def either(schemas: Iterable[Schema]) -> Schema:
    """What satisfies one of the schemas, written as shortly as possible.

    Example:
        >>> either([{"type": "integer"}, {"type": "null"}])
        {'type': ['integer', 'null']}
        >>> either([{"enum": ["a"]}, {"type": "null"}])
        {'enum': ['a', None]}
        >>> either([{"type": "integer"}, {}])
        {}
    """
    alternatives = [one for schema in schemas for one in schema.get("anyOf", [schema])]
    if {} in alternatives:
        return {}
    plain = [kind for one in alternatives if set(one) == {"type"} for kind in _listed(one["type"])]
    values = [item for one in alternatives if set(one) == {"enum"} for item in one["enum"]]
    rest = [one for one in alternatives if set(one) not in ({"type"}, {"enum"})]
    if values and "null" in plain:
        plain, values = [kind for kind in plain if kind != "null"], [*values, None]
    merged = [{"enum": _unique(values)}] if values else []
    typed = [one for one in rest if "type" in one]
    if plain == ["null"] and len(rest) == len(typed) == 1:
        plain, rest = [], [{**typed[0], "type": _unique([*_listed(typed[0]["type"]), "null"])}]
    if plain:
        kinds = _unique(kind for kind in plain if kind != "integer" or "number" not in plain)
        merged.append({"type": kinds[0] if len(kinds) == 1 else kinds})
    merged += _unique(rest)
    return merged[0] if len(merged) == 1 else {"anyOf": merged}


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _unique(items: Iterable[Any]) -> list[Any]:
    return list({repr(item): item for item in items}.values())


ARRAY: Schema = {"type": "array", "items": value()}
OBJECT: Schema = {"type": "object", **value()}

_CLASSES: Mapping[Any, Schema] = {
    type(None): {"type": "null"},
    None: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    numbers.Integral: {"type": "integer"},
    numbers.Real: {"type": "number"},
    list: ARRAY,
    tuple: ARRAY,
    dict: OBJECT,
    abc.Mapping: OBJECT,
    abc.MutableMapping: OBJECT,
    abc.Callable: component(),
    object: {},
    Any: {},
}
"""JSON Schemas of the classes that hints and constraints name."""


_NOT_COMPONENTS = frozenset(sys.stdlib_module_names | {"numpy", "pandas"}) - {"abc", "collections"}
"""Packages whose classes (dates, data types, …) are built from some JSON value or other, not as components."""


def from_hint(hint: Any) -> Schema:
    """The JSON Schema of a type hint; a class that is no JSON value is a nested component.

    Example:
        >>> from_hint(typing.Literal["mean", "median"] | None)
        {'enum': ['mean', 'median', None]}
        >>> from_hint(list[str] | None)
        {'type': ['array', 'null'], 'items': {'type': 'string'}}
        >>> from expfw.interfaces import Model
        >>> from_hint(Model)
        {'$ref': '#/$defs/all:component:model'}
    """
    if isinstance(hint, abc.Hashable) and hint in _CLASSES:
        return dict(_CLASSES[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return either(from_hint(argument) for argument in arguments)
    if type(hint).__name__ == "TypeAliasType":
        return from_hint(hint.__value__)
    kind = origin or hint
    return _from_class(kind, arguments) if inspect.isclass(kind) else {}


def _from_class(kind: type, arguments: tuple[Any, ...]) -> Schema:
    if kind in KIND_OF:
        return component(KIND_OF[kind])
    if issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    if issubclass(kind, str | pathlib.PurePath):
        return {"type": "string"}
    if issubclass(kind, abc.Mapping):
        return {"type": "object", "additionalProperties": (from_hint(arguments[-1]) if arguments else {}) or value()}
    if kind.__name__ == "ndarray" or issubclass(kind, abc.Collection) or kind in (abc.Iterable, abc.Iterator):
        return _from_list(kind, arguments)
    return {} if kind.__module__.partition(".")[0] in _NOT_COMPONENTS else component()


def _from_list(kind: type, arguments: tuple[Any, ...]) -> Schema:
    if kind.__name__ == "ndarray":
        return {"type": "array"}
    fixed = kind is tuple and arguments[-1:] != (Ellipsis,)
    items = either(from_hint(argument) for argument in arguments if argument is not Ellipsis) if arguments else {}
    length = {"minItems": len(arguments), "maxItems": len(arguments)} if fixed and arguments else {}
    return {"type": "array", "items": entry(items) or value(), **length}


_WORDS: Mapping[str, Schema | None] = {
    "array-like": {"type": "array"},
    "boolean": {"type": "boolean"},
    "cv_object": either(
        [{"type": "integer", "minimum": 2}, {"type": "array"}, component("splitter"), {"type": "null"}]
    ),
    "nan": None,
    "random_state": SEED,
    "sparse matrix": None,
    "verbose": either([{"type": "integer", "minimum": 0}, {"type": "boolean"}]),
}
"""scikit-learn's words for constraints; None for what JSON has no value for."""

_NO_JSON = ("ndarray", "RandomState")
"""Names of classes whose instances neither JSON nor a component can give."""


def from_constraints(constraints: Any) -> Schema:
    """The JSON Schema of scikit-learn's constraints on a parameter (``_parameter_constraints``).

    They are told by the names of their classes, so that a constraint that is new, or gone, does no harm: what is not
    known restricts nothing.

    Example:
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> constraints = RandomForestClassifier._parameter_constraints
        >>> from_constraints(constraints["n_estimators"])
        {'type': 'integer', 'minimum': 1}
    """
    if isinstance(constraints, str):
        return {}
    found = [_from_constraint(constraint) for constraint in constraints]
    return either(schema for schema in found if schema is not None) if any(s is not None for s in found) else {}


def _from_constraint(constraint: Any) -> Schema | None:
    if isinstance(constraint, str):
        return _WORDS.get(constraint, {})
    if constraint is None or (inspect.isclass(constraint) and constraint in _CLASSES):
        return dict(_CLASSES[constraint])
    if inspect.isclass(constraint):
        return None if constraint.__name__ in _NO_JSON else component()
    if constraint is callable:
        return component()
    read = _CONSTRAINTS.get(type(constraint).__name__)
    return read(constraint) if read else {}


def _interval(constraint: Any) -> Schema:
    schema: Schema = {"type": "integer" if constraint.type is numbers.Integral else "number"}
    for end, closed, key in ((constraint.left, "left", "inimum"), (constraint.right, "right", "aximum")):
        if end is not None and math.isfinite(end):
            first = "m" if constraint.closed in (closed, "both") else "exclusiveM"
            schema[first + key] = end
    return schema


def _options(constraint: Any) -> Schema | None:
    options = sorted((one for one in constraint.options if is_json(one) and one not in SENTINELS), key=repr)
    return {"enum": options} if options else None


def _has_methods(constraint: Any) -> Schema:
    methods = set(constraint.methods)
    if methods & {"predict", "predict_proba", "decision_function"}:
        return component("model")
    if "transform" in methods:
        return component("features")
    return component("estimator" if "fit" in methods else "any")


def _hidden(constraint: Any) -> Schema | None:
    """What works and is not documented: it is accepted, but no component is offered for it."""
    schema = _from_constraint(constraint.constraint)
    return None if schema and "$ref" in schema else schema


_CONSTRAINTS: Mapping[str, Callable[[Any], Schema | None]] = {
    "Interval": _interval,
    "Options": _options,
    "StrOptions": _options,
    "HasMethods": _has_methods,
    "Hidden": _hidden,
    "MissingValues": lambda _: {"type": ["integer", "number", "string", "null"]},
}

_DOC_WORDS: Mapping[str, Schema | None] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "none": {"type": "null"},
    "dict": OBJECT,
    "list": ARRAY,
    "tuple": ARRAY,
    "array-like": {"type": "array"},
    "ndarray": {"type": "array"},
    "callable": component(),
    "randomstate instance": None,
}


def from_words(text: str) -> Schema:
    """The JSON Schema of a type as numpydoc writes it; a word that is not known makes it restrict nothing.

    Example:
        >>> from_words("int, RandomState instance or None")
        {'type': ['integer', 'null']}
        >>> from_words("{'uniform', 'quantile'}")
        {'enum': ['quantile', 'uniform']}
    """
    parts = re.findall(r"\{[^}]*\}|[^,{}]+", re.sub(r"\s+of shape \([^)]*\)|\s*\bdefault[= ].*", "", text))
    words = [word.strip() for part in parts for word in ([part] if "{" in part else re.split(r"\bor\b", part))]
    found = [_from_word(word) for word in words if word]
    return either(schema for schema in found if schema is not None) if any(s is not None for s in found) else {}


def _from_word(word: str) -> Schema | None:
    if not word.startswith("{"):
        return _DOC_WORDS.get(word.lower(), {})
    try:
        return {"enum": sorted(literal_eval(word.replace("‘", "'").replace("’", "'")), key=repr)}
    except (ValueError, SyntaxError, TypeError):
        return {}


def is_json(item: Any) -> bool:
    """Whether JSON can say a value, as it is.

    Example:
        >>> is_json(["a", 1, None]), is_json((1, 2)), is_json(float("nan"))
        (True, False, False)
    """
    if isinstance(item, list):
        return all(is_json(one) for one in item)
    if isinstance(item, dict):
        return all(isinstance(key, str) and is_json(one) for key, one in item.items())
    return item is None or type(item) in (bool, str, int) or (type(item) is float and math.isfinite(item))


def parameters_schema(target: Target, leave_out: Iterable[str] = ()) -> Schema:
    """The JSON Schema of the ``params`` of a class or function; nothing in it is required.

    Args:
        target: the class or function.
        leave_out: parameters that no configuration gives; those that ask for a service are always left out.

    Example:
        >>> from expfw.components.splitter import Bootstrap
        >>> parameters_schema(Bootstrap)["properties"]["n_splits"]
        {'type': 'integer', 'default': 25, 'description': 'how often rows are drawn.'}
    """
    signature, docs = signature_of(target), docs_of(target)
    schema: Schema = {"type": "object", **({"description": docs.summary} if docs.summary else {})}
    if signature is None:
        return schema
    names = configurable(signature, services_of(target)) - set(leave_out)
    type_of = _types(target, docs)
    schema["properties"] = {n: _parameter(p, type_of(p), docs) for n, p in signature.parameters.items() if n in names}
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
        schema["additionalProperties"] = False
    return schema


def _types(target: Target, docs: Docs) -> Callable[[inspect.Parameter], Schema]:
    constraints, hints = constraints_of(target), hints_of(target)

    def type_of(parameter: inspect.Parameter) -> Schema:
        name = parameter.name
        if name in constraints:
            return from_constraints(constraints[name])
        schema = from_hint(hints[name]) if name in hints else from_words(docs.types.get(name, ""))
        return either([schema, {"type": "null"}]) if parameter.default is None else schema

    return type_of


def _parameter(parameter: inspect.Parameter, schema: Schema, docs: Docs) -> Schema:
    default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    described = dict(schema or value())
    if parameter.default is not parameter.empty and is_json(default) and str(default) not in SENTINELS:
        described["default"] = default
    text = docs.params.get(parameter.name)
    return {**described, "description": text} if text else described
