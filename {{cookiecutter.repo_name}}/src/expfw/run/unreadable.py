"""Why an unaltered file of an experiment cannot be read here: another version, or a class that went away."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from expfw.pickling import ClassGone
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder

USUAL = ("scikit-learn", "numpy", "pandas", "scipy", "pyarrow")
"""Packages whose objects lie in most pickles and tables."""

ABSENT = "none"


def why_unreadable(folder: ResultFolder, name: str, error: Exception) -> str:
    """The message about a file that is as it was written, and cannot be read.

    Args:
        folder: the experiment's folder.
        name: the file, relative to the folder.
        error: what reading it ended with.
    """
    environment = read_json(folder.log / "environment.json", {})
    concerned = _distributions(error.module) if isinstance(error, ClassGone) else []
    differing = dict(_differing(environment, [*concerned, *USUAL]))
    begin = f"experiment {folder.id}: {name} is as it was written, but cannot be read here"
    own_class = isinstance(error, ClassGone) and not set(concerned) & differing.keys()
    if isinstance(error, ClassGone) and (own_class or not differing):
        return (
            f"{begin}: its class {error.module}.{error.name} cannot be imported ({error.reason}); if it was moved, "
            "renamed or deleted, bring it back under that name (log/sources holds the code of then), or run the "
            f"experiment again: kedro experiment rerun {folder.id}"
        )
    reason = error.reason if isinstance(error, ClassGone) else f"{type(error).__name__}: {error}"
    if not differing:
        return f"{begin} ({reason}); run the experiment again: kedro experiment rerun {folder.id}"
    then = " and ".join(f"{package} {then}" for package, (then, _) in differing.items())
    now = " and ".join(f"{package} {now}" for package, (_, now) in differing.items())
    return (
        f"{begin}: it was written with {then}, and here is {now} ({reason}); install what it was written with, or run "
        f"the experiment again: kedro experiment rerun {folder.id}"
    )


def _differing(environment: Mapping[str, Any], packages: list[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Python and packages that have another version here, with both versions."""
    then = str(environment.get("python", ABSENT))
    if then != platform.python_version():
        yield "Python", (then, platform.python_version())
    recorded = environment.get("packages") or {}
    for package in dict.fromkeys(packages):
        then, now = str(recorded.get(package, ABSENT)).partition(" ")[0], _version(package)
        if then != now and recorded:
            yield package, (then, now)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ABSENT


def _distributions(module: str) -> list[str]:
    """Names of the packages that a module is from; its own name for one that is not installed."""
    top = module.partition(".")[0]
    names = metadata.packages_distributions().get(top, [top])
    return [name.lower().replace("_", "-") for name in names]
