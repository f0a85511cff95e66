"""What must be installed to have an experiment's packages again, as far as its record tells where they came from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expfw.errors import RecordError
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")

ADDRESS = re.compile(r"(?:git|hg|svn|bzr)\+\w+://\S+|https?://\S+")
"""What can be installed by its address, wherever it is done."""


@dataclass(frozen=True)
class Requirements:
    """The packages that an experiment ran with.

    Args:
        python: version of Python, ``3.11.9``.
        lines: one requirement each, for an installer.
        left_out: packages that cannot be had again, each with the reason.
        own: name and version of the project itself, if it was installed; its code is in the record.
    """

    python: str
    lines: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, str] | None = None

    @property
    def series(self) -> str:
        """Python's version without its last part.

        Example:
            >>> Requirements("3.11.9", ()).series
            '3.11'
        """
        return ".".join(self.python.split(".")[:2])


def requirements(folder: ResultFolder) -> Requirements:
    """What an experiment ran with, from its ``environment.json``.

    Args:
        folder: the experiment.

    Raises:
        RecordError: if that is not on record.
    """
    record = read_json(folder.log / "environment.json")
    if not isinstance(record, dict) or not record.get("python") or not isinstance(record.get("packages"), dict):
        raise RecordError(
            f"experiment {folder.id} has no Python and packages on record ({folder.log / 'environment.json'}), so its "
            f"environment cannot be rebuilt; run it in today's: kedro experiment rerun {folder.id}"
        )
    own = project_name(folder.log / "sources")
    packages = {name: str(version) for name, version in record["packages"].items()}
    found = dict(_needed(packages, record.get("package_origins") or {}, own))
    lines = tuple(line for line, reason in found.values() if not reason)
    left_out = {name: reason for name, (_, reason) in found.items() if reason}
    return Requirements(str(record["python"]), lines, left_out, (own, packages[own]) if own in packages else None)


def project_name(folder: Path) -> str:
    """The name of the project in a folder, as the record of packages has it; empty if it has none."""
    try:
        project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        name = str(project["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name.lower().replace("_", "-")


def _needed(packages: Mapping[str, str], origins: Mapping[str, str], own: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """For each package but the project its requirement, or the reason why it cannot be had again."""
    for name, recorded in packages.items():
        if name != own:
            version, _, mark = recorded.partition(" (")
            yield name, requirement(name, version, mark.rstrip(")"), origins.get(name, ""))


def requirement(name: str, version: str, mark: str, origin: str) -> tuple[str, str]:
    """A package's line for an installer, and the reason why there is none.

    Args:
        name: the package.
        version: its version.
        mark: what stands behind the version in the record: ``editable``, ``commit …`` or nothing.
        origin: address that it was installed from; empty for one from an index.

    Example:
        >>> requirement("numpy", "2.1.0", "", "")
        ('numpy==2.1.0', '')
        >>> requirement("mine", "1.0", "commit ab", "git+https://example.org/mine@ab")
        ('mine @ git+https://example.org/mine@ab', '')
        >>> requirement("mine", "1.0", "editable", "")
        ('', 'it was installed from a folder (editable), which no record holds')
    """
    if mark == "editable":
        return "", "it was installed from a folder (editable), which no record holds"
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
        return "", f"'{version}' is no version that can be installed"
    if origin.startswith("file:"):
        return "", f"it was installed from this machine ({origin})"
    if origin:
        address = re.sub(r"\+ssh://(?!git@)", "+ssh://git@", origin)
        return (f"{name} @ {address}", "") if ADDRESS.fullmatch(address) else ("", f"it came from '{origin}'")
    if mark:
        return "", f"it was installed from a repository ({mark}) whose address is not on record"
    return f"{name}=={version}", ""
