"""What changed between two experiments: code, packages, Python, platform, data, configuration."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import Any

import joblib

from expfw.errors import RecordError
from expfw.originals import computed
from expfw.run.compared import Pair, changed, surroundings
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.recorded import load_output
from expfw.similar import differences

LEFT_OUT = ("config/experiments/", "config/smoke/", "config/base/parameters.yml", "config/experiment.schema.json")
"""Recorded files that a rerun does not read: its configuration is the stored one."""


@dataclass(frozen=True)
class Changes:
    """What changed from one experiment to another.

    Args:
        code: for each source file that changed its unified diff.
        packages: for each package that changed its version then and now.
        python: versions of Python, if they differ.
        platform: for each entry that changed (platform, processor, threads, variables, …) its value then and now.
        data: for each file that was read and changed its checksum then and now; without checksums on record, of
            what the data source made of the file that it names.
        configuration: for each setting that changed its value then and now.
    """

    code: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, Pair] = field(default_factory=dict)
    python: Pair | None = None
    platform: Mapping[str, Pair] = field(default_factory=dict)
    data: Mapping[str, Pair] = field(default_factory=dict)
    configuration: Mapping[str, Pair] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def phrases(self) -> list[str]:
        """What changed, a phrase for each kind.

        Example:
            >>> Changes(code={"src/a.py": "…"}, packages={"numpy": ("1.26.4", "2.0.0")}).phrases()
            ['code (src/a.py)', 'packages (numpy 1.26.4 → 2.0.0)']
        """
        kinds = {
            "code": list(self.code),
            "packages": [_step(name, pair) for name, pair in self.packages.items()],
            "Python": [] if self.python is None else [_step("", self.python)],
            "platform": [_step(name, pair) for name, pair in self.platform.items()],
            "data": list(self.data),
            "configuration": [_step(name, pair) for name, pair in self.configuration.items()],
        }
        return [f"{kind} ({_listed(entries)})" for kind, entries in kinds.items() if entries]


def _step(name: str, pair: Pair) -> str:
    old, new = ("–" if value is None else str(value) for value in pair)
    return f"{name} {old} → {new}".strip()


def _listed(entries: list[str], most: int = 4) -> str:
    more = [f"{len(entries) - most} more"] if len(entries) > most else []
    return ", ".join([*entries[:most], *more])


def changes(a: ResultFolder, b: ResultFolder) -> Changes:
    """What changed from experiment ``a`` to ``b``, as far as their records tell.

    Args:
        a: the earlier experiment.
        b: the later one.
    """
    then, now = (read_json(folder.log / "environment.json", {}) for folder in (a, b))
    pythons = tuple(" ".join(str(e.get(k)) for k in ("implementation", "python") if e.get(k)) for e in (then, now))
    return Changes(
        code=dict(code_diffs(a.log / "sources", b.log / "sources")),
        packages=changed(then.get("packages", {}), now.get("packages", {})),
        python=None if pythons[0] == pythons[1] else (pythons[0], pythons[1]),
        platform=surroundings(then, now),
        data=_data(a, b),
        configuration=differences(*(computed(read_json(folder.log / "config.json", {})) for folder in (a, b))),
    )


def _data(a: ResultFolder, b: ResultFolder) -> dict[str, Pair]:
    """Files with other checksums; where the record has none, what the data source made of the file that it names."""
    then, now = (read_json(folder.log / "inputs.json") for folder in (a, b))
    if isinstance(then, dict) and isinstance(now, dict):
        return changed(*({name: _checksum(entry) for name, entry in inputs.items()} for inputs in (then, now)))
    source = read_json(b.log / "config.json", {}).get("data_source") or {}
    params = source.get("params") or {}
    files = [value for value in params.values() if isinstance(value, str) and PurePath(value).suffix]
    try:
        hashes = [joblib.hash(load_output(folder, "raw_data")) for folder in (a, b)] if files else ["", ""]
    except (RecordError, AttributeError, ImportError, OSError, ValueError):
        return {}
    return (
        {}
        if hashes[0] == hashes[1]
        else {f"what {source.get('type')} loads from {', '.join(files)}": (hashes[0], hashes[1])}
    )


def _checksum(entry: Any) -> Any:
    return entry.get("sha256") if isinstance(entry, Mapping) else entry


def code_diffs(then: Path, now: Path) -> Iterator[tuple[str, str]]:
    """For each source file that differs its name and its unified diff.

    Args:
        then: folder of the earlier experiment's sources.
        now: that of the later one's.
    """
    old, new = _sources(then), _sources(now)
    recorded = {name.partition("/")[0] for name in old} & {name.partition("/")[0] for name in new}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name) and name.partition("/")[0] in recorded and not name.startswith(LEFT_OUT):
            yield name, _diff(name, old.get(name), new.get(name))


def _sources(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else ()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


def _diff(name: str, old: bytes | None, new: bytes | None) -> str:
    before, after = ((content or b"").decode("utf-8", "replace").splitlines(keepends=True) for content in (old, new))
    a, b = (f"{side}/{name}" if content is not None else "/dev/null" for side, content in (("a", old), ("b", new)))
    lines = [line if line.endswith("\n") else f"{line}\n" for line in difflib.unified_diff(before, after, a, b)]
    return "".join(lines)
