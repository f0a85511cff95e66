"""What the experiment's page shows: results, additions, configuration, data, environment and timing.

Numbers are those of the record (``results.validation_metrics``, ``results.test_metrics``); none is computed again here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from expfw.report.axes import format_number
from expfw.report.charts import bars
from expfw.report.collector import Fragment
from expfw.report.summary import DataSummary, summarise
from expfw.report.table import Table, cell
from expfw.results import Results

MAX_ADDITIONS = 2_000_000
MAX_CONFIG = 100_000
MAX_LISTED = 500


@dataclass(frozen=True)
class Headline:
    """The main metric as text: name, value, what it was measured on, 95 % interval and value on the test data."""

    name: str
    value: str
    basis: str
    interval: str = ""
    test: str = ""


@dataclass(frozen=True)
class Group:
    """Additions under one heading: those of a report, or of one fold."""

    title: str
    fragments: tuple[Fragment, ...]


@dataclass(frozen=True)
class Step:
    """What the components of one step added: for the step as a whole, and for each fold."""

    title: str
    whole: tuple[Fragment, ...]
    folds: tuple[Group, ...]


@dataclass(frozen=True)
class PageView:
    """Everything that the page shows, ready to be written.

    Args:
        number: the experiment's number N.
        name: the experiment's name.
        description: one sentence on the experiment; may be empty.
        tags: its tags.
        facts: short facts below the heading, name and value.
        headline: the main metric; None if nothing was measured.
        metrics: all metrics as recorded.
        reports: additions of the reports.
        steps: additions of other components.
        notes: sentences on additions that could not be read or had no room.
        components: step, type and parameters of each component.
        config: the resolved configuration as JSON.
        data: the data in numbers.
        environment: name and value of what the experiment ran on.
        packages: name and version of each package.
        timing: a drawing of the seconds per node and the numbers behind it.
    """

    number: int
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    headline: Headline | None = None
    metrics: Table = field(default_factory=Table)
    reports: tuple[Fragment, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    components: Table = field(default_factory=Table)
    config: str = ""
    data: DataSummary = field(default_factory=DataSummary)
    environment: tuple[tuple[str, str], ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    timing: Fragment | None = None


def build_view(results: Results, fragments: Iterable[Fragment], record: Mapping[str, Any]) -> PageView:
    """Arrange an experiment's results and additions for the page.

    Args:
        results: what the experiment gave.
        fragments: what its components added, from :func:`expfw.report.collector.read_fragments`.
        record: further entries of the record, each optional: ``description``, ``tags``, ``started``, ``parents``,
            ``forced`` (what had changed when the run was taken up again), ``main_metric`` (else the first metric of
            the configuration).
    """
    kept, notes = _budget(fragments)
    of_reports = [fragment for fragment in kept if fragment.step == "report"]
    others = [fragment for fragment in kept if fragment.step != "report"]
    config = results.config
    return PageView(
        number=results.id,
        name=results.name,
        description=str(record.get("description") or config.get("description") or ""),
        tags=tuple(map(str, record.get("tags") or config.get("tags") or ())),
        facts=_facts(results, record),
        headline=_headline(results, record),
        metrics=_metrics(results),
        reports=tuple(of_reports),
        steps=tuple(_step(name, list(group)) for name, group in groupby(others, lambda fragment: fragment.step)),
        notes=tuple(notes),
        components=_components(config),
        config=_pretty(config),
        data=_data(results),
        environment=tuple(_environment(results.environment)),
        packages=tuple(_packages(results.environment.get("packages"))),
        timing=_timing(results.timing),
    )


def _budget(fragments: Iterable[Fragment]) -> tuple[list[Fragment], list[str]]:
    """As many additions as a page of sensible size has room for, and sentences on the others."""
    kept, notes, size, left_out = [], [], 0, 0
    for fragment in fragments:
        room = _size(fragment)
        if fragment.kind == "fault":
            notes.append(fragment.body)
        elif size + room > MAX_ADDITIONS:
            left_out += 1
        else:
            kept.append(fragment)
            size += room
    more = [f"{len(notes) - 20:,} more additions could not be read."] if len(notes) > 20 else []
    full = [f"{left_out:,} further additions had no room here; they are in the folder sections beside this page."]
    return kept, [*notes[:20], *more, *(full if left_out else [])]


def _size(fragment: Fragment) -> int:
    cells = sum(len(str(value)) + 30 for row in fragment.table.rows for value in row)
    return 400 + cells + len(fragment.body) * (4 if fragment.kind == "image" else 3) // 3


def _step(name: str, fragments: Sequence[Fragment]) -> Step:
    whole = tuple(fragment for fragment in fragments if fragment.fold is None)
    inside = [fragment for fragment in fragments if fragment.fold is not None]
    folds = groupby(inside, lambda fragment: fragment.fold)
    groups = tuple(Group(f"Fold {(fold or 0) + 1}", tuple(group)) for fold, group in folds)
    return Step(name.replace("_", " ").capitalize(), whole, groups)


def _main_metric(results: Results, record: Mapping[str, Any]) -> str | None:
    measured = [*results.validation_metrics, *results.test_metrics]
    wanted = [record.get("main_metric"), *_names(results.config.get("metrics"))]
    return next((name for name in wanted if name in measured), measured[0] if measured else None)


def _names(metrics: Any) -> list[str]:
    return [metric for metric in metrics if isinstance(metric, str)] if isinstance(metrics, (list, tuple)) else []


def _headline(results: Results, record: Mapping[str, Any]) -> Headline | None:
    name = _main_metric(results, record)
    if name is None:
        return None
    test = format_number(cell(results.test_metrics[name])) if name in results.test_metrics else ""
    validation = results.validation_metrics.get(name)
    if validation is None:
        return Headline(name, test, "on the test data")
    folds = len(validation.get("folds") or ())
    basis = f"mean of {folds:,} folds" if folds > 1 else "on the validation rows"
    return Headline(name, format_number(cell(validation.get("mean"))), basis, _interval(validation), test)


def _interval(validation: Mapping[str, Any]) -> str:
    low, high = (cell(value) for value in (validation.get("ci95") or (None, None)))
    return "" if low is None or high is None else f"{format_number(low)} to {format_number(high)}"


def _metrics(results: Results) -> Table:
    names = dict.fromkeys([*results.validation_metrics, *results.test_metrics])
    rows = tuple(_metric(name, results.validation_metrics.get(name, {}), results) for name in names)
    return Table(("metric", "mean", "std", "95 % interval", "folds", "test"), rows)


def _metric(name: str, validation: Mapping[str, Any], results: Results) -> tuple[Any, ...]:
    mean, deviation = cell(validation.get("mean")), cell(validation.get("std"))
    folds = len(validation.get("folds") or ()) or None
    return name, mean, deviation, _interval(validation) or None, folds, cell(results.test_metrics.get(name))


def _facts(results: Results, record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    parents = ", ".join(str(parent) for parent in record.get("parents") or ())
    forced = record.get("forced") or ()
    facts = {
        "Model": _type(results.config.get("model")),
        "Task": _task(results),
        "Rows": f"{len(results.development_data) + len(results.test_data):,}",
        "Started": str(record.get("started") or ""),
        "Built on": f"experiment {parents}" if parents else "",
        "Restarted": f"with --force, although changed: {', '.join(forced)}" if forced else "",
    }
    return tuple((name, value) for name, value in facts.items() if value)


def _task(results: Results) -> str:
    known = [part for part in (results.predictions, results.test_predictions) if "y_pred" in part.frame]
    return known[0].task if known else ""


def _type(component: Any) -> str:
    if isinstance(component, Mapping):
        return str(component.get("type", "")).rpartition(".")[2]
    return "" if component is None else str(component)


def _components(config: Mapping[str, Any]) -> Table:
    steps = [(key, entry) for key, value in config.items() for entry in (value if isinstance(value, list) else [value])]
    entries = [(key, {"type": entry} if key == "metrics" and isinstance(entry, str) else entry) for key, entry in steps]
    chosen = [
        (key, entry) for key, entry in entries if isinstance(entry, Mapping) and {"type", "from_experiment"} & {*entry}
    ]
    return Table(("step", "component", "parameters"), tuple((key, *_component(entry)) for key, entry in chosen))


def _component(entry: Mapping[str, Any]) -> tuple[str, str]:
    if "from_experiment" in entry:
        return f"from experiment {entry['from_experiment']}", ""
    params = entry.get("params")
    pairs = params.items() if isinstance(params, Mapping) else ()
    return str(entry["type"]), str(cell(", ".join(f"{name} = {_compact(value)}" for name, value in pairs)))


def _compact(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _pretty(config: Mapping[str, Any]) -> str:
    text = json.dumps(config, indent=2, default=str, ensure_ascii=False)
    return text if len(text) <= MAX_CONFIG else f"{text[:MAX_CONFIG]}\n… (the rest is left out)"


def _data(results: Results) -> DataSummary:
    splits = {"development": results.development_data, "test": results.test_data}
    return summarise(splits, list(results.folds), classes=_task(results) == "classification")


def _environment(environment: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in environment.items():
        if isinstance(value, Mapping) and name != "packages":
            yield from ((f"{name} {key}", text) for key, text in _environment(value))
        elif isinstance(value, (str, int, float)) and str(value) and "\n" not in str(value).strip():
            yield name, str(cell(str(value).strip()))


def _packages(packages: Any) -> Iterable[tuple[str, str]]:
    pairs = packages.items() if isinstance(packages, Mapping) else [(str(name), "") for name in packages or ()]
    return sorted((str(name), str(version)) for name, version in pairs)[:MAX_LISTED]


def _timing(timing: Mapping[str, float]) -> Fragment | None:
    if not timing:
        return None
    chart = bars(timing, title="Seconds per step", unit="s", description="How long each step of the workflow took.")
    return Fragment("chart", "", chart.svg, chart.note, chart.table)
