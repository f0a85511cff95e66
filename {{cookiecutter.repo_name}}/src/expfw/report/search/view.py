"""What the page of a search shows, part by part."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expfw.construct.blueprint import Blueprint
from expfw.report.axes import format_number, format_seconds
from expfw.report.collector import Fragment
from expfw.report.ranges import shown_interval
from expfw.report.search import figures
from expfw.report.search.found import Searched
from expfw.report.search.headline import SearchHeadline, headline
from expfw.report.search.importance import Importance, importance
from expfw.report.search.names import point_in_words, short_names, shown
from expfw.report.search.trials import TrialTable, address, trial_table
from expfw.search.space import Parameter


@dataclass(frozen=True)
class SettingRow:
    """One setting of the best configuration.

    Args:
        name: what it is called.
        full: its key path.
        best: the value that was chosen.
        own: the file's own value.
    """

    name: str
    full: str
    best: str
    own: str


@dataclass(frozen=True)
class Chosen:
    """What a nested search chose within one outer fold.

    Args:
        fold: number of the fold, from 1.
        experiment: the trial's experiment.
        href: the way to it.
        inner: its value within the fold.
        outer: what it has on the fold's validation rows.
        settings: its settings in one line.
    """

    fold: int
    experiment: int
    href: str
    inner: str
    outer: str
    settings: str


@dataclass(frozen=True)
class SearchView:
    """Everything that the page shows, ready to be written.

    Args:
        number: the search's number N.
        name: name of its experiment file.
        description: one sentence; may be empty.
        tags: its tags.
        facts: short facts below the result, name and value.
        headline: the result; None if no trial is complete.
        empty: why there is none.
        links: by number of an experiment, the way to it.
        settings: the best configuration beside the file's own values.
        file: the experiment file of the best; empty if the search has not come to its end.
        course: the trials in their sequence, and which settings matter.
        notes: sentences on figures that cannot be drawn.
        over: the metric over each setting, and over two.
        front: one metric against another.
        folds: how steady the choice is; None if that cannot be drawn.
        nested: what a nested search chose.
        nested_words: what it measured, in a sentence.
        trials: all trials.
    """

    number: int
    name: str
    description: str
    tags: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    headline: SearchHeadline | None
    empty: str
    links: Mapping[int, str]
    settings: tuple[SettingRow, ...]
    file: str
    course: tuple[Fragment, ...]
    notes: tuple[str, ...]
    over: tuple[Fragment, ...]
    front: tuple[Fragment, ...]
    folds: Fragment | None
    nested: tuple[Chosen, ...]
    nested_words: str
    trials: TrialTable


def build_search(found: Searched) -> SearchView:
    """Arrange a search for the page.

    Args:
        found: the search.
    """
    complete = bool(found.complete)
    shares = importance(found) if complete else Importance()
    parameters = _by_importance(found, shares)
    names = short_names(parameter.name for parameter in found.search.space.all())
    return SearchView(
        number=found.number,
        name=found.name,
        description=str(found.config.get("description") or ""),
        tags=tuple(map(str, found.config.get("tags") or ())),
        facts=tuple(_facts(found)),
        headline=headline(found),
        empty="" if complete else _empty(found),
        links=_links(found),
        settings=tuple(_settings(found, names)),
        file=f"config/experiments/{found.name}_best_{found.number}.json" if found.ended else "",
        course=tuple(_course(found, shares, names)) if complete else (),
        notes=tuple(_notes(shares, parameters)) if complete else (),
        over=tuple(_over(found, parameters, names)) if complete else (),
        front=tuple(figures.fronts(found)) if complete else (),
        folds=figures.over_folds(found) if complete else None,
        nested=tuple(_nested(found, names)),
        nested_words=_nested_words(found),
        trials=trial_table(found, parameters, names),
    )


def _by_importance(found: Searched, shares: Importance) -> list[Parameter]:
    """All settings, the most telling first; those of which nothing is known in the order of the space."""
    place = {name: at for at, name in enumerate(shares.shares)}
    return sorted(found.search.space.all(), key=lambda parameter: place.get(parameter.name, len(place)))


def _facts(found: Searched) -> list[tuple[str, str]]:
    states = Counter(trial.ending.state if trial.ending is not None else "" for trial in found.trials)
    words = {"COMPLETE": "complete", "PRUNED": "broken off", "FAIL": "failed", "": "not ended"}
    told = ", ".join(f"{states[state]:,} {word}" for state, word in words.items() if states[state])
    spent = [trial.ending.seconds for trial in found.trials if trial.ending is not None and trial.same_as is None]
    facts = {
        "Trials": f"{len(found.trials):,}" + (f" ({told})" if told else ""),
        "Configurations": f"{sum(trial.same_as is None for trial in found.trials):,}",
        "Sampler": _component(found.search.sampler),
        "Pruner": _component(found.search.pruner),
        "A trial took": f"{format_seconds(statistics.median(spent))} (median)" if spent else "",
        "All trials took": format_seconds(sum(spent)) if spent else "",
    }
    return [(name, value) for name, value in facts.items() if value]


def _component(given: Blueprint | str | None) -> str:
    if given is None:
        return ""
    return given if isinstance(given, str) else given.type.rpartition(".")[2]


def _empty(found: Searched) -> str:
    if not found.trials:
        return "No trial was begun yet."
    first = next((trial for trial in found.trials if trial.ending is not None and trial.ending.error), None)
    why = "" if first is None or first.ending is None else f" Trial {first.number} failed with: {first.ending.error}"
    return f"None of {len(found.trials):,} trials is complete.{why}"


def _links(found: Searched) -> dict[int, str]:
    numbers = [found.default.experiment, found.summary.get("tested")]
    winner = found.winner
    known = [*numbers, *([] if winner is None else [winner.experiment])]
    return {number: address(found, number) for number in known if number}


def _settings(found: Searched, names: Mapping[str, str]) -> list[SettingRow]:
    winner = found.winner
    if winner is None:
        return []
    paths = {parameter.name: parameter.path for parameter in found.search.space.all()}
    return [
        SettingRow(names[name], ".".join(paths[name]), shown(value), _own(found.config, paths[name]))
        for name, value in winner.point.items()
        if name in paths
    ]


def _own(config: Any, path: Sequence[str]) -> str:
    """The file's own value at a key path; empty where it gives none."""
    for key in path:
        if not isinstance(config, Mapping) or key not in config:
            return ""
        config = config[key]
    if isinstance(config, Mapping) and "type" in config:
        return str(config["type"]).rpartition(".")[2]
    return shown(config)


