"""The code that a component consists of: its module, and all that this imports of the project, however far away.

Told from the files' content, never from time stamps, and without running anything: imports within functions count,
and so do the ``__init__`` files on the way. Code that may import what nobody can foresee stands for the whole project.
Of the framework alone, which users do not edit, a file is not read twice in a process while its stamp stays.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from expfw.reuse.memory import as_compiled, as_imported
from expfw.reuse.reading import Reading, read_code
from expfw.run.inputs import installed_folders
from expfw.run.sources import walk_names

FRAMEWORK = "expfw"

SETTLED = 2_000_000_000
"""Nanoseconds after which a file that is written to has another time of its last change, on any file system."""


@dataclass(frozen=True)
class Code:
    """The code of a component.

    Args:
        digest: of names and content of its files.
        modules: the project's modules among it.
        reasons: why what it computes cannot be foretold from its content.
    """

    digest: str
    modules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceTree:
    """A project's ``src`` folder at one moment; each file is read once.

    Args:
        folder: the folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name, text in [("a.py", "import b"), ("b.py", "import json"), ("c.py", "")]:
        ...     _ = (folder / name).write_text(text)
        >>> SourceTree(folder).code(["a"]).modules
        ('a', 'b')
    """

    folder: Path
    contents: dict[str, bytes] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """All files by their names relative to the folder; neither the framework's nor what Python compiles."""
        found = {}
        for inside, folders, names in walk_names(self.folder):
            folders[:] = sorted(name for name in folders if name[0] != "." and not _is_made(name))
            if not inside and FRAMEWORK in folders:
                folders.remove(FRAMEWORK)
            for name in sorted(names):
                if name[0] != "." and not name.endswith((".pyc", ".pyo")):
                    found[f"{inside}{name}"] = Path(f"{self.folder}/{inside}{name}")
        return found

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """By dotted name of a module, its file."""
        return {_module(name): name for name in self.files if name.endswith(".py")}

    @cached_property
    def other_files(self) -> str:
        """Digest of all files that are no Python: any component may read them."""
        return self.digest(name for name in self.files if not name.endswith(".py"))

    @cached_property
    def tops(self) -> Set[str]:
        """What the dotted names of modules begin with."""
        return {name.partition(".")[0] for name in self.modules}

    def holds(self, module: str) -> bool:
        """Whether a module, or what it is part of, belongs to the project."""
        top = module.partition(".")[0]
        return top != FRAMEWORK and top in self.tops

    def content(self, name: str) -> bytes:
        """What a file holds."""
        if name not in self.contents:
            self.contents[name] = self.files[name].read_bytes()
        return self.contents[name]

    def digest(self, names: Iterable[str]) -> str:
        """Digest of files' names and content."""
        total = hashlib.sha256()
        for name in sorted(names):
            total.update(f"{name}\0{self.digest_of_file(name)}\n".encode())
        return total.hexdigest()

    def digest_of_file(self, name: str) -> str:
        """Digest of what a file holds."""
        return hashlib.sha256(self.content(name)).hexdigest()

    def reading(self, module: str) -> Reading:
        """What a module says of itself."""
        if module not in self.readings:
            name = self.modules[module]
            package = PurePosixPath(name).name == "__init__.py"
            self.readings[module] = read_code(self.content(name), module, package=package)
        return self.readings[module]

    def closure(self, modules: Iterable[str]) -> set[str]:
        """The modules, and all of the project's that they import; all that there are if one is beyond reading."""
        todo, found = [part for name in modules for part in self.named(name)], set[str]()
        while todo:
            module = todo.pop()
            if module in found:
                continue
            found.add(module)
            reading = self.reading(module)
            if reading.dynamic:
                return set(self.modules)
            todo += [part for name in reading.imports for part in self.named(name)]
            todo += [name for name in self.modules if name.rpartition(".")[0] in reading.stars]
        return found

    def named(self, name: str) -> list[str]:
        """The modules that must be imported for a dotted name: packages on the way, the module itself."""
        parts = name.split(".")
        return [m for i in range(len(parts)) if (m := ".".join(parts[: i + 1])) in self.modules]

    def code(self, modules: Iterable[str], *, whole: bool = False, doubted: bool = True, files: bool = True) -> Code:
        """The code of some modules, with what speaks against knowing it.

        Args:
            modules: where it begins.
            whole: whether all of the project counts.
            doubted: whether what it mentions counts as a reason (see :mod:`expfw.reuse.doubts`).
            files: whether the project's files that are no Python count as well.
        """
        found = set(self.modules) if whole else self.closure(modules)
        reasons = (
            []
            if not doubted
            else [
                f"{self.modules[name]} mentions {text}" for name in sorted(found) for text in self.reading(name).doubts
            ]
        )
        tops = {name.partition(".")[0] for module in found for name in self.reading(module).imports}
        reasons += [f"{top} lies neither in the project nor in Python" for top in sorted(tops) if not self.known(top)]
        reasons += [f"{self.modules[n]} is not what this process runs" for n in sorted(found) if not self.current(n)]
        digest = self.digest(self.modules[name] for name in found)
        others = self.other_files if found and files else ""
        return Code(f"{digest}{others}", tuple(sorted(found)), tuple(reasons))

    def current(self, module: str) -> bool:
        """Whether a module's file is what runs."""
        path = self.files[self.modules[module]]
        return as_imported(module, path) and as_compiled(path, self.content(self.modules[module]))

    def known(self, top: str) -> bool:
        """Whether a top-level module is the project's, the framework's, Python's or an installed package's."""
        return not top or top == FRAMEWORK or self.holds(top) or is_installed(top)


def is_installed(top: str) -> bool:
    """Whether a top-level module lies where packages are installed, or is nowhere at all.

    Example:
        >>> is_installed("json"), is_installed("numpy"), is_installed("no_such_module")
        (True, True, True)
    """
    if top in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None:
        return True
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
    return bool(places) and all(lies_in_python(place) for place in places)


def lies_in_python(path: str) -> bool:
    """Whether a file belongs to Python or to what is installed for it; then its version says what it is."""
    return path in ("built-in", "frozen") or any(path.startswith(f"{folder}{os.sep}") for folder in installed_folders())


class FrameworkTree(SourceTree):
    """The framework's own files, of which hundreds are hashed at each run: each but once while nobody writes to it."""

    def digest_of_file(self, name: str) -> str:
        """Digest of what a file holds; of one whose stamp is known, as it was found then."""
        path = self.files[name]
        status = path.stat()
        stamp = (str(path), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if stamp not in _digests:
            digest = super().digest_of_file(name)
            if status.st_ctime_ns > time.time_ns() - SETTLED:
                return digest  # it may be written to once more without a new stamp
            _digests[stamp] = digest
        return _digests[stamp]


_digests: dict[tuple[str, int, int, int, int], str] = {}


def framework_digest() -> Code:
    """The framework as a whole."""
    folder = Path(__file__).resolve().parents[1]
    tree = FrameworkTree(folder)
    changed = [n for n, m in _framework_modules(tree).items() if not as_imported(m, tree.files[n])]
    reasons = tuple(f"{FRAMEWORK}/{name} is not what this process runs" for name in changed)
    return Code(tree.digest(tree.files), (), reasons)


def _framework_modules(tree: SourceTree) -> Mapping[str, str]:
    return {n: f"{FRAMEWORK}.{_module(n)}".removesuffix(".") for n in tree.files if n.endswith(".py")}


def _module(name: str) -> str:
    """A file's dotted name."""
    parts = PurePosixPath(name).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_made(name: str) -> bool:
    return name == "__pycache__" or name.endswith(".egg-info")
