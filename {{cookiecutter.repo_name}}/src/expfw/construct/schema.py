"""The JSON Schema of experiment files, so that an editor completes and checks a file while it is typed.

Its definitions come from *sources*: ``own`` (the user's components and the framework's) and each library that the
project allows. A definition is called ``<source>:<what>:<of what>``; ``all:…`` puts the sources together. A *kind* is
what a component can be: the modules of ``expfw.components``, ``estimator`` (has ``fit``) and ``any``. Everything works
in Draft 2020-12 and, since older editors read no later one, in Draft 7.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from expfw.config.keys import KEYS, STEPS, Step
from expfw.construct.catalogue import KINDS, Named, Source, about, docs_of, libraries, library, own_source
from expfw.construct.find import Components, NotFound, Target, project_components
from expfw.construct.schema_types import SEED, Schema, either, parameters_schema, value
from expfw.construct.signature import required, services_of, signature_of
from expfw.errors import ExpfwError
from expfw.interfaces import Metric

FILE = "config/experiment.schema.json"
"""Where a project keeps its schema."""

REMEDY = "write it anew: kedro experiment schema"
LISTED = 5
"""Parts that differ which a message names at most."""

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
        ['Bootstrap', 'LastRows']
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


def save_schema(project: Path, package: str) -> str:
    """Write a project's schema; says what is in it."""
    schema = project_schema(project, package)
    (project / FILE).write_text(schema_text(schema), encoding="utf-8")
    listed = sum(":class:" in name for name in schema["$defs"])
    versions = ", ".join(f"{name} {version or '(not installed)'}" for name, version in schema[VERSIONS].items())
    return f"parameters of {listed} components; libraries: {versions}"


def check_schema(project: Path, package: str) -> None:
    """Compare a project's schema with what would be written now.

    Raises:
        ExpfwError: if it is missing, no JSON, or not current; says what to do.
    """
    try:
        written = json.loads((project / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ExpfwError(f"{FILE}: is missing; {REMEDY}") from error
    except ValueError as error:
        raise ExpfwError(f"{FILE}: is no JSON: {error}; {REMEDY}") from error
    differing = differences(written, project_schema(project, package), strict=True)
    if differing:
        more = f", … ({len(differing)} in all)" if len(differing) > LISTED else ""
        raise ExpfwError(f"{FILE}: is not current; it differs in {', '.join(differing[:LISTED])}{more}; {REMEDY}")


def project_schema(project: Path, package: str) -> dict[str, Any]:
    """The schema of the project in a folder; ``config/local`` has no say in it.

    Args:
        project: the project's folder.
        package: the user's package.

    Raises:
        ExpfwError: if a module of the user's components cannot be imported.
    """
    from kedro.config import MissingConfigException, OmegaConfigLoader

    loader = OmegaConfigLoader(str(project / "config"), base_env="base", default_run_env="base")
    try:
        base = dict(loader["parameters"])
    except MissingConfigException:
        base = {}
    try:
        return experiment_schema(project_components(project, package), base)
    except NotFound as problem:
        raise ExpfwError(f"{problem.what}; {problem.hint}") from problem


def schema_text(schema: Mapping[str, Any]) -> str:
    """The schema as it is written: sorted, one definition per line, so that a change shows where it belongs.

    Example:
        >>> print(schema_text({"type": "object", "$defs": {"b": {}, "a": True}}), end="")
        {
        "$defs": {
        "a": true,
        "b": {}
        },
        "type": "object"
        }
    """
    plain = dict(sorted(schema.items()))
    definitions = ",\n".join(f"{json.dumps(key)}: {_line(part)}" for key, part in sorted(plain["$defs"].items()))
    lines = [
        f"{json.dumps(key)}: " + (f"{{\n{definitions}\n}}" if key == "$defs" else _line(plain[key])) for key in plain
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, sort_keys=True)


def differences(written: Mapping[str, Any], fresh: Mapping[str, Any], *, strict: bool = False) -> list[str]:
    """What in a written schema is not as it would be generated now.

    Args:
        written: the schema in the project.
        fresh: the schema generated now.
        strict: compare the parts of a library even if its version has changed since.

    Returns:
        Names of the parts that differ, sorted; empty if the schema is current.

    Example:
        >>> written = {"x-generated-with": {"sklearn": "1.8"}, "$defs": {"sklearn:a": 1, "own:b": 1}}
        >>> fresh = {"x-generated-with": {"sklearn": "1.9"}, "$defs": {"sklearn:a": 2, "own:b": 2}}
        >>> differences(written, fresh), differences(written, fresh, strict=True)
        (['own:b'], ['own:b', 'sklearn:a', 'x-generated-with'])
    """
    then, now = ({**part.get(VERSIONS, {})} for part in (written, fresh))
    changed = set() if strict else {name for name in now if name in then and then[name] != now[name]}
    parts = [_parts(schema, changed, strict=strict) for schema in (written, fresh)]
    return sorted(key for key in parts[0] | parts[1] if parts[0].get(key, ...) != parts[1].get(key, ...))


def _parts(schema: Mapping[str, Any], without: set[str], *, strict: bool) -> dict[str, Any]:
    """The definitions of a schema and its keys, as far as they are to be compared."""
    definitions = {key: part for key, part in schema.get("$defs", {}).items() if key.partition(":")[0] not in without}
    left_out = {"$defs"} if strict else {"$defs", VERSIONS}
    return {**definitions, **{key: part for key, part in schema.items() if key not in left_out}}


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
