"""The result of a search: its best, against the file's own values, and how far that can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from expfw.index.direction import better_is_lower
from expfw.report.axes import format_number
from expfw.report.collector import Fragment
from expfw.report.forest import Estimate, forest
from expfw.report.ranges import shown_interval
from expfw.report.result import Against
from expfw.report.search.found import Searched
from expfw.report.search.names import signed

OWN, TEST, NESTED = "the file's own values", "on the test data", "the whole procedure, nested"

BRIEF = {OWN: ("the file's own", 6), TEST: ("test data", 1), NESTED: ("nested search", 2)}
"""What the drawing calls them, and the numbers of their colours and shapes."""


@dataclass(frozen=True)
class SearchHeadline:
    """The result of a search.

    Args:
        name: the metric that the best is chosen by.
        value: the best trial's, as text.
        basis: what it was measured on.
        experiment: number of the best trial's experiment.
        interval: its 95 % interval, as far as the metric can go.
        against: the file's own values, the test data, and what a nested search measured.
        warning: how many were tried, and what follows.
        verdict: whether the best is better than the file's own values by more than chance explains.
        chart: all of them on one scale.
    """

    name: str
    value: str
    basis: str
    experiment: int
    interval: str
    against: tuple[Against, ...]
    warning: str
    verdict: str
    chart: Fragment


def headline(found: Searched) -> SearchHeadline | None:
    """The result; None if no trial is complete."""
    winner = found.winner
    if winner is None or winner.value is None:
        return None
    entry = found.best.get(found.metric) or {}
    interval = shown_interval(found.metric, entry)
    folds = len(winner.ending.folds) if winner.ending is not None else 0
    basis = "over the pooled predictions of" if entry.get("pooled") else "mean of"
    return SearchHeadline(
        found.metric,
        format_number(winner.value),
        f"{basis} {folds:,} folds" if folds != 1 else "on the validation rows",
        winner.experiment,
        "" if interval is None else " to ".join(map(format_number, interval)),
        tuple(_compared(found, winner.value)),
        warning(found),
        significance(found),
        _chart(found, winner.value, interval),
    )


def _known(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _others(found: Searched) -> list[tuple[str, float, int | None]]:
    """What the best is seen beside: what it is, its value, and its experiment."""
    nested = ((found.summary.get("nested") or {}).get("metrics") or {}).get(found.metric) or {}
    values = (
        (OWN, found.default.value, found.default.experiment or None),
        (TEST, _known(found.tested.get(found.metric)), found.summary.get("tested")),
        (NESTED, _known(nested.get("mean")), None),
    )
    return [(what, value, number) for what, value, number in values if value is not None]


def _compared(found: Searched, best: float) -> list[Against]:
    told = []
    for what, value, number in _others(found):
        own = what == OWN
        gain = best - value
        verdict = "better" if (gain < 0) == better_is_lower(found.metric) else "worse"
        difference = signed(gain) if own else ""
        told.append(Against(what, format_number(value), difference, (verdict if gain else "equal") * own, number))
    return told


def warning(found: Searched) -> str:
    """How many configurations were tried, and what that does to the value of the best."""
    tried = found.summary["configurations"]
    if tried == 1:
        return "Only one configuration was tried, so there was nothing to choose."
    instead = [
        "the value on the test data, which no trial has read" if found.tested else "",
        "the nested value, measured on rows that no trial of its fold has seen" if "nested" in found.summary else "",
    ]
    known = ", or ".join(text for text in instead if text)
    advice = f"look at {known}" if known else "test it on a hold-out, or search nested"
    return (
        f"{tried:,} configurations were tried, and this is the best of them, chosen by the very rows that it is "
        f"measured on: its value flatters. To know what to expect of it on new data, {advice}."
    )


def significance(found: Searched) -> str:
    """Whether the best is better than the file's own values by more than chance explains, in a sentence."""
    told = found.summary.get("against_default") or {}
    if "why_not" in told or not told:
        why = told.get("why_not", "the differences are not on record")
        return f"Whether it is better than the file's own values by more than chance explains cannot be tested: {why}."
    better = (told["difference"] < 0) == better_is_lower(found.metric)
    many = told["comparisons"] > 1
    method = f"corrected resampled t-test, p = {_p(told['p_holm'])}"
    method += f" with Holm's correction for all {told['comparisons']:,} configurations" if many else ""
    if told["significant"]:
        verdict = "better" if better else "worse"
        return f"It is {verdict} than the file's own values by more than chance explains ({method})."
    return f"That it differs from the file's own values may well be chance ({method})."


def _p(value: float) -> str:
    return "less than 0.001" if value < 0.001 else f"{value:.3f}"


def _chart(found: Searched, best: float, interval: tuple[float, float] | None) -> Fragment:
    entry = found.best.get(found.metric) or {}
    measured = () if entry.get("pooled") else map(_known, entry.get("folds") or ())
    folds = [value for value in measured if value is not None]
    rows = [Estimate("the best", best, interval, folds if len(folds) > 1 else ())]
    rows += [Estimate(BRIEF[what][0], value, look=BRIEF[what][1]) for what, value, _ in _others(found)]
    described = ", ".join(f"{row.name} {format_number(row.value)}" for row in rows)
    chart = forest(rows, title=f"{found.metric} in context", x_label=found.metric, description=f"{described}.")
    caption = "Dots are folds, the band is the 95 % interval of their mean." if interval is not None else ""
    return Fragment("chart", "", chart.svg, caption, chart.table)
