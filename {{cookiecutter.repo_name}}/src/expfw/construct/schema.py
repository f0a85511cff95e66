"""The JSON Schema of experiment files, so that an editor completes and checks a file while it is typed.

Its definitions come from *sources*: ``own`` (the user's components and the framework's) and each library that the
project allows. A definition is called ``<source>:<what>:<of what>``; ``all:…`` puts the sources together. A *kind* is
what a component can be: the modules of ``expfw.components``, ``estimator`` (has ``fit``) and ``any``. Everything works
in Draft 2020-12 and, since older editors read no later one, in Draft 7.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from expfw.config.keys import KEYS, STEPS, Step
from expfw.construct.catalogue import KINDS, Named, Source, about, docs_of, libraries, library, own_source
from expfw.construct.find import Components, Target
from expfw.construct.schema_search import SEARCH, SELECTION
from expfw.construct.schema_types import SEED, Schema, either, parameters_schema, value
from expfw.construct.signature import required, services_of, signature_of
from expfw.diagnostics.muting import MUTE
from expfw.interfaces import Metric

VERSIONS = "x-generated-with"
"""Key of the schema that holds the version of each library."""

NOTHING: Schema = {"not": {}}
"""What no value satisfies; VS Code finds no definition that is a plain ``false``."""

FROM_DEFAULTS = frozenset({"random_state", "n_jobs"})
"""Parameters that usually come from ``defaults``, and so are never missing."""


def experiment_schema(components: Components, base: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a project's experiment files.

    Args:
        components: where the project's components may come from.
        base: the parameters in ``config/base``: what they give need not stand in a file.

    Example:
        >>> schema = experiment_schema(Components(package="", modules=()), base={})
        >>> schema["$defs"]["own:type:splitter"]["enum"]
        ['Bootstrap', 'LastRows', 'WithinFold']
    """
    from sklearn.metrics import get_scorer_names

    sources = [own_source(components), *(library(name) for name in libraries(components))]
    given = {*FROM_DEFAULTS, *(base.get("defaults") or {})}
    definitions = {"sklearn:scorers": {"enum": sorted(get_scorer_names()), "description": about(Metric)}}
    for source in sources:
        definitions |= _definitions(source, given)
    definitions |= _together([source.name for source in sources])
    versions = {source.name: source.version for source in (library("sklearn", listed=False), *sources[1:])}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Experiment",
        "description": "An experiment of expfw. Written by: kedro experiment schema",
        VERSIONS: versions,
        "type": "object",
        "properties": {key: _key(key) for key in KEYS},
        "additionalProperties": False,
        **_conditions(base),
        "$defs": definitions,
    }


def _definitions(source: Source, given: Iterable[str]) -> dict[str, Any]:
    """All definitions of a source; ``given`` are parameters that are never missing."""
    parts: dict[str, Any] = {f"{source.name}:elsewhere": _inside(source.elsewhere)}
    for kind in KINDS:
        named = source.kinds.get(kind, [])
        parts[f"{source.name}:type:{kind}"] = _names(named)
        parts[f"{source.name}:params:{kind}"] = _all([_when(one, _params(one)) for one in named if one.definition])
        parts[f"{source.name}:needs:{kind}"] = _all(_needs(named, given))
        parts |= {one.definition: parameters_schema(one.target, _filled(one.target)) for one in named if one.definition}
    return parts


def _filled(target: Target) -> list[str]:
    """Parameters that the framework fills: of a metric function the true and the predicted values."""
    signature = None if inspect.isclass(target) else signature_of(target)
    return list(signature.parameters)[:2] if signature else []


def _names(named: list[Named]) -> Schema:
    """The names to choose from, each with what it is."""
    if not named:
        return dict(NOTHING)
    texts = {one.name: docs_of(one.target).summary for one in named}
    return {
        "enum": list(texts),
        "enumDescriptions": list(texts.values()),
        "x-intellij-enum-metadata": {name: {"description": text} for name, text in texts.items() if text},
    }


def _when(named: Named, then: Schema) -> Schema:
    return {"if": {"properties": {"type": {"const": named.name}}, "required": ["type"]}, "then": then}


def _params(named: Named) -> Schema:
    return {"properties": {"params": {"$ref": f"#/$defs/{named.definition}"}}}


def _needs(named: list[Named], given: Iterable[str]) -> Iterator[Schema]:
    for one in named:
        signature = signature_of(one.target) if one.definition else None
        names = required(signature, services_of(one.target)) if signature else set()
        missing = sorted(names - {*_filled(one.target), *given})
        if missing:
            yield _when(one, {"required": ["params"], "properties": {"params": {"required": missing}}})


def _all(schemas: Iterable[Schema]) -> Schema:
    listed = [*schemas]
    return {"allOf": listed} if listed else {}


def _inside(modules: Iterable[str]) -> Schema:
    """A dotted path that leads into one of the modules."""
    paths = "|".join(re.escape(module) for module in modules)
    return {"type": "string", "pattern": rf"^({paths})(\.\w+)+$"} if paths else dict(NOTHING)


