"""Experiments as tables on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from expfw.errors import RecordError, did_you_mean
from expfw.record import ExperimentRecord, headline, number, with_spread
from expfw.run.files import read_json
from expfw.run.lineage import children, descent, parents
from expfw.settings import Setting

STYLES = {"COMPLETED": "green", "FAILED": "red", "INTERRUPTED": "yellow", "RUNNING": "cyan", "DEAD": "red"}
FIELDS = ("id", "name", "status", "started")
ERRORS = ("error", "loss")
"""Metrics that end so are the better the smaller they are (scikit-learn's ``neg_…`` are turned round already)."""


def sorted_records(records: Sequence[ExperimentRecord], key: str | None) -> list[ExperimentRecord]:
    """Records in the order wanted: by ascending ``id`` unless told otherwise, the best first for a metric.

    Args:
        records: the experiments.
        key: ``id``, ``name``, ``status``, ``started``, or a metric such as ``accuracy`` or ``test.accuracy``.

    Raises:
        RecordError: if no experiment has a metric of that name.
    """
    if key is None or key in FIELDS:
        return sorted(
            records,
            key=lambda record: (str(getattr(record, key or "id")) if key not in (None, "id") else "", record.id),
        )
    measured = [record for record in records if record.metric(key) is not None]
    if records and not measured and key.rpartition(".")[2] not in metric_names(records):
        raise RecordError(
            f"cannot sort by '{key}': no experiment has it; {did_you_mean(key, [*FIELDS, *metric_names(records)])}"
        )
    ascending = key.lower().endswith(ERRORS) and not key.rpartition(".")[2].startswith("neg_")
    measured.sort(key=lambda record: record.metric(key) or 0.0, reverse=not ascending)
    return measured + [record for record in records if record.metric(key) is None]


def metric_names(records: Iterable[ExperimentRecord]) -> list[str]:
    """Names of all metrics that any of the experiments measured, in the order met."""
    return list(dict.fromkeys(n for record in records for part in record.metrics.values() for n in part))


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as key paths and values, without what only describes.

    Example:
        >>> settings({"model": {"type": "A", "params": {"depth": 2}}, "holdout": None, "tags": []})
        {'model.type': 'A', 'model.params.depth': 2, 'holdout': None}
    """
    left_out = ("$schema", "description", "tags", "published", "reports", "extends", "defaults")
    return dict(_leaves({key: value for key, value in config.items() if key not in left_out}, ()))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    else:
        yield ".".join(path), value


def differing(records: Sequence[ExperimentRecord]) -> list[str]:
    """Key paths of the settings in which the experiments differ."""
    flat = [settings(record.config) for record in records if record.config]
    keys = dict.fromkeys(key for config in flat for key in config)
    return [key for key in keys if len({json.dumps(config.get(key), sort_keys=True) for config in flat}) > 1]


def overview_table(
    records: Sequence[ExperimentRecord],
    root: Path,
    columns: Sequence[str] | None = None,
    metric: str | None = None,
    width: int | None = None,
) -> RenderableType:
    """All experiments, a line each: status, metrics, chosen settings.

    Args:
        records: the experiments, in the order to show.
        root: where they lie.
        columns: key paths of settings to show; data source and model by default.
        metric: the metric to show; each experiment's first by default.
        width: columns of the terminal; what does not fit is left out, the start time first. None for no limit.
    """
    if not records:
        return Text(f"There are no experiments in {root} yet; start one with 'kedro run'.")
    unknown = [c for c in columns or () if all(_setting(record, c) is None for record in records)]
    columns = ["data_source", "model.type"] if columns is None else list(columns)
    if unknown:
        known = [key for record in records for key in settings(record.config)]
        raise RecordError(f"no experiment has the setting '{unknown[0]}'; {did_you_mean(unknown[0], known)}")
    rows = [_row(record, metric, columns) for record in records]
    titles = ["N", "experiment", "status", "started", "result", "test", *(c.removesuffix(".type") for c in columns)]
    shown = _fitting(titles, rows, width)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for at in shown:
        table.add_column(titles[at], justify="right" if at == 0 else "left", overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(row[at] for at in shown))
    return table


def _fitting(titles: Sequence[str], rows: Sequence[Sequence[Text]], width: int | None) -> list[int]:
    """Positions of the columns that fit; dropped are the start time, then from the right; last the result is cut."""
    widths = [max(len(title), *(row[at].cell_len for row in rows)) + 2 for at, title in enumerate(titles)]
    shown = list(range(len(titles)))
    for at in (titles.index("started"), *reversed(range(titles.index("test"), len(titles)))):
        if width is None or sum(widths[i] for i in shown) <= width + 2:
            return shown
        shown.remove(at)
    result = titles.index("result")
    left = (width or 0) + 2 - sum(widths[i] for i in shown if i != result) - 2
    for row in rows:
        row[result].truncate(max(left, len("result")), overflow="ellipsis")
    return shown


def _row(record: ExperimentRecord, metric: str | None, columns: Sequence[str]) -> list[Text]:
    validation, test = _results(record, metric)
    return [
        Text(str(record.id)),
        Text(record.name),
        Text(record.status, style=STYLES.get(record.status, "")),
        Text(_when(record.started)),
        Text(validation),
        Text(test),
        *(Text(_setting(record, column) or "–") for column in columns),
    ]


def _results(record: ExperimentRecord, metric: str | None) -> tuple[str, str]:
    """A metric over the folds and on the held-out rows; the experiment's first metric if none is asked for."""
    if record.status == "?":
        return "cannot be read", "–"
    name = metric.rpartition(".")[2] if metric else next(iter(metric_names([record])), None)
    if name is None or record.metric(name) is None:
        return "–", "–"
    validation = record.metrics["validation"].get(name)
    return "–" if validation is None else f"{name} {with_spread(validation)}", _test(record, name)


def _test(record: ExperimentRecord, name: str) -> str:
    value = number(record.metrics["test"].get(name))
    return value if name in record.metrics["validation"] or value == "–" else f"{name} {value}"


def _setting(record: ExperimentRecord, key: str) -> str | None:
    if key == "data_source":
        source = record.config.get("data_source") or {}
        params = source.get("params", {})
        told = next((str(params[name]) for name in ("name", "path", "entry") if name in params), None)
        return told or (str(source["type"]).rpartition(".")[2] if "type" in source else None)
    value = settings(record.config).get(key)
    if key.endswith(".type") and isinstance(value, str):
        return value.rpartition(".")[2]
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def _when(stamp: str | None) -> str:
    return "–" if stamp is None else datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")


def detail(record: ExperimentRecord) -> RenderableType:
    """One experiment: what it was, what came out, how it was configured, where the time went."""
    parts: list[RenderableType] = [
        Text.assemble(
            (f"experiment {record.id} · {record.name} · ", "bold"), (record.status, STYLES.get(record.status, "bold"))
        ),
        Text(str(record.config.get("description", ""))),
        Text(f"started {_when(record.started)}, stopped {_when(record.stopped)}\n{record.path}"),
    ]
    if record.error:
        parts.append(Text(record.error, style="red"))
    parts += [Text(f"  {line}", style="bold") for line in headline(record.metrics)]
    parts += [Text(line) for line in (*_restarted(record), *_lineage(record), *_reused(record))]
    parts += [_pairs("setting", settings(record.config)), _pairs("seconds", _seconds(record))]
    return Group(*(part for part in parts if not isinstance(part, Text) or part.plain))


def _reused(record: ExperimentRecord) -> list[str]:
    """What was taken instead of computed, a line for each experiment that it is from."""
    origins = sorted(set(record.reused.values()))
    nodes = {number: [node for node, origin in record.reused.items() if origin == number] for number in origins}
    return [f"reused: {', '.join(names)} from experiment {number}" for number, names in nodes.items()]


def _restarted(record: ExperimentRecord) -> list[str]:
    """What had changed when it was taken up again by force."""
    changed = list(dict.fromkeys(name for restart in record.restarts for name in restart.get("changed", [])))
    lines = [f"restarted with --force although changed: {', '.join(changed)}"] if changed else []
    command = f"kedro experiment restart {record.id}"
    if record.status in ("INTERRUPTED", "DEAD"):
        return [*lines, f"go on with it: {command}"]
    return [*lines, f"go on with it, when the cause is mended: {command}"] if record.status == "FAILED" else lines


def _lineage(record: ExperimentRecord) -> list[str]:
    """The line of descent: ancestors, oldest first, then this experiment, then what came of it."""
    above = list(descent(record.path, parents))
    below = list(descent(record.path, children))
    if not above and not below:
        return []
    deepest = max((depth for depth, _ in above), default=0)
    lines = ["line of descent"]
    lines += [f"  {'  ' * (deepest - depth)}{_named(record, number)}" for depth, number in reversed(above)]
    lines.append(f"  {'  ' * deepest}{record.id} {record.name}  ← this one")
    return lines + [f"  {'  ' * (deepest + depth)}{_named(record, number)}" for depth, number in below]


def _named(record: ExperimentRecord, number: int) -> str:
    run = read_json(record.path.with_name(f"result_experiment_{number}") / "log" / "run.json", {})
    return f"{number} {run.get('name', '(deleted)') if isinstance(run, dict) else '?'}"


def _seconds(record: ExperimentRecord) -> dict[str, str]:
    return {node: f"{seconds:.3f}" for node, seconds in record.timing.get("nodes", {}).items()}


def _pairs(title: str, values: Mapping[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, title_justify="left")
    table.add_column(title)
    table.add_column("")
    for key, value in values.items():
        table.add_row(Text(key), Text(value if isinstance(value, str) else json.dumps(value)))
    return table


def configuration_table(chosen: Sequence[Setting], *, origin: bool) -> RenderableType:
    """Settings with their values and, if asked for, where each came from."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("setting", "value", *(["origin"] if origin else [])):
        table.add_column(title, overflow="fold")
    for setting in chosen:
        value = setting.value if isinstance(setting.value, str) else json.dumps(setting.value)
        cells = [Text(setting.key), Text(value), Text(setting.origin or "not given", style="dim")]
        table.add_row(*cells[: 3 if origin else 2])
    return table
