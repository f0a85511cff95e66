"""The project's source files and configuration: listed, hashed and copied with each run."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import yaml

from expfw.config.credentials import in_settings
from expfw.config.loader import FOLDERS, KEDRO_NAMES
from expfw.config.secrets import Secrets, hide_bytes

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".py", ".j2", ".css", ".sql", ".toml"})
"""Endings of the files below ``src`` that count as source."""

CONFIG_SUFFIXES = frozenset({".json", ".yml", ".yaml"})
"""Endings of the files below ``config`` and ``conf`` that are kept."""

_INTERPOLATION = re.compile(r"\$\{[^}]*\}")

SCHEMA = "experiment.schema.json"
"""Made from the components, for editors; a large file that no run reads."""


@dataclass(frozen=True)
class SourceFile:
    """One source file.

    Args:
        name: path relative to the project, with forward slashes.
        content: its bytes.
        digest: MD5 of the content, as Sacred records it.
    """

    name: str
    content: bytes
    digest: str


_cache: dict[str, tuple[tuple[int, int], SourceFile]] = {}


def source_files(project: Path, experiments: Container[str] = ()) -> list[SourceFile]:
    """All that it takes to run again but the data: ``src``, ``pyproject.toml``, ``config``, ``conf/logging.yml``.

    What is private to a machine is not among it (``config/local``, credentials), nor are other experiments' files: a
    project may have thousands. A file is read again only when it changed.

    Args:
        project: the project's folder.
        experiments: paths of the experiment files that are read, relative to the project.
    """
    sources = [project / "pyproject.toml", *_walk(project / "src", SUFFIXES)]
    config = [project / "conf" / "logging.yml", *_walk(project / "config", CONFIG_SUFFIXES)]
    files = [_cached(path, path.relative_to(project).as_posix()) for path in sources if path.exists()]
    named = [(path, path.relative_to(project).as_posix()) for path in config if path.exists()]
    kept = [_cached(path, name) for path, name in named if name in experiments or _is_setting(name)]
    return [silent(file) for file in (*files, *kept)]


def _is_setting(name: str) -> bool:
    """Whether a file of the configuration is neither private nor made for one experiment."""
    path = PurePosixPath(name)
    one = path.parts[1] in FOLDERS and not path.name.startswith(KEDRO_NAMES)
    return not (one or is_private(name) or path.name == SCHEMA)


def is_private(name: str) -> bool:
    """Whether a file may hold credentials, or is a result, going by its path relative to the project.

    Example:
        >>> [is_private(name) for name in ("config/local/a.yml", "config/base/credentials.yml", "config/base/a.yml")]
        [True, True, False]
    """
    parts = PurePosixPath(name).parts
    return (
        parts[:2] == ("config", "local")
        or parts[:1] == ("result",)
        or any(p.startswith(("credentials", ".")) for p in parts)
    )


def is_kept_anyway(name: str) -> bool:
    """Whether a file is among the sources, or another experiment's, going by its path relative to the project.

    Example:
        >>> [is_kept_anyway(name) for name in ("src/mine/a.py", "src/mine/a.md", "notebooks/a.py")]
        [True, False, False]
    """
    top, suffix = PurePosixPath(name).parts[0], PurePosixPath(name).suffix
    return (top == "src" and suffix in SUFFIXES) or (top == "config" and suffix in CONFIG_SUFFIXES)


def _walk(folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._" and not name.endswith(".egg-info"))
        yield from (Path(parent, name) for name in sorted(names) if PurePath(name).suffix in suffixes)


def silent(source: SourceFile) -> SourceFile:
    """The file as it may be kept: a secret in it is hidden, and the digest is that of what is kept."""
    content = hide_bytes(_without_settings(source))
    if content == source.content:
        return source
    logger.warning("%s holds a secret that is known from the credentials or parameters; take it out", source.name)
    return SourceFile(source.name, content, _digest(content))


def _without_settings(source: SourceFile) -> bytes:
    """A configuration without what its own keys call a secret: no run but one of its own would know it."""
    if PurePosixPath(source.name).suffix not in CONFIG_SUFFIXES:
        return source.content
    secrets = Secrets.of(_INTERPOLATION.sub("", value) for value in in_settings(_parsed(source)))
    lines = source.content.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    return "".join(_hidden(line, secrets) for line in lines).encode("utf-8", "surrogateescape")


def _hidden(line: str, secrets: Secrets) -> str:
    """A line without secrets; what is to be filled in from the environment or from credentials is none."""
    rest = _INTERPOLATION.sub("", line)
    return line if secrets.hide(rest) == rest else secrets.hide(line)


def _parsed(source: SourceFile) -> Any:
    """The settings in a file; of one that cannot be read its lines, each taken for ``key: value``."""
    text = source.content.decode("utf-8", "replace")
    try:
        if source.name.endswith(".json"):
            return json.loads(text)
        return list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (ValueError, RecursionError, yaml.YAMLError):
        pairs = (line.partition(":")[::2] for line in text.splitlines())
        return [{key.strip(" \t\"'-{"): value.strip(" \t\"',}")} for key, value in pairs]


def _digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def source_file(path: Path, name: str) -> SourceFile:
    """A file as it is now.

    Args:
        path: where it lies.
        name: path relative to the project.
    """
    content = path.read_bytes()
    return SourceFile(name, content, _digest(content))


def _cached(path: Path, name: str) -> SourceFile:
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    cached = _cache.get(str(path))
    if cached is None or cached[0] != stamp:
        cached = _cache[str(path)] = (stamp, source_file(path, name))
    return cached[1]


def copy_sources(sources: Sequence[SourceFile], folder: Path) -> None:
    """Write the sources below ``folder``, under their own names."""
    for parent in sorted({Path(source.name).parent for source in sources}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for source in sources:
        (folder / source.name).write_bytes(source.content)
