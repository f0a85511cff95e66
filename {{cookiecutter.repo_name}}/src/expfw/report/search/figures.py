"""The figures of a search's page, each with what to look for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from expfw.index.direction import better_is_lower
from expfw.report.charts import Chart, bars
from expfw.report.collector import Fragment
from expfw.report.search.drawings import Mark, Scale, fold_rows, points, shaded
from expfw.report.search.found import Searched
from expfw.report.search.importance import Importance
from expfw.report.search.names import shown
from expfw.search.space import Number, Parameter
from expfw.search.trials import Trial

MAX_SLICES = 8
"""Settings that have a figure of their own."""

WINNER, DEFAULT = "the best", "the file's own values"

BEST, OWN, FRONT = 1, 6, 2
"""Colours and shapes of the winner, of the file's own values, and of the best of all on a fold."""


def figure(chart: Chart, caption: str) -> Fragment:
    """A chart with its caption, as the page's blocks take it."""
    return Fragment("chart", chart.title, chart.svg, f"{caption} {chart.note}".strip(), chart.table)


def metric_scale(name: str) -> Scale:
    """The scale of a metric."""
    lower = better_is_lower(name)
    return Scale(f"{name} {'↓' if lower else '↑'}", lower=lower)


def best_so_far(found: Searched) -> Fragment:
    """The trials in their sequence, and the best value until then."""
    lower, known = better_is_lower(found.metric), found.complete
    values = [(trial.number, _value(trial)) for trial in known]
    better = min if lower else max
    so_far = list(itertools.accumulate((value for _, value in values), better))
    line = [(number, best) for (number, _), best in zip(values, so_far, strict=True)]
    winner = found.winner
    marks = [] if winner is None else [Mark(WINNER, winner.number, _value(winner), BEST)]
    chart = points(
        values,
        marks,
        title="Best so far",
        scales=(Scale("trial"), metric_scale(found.metric)),
        line=_corners(line),
        reference=found.default.value,
        description=f"The best of {len(values)} complete trials has {found.metric} {_number(so_far[-1])}.",
    )
    dashed = "" if found.default.value is None else " The dashed line: the file's own values."
    caption = (
        f"A dot for each complete trial, the line is the best until then.{dashed} Look whether it still "
        f"{'falls' if lower else 'rises'} at the end: then more trials may find better ones."
    )
    return figure(chart, caption)


def _corners(line: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """The first, the last, and those at which it changes."""
    changes = [now for before, now in itertools.pairwise(line) if now[1] != before[1]]
    return list(dict.fromkeys((*line[:1], *changes, *line[-1:])))


def importances(found: Importance, names: dict[str, str], metric: str) -> Fragment | None:
    """How much each setting matters; None where that cannot be said."""
    if not found.shares:
        return None
    chart = bars(
        {names[name]: round(100 * share) for name, share in found.shares.items()},
        title="Which settings matter",
        unit="%",
        description=", ".join(f"{names[name]} {100 * share:.0f} %" for name, share in found.shares.items()),
    )
    caption = (
        f"What each setting tells about whether a trial is among the best tenth by {metric} (Optuna's PED-ANOVA; "
        "shares of 100 %). One with a small share hardly needs to be searched: fix it, and spend the trials on the "
        "others. With few trials the shares are rough."
    )
    if found.left_out:
        caption += f" Left out, for they do not count in every trial: {_listed([names[n] for n in found.left_out])}."
    return figure(chart, caption)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:10]) + (f" and {len(words) - 10} more" if len(words) > 10 else "")


def slices(found: Searched, parameters: Sequence[Parameter], names: dict[str, str]) -> Iterator[Fragment]:
    """The metric over each setting, at most eight of them."""
    for parameter in parameters[:MAX_SLICES]:
        known = [trial for trial in found.complete if parameter.name in trial.point]
        if known:
            yield _slice(found, parameter, names[parameter.name], known)


def _slice(found: Searched, parameter: Parameter, name: str, known: Sequence[Trial]) -> Fragment:
    scale, place = setting_scale(parameter, name)
    winner = found.winner
    marks = []
    if winner is not None and parameter.name in winner.point:
        marks = [Mark(WINNER, place(winner), _value(winner), BEST)]
    chart = points(
        [(place(trial), _value(trial)) for trial in known],
        marks,
        title=f"{found.metric} over {name}",
        scales=(scale, metric_scale(found.metric)),
        description=f"{len(known)} complete trials; {_best_at(parameter, name, winner)}",
    )
    return figure(chart, _advice(parameter, winner, name))


def _best_at(parameter: Parameter, name: str, winner: Trial | None) -> str:
    if winner is None or parameter.name not in winner.point:
        return f"the best has no {name}."
    return f"the best has {name} = {shown(winner.point[parameter.name])}."


def _advice(parameter: Parameter, winner: Trial | None, name: str) -> str:
    """What to look for, and what follows where the winner lies at a border of the space."""
    told = f"The {_best_at(parameter, name, winner).removeprefix('the ')}"
    if not isinstance(parameter.domain, Number):
        return f"{told} Look whether the choices differ by more than their trials scatter."
    end = None if winner is None else _border(parameter.domain, winner.point.get(parameter.name))
    if end is not None:
        return f"{told} That is near the {end} bound of the space: a wider one may hold better values."
    return f"{told} Look for where good values lie; a level cloud means that the setting hardly matters."


