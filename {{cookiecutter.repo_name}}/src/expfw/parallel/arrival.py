"""What a worker of a cluster does before anything else: find the project's code. It travels there as a whole.

So nothing but Python's own library can be used in this module. The worker's process may have worked for another
project, or for an earlier state of this one's code: modules that it holds of that are dropped, and read anew.
"""

from __future__ import annotations

import hashlib
import importlib
import pickle
import sys
import types
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

KEPT = "_expfw_code_of_this_worker"
"""Name in ``sys.modules`` of what a worker keeps about the code that it has read."""


@dataclass(frozen=True)
class Code:
    """The code that work is done with.

    Args:
        folders: folders that its packages lie in.
        packages: names of the packages.
        digest: of all their Python files.
    """

    folders: tuple[str, ...]
    packages: tuple[str, ...]
    digest: str


class CodeMissing(Exception):
    """A worker cannot import the project's code, or holds another state of it."""


def digest_of(folders: tuple[str, ...], packages: tuple[str, ...]) -> str:
    """Digest of the Python files of packages.

    Args:
        folders: where to look for them.
        packages: their names.
    """
    found = hashlib.sha256()
    for package in packages:
        root = next((Path(folder) / package for folder in folders if (Path(folder) / package).is_dir()), None)
        for path in sorted(root.rglob("*.py")) if root is not None else ():
            found.update(f"{path.relative_to(root.parent)}\0".encode() + path.read_bytes())  # type: ignore[union-attr]
    return found.hexdigest()


def arrive(code: Code) -> None:
    """Have the process use this code, whatever it has used before.

    Args:
        code: the code.

    Raises:
        CodeMissing: if it is not there, or is not the same there.
    """
    kept: Any = sys.modules.setdefault(KEPT, types.ModuleType(KEPT))
    if getattr(kept, "code", None) == astuple(code):
        return
    there = digest_of(code.folders, code.packages)
    if there != code.digest:
        raise CodeMissing(f"its files in {', '.join(code.folders)} are missing there, or are others than here")
    drop(code.packages)
    sys.path[:] = [*code.folders, *(folder for folder in sys.path if folder not in code.folders)]
    importlib.invalidate_caches()
    for package in code.packages:
        try:
            importlib.import_module(package)
        except Exception as error:
            raise CodeMissing(f"importing {package} there failed: {type(error).__name__}: {error}") from error
    kept.code = astuple(code)  # the class itself may have travelled several times


def drop(packages: tuple[str, ...]) -> None:
    """Forget modules, so that they are read anew; what is at work with them goes on as it is."""
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


def work(code: Code, call: bytes) -> Any:
    """Make a call with the project's code.

    Args:
        code: the code.
        call: the pickled function and arguments.

    Raises:
        CodeMissing: if the worker cannot have it.
    """
    arrive(code)
    function, args = pickle.loads(call)  # noqa: S301 - the main process's own
    return function(*args)


def look(code: Code, module: str, function: str, *args: Any) -> Any:
    """Make a call to a function that is named, for it is not imported there yet.

    Args:
        code: the code.
        module: the function's module.
        function: its name.
        args: its arguments.

    Returns:
        What it gives; the text of the trouble in a list, if the code is not there.
    """
    try:
        arrive(code)
        called: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return called(*args)
    except CodeMissing as trouble:
        return [str(trouble)]
