"""The project's source files: listed, hashed and copied with each run."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from expfw.config.secrets import hide_bytes

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".py", ".j2", ".css", ".sql", ".toml"})
"""Endings of the files that count as source."""


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


def source_files(project: Path) -> list[SourceFile]:
    """All source files below ``src`` and the project's ``pyproject.toml``; read again only when they changed.

    Args:
        project: the project's folder.
    """
    files = [project / "pyproject.toml", *_walk(project / "src")]
    return [_silent(_read(path, path.relative_to(project).as_posix())) for path in files if path.exists()]


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._" and not name.endswith(".egg-info"))
        yield from (Path(parent, name) for name in sorted(names) if PurePath(name).suffix in SUFFIXES)


def _silent(source: SourceFile) -> SourceFile:
    """The file as it may be kept: a secret in it is hidden, and the digest is that of what is kept."""
    content = hide_bytes(source.content)
    if content is source.content:
        return source
    logger.warning("%s holds a secret that is known from the credentials or parameters; take it out", source.name)
    return SourceFile(source.name, content, _digest(content))


def _digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _read(path: Path, name: str) -> SourceFile:
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    cached = _cache.get(str(path))
    if cached is None or cached[0] != stamp:
        content = path.read_bytes()
        cached = _cache[str(path)] = (stamp, SourceFile(name, content, _digest(content)))
    return cached[1]


def copy_sources(sources: Sequence[SourceFile], folder: Path) -> None:
    """Write the sources below ``folder``, under their own names."""
    for parent in sorted({Path(source.name).parent for source in sources}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for source in sources:
        (folder / source.name).write_bytes(source.content)
