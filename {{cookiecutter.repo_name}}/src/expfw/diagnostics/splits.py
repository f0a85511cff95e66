"""Checks of the split (EX2…): groups, time, classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from expfw.diagnostics.columns import times
from expfw.diagnostics.examined import HOLD_OUT, Examined, Finding, NotApplicable, Part

EXPECTED = 5
"""Rows of a class that a part should hold by its size for the lack of all of them to be worth a word."""


IN_ORDER = ("LastRows", "TimeSeriesSplit")
"""Splitters that measure what comes after what is trained on."""


def groups_in_both_parts(examined: Examined) -> Finding | None:
    """EX201: a group is trained on and measured."""
    if examined.development.groups is None:
        raise NotApplicable("the data have no groups")
    parts = [examined.development.groups, examined.results.test_data.groups]
    groups = np.concatenate([np.asarray(part).reshape(-1) for part in parts if part is not None])
    codes, names = pd.factorize(groups)
    worst, shared, torn = "", 0, 0
    for part in examined.parts:
        common = _present(codes[part.train], len(names)) & _present(codes[part.measured], len(names))
        torn += bool(common.any())
        if common.sum() > shared:
            worst, shared = part.name, int(common.sum())
    if not shared:
        return None
    return Finding(
        f"{shared} of {len(names)} groups have rows on both sides of {worst}"
        + (f", and {torn - 1} more of the parts are like that" if torn > 1 else ""),
        f"the groups of training and of validation or test rows were compared in {examined.which_parts}",
    )


def _present(codes: Any, count: int) -> Any:
    present = np.zeros(count, dtype=bool)
    present[codes[codes >= 0]] = True
    return present


def time_order_broken(examined: Examined) -> Finding | None:
    """EX202: rows are measured that are older than rows of training, where time is meant to go one way.

    Time is meant to go one way where the split does so by position (TimeSeriesSplit, LastRows), and where the rows are
    indexed by moments. A column of moments alone may be a date of birth, so nothing is said of it elsewhere.
    """
    clock = _index_times(examined)
    moments = [("the index", clock)] if clock is not None else []
    everything = np.arange(examined.rows)
    moments += [(f"'{c.name}'", c.take(everything)) for c in examined.columns if c.kind == "time"]
    if not moments:
        raise NotApplicable("there is neither a column nor an index of moments")
    for name, values in moments:
        counted = [
            (part, _older(values, part)) for part in examined.parts if name == "the index" or _goes_on(examined, part)
        ]
        torn = [(part, older) for part, older in counted if older]
        if torn:
            part, older = max(torn, key=lambda pair: pair[1])
            return Finding(
                f"{older} of {len(part.measured)} rows measured in {part.name} are older, by {name}, than the newest "
                "row it was trained on"
                + (f"; {len(torn) - 1} more of the parts are like that" if len(torn) > 1 else ""),
                f"the moments of training and of validation or test rows were compared in {examined.which_parts}",
            )
    return None


def _goes_on(examined: Examined, part: Part) -> bool:
    """Whether a split says by its make that what is measured comes later than what is trained on."""
    folds = examined.results.folds
    if bool(folds) and all(np.max(fold.train) < np.min(fold.validation) for fold in folds):
        return True
    planned = examined.results.config.get("holdout")
    splitter = str(planned.get("type")).rpartition(".")[2] if isinstance(planned, Mapping) else ""
    return part.name == HOLD_OUT and splitter in IN_ORDER


def _index_times(examined: Examined) -> Any:
    """Moments of all rows by their index; None where the index has none."""
    indexes = [getattr(part, "index", None) for part in examined.features]
    if not all(isinstance(index, pd.DatetimeIndex) for index in indexes):
        return None
    return np.concatenate([times(index) for index in indexes])


def _older(moments: Any, part: Part) -> int:
    """How many measured rows are older than the newest row of training."""
    trained = moments[part.train]
    trained = trained[~np.isnan(trained)]
    return int((moments[part.measured] < trained.max()).sum()) if len(trained) else 0


def class_absent(examined: Examined) -> Finding | None:
    """EX203: a class cannot be learned, or is not measured, in a fold."""
    if not examined.is_classification:
        raise NotApplicable("the task is no classification")
    codes, labels = pd.factorize(examined.y, sort=False)
    shares = np.bincount(codes[codes >= 0], minlength=len(labels)) / max(len(codes), 1)
    told = []
    for part in examined.parts:
        trained, measured = _present(codes[part.train], len(labels)), _present(codes[part.measured], len(labels))
        unlearned = labels[measured & ~trained]
        unmeasured = labels[~measured & (shares * len(part.measured) >= EXPECTED)]
        if len(unlearned):
            told.append(f"{part.name} measures class {unlearned[0]!s}, which its training rows lack")
        elif len(unmeasured):
            told.append(f"{part.name} has no row of class {unmeasured[0]!s} to measure")
    if not told:
        return None
    return Finding(
        told[0] + (f"; {len(told) - 1} more of the parts are like that" if len(told) > 1 else ""),
        f"the classes of training and of validation or test rows were compared in {examined.which_parts}; a class that "
        f"is not measured counts where at least {EXPECTED} of its rows were to be expected",
    )
