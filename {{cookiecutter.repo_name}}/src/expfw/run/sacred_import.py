"""Sacred, imported without ``pkg_resources``: that takes longer than all the rest of a run's record.

Sacred imports it for lists of packages, which a run's record has from elsewhere (:mod:`expfw.run.environment`).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = [
    "FileStorageObserver",
    "Ingredient",
    "MetricsLogger",
    "Run",
    "flatten",
    "flush",
    "gather_command_line_options",
    "sacred",
]

PACKAGES = "pkg_resources"


class _Packages(ModuleType):
    """What Sacred takes for ``pkg_resources``; it is the real one for whoever wants Sacred to discover packages."""

    @property
    def working_set(self) -> Any:
        """Installed packages, none while Sacred is not to discover any: it would read them all to name numpy."""
        if sacred.SETTINGS.DISCOVER_DEPENDENCIES == "none":
            return ()
        return importlib.import_module(PACKAGES).working_set

    @staticmethod
    def resource_filename(package: str, name: str) -> str:
        """Where a file of a package lies that is being imported."""
        return str(Path(str(sys.modules[package].__file__)).parent / name)


@contextmanager
def _packages_later() -> Iterator[None]:
    """Within the block an import of ``pkg_resources`` gives what stands for it, unless it was imported already."""
    ours = sys.modules.setdefault(PACKAGES, _Packages(PACKAGES))
    try:
        yield
    finally:
        if isinstance(ours, _Packages):
            del sys.modules[PACKAGES]


with _packages_later():
    import sacred
    from sacred.experiment import gather_command_line_options
    from sacred.ingredient import Ingredient
    from sacred.metrics_logger import MetricsLogger
    from sacred.observers import FileStorageObserver
    from sacred.run import Run
    from sacred.serializer import flatten
    from sacred.stdout_capturing import flush
