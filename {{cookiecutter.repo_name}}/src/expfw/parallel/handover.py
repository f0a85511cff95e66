"""Data for many calls, handed over once: a file that each worker maps into its memory, and reads but once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

from expfw.run.observed import unobserved


class _Kept:
    """What this process was handed last; the arrays in it are the file's own pages, shared by all workers."""

    path: Path | None = None
    value: Any = None


_lock = threading.Lock()


@dataclass(frozen=True)
class HandedOver:
    """A value in a file. Its arrays are read-only; whoever changes what he is given takes a copy.

    Args:
        path: the file.
    """

    path: Path

    def get(self) -> Any:
        """The value; read from the file once in each process, until another is asked for."""
        with _lock, unobserved():
            if _Kept.path != self.path:
                _Kept.value = None
                _Kept.value, _Kept.path = joblib.load(self.path, mmap_mode="r"), self.path
            return _Kept.value


@contextmanager
def handed_over(value: Any, path: Path) -> Iterator[HandedOver]:
    """Within the block, a value lies ready for workers.

    Args:
        value: anything that can be pickled.
        path: the file to use, in a folder that all workers see; it is removed in the end.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with handed_over([np.arange(3), "text"], Path(tempfile.mkdtemp()) / "value") as handed:
        ...     numbers, text = handed.get()
        ...     type(numbers).__name__, numbers.flags.writeable, text
        ('memmap', False, 'text')
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unobserved():
            joblib.dump(value, path)
        yield HandedOver(path)
    finally:
        path.unlink(missing_ok=True)