def _together(sources: list[str]) -> dict[str, Any]:
    """Definitions that refer to all sources, and what each step takes."""
    parts: dict[str, Any] = {"all:value": _any_value()}
    by_path = {"type": "string", "pattern": r"^\w+(\.\w+)*\.components(\.\w+)+$"}
    for kind in KINDS:
        listed = [{"$ref": f"#/$defs/{source}:type:{kind}"} for source in sources]
        elsewhere = [{"$ref": f"#/$defs/{source}:elsewhere"} for source in sources]
        parts[f"all:type:{kind}"] = {"anyOf": [*listed, *elsewhere, by_path]}
        for part in ("params", "needs"):
            parts[f"all:{part}:{kind}"] = {"allOf": [{"$ref": f"#/$defs/{source}:{part}:{kind}"} for source in sources]}
        parts[f"all:component:{kind}"] = _component(kind)
        needs = {"$ref": f"#/$defs/all:needs:{kind}"}
        parts[f"all:entry:{kind}"] = {"allOf": [{"$ref": f"#/$defs/all:component:{kind}"}, needs], "required": ["type"]}
    for step in STEPS.values():
        if not step.several:
            parts[f"all:step:{step.module}"] = _step(step)
            parts[f"all:complete:{step.module}"] = _complete(step.module)
    return parts


def _component(kind: str) -> Schema:
    """An object with ``type`` and ``params``; either may be missing, for it may be inherited."""
    return {
        "type": "object",
        "properties": {"type": {"$ref": f"#/$defs/all:type:{kind}"}, "params": {"type": "object"}},
        "additionalProperties": False,
        "allOf": [{"$ref": f"#/$defs/all:params:{kind}"}],
    }


def _step(step: Step) -> Schema:
    """A component at a key of its own: it may also be null, or the output of another experiment."""
    schema = _component(step.module)
    earlier = {"type": "integer", "minimum": 1, "description": "Take this step's output from the experiment N."}
    alone = {"if": {"required": ["from_experiment"]}, "then": {"maxProperties": 1}}
    return {
        **schema,
        "type": ["object", "null"] if step.nullable else "object",
        "description": about(step.interface),
        "properties": {**schema["properties"], "from_experiment": earlier},
        "allOf": [*schema["allOf"], alone],
    }


def _complete(kind: str) -> Schema:
    there = [{"required": ["type"]}, {"required": ["from_experiment"]}]
    return {"if": {"type": "object"}, "then": {"anyOf": there, "allOf": [{"$ref": f"#/$defs/all:needs:{kind}"}]}}


def _any_value() -> Schema:
    """Any value. An object with a ``type`` and at most ``params`` is a component, as it is for the planner."""
    reads_like_one = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string"}},
        "propertyNames": {"enum": ["params", "type"]},
    }
    return {
        "if": reads_like_one,
        "then": {"$ref": "#/$defs/all:component:any"},
        "else": {"items": value(), "additionalProperties": value()},
    }


_OTHER_KEYS: Mapping[str, Schema] = {
    "$schema": {"type": "string", "description": "For editors; not read."},
    "description": {"type": "string", "description": "What this experiment is, in a sentence."},
    "tags": {"type": "array", "items": {"type": "string"}, "description": "Words to find it by."},
    "extends": {
        "type": "string",
        "description": "Name of the experiment that this one alters: what does not stand here is taken from there.",
    },
    "published": {"type": "object", "description": "Published results that this experiment must reproduce."},
    "mute": MUTE,
    "search": SEARCH,
    "selection": SELECTION,
    "parallel": {
        "type": ["object", "null"],
        "description": "Where folds are fitted: loky for processes of this machine, dask for a running cluster, or a "
        "class of your own. Null: one after the other. It never changes a result.",
        "properties": {
            "type": {"anyOf": [{"enum": ["dask", "loky"]}, {"type": "string", "pattern": r"\."}]},
            "params": {"type": "object"},
        },
        "required": ["type"],
        "additionalProperties": False,
    },
    "test": {
        "type": "boolean",
        "description": "False: measured by resampling alone; the held-out rows are neither kept nor read, and no final "
        "model is fitted.",
    },
    "defaults": {
        "type": "object",
        "description": "Given to every component whose constructor has a parameter of that name and is not given it.",
        "properties": {
            "random_state": {**SEED, "description": "One seed for all."},
            "n_jobs": {"type": ["integer", "null"], "description": "Processes at a time; -1 for as many as there are."},
        },
    },
}


def _key(key: str) -> Schema:
    step = STEPS.get(key)
    if step is None:
        return dict(_OTHER_KEYS.get(key, {}))
    if not step.several:
        return {"$ref": f"#/$defs/all:step:{step.module}"}
    items = [{"$ref": f"#/$defs/all:entry:{step.module}"}]
    names = [{"$ref": "#/$defs/sklearn:scorers"}] if step.interface is Metric else []
    return {"type": "array", "items": either([*names, *items]), "description": about(step.interface)}


def _conditions(base: Mapping[str, Any]) -> Schema:
    """What must stand in a file: all that is needed, unless the file extends another one or ``config/base`` has it."""
    single = [step for step in STEPS.values() if not step.several and step.key not in base]
    splits = ("holdout", "resampling")
    alone: Schema = {
        "required": [step.key for step in single if not step.nullable],
        "properties": {step.key: {"$ref": f"#/$defs/all:complete:{step.module}"} for step in single},
    }
    if not any(key in base for key in splits):
        alone["anyOf"] = [{"required": [key], "properties": {key: {"type": "object"}}} for key in splits]
    message = "holdout and resampling are both null: nothing would be measured."
    unmeasured = {
        "if": {"required": [*splits], "properties": {"holdout": {"type": "null"}}},
        "then": {"properties": {"resampling": {"type": "object", "errorMessage": message}}},
    }
    return {"allOf": [unmeasured], "if": {"required": ["extends"]}, "else": alone}