def _border(domain: Number, value: Any) -> str | None:
    """Which bound a value is near to: within a twentieth of the space, or the outermost of its steps."""
    if not isinstance(value, int | float) or domain.low == domain.high:
        return None
    low, high, at = (math.log(x) if domain.log else float(x) for x in (domain.low, domain.high, value))
    share = (at - low) / (high - low)
    return "lower" if share <= 0.05 else "upper" if share >= 0.95 else None


def setting_scale(parameter: Parameter, name: str) -> tuple[Scale, Any]:
    """The scale of a setting, and what gives a trial's place on it."""
    domain = parameter.domain
    if isinstance(domain, Number):
        return Scale(name, log=domain.log), lambda trial: float(trial.point[parameter.name])
    labels = list(domain.options)
    scale = Scale(name, choices=[shown(label) for label in labels])
    return scale, lambda trial: float(labels.index(trial.point[parameter.name]))


def contour(found: Searched, parameters: Sequence[Parameter], names: dict[str, str]) -> Fragment | None:
    """The metric over the two settings that matter most, of those that are numbers; None if there are no two."""
    numbers = [parameter for parameter in parameters if isinstance(parameter.domain, Number)]
    pairs = [pair for pair in itertools.combinations(numbers, 2) if len(_with(found, pair)) >= 2]
    if not pairs:
        return None
    pair = next((pair for pair in pairs if found.winner in _with(found, pair)), pairs[0])
    (x, at_x), (y, at_y) = (setting_scale(parameter, names[parameter.name]) for parameter in pair)
    known, winner = _with(found, pair), found.winner
    marks = [Mark(WINNER, at_x(winner), at_y(winner), BEST)] if winner is not None and winner in known else []
    chart = shaded(
        [(at_x(trial), at_y(trial), _value(trial)) for trial in known],
        marks,
        title=f"{found.metric} over {x.name} and {y.name}",
        scales=(x, y, metric_scale(found.metric)),
        description=f"{len(known)} complete trials.",
    )
    caption = (
        "A dot for each complete trial, the darker the better its rank. Look for a dark region: a wide one means that "
        "neither setting needs to be exact, a slanted one that they must be chosen together."
    )
    return figure(chart, caption)


def _with(found: Searched, pair: Sequence[Parameter]) -> list[Trial]:
    return [trial for trial in found.complete if all(parameter.name in trial.point for parameter in pair)]


def fronts(found: Searched) -> Iterator[Fragment]:
    """The first metric against each other one, with the trials that no other one excels in all of them."""
    front = set(found.summary.get("front") or ())
    best = [trial for trial in found.complete if trial.experiment in front]
    metrics = found.search.metrics
    for at in range(1, len(metrics)):
        marks = [Mark("front", *_pair(trial, at), FRONT) for trial in best if trial is not found.winner]
        marks += [Mark(f"{WINNER} in {metrics[0]}", *_pair(trial, at), BEST) for trial in best if trial is found.winner]
        if found.default.value is not None:
            marks.append(Mark(DEFAULT, *_pair(found.default, at), OWN))
        chart = points(
            [_pair(trial, at) for trial in found.complete],
            marks,
            title=f"{metrics[at]} against {metrics[0]}",
            scales=(metric_scale(metrics[0]), metric_scale(metrics[at])),
            description=f"{len(best)} of {len(found.complete)} complete trials are on the front.",
        )
        caption = (
            "The arrows say which way is better. On the front lie the trials that no other one excels in all metrics: "
            "which of them to take is for you to decide. The best in the first metric was written and tested."
        )
        yield figure(chart, caption)


def _pair(trial: Trial, at: int) -> tuple[float, float]:
    assert trial.ending is not None  # noqa: S101 - only complete trials are drawn
    return trial.ending.values[0], trial.ending.values[at]


def over_folds(found: Searched) -> Fragment | None:
    """The winner on each fold, beside the best of all there and the file's own values; None without their values."""
    winner, told = found.winner, found.summary.get("over_folds") or {}
    if winner is None or not told:
        return None
    better = min if better_is_lower(found.metric) else max
    rows: dict[str, tuple[Sequence[float], int]] = {
        "the best on this fold": ([better(values) for values in zip(*map(_folds, found.complete), strict=True)], FRONT),
        DEFAULT: (_folds(found.default), OWN),
        "the chosen one": (_folds(winner), BEST),
    }
    rows = {name: row for name, row in rows.items() if len(row[0]) == told["folds"]}
    chart = fold_rows(rows, title="How steady the choice is", x_label=metric_scale(found.metric).name)
    caption = (
        f"The chosen configuration is the best of all {told['of']:,} on {told['first_on']:,} of {told['folds']:,} "
        f"folds; its mean rank is {told['mean_rank']:.1f}. Where it is seldom first, others are about as good, and "
        "other rows would have made another one the best."
    )
    return figure(chart, caption)


def _folds(trial: Trial) -> list[float]:
    return [math.nan if value is None else value for value in trial.ending.folds] if trial.ending is not None else []


def _value(trial: Trial) -> float:
    return math.nan if trial.value is None else trial.value


def _number(value: float) -> str:
    return f"{value:.4g}"
