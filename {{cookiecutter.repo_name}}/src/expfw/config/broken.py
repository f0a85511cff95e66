"""What is wrong with files of parameters and of the catalog, which Kedro reads: one sentence, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from expfw.config.files import UniqueKeyLoader, kind
from expfw.errors import BrokenConfiguration


def broken(what: str, files: Mapping[str, bytes], error: Exception) -> BrokenConfiguration:
    r"""The error for files that cannot be read.

    Args:
        what: what they are, for example ``"parameters"``.
        files: path relative to the project → content.
        error: what Kedro said; shown where each file by itself can be read, without values, which may be secrets.

    Example:
        >>> print(broken("parameters", {"config/base/parameters.yml": b"a: 1\nb: ]"}, ValueError()))
        config/base/parameters.yml:2: invalid YAML: ...; nothing was run
    """
    for where, content in files.items():
        trouble = _trouble(content)
        if trouble:
            return BrokenConfiguration(f"{where}{trouble}; nothing was run")
    return BrokenConfiguration(f"the {what} ({', '.join(files)}) cannot be read: {_together(error)}; nothing was run")


def _trouble(content: bytes) -> str:
    """The line, and what is wrong with it; empty for a file that can be read."""
    try:
        value = _read(content.decode())
    except UnicodeDecodeError as error:
        return f": byte {error.start}: is not UTF-8 text; save it as UTF-8"
    except yaml.MarkedYAMLError as error:
        opened = "flow" in str(error.context)  # a bracket that is not closed is met lines later
        mark = (error.context_mark if opened else None) or error.problem_mark
        last = len(content.decode().rstrip().splitlines())
        return f"{f':{min(mark.line + 1, last)}' if mark else ''}: invalid YAML: {_said(error)}"
    except (yaml.YAMLError, RecursionError) as error:
        return f": invalid YAML: {type(error).__name__}"
    return "" if value is None or isinstance(value, Mapping) else f": holds {kind(value)} where an object was expected"


def _read(text: str) -> Any:
    value = yaml.safe_load(text)
    try:
        yaml.load(text, Loader=UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        if "duplicate" in str(error.problem):  # a key that is no text is none in an experiment file, but is one here
            raise
    return value


def _said(error: yaml.MarkedYAMLError) -> str:
    """YAML's words, but for an alias that is not there: it is more often a password that begins with a star."""
    if "alias" in str(error.problem):
        return "a text that begins with * or & needs quotes"
    return str(error.problem)


def _together(error: Exception) -> str:
    key = getattr(error, "full_key", None)
    if key:
        return f"'{key}' cannot be resolved ({type(error).__name__})"
    if isinstance(error, ValueError):  # of duplicate keys: which, and in which files
        return str(error).partition("\n")[0]
    return type(error).__name__
