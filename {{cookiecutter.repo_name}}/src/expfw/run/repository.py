"""The project's git repository: its commit, and what the project's files differ in from it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from expfw.run.diff import hidden, name_of, redacted_part, secrets_of_sides, split
from expfw.run.files import atomic
from expfw.run.redaction import CODE, SETTINGS
from expfw.run.sources import SourceFile, copy_sources, is_kept_anyway, is_private, redacted_source, source_file

MAX_DIFF = 5_000_000
"""Bytes of a dirty tree's diff that are kept: whole files' changes, as many as fit."""

MAX_UNTRACKED = 200
"""Untracked source files that are copied."""

MAX_UNTRACKED_FILE = 1_000_000
"""Bytes of one of them."""

SUFFIXES = frozenset(".py .pyi .pyx .ipynb .r .sql .sh .j2 .css .toml .cfg .ini .json .yml .yaml .txt .md".split())
"""Endings of the untracked files that are copied."""

PRIVATE = (":(exclude)result", ":(exclude)config/local", ":(exclude,glob)**/credentials*", ":(exclude,glob)**/.env*")
"""What a diff never shows, for git."""

DIFF = (
    *("-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "-c", "diff.relative=false", "diff"),
    *("--binary", "--no-textconv", "--no-color", "--no-ext-diff", "--submodule=short", "--unified=3"),
)
"""A diff that ``git apply`` takes, whatever a user's settings are."""

WHOLE = "--unified=1000000"
"""Option with which a diff holds all lines of both sides, and so their settings can be read."""

SETTINGS_FILES = tuple(f":(glob)**/*{suffix}" for suffix in sorted(SETTINGS))
"""All files of settings, for git."""


@dataclass(frozen=True)
class GitState:
    """What a run's record holds of git.

    Args:
        record: the part of ``environment.json``; None outside of git or without git.
        diff: what tracked files differ in from the commit, for ``git apply`` at the repository's top; without what the
            keys of settings call a secret.
        untracked: source files that git does not know, and that are not kept among the sources.
    """

    record: dict[str, Any] | None = None
    diff: bytes = b""
    untracked: list[SourceFile] = field(default_factory=list)

    def keep(self, log: Path) -> None:
        """Write ``git.diff`` and ``untracked/``, where there is something to write; secrets are hidden.

        Args:
            log: the experiment's ``log`` folder.
        """
        if self.diff:
            with atomic(log / "git.diff") as file:
                file.write(hidden(self.diff))
        copy_sources([redacted_source(source, any_text=True) for source in self.untracked], log / "untracked")


def git_state(project: Path) -> GitState:
    """Commit, branch, and what differs from the commit.

    Args:
        project: the project's folder.
    """
    status = _git(project, "status", "--porcelain=v2", "--branch", "--untracked-files=all", "-z", "--", ".")
    about = _git(project, "rev-parse", "--show-prefix", "--is-shallow-repository")
    if status is None or about is None:
        return GitState()
    *prefix, shallow = os.fsdecode(about).splitlines()
    header, changed, unknown = _parsed(os.fsdecode(status))
    names = [name.removeprefix("".join(prefix)) for name in unknown]
    commit, branch = header.get("branch.oid"), header.get("branch.head")
    commit = None if commit == "(initial)" else commit
    diff, left_out = _diff(project, commit, "".join(prefix)) if changed else (b"", [])
    wanted = list(_wanted(names))
    small = [name for name in wanted if _is_small(project / name) and _printable(name) == name]
    copies = list(_read(project, small[:MAX_UNTRACKED]))
    copied = {source.name for source in copies}
    record = {
        "commit": commit,
        "branch": None if branch == "(detached)" else branch,
        "shallow": shallow == "true",
        "dirty": bool(changed or names),
        "untracked": [_printable(name) for name in names],
        "diff": "git.diff" if diff else None,
        "left_out": [*left_out, *(_printable(name) for name in wanted if name not in copied)],
    }
    return GitState(record, diff, copies)


def _parsed(status: str) -> tuple[dict[str, str], bool, list[str]]:
    """The header of a status, whether tracked files changed, and the names of untracked files."""
    header: dict[str, str] = {}
    unknown, changed = [], False
    entries = iter(status.split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            header[key] = value
        elif kind == "?":
            unknown.append(rest)
        elif kind:
            changed = True
        if kind == "2":
            next(entries, None)  # a renamed file's former name
    return header, changed, unknown


def _diff(project: Path, commit: str | None, prefix: str) -> tuple[bytes, list[str]]:
    """The diff, and the files whose changes were left out of it, with the reason if it is not their size.

    Before the first commit, all that was added differs from an empty tree. ``prefix`` leads from the repository's top
    to the project.
    """
    base = commit or os.fsdecode(_git(project, "hash-object", "-t", "tree", "--stdin") or b"").strip()
    diff = _git(project, *DIFF, base, "--", ".", *PRIVATE)
    if diff is None:
        return b"", ["all changes: git could not show them"]
    kept: list[bytes] = []
    left_out, room = [], MAX_DIFF
    for part in split(diff):
        if _tells_secrets(name_of(part).removeprefix(prefix)):
            continue
        if len(part) <= room:
            kept.append(part)
            room -= len(part)
        else:
            name = part.split(b"\n", 1)[0].removeprefix(b"diff --git ").decode("utf-8", "replace")
            left_out.append(f"{name}: {len(part)} bytes")
    whole = any(PurePosixPath(name_of(part)).suffix in SETTINGS for part in kept)
    sides = _git(project, *DIFF, WHOLE, base, "--", *SETTINGS_FILES, *PRIVATE) if whole else None
    secrets = secrets_of_sides(sides or b"")
    return b"".join(redacted_part(part, secrets) for part in kept), left_out


def _wanted(names: list[str]) -> Iterator[str]:
    """The untracked files to copy: sources that are not kept anyway."""
    for name in names:
        kept_out = is_kept_anyway(name) or is_private(name) or _tells_secrets(name)
        if PurePosixPath(name).suffix.lower() in SUFFIXES and not kept_out:
            yield name


def _tells_secrets(name: str) -> bool:
    """Whether a file is there to hold secrets, going by its name; of code this says nothing."""
    path = PurePosixPath(name)
    return path.suffix.lower() not in CODE and any(part.lower().startswith(("secret", ".env")) for part in path.parts)


def _read(project: Path, names: list[str]) -> Iterator[SourceFile]:
    """The files, but for those that may not be read or are gone by now."""
    for name in names:
        with suppress(OSError):
            yield source_file(project / name, name)


def _is_small(path: Path) -> bool:
    try:
        return not path.is_symlink() and path.is_file() and path.stat().st_size <= MAX_UNTRACKED_FILE
    except OSError:
        return False


def _printable(name: str) -> str:
    """A name of a file as JSON can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _git(project: Path, *arguments: str) -> bytes | None:
    """What git says; None if it fails, or is not there."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(project), "-c", "core.quotePath=false", *arguments]
    try:
        result = subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode == 0 else None
