"""Experiments whose results may be compared, because they were measured on the same rows."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping

from expfw.index.direction import better_is_lower
from expfw.index.row import Row

Digests = tuple[str | None, str | None]
"""Of an experiment's rows, and of their division into folds; None where there is none on record."""


_OUTPUT = re.compile(r"data/(development_data|test_data|folds)[./]")


def digests_of(checksums: Mapping[str, str]) -> Digests:
    """The digests by which an experiment is compared with others.

    Args:
        checksums: of each output file, as ``log/checksums.json`` has them (:func:`expfw.run.events.checksums`).

    Example:
        >>> digests_of({"data/development_data.pkl": "sha256:ab", "data/folds.npz": "sha256:cd"})
        ('9045db5c0a0f879f', 'sha256:cd')
        >>> digests_of({})
        (None, None)
    """
    parts: dict[str, list[str]] = {"development_data": [], "test_data": [], "folds": []}
    for path in sorted(filter(_OUTPUT.match, checksums)):
        parts[_OUTPUT.match(path)[1]].append(str(checksums[path]))  # type: ignore[index] # it was filtered
    folds = parts.pop("folds")
    text = ";".join(f"{part}={','.join(found)}" for part, found in parts.items())
    data = hashlib.sha256(text.encode()).hexdigest()[:16] if parts["development_data"] else None
    return data, ",".join(folds) or None


def best_on_same_data(rows: Iterable[Row], like: Row | Digests, metric: str, before: int) -> Row | None:
    """The best earlier experiment that was measured on the same rows, by the same folds.

    Args:
        rows: the experiments.
        like: an experiment, or the digests of its data and its folds. Without data on record nothing is like it.
        metric: what to go by; ``validation.accuracy`` or ``test.accuracy`` say which value of it.
        before: the number that the experiments must be below.

    Returns:
        The best COMPLETED one, the earliest among equals; None if there is none that measured the metric.
    """
    data, folds = (like.data, like.folds) if isinstance(like, Row) else like
    if data is None:
        return None
    sign = 1 if better_is_lower(metric) else -1
    best: tuple[float, int, Row] | None = None
    for row in rows:
        if row.id >= before or row.status != "COMPLETED" or (row.data, row.folds) != (data, folds):
            continue
        value = row.metric(metric)
        if value is not None and math.isfinite(value) and (best is None or (sign * value, row.id) < best[:2]):
            best = (sign * value, row.id, row)
    return best[2] if best else None
