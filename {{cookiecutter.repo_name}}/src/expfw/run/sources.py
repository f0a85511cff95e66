"""The project's source files and configuration: listed, hashed and copied with each run."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

from expfw.config.loader import FOLDERS, KEDRO_NAMES
from expfw.config.secrets import all_known, hide_bytes
from expfw.run.redaction import redacted_text, without_settings

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".py", ".j2", ".css", ".sql", ".toml"})
"""Endings of the files below ``src`` that count as source."""

CONFIG_SUFFIXES = frozenset({".json", ".yml", ".yaml"})
"""Endings of the files below ``config`` and ``conf`` that are kept."""

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


def source_files(
    project: Path, experiments: Iterable[str] = (), config: Path | Mapping[str, bytes] | None = None
) -> list[SourceFile]:
    """All that it takes to run again but the data: ``src``, ``pyproject.toml``, ``config``, ``conf/logging.yml``.

    What is private to a machine is not among it (``config/local``, credentials), nor are other experiments' files: a
    project may have thousands. A file is read again only when it changed.

    Args:
        project: the project's folder.
        experiments: the experiment files that are read, by their paths, of which the first part does not count.
        config: where the configuration was read, see :meth:`expfw.config.loader.ExperimentConfigLoader.files`; the
            project's by default. Its files are named as if they lay in the project's ``config``.
    """
    sources = ["pyproject.toml", *(f"src/{name}" for name in _walk(project / "src", SUFFIXES)), "conf/logging.yml"]
    found = [_cached(project / name, name) for name in sources]
    files = [file for file in found if file is not None]
    read = {f"config/{where.partition('/')[2]}" for where in experiments}
    settings = _settings(project / "config" if config is None else config)
    kept = [made() for name, made in settings if name in read or is_setting(name)]
    secrets = _secrets()
    return [_redacted(file, secrets) for file in (*files, *filter(None, kept))]


def _settings(config: Path | Mapping[str, bytes]) -> Iterator[tuple[str, Callable[[], SourceFile | None]]]:
    """All files of a configuration: name, and what reads it."""
    if isinstance(config, Path):
        for name in _walk(config, CONFIG_SUFFIXES):
            yield f"config/{name}", partial(_cached, config / name, f"config/{name}")
    else:
        for member, content in sorted(config.items()):
            yield f"config/{member}", partial(SourceFile, f"config/{member}", content, _digest(content))


def is_setting(name: str) -> bool:
    """Whether a file of the configuration is neither private nor made for one experiment.

    Example:
        >>> [is_setting(name) for name in ("config/base/catalog.yml", "config/smoke/a.json", "config/local/a.yml")]
        [True, False, False]
    """
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


def _walk(folder: Path, suffixes: frozenset[str]) -> Iterator[str]:
    """Files by their names relative to the folder, with forward slashes."""
    for inside, folders, names in walk_names(folder):
        folders[:] = sorted(name for name in folders if not is_no_source(name))
        yield from (f"{inside}{name}" for name in sorted(names) if PurePath(name).suffix in suffixes)


def walk_names(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """:func:`os.walk` with names instead of paths, which take longer to make than the files to list.

    Args:
        folder: where it begins.

    Returns:
        For each folder what stands before the names in it, ``"a/b/"`` (nothing in the first), its folders, its files.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a" / "b").mkdir(parents=True)
        >>> [inside for inside, _, _ in walk_names(folder)]
        ['', 'a/', 'a/b/']
    """
    top = str(folder)
    for parent, folders, names in os.walk(top):
        inside = parent.removeprefix(top).replace(os.sep, "/").strip("/")
        yield f"{inside}/" if inside else "", folders, names


def is_no_source(folder: str) -> bool:
    """Whether nothing in a folder of that name is a source: it is hidden, or made by Python or an installer.

    Example:
        >>> [is_no_source(name) for name in ("__pycache__", ".idea", "study.egg-info", "_internal")]
        [True, True, True, False]
    """
    return folder[0] == "." or folder == "__pycache__" or folder.endswith((".egg-info", ".dist-info"))


def redacted_source(source: SourceFile, *, any_text: bool = False) -> SourceFile:
    """The file as it may be kept: a secret in it is hidden, and the digest is that of what is kept.

    Args:
        source: the file.
        any_text: whether values under keys that name a secret are hidden in a file of any kind, not in settings alone.
    """
    return _redacted(source, _secrets(), any_text=any_text)


_clean: set[tuple[bytes, str, str, bool]] = set()
"""Files that were looked through and hold no secret, and for which secrets: not again in this process."""


def _secrets() -> bytes:
    """A digest of the secrets that are known at present."""
    return hashlib.sha256("\0".join(all_known().literals).encode("utf-8", "surrogatepass")).digest()


def _redacted(source: SourceFile, secrets: bytes, *, any_text: bool = False) -> SourceFile:
    seen = (secrets, source.name, source.digest, any_text)
    if seen in _clean:
        return source
    if hide_bytes(source.content) != source.content:
        logger.warning("%s holds a secret that is known from the credentials or parameters; take it out", source.name)
    text = source.content.decode("utf-8", "surrogateescape")
    kept = redacted_text(source.name, text) if any_text else without_settings(source.name, text)
    content = hide_bytes(kept.encode("utf-8", "surrogateescape"))
    if content == source.content:
        _clean.add(seen)
        return source
    return SourceFile(source.name, content, _digest(content))


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


def _cached(path: Path, name: str) -> SourceFile | None:
    """The file as it is now; None if there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    stamp = (status.st_mtime_ns, status.st_size)
    cached = _cache.get(str(path))
    if cached is None or cached[0] != stamp:
        cached = _cache[str(path)] = (stamp, source_file(path, name))
    return cached[1]


def copy_sources(sources: Sequence[SourceFile], folder: Path) -> None:
    """Write the sources below ``folder``, under their own names."""
    for parent in sorted({source.name.rpartition("/")[0] for source in sources}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    top = str(folder)
    for source in sources:
        with open(f"{top}/{source.name}", "wb") as file:  # noqa: PTH123 - as a path each takes a third longer
            file.write(source.content)
