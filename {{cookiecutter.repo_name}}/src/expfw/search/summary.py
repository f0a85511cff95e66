"""What came of a search, in figures: ``report/search.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from expfw.index.direction import better_is_lower
from expfw.interfaces import Fold
from expfw.search.section import Search
from expfw.search.stability import against_default, over_folds
from expfw.search.trials import Trial

FILE = "search.json"
"""Name of the file, in the ``report`` folder of a search."""


def summary(search: Search, trials: Sequence[Trial], default: Trial, folds: Sequence[Fold]) -> dict[str, Any]:
    """A search in figures.

    Args:
        search: what was searched.
        trials: all trials of its study, by their numbers.
        default: the trial of the file's own values.
        folds: rows of each fold.

    Returns:
        ``{"metrics", "trials", "configurations", "states": {"COMPLETE", …}, "front": [experiment, …], "best": {"trial",
        "experiment", "values", "point"}, "default", "against_default", "over_folds"}``; ``front`` are the complete
        trials that no other one excels in all metrics, the best in the first metric first. For the last two see
        :mod:`expfw.search.stability`.
    """
    front = pareto_front(search, trials)
    best = front[0]
    return {
        "metrics": list(search.metrics),
        "trials": len(trials),
        "configurations": sum(trial.same_as is None for trial in trials),
        "states": dict(Counter(trial.ending.state for trial in trials if trial.ending is not None)),
        "front": [trial.experiment for trial in front],
        "best": told(best),
        "default": told(default),
        "against_default": against_default(trials, best, default, folds),
        "over_folds": over_folds(trials, best, search.metrics[0]),
    }


def told(trial: Trial) -> dict[str, Any]:
    """A complete trial in figures."""
    values = list(trial.ending.values) if trial.ending is not None else []
    return {"trial": trial.number, "experiment": trial.experiment, "values": values, "point": dict(trial.point)}


def pareto_front(search: Search, trials: Sequence[Trial]) -> list[Trial]:
    """The complete trials that no other one is better than in one metric and not worse than in all others.

    Args:
        search: what was searched.
        trials: all trials of its study.

    Returns:
        The best in the first metric first; among equals the earliest, and of equal values only that.
    """
    signs = [1.0 if better_is_lower(metric) else -1.0 for metric in search.metrics]
    costs = {
        trial.number: tuple(sign * value for sign, value in zip(signs, trial.ending.values, strict=True))
        for trial in trials
        if trial.ending is not None and trial.ending.state == "COMPLETE"
    }
    by_number = {trial.number: trial for trial in trials}
    front: dict[tuple[float, ...], int] = {}
    for number, cost in sorted(costs.items(), key=lambda item: (item[1], item[0])):
        if not any(all(a <= b for a, b in zip(other, cost, strict=True)) for other in front):
            front[cost] = number
    return [by_number[number] for number in front.values()]
