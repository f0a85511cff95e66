"""Reading one experiment file: JSON or YAML, a duplicate key or a syntax error named with its line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from expfw.errors import Fault

SUFFIXES = (".json", ".yml", ".yaml")
"""Endings of experiment files, in the order in which they are looked for."""


class Unreadable(Exception):
    """An experiment file cannot be read; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def parse(text: str, where: str) -> dict[str, Any]:
    """The content of an experiment file.

    Args:
        text: what the file holds.
        where: its path, for messages; the ending says whether it is JSON or YAML.

    Raises:
        Unreadable: for a syntax error, a duplicate key, or something else than an object at the top.

    Example:
        >>> parse('{"tags": []}', "a.json")
        {'tags': []}
        >>> parse('{"tags": ]', "a.json")
        Traceback (most recent call last):
        expfw.config.files.Unreadable: a.json: line 1, column 10: invalid JSON: Expecting value
    """
    text = text.removeprefix("\ufeff")  # the mark that some editors of Windows begin a file with
    content = _parse_json(text, where) if where.endswith(".json") else _parse_yaml(text, where)
    if not isinstance(content, dict):
        raise Unreadable(Fault(where, "", f"holds {kind(content)} where an object was expected", 'start it with "{"'))
    return content


def _parse_json(text: str, where: str) -> Any:
    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _unique(pairs, where)

    try:
        return json.loads(text, object_pairs_hook=no_duplicates)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        what, hint = _in_plain_words(text, error)
        raise Unreadable(Fault(where, place, f"invalid JSON: {what}", hint)) from error
    except RecursionError as error:
        raise Unreadable(Fault(where, "", "is nested too deeply")) from error


def _in_plain_words(text: str, error: json.JSONDecodeError) -> tuple[str, str]:
    """What is wrong with a file of JSON, and what to do, for slips that are made often; else the parser's words.

    Example:
        >>> for text in ("", '{"tags": [],}', '{// mine'):
        ...     try:
        ...         json.loads(text)
        ...     except json.JSONDecodeError as error:
        ...         _in_plain_words(text, error)
        ('the file is empty', 'write {"extends": "NAME"} to begin with')
        ('a comma stands before the closing }', 'take the comma out')
        ('JSON has no comments', 'put it into "description", or write the file in YAML, with the ending .yml')
    """
    if not text.strip():
        return "the file is empty", 'write {"extends": "NAME"} to begin with'
    before, rest = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if rest[:1] == ",":
        before, rest = f"{before},", rest[1:].lstrip()
    if before.endswith(",") and rest[:1] in ("]", "}"):
        return f"a comma stands before the closing {rest[0]}", "take the comma out"
    if rest.startswith(("//", "#", "/*")):
        return "JSON has no comments", 'put it into "description", or write the file in YAML, with the ending .yml'
    if rest.startswith("'"):
        return "a text stands in single quotes", 'JSON wants double quotes: "…"'
    return error.msg, ""


def _unique(pairs: Sequence[tuple[str, Any]], where: str) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise Unreadable(Fault(where, key, "duplicate key", "keep one of the two"))
        content[key] = value
    return content


class UniqueKeyLoader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML's safe loader, refusing duplicate keys, which YAML forbids and PyYAML accepts."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """An object, if each of its keys is a text that stands in it once."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is no string", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key '{key}'", problem_mark=key_node.start_mark)
            seen.add(key)
        return dict(super().construct_mapping(node, deep))


def _parse_yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, Loader=UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(Fault(where, place, f"invalid YAML: {error.problem}")) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(Fault(where, "", f"invalid YAML: {error}")) from error


def kind(value: Any) -> str:
    """JSON's name for the kind of a value, with its article.

    Example:
        >>> kind({}), kind(None), kind(1.5)
        ('an object', 'null', 'a number')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, Mapping) else "a list"
