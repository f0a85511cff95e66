"""The schema of experiment files as a file of the project: written, and compared with what would be written now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expfw.construct.find import NotFound, project_components
from expfw.construct.schema import VERSIONS, experiment_schema
from expfw.errors import ExpfwError

FILE = "config/experiment.schema.json"
"""Where a project keeps its schema."""

REMEDY = "write it anew: kedro experiment schema"
LISTED = 5
"""Parts that differ which a message names at most."""


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
