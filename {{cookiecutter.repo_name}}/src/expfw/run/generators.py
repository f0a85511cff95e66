"""Python's and numpy's global random generators: seeded for each piece of work, and not shared between threads."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class _Seed(threading.local):
    """The seed of the run that a thread works for."""

    value: int = 0


_LOCK = threading.RLock()
_SEED = _Seed()


def seed_generators(seed: int) -> None:
    """Seed the global generators at the beginning of a node, and remember the seed for this thread.

    Args:
        seed: the run's seed.
    """
    _SEED.value = seed
    with _LOCK:  # not in the middle of another thread's draws
        _seed(None)


@contextmanager
def own_generators(fold: int | None = None) -> Iterator[None]:
    """The global generators for this thread alone, seeded so that neither runner nor order decides what is drawn.

    Args:
        fold: number of the fold, or None outside folds.

    Example:
        >>> with own_generators(fold=1):
        ...     first = np.random.random()
        >>> with own_generators(fold=1):
        ...     first == np.random.random()
        True
    """
    with _LOCK:
        _seed(fold)
        yield


def _seed(fold: int | None) -> None:
    seed = (_SEED.value + (0 if fold is None else fold + 1)) % 2**32
    random.seed(seed)
    np.random.seed(seed)
