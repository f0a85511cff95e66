"""Checks of what only some rows have (EX106, EX107): categories and missing values beyond what chance explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expfw.diagnostics.columns import Column, factorized
from expfw.diagnostics.examined import Examined, Finding, NotApplicable, Part, sampled

MOST_ROWS = 20_000
"""Rows of each side of a split that are looked at; of more a sample with a fixed seed."""

MANY = 0.5
"""A column of texts with more different values than this part of its rows is free text, or an identifier."""

STANDARD_ERRORS = 3.0
"""How far beyond what is to be expected the unseen part has to lie."""

BY_CHANCE = 1e-3


def categories_unseen_in_training(examined: Examined) -> Finding | None:
    """EX106: rows that are measured have categories that no training row has, more of them than chance explains."""
    columns = [c for c in examined.columns if c.kind == "label" and 1 < c.distinct <= MANY * max(len(c.values), 1)]
    if not columns:
        raise NotApplicable("there is no column of categories")
    worst: tuple[float, str] = (0.0, "")
    for part, column in _pairs(examined, columns):
        share, expected, example, measured = _unseen(column, part)
        limit = expected + STANDARD_ERRORS * float(np.sqrt(max(expected, 1 / measured) / measured))
        if share > max(limit, worst[0], 1 / measured):
            told = f"{share:.1%} of the rows measured in {part.name} have a value of '{column.name}' that no training "
            worst = share, f"{told}row has (such as {example!r}); {expected:.1%} were to be expected"
    if not worst[1]:
        return None
    return Finding(
        worst[1],
        f"the categories of training and of validation or test rows were compared in {examined.which_parts}; to be "
        "expected is the part of training rows whose category is there once (Good and Turing)",
    )


def missing_only_in_evaluation(examined: Examined) -> Finding | None:
    """EX107: a column has missing values in the rows that are measured, and none in the rows of training."""
    if not examined.columns:
        raise NotApplicable("the data have no columns")
    for part, column in _pairs(examined, [c for c in examined.columns if c.kind != "time" and (c.codes < 0).any()]):
        missing, share = _missing(column, part)
        if missing and share**missing * len(examined.columns) < BY_CHANCE:
            return Finding(
                f"'{column.name}' is missing in {missing} of the rows measured in {part.name}, and in no training row",
                f"missing values of training and of validation or test rows were counted in {examined.which_parts}; so "
                f"many on one side have a probability below {BY_CHANCE:g} by chance",
            )
    return None


def _pairs(examined: Examined, columns: list[Column]) -> Any:
    parts = [_bounded(part) for part in examined.parts] if columns else []
    return [(part, column) for part in parts for column in columns]


def _bounded(part: Part) -> Part:
    train, measured = part.train, part.measured
    return Part(part.name, train[sampled(len(train), MOST_ROWS)], measured[sampled(len(measured), MOST_ROWS)])


def _unseen(column: Column, part: Part) -> tuple[float, float, Any, int]:
    """Share of measured rows with an unseen category, the share to be expected, an example, and how many rows."""
    values = np.concatenate([column.take(part.train), column.take(part.measured)])
    codes, uniques = factorized(values)
    train, measured = codes[: len(part.train)], codes[len(part.train) :]
    counts = np.bincount(train[train >= 0], minlength=len(uniques))
    unseen = measured[(measured >= 0)][counts[measured[measured >= 0]] == 0]
    expected = float((counts == 1).sum()) / max(int(counts.sum()), 1)
    return len(unseen) / len(measured), expected, uniques[unseen[0]] if len(unseen) else None, len(measured)


def _missing(column: Column, part: Part) -> tuple[int, float]:
    """How many measured rows lack a value, and which part of all rows is measured; none if training rows lack one."""
    if _lacking(column.take(part.train)).any():
        return 0, 1.0
    missing = int(_lacking(column.take(part.measured)).sum())
    return missing, len(part.measured) / (len(part.measured) + len(part.train))


def _lacking(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(pd.isna(values))