def _course(found: Searched, shares: Importance, names: dict[str, str]) -> list[Fragment]:
    drawn = figures.importances(shares, names, found.metric)
    return [figures.best_so_far(found), *([] if drawn is None else [drawn])]


def _over(found: Searched, parameters: Sequence[Parameter], names: dict[str, str]) -> list[Fragment]:
    both = figures.contour(found, parameters, names)
    return [*figures.slices(found, parameters, names), *([] if both is None else [both])]


def _notes(shares: Importance, parameters: Sequence[Parameter]) -> list[str]:
    notes = [f"Which settings matter cannot be said: {shares.why_not}."] if shares.why_not else []
    more = len(parameters) - figures.MAX_SLICES
    notes += [f"{more} more settings are in the table of trials, not drawn."] if more > 0 else []
    return notes


def _nested(found: Searched, names: Mapping[str, str]) -> list[Chosen]:
    told = found.summary.get("nested") or {}
    outer = ((told.get("metrics") or {}).get(found.metric) or {}).get("folds") or []
    return [
        Chosen(
            one["fold"] + 1,
            one["experiment"],
            address(found, one["experiment"]),
            format_number(next(iter(one["values"]), None)),
            format_number(outer[one["fold"]] if one["fold"] < len(outer) else None),
            point_in_words(one["point"], names),
        )
        for one in told.get("chosen") or ()
    ]


def _nested_words(found: Searched) -> str:
    told = ((found.summary.get("nested") or {}).get("metrics") or {}).get(found.metric)
    if not told:
        return ""
    ends = shown_interval(found.metric, told)
    interval = "" if ends is None else f" (95 % interval {format_number(ends[0])} to {format_number(ends[1])})"
    return (
        f"Within each fold a search of its own chose a configuration by the fold's training rows alone; on the fold's "
        f"validation rows what was chosen has {found.metric} {format_number(told.get('mean'))}{interval}. That is what "
        "the whole procedure, search included, is worth. Where the folds choose very different settings, the choice is "
        "not steady."
    )
