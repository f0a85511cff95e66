"""Searches that were never run, and their pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from optuna.samplers import RandomSampler

from expfw.construct.blueprint import Blueprint
from expfw.interfaces import Fold
from expfw.report.search.found import Searched
from expfw.report.search.page import render_search
from expfw.report.search.view import SearchView, build_search
from expfw.search.parsing import parse_space
from expfw.search.section import Search
from expfw.search.space import Space
from expfw.search.summary import summary
from expfw.search.trials import DEFAULT, FINAL, Ending, Trial

FOLDS = [Fold(np.setdiff1d(np.arange(50), part), part) for part in np.split(np.arange(50), 5)]
RANDOM = Blueprint("optuna.samplers.RandomSampler", RandomSampler, {})

SPACE: dict[str, Any] = {
    "model.params.C": {"low": 0.001, "high": 100.0, "log": True},
    "model.params.degree": {"low": 1, "high": 9},
    "features.params.scaling": ["standard", "minmax", None],
}


def space_of(section: Mapping[str, Any]) -> Space:
    """A space without faults."""
    problems: list[Any] = []
    space = parse_space(section, problems)
    assert problems == []
    return space


def complete(number: int, folds: Sequence[float | None], point: Mapping[str, Any], *more: float, **of: Any) -> Trial:
    """A complete trial: its first value is the mean of the folds, further ones are given."""
    known = [value for value in folds if value is not None]
    ending = Ending("COMPLETE", [math.fsum(known) / len(known), *more], folds, 0.25)
    return replace(Trial(FINAL, number, point, number + 3, ending=ending), **of)


def broken_off(number: int, point: Mapping[str, Any]) -> Trial:
    """A trial that the pruner broke off after two folds."""
    return Trial(FINAL, number, point, number + 3, ending=Ending("PRUNED", (), [0.1, 0.2], 0.125))


def failed(number: int, point: Mapping[str, Any], error: str = "ValueError: no") -> Trial:
    """A trial that failed."""
    return Trial(FINAL, number, point, number + 3, ending=Ending("FAIL", (), (), 0.0625, error))


def drawn(count: int, space: Mapping[str, Any] = SPACE, metrics: int = 1) -> list[Trial]:
    """So many complete trials at random points; the better, the nearer C is to 1."""
    rng = np.random.default_rng(0)
    whole = space_of(space)
    trials = []
    for number in range(count):
        point = {parameter.name: _value(parameter.domain, rng) for parameter in whole.parameters}
        first = next((value for value in point.values() if isinstance(value, float)), 1.0)
        level = 0.9 - 0.05 * abs(math.log10(first)) + 0.01 * rng.uniform()
        folds = (level + 0.02 * rng.normal(size=5)).tolist()
        trials.append(complete(number, folds, point, *rng.uniform(size=metrics - 1).tolist()))
    return trials


def _value(domain: Any, rng: np.random.Generator) -> Any:
    if hasattr(domain, "options"):
        return list(domain.options)[rng.integers(len(domain.options))]
    if domain.whole:
        return int(rng.integers(domain.low, domain.high + 1))
    return float(10 ** rng.uniform(math.log10(domain.low), math.log10(domain.high)))


def searched(trials: Sequence[Trial], **changes: Any) -> Searched:
    """A search with these trials."""
    metrics = changes.pop("metrics", ("accuracy",))
    section = changes.pop("space", SPACE)
    search = changes.pop("search", Search(space_of(section), RANDOM, metrics=metrics))
    first = Trial(DEFAULT, 0, {}, 2, ending=Ending("COMPLETE", [0.8] * len(metrics), [0.79, 0.8, 0.81, 0.8, 0.8]))
    default = changes.pop("default", first)
    told: dict[str, Any] = {}
    if any(trial.value is not None for trial in trials):
        told = summary(search, trials, default, FOLDS) | changes.pop("told", {})
    name = changes.pop("name", "demo")
    config = {
        "description": "What is tried",
        "tags": ["first"],
        "model": {"type": "sklearn.svm.SVC", "params": {"C": 2.5}},
    }
    values = {"config": config, "summary": told, "ended": bool(told), **changes}
    return Searched(1, name, values.pop("config"), search, trials, default, **values)


def view_of(trials: Sequence[Trial], **changes: Any) -> SearchView:
    """What the page of a search with these trials shows."""
    return build_search(searched(trials, **changes))


def page_of(trials: Sequence[Trial], **changes: Any) -> str:
    """The page of a search with these trials."""
    return render_search(view_of(trials, **changes))
