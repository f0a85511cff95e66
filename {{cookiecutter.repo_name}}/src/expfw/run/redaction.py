"""What may be kept of a text: all but what its own keys call a secret, which no run need know by its value."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import yaml

from expfw.config.credentials import in_settings
from expfw.config.secrets import MARK, Secrets, is_secret, names_secret, without_userinfo

SETTINGS = frozenset({".json", ".yml", ".yaml", ".toml"})
"""Endings of texts that are read as settings."""

CODE = frozenset(".py .pyi .pyx .ipynb .r .j2 .css .sql".split())
"""Endings of code, in which a value without quotes is no text but a name or a call."""

_INTERPOLATION = re.compile(r"\$\{[^}]*\}")
# With bounds, so that the time is in proportion to a line's length, whatever is in it.
_KEY = re.compile(
    r"""
    (?<![\w.-]) (?P<key>[\w.-]+) \\?["']?
    (?:[ \t]{0,8}:[ \t]{0,8}[\w.\[\],\ |]{1,60}?(?=[ \t]{0,8}=))?  # a type
    [ \t]{0,80} (?:=>|:=|[:=](?!=)) [ \t]*
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(
    r"""
    (?P<open>[a-zA-Z]{0,2}\\(?P<escaped>["'])) (?P<value>.*?) \\(?P=escaped)
    | (?P<begin>[a-zA-Z]{0,2}(?P<sign>\"{3}|'{3}|["'])) (?P<text>(?:\\.|(?!(?P=sign)).)*) (?P=sign)
    """,
    re.VERBOSE,
)
_NEXT_KEY = re.compile(r"""[,;&][ \t]{0,8}["']?[\w.-]{1,80}["']?[ \t]{0,8}[:=]""")
_REFERENCE = re.compile(
    r"\$\{[\w.:]*\}|\$\w+|\$\([^)]*\)|\$?\{\{.*\}\}|\*\w+|[|>][+-]?\d*|null|none|~|true|false|[\[{(]((?!\{).*)?|",
    re.IGNORECASE,
)


def secrets_in_settings(name: str, text: str) -> Secrets:
    """What the keys of settings call a secret; nothing of a text that is none.

    Args:
        name: name of the file; its ending tells the format.
        text: its content.

    Example:
        >>> secrets_in_settings("a.json", '{"api_key": "k3y-0f"}').hide("k3y-0f")
        '(secret, not recorded)'
    """
    if PurePosixPath(name).suffix not in SETTINGS:
        return Secrets()
    settings = _parsed(name, text)
    if _is_catalog(name):
        settings = _without_references(settings)
    return Secrets.of(_INTERPOLATION.sub("", value) for value in in_settings(settings))


def without_settings(name: str, text: str) -> str:
    """Settings without what their own keys call a secret; any other text as it is.

    Args:
        name: name of the file.
        text: its content.
    """
    if PurePosixPath(name).suffix not in SETTINGS:
        return text
    secrets = secrets_in_settings(name, text)
    return "".join(_without(line, secrets) for line in text.splitlines(keepends=True))


def redacted_text(name: str, text: str) -> str:
    """A text of any kind without what stands under keys that name a secret, and without user and password in addresses.

    Args:
        name: name of the file.
        text: its content.

    Example:
        >>> redacted_text("deploy.sh", "export API_TOKEN=t0ken-1 && ./deploy")
        'export API_TOKEN=(secret, not recorded)'
        >>> redacted_text("deploy.py", "token, api_key = fetch(token='t0ken-1'), key()")
        "token, api_key = fetch(token='(secret, not recorded)'), key()"
    """
    secrets = secrets_in_settings(name, text)
    return "".join(redacted_line(name, line, secrets) for line in text.splitlines(keepends=True))


def redacted_line(name: str, line: str, secrets: Secrets) -> str:
    """One line of a text, as :func:`redacted_text` gives it.

    Args:
        name: name of the file.
        line: with its line break, or without.
        secrets: those of the file's settings.
    """
    line, position = without_userinfo(_without(line, secrets)), 0
    shown: list[str] = []
    while given := _KEY.search(line, position):
        start = given.end()
        shown.append(line[position:start])
        position = start
        if not names_secret(given["key"].rpartition(".")[2]) or (given["key"] == "credentials" and _is_catalog(name)):
            continue
        begin, end = _value(name, line, start)
        if begin < end and is_secret("secret", line[begin:end]) and not _REFERENCE.fullmatch(line[begin:end]):
            shown += [line[start:begin], MARK]
            position = end
    return "".join([*shown, line[position:]])


def _value(name: str, line: str, start: int) -> tuple[int, int]:
    """Where the value begins and ends that begins at ``start``; it is empty if there is none that may be a secret."""
    if quoted := _QUOTED.match(line, start):
        return quoted.span("value" if quoted["escaped"] else "text")
    if PurePosixPath(name).suffix.lower() in CODE:
        return start, start
    following = _NEXT_KEY.search(line, start)
    end = following.start() if following else len(line)
    return start, start + len(line[start:end].rstrip(" \t\r\n,}]"))


def _without(line: str, secrets: Secrets) -> str:
    """A line without secrets; what is to be filled in from the environment or from credentials is none."""
    rest = _INTERPOLATION.sub("", line)
    return line if secrets.hide(rest) == rest else secrets.hide(line)


def _is_catalog(name: str) -> bool:
    return PurePosixPath(name).name.startswith("catalog")


def _without_references(catalog: Any) -> Any:
    """A catalog without the names under which its entries find their credentials."""
    if isinstance(catalog, dict):
        named = {key: value for key, value in catalog.items() if key != "credentials" or not isinstance(value, str)}
        return {key: _without_references(value) for key, value in named.items()}
    return [_without_references(item) for item in catalog] if isinstance(catalog, list) else catalog


def _parsed(name: str, text: str) -> Any:
    """The settings in a file; of one that cannot be read its lines, each taken for ``key: value``."""
    try:
        if name.endswith(".json"):
            return json.loads(text)
        if name.endswith(".toml"):
            return tomllib.loads(text)
        return list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (ValueError, RecursionError, yaml.YAMLError):
        return [dict([pair]) for pair in _pairs(text)]


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, _, value = line.partition("=" if "=" in line and ":" not in line else ":")
        yield key.strip(" \t\"'-{"), value.strip(" \t\"',}")
