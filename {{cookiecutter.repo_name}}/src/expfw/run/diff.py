"""Secrets in a diff: hidden in the lines that it shows, while all that ``git apply`` goes by stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from expfw.config.secrets import Secrets, hide
from expfw.run.redaction import CODE, redacted_line, secrets_in_settings

_HUNK = re.compile(r"(@@ [^@]* @@)(.*)", re.DOTALL)
_NAMES = ("diff --git ", "--- ", "+++ ", "rename ", "copy ")


def split(diff: bytes) -> list[bytes]:
    """The changes of each file.

    Args:
        diff: as ``git diff`` writes it.
    """
    return [part for part in re.split(rb"(?m)^(?=diff --git )", diff) if part]


def name_of(part: bytes) -> str:
    """The file's name, relative to the repository's top; quoted as git does it if it holds special characters.

    Args:
        part: the changes of one file.

    Example:
        >>> name_of(b"diff --git a/old.py b/new.py")
        'new.py'
    """
    first = part.split(b"\n", 1)[0].decode("utf-8", "surrogateescape")
    return re.split(r' "?b/', first)[-1].rstrip('"')


def hidden(diff: bytes) -> bytes:
    """A diff without the secrets that are known at present; checksums and positions are none.

    Args:
        diff: as ``git diff`` writes it.
    """
    return b"".join(_changed(part, hide, hide) for part in split(diff))


def redacted_part(part: bytes, settings: Secrets) -> bytes:
    """The changes of one file without what the keys in its lines call a secret; code is left alone.

    Args:
        part: the changes.
        settings: what the settings in the diff call a secret.
    """
    name = name_of(part)
    if PurePosixPath(name).suffix.lower() in CODE:
        return part
    return _changed(part, lambda line: redacted_line(name, line, settings))


def secrets_of_sides(whole: bytes) -> Secrets:
    """What the settings in a diff call a secret, before and after.

    Args:
        whole: a diff of settings that shows all lines of them.
    """
    literals: set[str] = set()
    for part in split(whole):
        lines = list(_lines(part))
        for side in "-+":
            text = "\n".join(line for sign, line in lines if sign in (" ", side))
            literals.update(secrets_in_settings(name_of(part), text).literals)
    return Secrets(tuple(sorted(literals, key=lambda text: (-len(text), text))))


def _changed(part: bytes, change: Callable[[str], str], change_name: Callable[[str], str] = str) -> bytes:
    """The changes of a file, the lines that they show changed, and those of the header that name the file."""

    def changed(sign: str, line: str) -> str:
        if sign in ("+", "-", " "):
            return sign + change(line)
        if sign == "@" and (hunk := _HUNK.fullmatch(line)):
            return hunk[1] + change(hunk[2])
        return change_name(line) if line.startswith(_NAMES) else line

    return "\n".join(changed(*each) for each in _lines(part)).encode("utf-8", "surrogateescape")


def _lines(part: bytes) -> Iterator[tuple[str, str]]:
    """Each line of a file's changes: ``+``, ``-`` or a blank with what stands behind; ``@`` with a hunk's beginning."""
    within = False
    for line in part.decode("utf-8", "surrogateescape").split("\n"):
        within = within or line.startswith("@@ ")
        if within and line.startswith("@@ "):
            yield "@", line
        elif within and line[:1] in ("+", "-", " ") and line:
            yield line[0], line[1:]
        else:
            yield "", line
