"""The checks of a run: what they are given, and what is said of their findings in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from expfw.config.secrets import hide_in
from expfw.construct.blueprint import Blueprint
from expfw.diagnostics.catalogue import link
from expfw.diagnostics.diagnose import diagnose
from expfw.diagnostics.muting import muted
from expfw.results import Results
from expfw.run.build import Builder
from expfw.run.generators import own_generators
from expfw.run.live import asks_for_services
from expfw.scoring import NamedMetric, named_metrics

logger = logging.getLogger("expfw.diagnostics")


def examine(reports: Builder, results: Results) -> dict[str, Any]:
    """Check a run's results, and say in the log what was found and is not muted.

    Args:
        reports: a builder of the run.
        results: the run's results.

    Returns:
        What ``report/diagnostics.json`` holds.
    """
    plan = reports.context.plan
    with own_generators():
        found: dict[str, Any] = diagnose(
            results,
            metrics=_metrics(plan.components["metrics"]),
            mute=muted(plan.experiment.values.get("mute")),
            may_ask_model=not asks_for_services([plan.components["features"], plan.components["model"]]),
        )
    found = hide_in(found)
    _tell(found["findings"], reports.context.folder.id)
    return found


def _metrics(planned: Any) -> Callable[[], list[NamedMetric]]:
    """Builds the metrics anew; one with services is left out, for it may add to the page at each call."""

    def build() -> list[NamedMetric]:
        left_out = [asks_for_services(metric) for metric in planned]
        built = [_built(metric, left) for metric, left in zip(planned, left_out, strict=True)]
        # named all together: one that is left out has its part in how a name that comes twice is numbered
        return [metric for metric, left in zip(named_metrics(built), left_out, strict=True) if not left]

    return build


def _built(metric: Any, left_out: bool) -> Any:
    if not isinstance(metric, Blueprint):
        return metric
    return metric.target if left_out else metric.build()


def _tell(findings: list[Mapping[str, Any]], number: int) -> None:
    open_findings = [finding for finding in findings if finding["muted"] is None]
    for finding in open_findings:
        level = logging.WARNING if finding["severity"] == "warning" else logging.INFO
        logger.log(level, "%s %s (%s)", finding["code"], finding["sentence"], link(finding["code"]))
    if open_findings:
        logger.info("how this was found, and what to do: kedro experiment show %d", number)
