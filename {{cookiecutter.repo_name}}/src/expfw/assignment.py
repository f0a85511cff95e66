"""``KEY=JSON`` as it is typed on a command line: read, laid together, and shown as it would have been right."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from expfw.config.files import Unreadable
from expfw.errors import Fault

OPTION = "--set"

EXAMPLE = """--set 'metrics=["accuracy", "f1_macro"]'"""

FIXED = {
    "extends": "what it extends is said by --from",
    "$schema": "it is written for you",
    "published": "it belongs to the experiment that was published; write it into the file by hand",
}
"""Keys of an experiment file that cannot be set, and why."""


def read_assignments(
    texts: Iterable[str], faults: list[Fault], told: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    r"""Assignments as one layer of a configuration, in which their order does not matter.

    Args:
        texts: ``KEY=JSON`` each; the key is a dotted path, a position in a list is a number.
        faults: what is wrong is added here.
        told: keys that other options have given.

    Example:
        >>> faults = []
        >>> read_assignments(["model.type=\"A\"", "model.params.depth=[4, 8]", "metrics.0=null"], faults)
        {'model': {'type': 'A', 'params': {'depth': [4, 8]}}, 'metrics': {'0': None}}
        >>> _ = read_assignments(["model.type=SVC"], faults)
        >>> print(faults[0])
        --set: model.type: SVC is no JSON; a text needs its double quotes: --set 'model.type="SVC"'
    """
    layer = dict(told or {})
    for text in texts:
        try:
            path, value = read_assignment(text)
            if not _put(layer, path, value):
                raise Unreadable(Fault(OPTION, ".".join(path), "is given twice", "keep one of the two"))
        except Unreadable as error:
            faults.append(error.fault)
    return layer


def read_assignment(text: str) -> tuple[list[str], Any]:
    """One ``KEY=JSON``: its path and its value.

    Raises:
        Unreadable: if it has no key, or its value is no JSON; the fault shows what to type.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    path = key.split(".")
    if not equals or not all(path):
        what = f"'{text}' is no KEY=JSON" if not equals or not key else f"the key '{key}' has an empty part"
        raise Unreadable(Fault(OPTION, "", what, f"as in {EXAMPLE}"))
    if path[0] in FIXED:
        raise Unreadable(Fault(OPTION, key, "cannot be set", FIXED[path[0]]))
    try:
        return path, json.loads(value, parse_constant=_no_constant, object_pairs_hook=_unique)
    except _Slip as slip:
        raise Unreadable(Fault(OPTION, key, str(slip))) from slip
    except (ValueError, RecursionError) as error:
        raise Unreadable(Fault(OPTION, key, f"{value or 'nothing'} is no JSON", _hint(key, value))) from error


class _Slip(Exception):
    """JSON by its grammar, and yet no value for a configuration."""


def _no_constant(name: str) -> Any:
    raise _Slip(f"{name} is no JSON; a configuration holds finite numbers only")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Slip(f"'{twice}' stands twice in one object; keep one of the two")
    return content


def _put(layer: dict[str, Any], path: Sequence[str], value: Any) -> bool:
    """Put a value into a layer; False if another value stands there, or around it."""
    node: Any = layer
    for key in path[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            return False
    last = path[-1]
    if last not in node:
        node[last] = value
        return True
    if not isinstance(value, dict) or not isinstance(node[last], dict):
        return False
    return all(_put(node[last], [key], item) for key, item in value.items())


def typed(key: str, value: Any) -> str:
    """An assignment as it is typed into a shell.

    Example:
        >>> print(typed("features", None), typed("metrics", ["r2"]))
        --set features=null --set 'metrics=["r2"]'
    """
    return f"{OPTION} {shlex.quote(f'{key}={json.dumps(value, ensure_ascii=False)}')}"


def _hint(key: str, given: str) -> str:
    if not given.strip():
        return f"null is {typed(key, None)}, an empty text {typed(key, '')}"
    try:
        meant = guess(given)
    except ValueError:
        return f"single quotes around the whole keep the double quotes within: {EXAMPLE}"
    if isinstance(meant, str):
        return f"a text needs its double quotes: {typed(key, meant)}"
    return f"type {typed(key, meant)}"


def guess(text: str) -> Any:
    """What was probably meant by something that is no JSON: Python's spelling, or JSON whose quotes the shell took.

    Raises:
        ValueError: if it begins like a list or an object and makes no sense.

    Example:
        >>> guess("None"), guess("['a', 1]"), guess("[accuracy,f1]"), guess("{type: SVC}"), guess("two words")
        (None, ['a', 1], ['accuracy', 'f1'], {'type': 'SVC'}, 'two words')
    """
    text = text.strip()
    if text.lower() in ("none", "null", "true", "false"):
        return {"none": None, "null": None, "true": True, "false": False}[text.lower()]
    try:
        return json.loads(json.dumps(ast.literal_eval(text), allow_nan=False))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _flow(text) if text[:1] in ("[", "{") else text


def _flow(text: str) -> Any:
    try:
        value = json.loads(json.dumps(yaml.safe_load(text), allow_nan=False))
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise ValueError(text) from error
    if isinstance(value, dict) and None in value.values():  # {type:SVC}: a key without a value, no object
        raise ValueError(text)
    return value


def params_hint(given: Any, current: Any, *, key: str = "KEY", experiment: str = "NAME") -> str:
    """What to do if ``--params`` was given for a setting whose value it cannot carry; empty if that is not the trouble.

    Args:
        given: the value as ``--params`` gave it.
        current: the value that it would replace.
        key: key path of the setting.
        experiment: name of the experiment.

    Example:
        >>> print(params_hint("accuracy", ["accuracy", "r2"], key="metrics", experiment="iris_forest"))
        --params cannot carry a list or an object (it splits at commas); write a file:
        kedro experiment new NEW_NAME --from iris_forest --set 'metrics=["accuracy"]'
        >>> print(params_hint("None", None, key="features"))
        null is written --params features=null
        >>> params_hint(3, 2)
        ''
    """
    if isinstance(given, str) and given.lower() == "none":
        return f"null is written --params {key}=null"
    bracketed = isinstance(given, str) and given.strip()[:1] in ("[", "{")
    compound = isinstance(current, list | Mapping) and not isinstance(given, list | Mapping)
    if not bracketed and not compound:
        return ""
    command = f"kedro experiment new NEW_NAME --from {experiment} {_meant(given, current, key)}"
    return f"--params cannot carry a list or an object (it splits at commas); write a file: {command}"


def _meant(given: Any, current: Any, key: str) -> str:
    try:
        value = guess(given) if isinstance(given, str) else given
    except ValueError:
        value = current
    if isinstance(current, list) and not isinstance(value, list):
        value = [value]
    if isinstance(current, Mapping) and not isinstance(value, Mapping):
        value = current
    return typed(key, value)
