"""How much the choice of a search is worth: against the file's own values, and over the folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from expfw.compare.significance import constant, corrected_t_test, holm, unfit
from expfw.index.direction import better_is_lower
from expfw.interfaces import Fold
from expfw.intervals import validation_to_train
from expfw.search.trials import Trial


def against_default(trials: Sequence[Trial], best: Trial, default: Trial, folds: Sequence[Fold]) -> dict[str, Any]:
    """Whether the best configuration is better than the file's own values by more than chance explains.

    The differences fold by fold are put to the corrected resampled t-test
    (:func:`expfw.compare.significance.corrected_t_test`). The best was chosen among many because it did well on these
    folds, so all complete trials are compared with the default, and Holm's correction makes up for their number.

    Args:
        trials: all trials.
        best: the one that was chosen.
        default: the trial of the file's own values.
        folds: rows of each fold.

    Returns:
        ``{"difference", "p", "p_holm", "significant", "comparisons"}``, or ``{"why_not"}``.
    """
    why = unfit(folds) or ("" if default.value is not None else "the file's own values gave no result")
    if why:
        return {"why_not": why}
    complete = {trial.number: trial for trial in trials if trial.value is not None and trial.same_as is None}
    tests = {number: _test(trial, default, folds) for number, trial in complete.items()}
    chosen = tests.get(best.number)
    if chosen is None:
        return {"why_not": "the difference is the same on every fold, so there is nothing to see chance by"}
    known = {number: test for number, test in tests.items() if test is not None}
    corrected = dict(zip(known, holm([test.p for test in known.values()]), strict=True))
    return {
        "difference": chosen.mean,
        "p": chosen.p,
        "p_holm": corrected[best.number],
        "significant": corrected[best.number] <= 0.05,
        "comparisons": len(known),
    }


def _test(trial: Trial, default: Trial, folds: Sequence[Fold]) -> Any:
    ours, theirs = _values(trial), _values(default)
    if len(ours) != len(folds) or len(theirs) != len(folds) or not all(map(math.isfinite, (*ours, *theirs))):
        return None
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    return (
        None if constant(differences, [*ours, *theirs]) else corrected_t_test(differences, validation_to_train(folds))
    )


def _values(trial: Trial) -> list[float]:
    folds = trial.ending.folds if trial.ending is not None else ()
    return [math.nan if value is None else value for value in folds]


def over_folds(trials: Sequence[Trial], best: Trial, metric: str) -> dict[str, Any]:
    """How steady the choice is: on how many folds it is the best of all, and its mean rank.

    Args:
        trials: all trials.
        best: the one that was chosen.
        metric: the search's first metric.

    Returns:
        ``{"folds", "first_on", "mean_rank", "of"}``: ranks from 1, equal values sharing the better one; ``of`` so many
        complete configurations. Empty where the folds' values are not all there.
    """
    complete = [trial for trial in trials if trial.value is not None and trial.same_as is None]
    table = np.array([_values(trial) for trial in complete if len(_values(trial)) == len(_values(best))])
    at = [trial.number for trial in complete].index(best.number)
    if not table.size or len(table) != len(complete) or np.isnan(table).any():
        return {}
    ranks = rankdata(table if better_is_lower(metric) else -table, method="min", axis=0)[at]
    return {
        "folds": int(table.shape[1]),
        "first_on": int(np.sum(ranks == 1)),
        "mean_rank": float(np.mean(ranks)),
        "of": len(complete),
    }
