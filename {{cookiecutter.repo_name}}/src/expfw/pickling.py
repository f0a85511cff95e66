"""Pickle files of an experiment, the same wherever the experiment's folder lies.

A component that keeps a service (the report collector, the timer, the result folder) keeps the path of its run's folder
with it. Written as it stands, that path would make equal models of two runs unequal, and a folder that was moved would
still lead to where it lay. So a path within the file's own result folder is written relative to that folder, and read
relative to wherever the file lies by then. To plain ``pickle.load`` it is a relative path.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import IO, Any

_FOLDER = re.compile(r"result_experiment_\d+")

Instead = Mapping[tuple[str, str], type]
"""Classes to use for others, by module and name."""


class ClassGone(pickle.UnpicklingError):
    """A class that a pickle file names cannot be imported (any more).

    Args:
        module: the class's module.
        name: its name.
        reason: the error of the import.
    """

    def __init__(self, module: str, name: str, reason: str) -> None:
        super().__init__(f"class {module}.{name} cannot be imported ({reason})")
        self.module, self.name, self.reason = module, name, reason


def within_result(relative: str) -> Path:
    """A path within a result folder, as plain ``pickle.load`` reads it: relative to nothing in particular."""
    return Path(relative)


def dump(value: Any, file: IO[bytes], path: Path) -> tuple[str, ...]:
    """Write a pickle.

    Args:
        value: any object.
        file: where to; need not have its final name yet.
        path: the final name, by which the result folder is known.

    Returns:
        Names of the modules whose classes and functions it is made of.
    """
    pickler = _Pickler(file, result_folder_of(path))
    pickler.dump(value)
    return tuple(sorted(pickler.modules))


def load(file: IO[bytes], path: Path, instead: Instead | None = None) -> Any:
    """Read a pickle. A pickle can run any code: only what the project's own runs wrote may be given.

    Args:
        file: the open file.
        path: its name, by which the result folder is known.
        instead: classes to use for others.

    Raises:
        ClassGone: if a class that it names cannot be imported.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "result_experiment_1" / "kept.pkl"
        >>> path.parent.mkdir()
        >>> with path.open("wb") as file:
        ...     _ = dump(path.parent / "data", file, path)
        >>> moved = path.parent.rename(path.parent.with_name("result_experiment_2"))
        >>> with (moved / "kept.pkl").open("rb") as file:
        ...     load(file, moved / "kept.pkl").relative_to(moved.parent).as_posix()
        'result_experiment_2/data'
    """
    return _Unpickler(file, result_folder_of(path), instead or {}).load()


def result_folder_of(path: Path) -> Path | None:
    """The experiment's folder that a file lies in; None outside of one.

    Example:
        >>> result_folder_of(Path("/data/result_experiment_3/model/final_model.pkl")).name
        'result_experiment_3'
    """
    return next((parent for parent in path.absolute().parents if _FOLDER.fullmatch(parent.name)), None)


class _Pickler(pickle.Pickler):
    def __init__(self, file: IO[bytes], folder: Path | None) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._folders = () if folder is None else tuple(dict.fromkeys((folder, folder.resolve())))
        self.modules: set[str] = set()
        self._seen: set[type] = set()

    def reducer_override(self, value: Any) -> Any:
        """How a path within the folder is written; everything else as ever. A forest asks for thousands of objects."""
        if type(value) in self._seen:
            return NotImplemented
        named = value if isinstance(value, type | FunctionType) else type(value)
        self.modules.add(named.__module__ or "")
        if isinstance(value, Path):
            for folder in self._folders:
                if value.is_relative_to(folder):
                    return within_result, (value.relative_to(folder).as_posix(),)
        elif named is not value:
            self._seen.add(type(value))
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], folder: Path | None, instead: Instead) -> None:
        super().__init__(file)
        self._folder, self._instead = folder, instead

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for."""
        if self._folder is not None and (module, name) == (__name__, within_result.__name__):
            return self._folder.joinpath
        if (module, name) in self._instead:
            return self._instead[module, name]
        try:
            return super().find_class(module, name)
        except Exception as error:  # a module may raise anything while it is imported
            raise ClassGone(module, name, f"{type(error).__name__}: {error}") from error
