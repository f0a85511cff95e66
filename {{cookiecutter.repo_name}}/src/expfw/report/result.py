"""The main result: the first metric with its interval, beside the baseline and the best earlier experiment.

Numbers are those of the record; the only thing that is computed here is their differences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expfw.index.direction import better_is_lower
from expfw.report.axes import format_number
from expfw.report.collector import Fragment
from expfw.report.forest import Estimate, forest
from expfw.report.ranges import metric_range, recorded_interval, shown_interval
from expfw.report.table import Table, cell
from expfw.results import Results


@dataclass(frozen=True)
class Against:
    """How the main metric compares with another value of it.

    Args:
        what: what it is compared with, for example ``baseline``.
        value: that one's value, as text.
        difference: this value minus that one, with its sign.
        verdict: ``better``, ``worse`` or ``equal``.
        number: number of the other experiment, if it is one.
    """

    what: str
    value: str
    difference: str
    verdict: str
    number: int | None = None


@dataclass(frozen=True)
class Headline:
    """The main metric.

    Args:
        name: its name.
        value: its value, as text.
        basis: what it was measured on.
        interval: its 95 % interval, as far as the metric can go.
        test: its value on the test data, if ``value`` is another.
        notes: sentences that belong to these numbers.
        command: what tells whether the difference to the best earlier experiment may be chance; may be empty.
        against: comparisons with the baseline and the best earlier experiment.
        chart: all of them on one scale.
        chosen: of the best of a search, how many configurations that tried, and its number.
    """

    name: str
    value: str
    basis: str
    interval: str = ""
    test: str = ""
    notes: tuple[str, ...] = ()
    command: str = ""
    against: tuple[Against, ...] = ()
    chart: Fragment | None = None
    chosen: tuple[int, int] | None = None


def headline(results: Results, record: Mapping[str, Any]) -> Headline | None:
    """The main metric: the one asked for (``main_metric``), else the first configured one that was measured.

    Args:
        results: what the experiment gave.
        record: ``main_metric``, and the best earlier experiment, ``{"best": {"id", "name", "values"}}``; both optional.
    """
    name = main_metric(results, record)
    if name is None:
        return None
    validation = results.validation_metrics.get(name)
    test = _known(results.test_metrics.get(name))
    value = test if validation is None else _known(validation.get("mean"))
    others = _others(name, results, record, on_test=validation is None)
    interval, notes = _interval(name, validation or {})
    return Headline(
        name=name,
        value=format_number(value),
        basis="on the test data" if validation is None else _basis(validation),
        interval=interval,
        test="" if validation is None or test is None else format_number(test),
        notes=(*notes, *_how(validation or {}), *_hints(name, results, record)),
        command=_command(name, results, record),
        against=tuple(_against(name, value, other) for other in others) if value is not None else (),
        chart=_chart(name, value, validation or {}, test, others),
        chosen=_chosen(results.config.get("selection")),
    )


def _chosen(selection: Any) -> tuple[int, int] | None:
    """How many configurations were tried, and by which search; None if the experiment was not chosen by one."""
    if not isinstance(selection, Mapping):
        return None
    tried, search = selection.get("configurations"), selection.get("search")
    return (tried, search) if isinstance(tried, int) and isinstance(search, int) else None


def main_metric(results: Results, record: Mapping[str, Any]) -> str | None:
    """The name of the metric to begin with; None if nothing was measured."""
    measured = [*results.validation_metrics, *results.test_metrics]
    configured = results.config.get("metrics")
    names = configured if isinstance(configured, (list, tuple)) else []
    wanted = [record.get("main_metric"), *(name for name in names if isinstance(name, str))]
    return next((name for name in wanted if name in measured), measured[0] if measured else None)


def metrics_table(results: Results, record: Mapping[str, Any]) -> Table:
    """All metrics, a row each; columns that hold nothing are left out."""
    baseline, best = _baseline(results), record.get("best") or {}
    names = dict.fromkeys([*results.validation_metrics, *results.test_metrics])
    titles = ("metric", "mean", "95 % interval", "std", "test", "training", "baseline")
    columns = (*titles, f"experiment {best['id']}" if best else "best earlier")
    rows = [_row(name, results, baseline, best.get("values") or {}) for name in names]
    kept = [at for at in range(len(columns)) if at == 0 or any(row[at] is not None for row in rows)]
    return Table(tuple(columns[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in rows))


def _row(name: str, results: Results, baseline: Mapping[str, Any], best: Mapping[str, Any]) -> tuple[Any, ...]:
    validation = results.validation_metrics.get(name, {})
    part = "validation" if validation else "test"
    return (
        name,
        cell(validation.get("mean")),
        _interval(name, validation)[0] or None,
        cell(validation.get("std")),
        cell(results.test_metrics.get(name)),
        cell((results.diagnostics.get("training") or {}).get(name)),
        cell(_value(baseline.get(part, {}).get(name))),
        cell(best.get(name)),
    )


def _baseline(results: Results) -> Mapping[str, Any]:
    return results.diagnostics.get("baseline") or {}


def _value(entry: Any) -> float | None:
    """The mean of an entry of validation metrics, or the number that an entry of test metrics is."""
    return _known(entry.get("mean") if isinstance(entry, Mapping) else entry)


def _known(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _basis(validation: Mapping[str, Any]) -> str:
    folds = len(validation.get("folds") or ())
    if validation.get("pooled"):
        return f"over the pooled predictions of {folds:,} folds"
    return f"mean of {folds:,} folds" if folds > 1 else "on the validation rows"


def _interval(name: str, validation: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The interval as text, and a sentence if it was cut at the end of the metric's range."""
    ends, shown = recorded_interval(validation), shown_interval(name, validation)
    if ends is None or shown is None:
        return "", []
    text, whole = (" to ".join(map(format_number, pair)) for pair in (shown, ends))
    least, greatest = metric_range(name)
    reach = f"{least:g} to {greatest:g}" if math.isfinite(least) else f"{greatest:g} at most"
    note = f"The interval is recorded as {whole}, and shown as far as {name} can go: {reach}."
    return text, [note] if shown != ends else []


