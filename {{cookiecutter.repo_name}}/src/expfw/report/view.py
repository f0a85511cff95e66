"""What the experiment's page shows, part by part; each part has a module of its own.

Numbers are those of the record (``results.validation_metrics``, ``results.test_metrics``); none is computed again here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from expfw.report import additions, configuration, course, findings
from expfw.report.axes import format_seconds
from expfw.report.collector import Fragment
from expfw.report.predicted import predicted
from expfw.report.result import Headline, headline, metrics_table
from expfw.report.summary import DataSummary, summarise
from expfw.report.table import Table
from expfw.results import Results


@dataclass(frozen=True)
class PageView:
    """Everything that the page shows, ready to be written.

    Args:
        number: the experiment's number N.
        name: the experiment's name.
        description: one sentence on the experiment; may be empty.
        tags: its tags.
        facts: short facts below the result, name and value.
        headline: the main metric; None if nothing was measured.
        findings: what the checks found.
        metrics: all metrics as recorded, beside those of the baseline and the best earlier experiment.
        predicted: what was predicted for data without a target; None if there is one.
        additions: what reports and other components added.
        configuration: the settings with their origins.
        data: the data in numbers.
        timing: drawings of the seconds per node and per fold, and the numbers behind them.
        environment: name and value of what the experiment ran on.
        packages: name and version of each package.
        lineage: what the experiment rests on, and how it came about.
    """

    number: int
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    headline: Headline | None = None
    findings: findings.Findings = field(default_factory=findings.Findings)
    metrics: Table = field(default_factory=Table)
    predicted: Fragment | None = None
    additions: additions.Additions = field(default_factory=additions.Additions)
    configuration: configuration.Configuration = field(default_factory=configuration.Configuration)
    data: DataSummary = field(default_factory=DataSummary)
    timing: tuple[Fragment, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    lineage: tuple[course.Ancestor, ...] = ()


def build_view(results: Results, fragments: Iterable[Fragment], record: Mapping[str, Any]) -> PageView:
    """Arrange an experiment's results and additions for the page.

    Args:
        results: what the experiment gave.
        fragments: what its components added, from :func:`expfw.report.collector.read_fragments`.
        record: further entries of the record, each optional: ``description``, ``tags``, ``started``, ``parents``,
            ``rerun_of``, ``restarts``, ``origins`` (of the settings, by key path), ``timing`` (``folds`` and
            ``parts``), ``reused`` (by node, the experiment that its outputs are from), ``best`` (the best earlier
            experiment on the same data, ``{"id", "name", "values": {metric: value}}``), ``main_metric`` (else the first
            metric of the configuration).
    """
    config, reused = results.config, record.get("reused") or {}
    return PageView(
        number=results.id,
        name=results.name,
        description=str(record.get("description") or config.get("description") or ""),
        tags=tuple(map(str, record.get("tags") or config.get("tags") or ())),
        facts=_facts(results, record),
        headline=headline(results, record),
        findings=findings.arrange(results.diagnostics),
        metrics=metrics_table(results, record),
        predicted=predicted(results.best_predictions),
        additions=additions.arrange(fragments),
        configuration=configuration.arrange(config, record.get("origins") or {}, results.name),
        data=_data(results),
        timing=course.seconds(results.timing, record.get("timing") or {}, reused),
        environment=tuple(course.environment(results.environment)),
        packages=course.packages(results.environment.get("packages")),
        lineage=course.lineage(record, reused),
    )


def _facts(results: Results, record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    parents = ", ".join(str(parent) for parent in record.get("parents") or ())
    whole = sum(results.timing.values())
    facts = {
        "Model": _type(results.config.get("model")),
        "Task": _task(results),
        "Rows": f"{len(results.development_data) + len(results.test_data):,}",
        "Folds": f"{len(results.folds):,}" if len(results.folds) else "",
        "Took": format_seconds(whole) if whole else "",
        "Started": str(record.get("started") or ""),
        "Built on": f"experiment {parents}" if parents else "",
    }
    return tuple((name, value) for name, value in facts.items() if value)


def _task(results: Results) -> str:
    return results.task if len(results.best_predictions) else ""


def _type(component: Any) -> str:
    if isinstance(component, Mapping):
        if "from_experiment" in component:
            return f"from experiment {component['from_experiment']}"
        return str(component.get("type", "")).rpartition(".")[2]
    return "" if component is None else str(component)


def _data(results: Results) -> DataSummary:
    splits = {"development": results.development_data, "test": results.test_data}
    return summarise(splits, results.folds, classes=_task(results) == "classification")
