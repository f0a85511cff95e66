"""The table of a search's trials: the best first, then those that were broken off, and those that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from expfw.index.direction import better_is_lower
from expfw.report.axes import format_number
from expfw.report.search.found import Searched
from expfw.report.search.names import shown
from expfw.search.space import Number, Parameter
from expfw.search.trials import Trial

MAX_ROWS = 5000
"""Trials that the table holds; the account holds all."""

MAX_SETTINGS = 12
"""Settings that have a column."""

MAX_TEXT = 120
"""Letters of a value or an error."""


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Args:
        number: its number.
        experiment: the number N of its experiment.
        href: the way to its page, or to its folder where it has none.
        state: how it ended.
        values: of the metrics, as text.
        settings: as text.
        seconds: what it took, as text.
        note: its error, or of which trial it has the very configuration.
        chosen: whether it is the winner.
    """

    number: int
    experiment: int
    href: str
    state: str
    values: tuple[str, ...]
    settings: tuple[str, ...]
    seconds: str
    note: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class TrialTable:
    """All trials.

    Args:
        metrics: names of the metrics, with an arrow that says which way is better.
        settings: name and full name of each setting that has a column, and whether it is a number.
        rows: the trials.
        notes: sentences on what is left out.
    """

    metrics: tuple[str, ...] = ()
    settings: tuple[tuple[str, str, bool], ...] = ()
    rows: tuple[TrialRow, ...] = ()
    notes: tuple[str, ...] = ()


def trial_table(found: Searched, order: Sequence[Parameter], names: Mapping[str, str]) -> TrialTable:
    """The table.

    Args:
        found: the search.
        order: the settings, the most telling first.
        names: by name of a setting, what it is called.
    """
    kept = list(order[:MAX_SETTINGS])
    ranked = sorted(found.trials, key=lambda trial: _rank(trial, found.metric))
    notes = []
    if len(order) > MAX_SETTINGS:
        notes.append(f"{MAX_SETTINGS} of {len(order)} settings are shown; the others are in the experiments.")
    if len(ranked) > MAX_ROWS:
        notes.append(f"The first {MAX_ROWS:,} of {len(ranked):,} trials; all are in log/trials.jsonl.")
    arrows = tuple(f"{name} {'↓' if better_is_lower(name) else '↑'}" for name in found.search.metrics)
    titles = tuple((names[one.name], one.name, isinstance(one.domain, Number)) for one in kept)
    rows = tuple(_row(found, trial, [parameter.name for parameter in kept]) for trial in ranked[:MAX_ROWS])
    return TrialTable(arrows, titles, rows, tuple(notes))


def _rank(trial: Trial, metric: str) -> tuple[int, float, int]:
    states = {"COMPLETE": 0, "PRUNED": 1, "FAIL": 2}
    state = 3 if trial.ending is None else states[trial.ending.state]
    sign = 1.0 if better_is_lower(metric) else -1.0
    return state, sign * (trial.value or 0.0), trial.number


def _row(found: Searched, trial: Trial, settings: Sequence[str]) -> TrialRow:
    ending = trial.ending
    count = len(found.search.metrics)
    values = ending.values if ending is not None and ending.state == "COMPLETE" else [None] * count
    return TrialRow(
        trial.number,
        trial.experiment,
        address(found, trial.experiment),
        _state(trial) + _distinction(found, trial),
        tuple(map(format_number, values)),
        tuple(_cut(shown(trial.point[name])) if name in trial.point else "" for name in settings),
        "" if ending is None or trial.same_as is not None else f"{ending.seconds:.3g}",
        _note(trial),
        trial is found.winner,
    )


def _distinction(found: Searched, trial: Trial) -> str:
    """Whether a trial was chosen, or lies on the front."""
    if trial is found.winner:
        return ", chosen"
    several = len(found.search.metrics) > 1 and trial.value is not None
    return ", on the front" if several and trial.experiment in (found.summary.get("front") or ()) else ""


def _state(trial: Trial) -> str:
    if trial.ending is None:
        return "not ended"
    if trial.ending.state == "PRUNED":
        folds = len(trial.ending.folds)
        return f"broken off after {folds} {'fold' if folds == 1 else 'folds'}"
    return "complete" if trial.ending.state == "COMPLETE" else "failed"


def _note(trial: Trial) -> str:
    if trial.same_as is not None:
        return f"the same as trial {trial.same_as}"
    return "" if trial.ending is None else _cut(trial.ending.error)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def address(found: Searched, number: int) -> str:
    """The way from the search's page to another experiment's, or to its folder if it has none."""
    return f"../../result_experiment_{number}/" + ("report/index.html" if number in found.pages else "")