def _others(name: str, results: Results, record: Mapping[str, Any], *, on_test: bool) -> list[tuple[str, float, Any]]:
    """What to compare with, its value, and its number if it is an experiment."""
    baseline, best = _baseline(results), record.get("best") or {}
    floor = _value((baseline.get("test" if on_test else "validation") or {}).get(name))
    earlier = _known((best.get("values") or {}).get(name))
    found = [] if floor is None else [("baseline", floor, None)]
    return found if earlier is None else [*found, (f"experiment {best['id']}", earlier, best["id"])]


def _against(name: str, value: float, other: tuple[str, float, Any]) -> Against:
    what, there, number = other
    difference = value - there
    verdict = "better" if (difference < 0) == better_is_lower(name) else "worse"
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    text = f"{sign}{format_number(abs(difference))}"
    return Against(what, format_number(there), text, verdict if difference else "equal", number)


def _how(validation: Mapping[str, Any]) -> list[str]:
    """What is to be said of a value that is no plain mean over folds, and of an interval that there is not."""
    method = str(validation.get("ci95_method") or "")
    bootstrap = validation.get("bootstrap")
    said = (
        ["It cannot be taken on each fold, so it is computed once, over all of them."]
        if validation.get("pooled")
        else []
    )
    said += [f"There is no interval: {method.removeprefix('none: ')}."] if method.startswith("none: ") else []
    if bootstrap:
        shown = {name: format_number(value) for name, value in bootstrap.items()}
        said.append(
            f"The .632 estimate is {shown['632']}, the .632+ estimate {shown['632+']}; on its own training rows the "
            f"final model has {shown['apparent']}, without any information it would have {shown['no_information']}."
        )
    return said


def _hints(name: str, results: Results, record: Mapping[str, Any]) -> list[str]:
    baseline, best = _baseline(results), record.get("best") or {}
    kind = str(baseline.get("type", "")).removeprefix("sklearn.dummy.")
    better = "Smaller values are better." if better_is_lower(name) else ""
    better = "The error is negative, so values nearer to 0 are better." if name.startswith("neg_") else better
    floor = f"The baseline is {kind}, measured on the same rows." if kind else ""
    of = f"experiment {best.get('id')}, {best.get('name')}"
    earlier = f"The best of all earlier experiments on the same data and folds is {of}." if best else ""
    return [text for text in (better, floor, earlier) if text]


def _command(name: str, results: Results, record: Mapping[str, Any]) -> str:
    best = record.get("best") or {}
    comparable = name in results.validation_metrics and _known((best.get("values") or {}).get(name)) is not None
    return f"kedro experiment compare {best['id']} {results.id}" if comparable and len(results.folds) > 1 else ""


def _chart(
    name: str,
    value: float | None,
    validation: Mapping[str, Any],
    test: float | None,
    others: Sequence[tuple[str, float, Any]],
) -> Fragment | None:
    if value is None:
        return None
    folds = () if validation.get("pooled") else validation.get("folds") or ()
    points = [point for point in map(_known, folds) if point is not None]
    first = Estimate("this experiment", value, shown_interval(name, validation), points if len(points) > 1 else ())
    rows = [first] if validation else [Estimate("test rows", value, look=1)]
    rows += [Estimate("test rows", test, look=1)] if validation and test is not None else []
    rows += [Estimate(what, there, look=6 if number is None else 2) for what, there, number in others]
    if len(rows) == 1 and not points:
        return None
    description = ", ".join(f"{row.name} {format_number(row.value)}" for row in rows)
    chart = forest(rows, title=f"{name} in context", x_label=name, description=f"{description}.")
    return Fragment("chart", "", chart.svg, _caption(bool(others), len(points) > 1), chart.table)


def _caption(compared: bool, spread: bool) -> str:
    parts = [
        "Dots are folds, the band is the 95 % interval of their mean." if spread else "",
        "A difference smaller than the band may be chance." if spread and compared else "",
    ]
    return " ".join(part for part in parts if part)
