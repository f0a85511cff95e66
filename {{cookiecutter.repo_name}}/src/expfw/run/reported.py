"""What an experiment's page says of the run beside its results: origins, times, lineage, and what came before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from expfw.errors import ExpfwError
from expfw.index import best_on_same_data, digests_of, read_index
from expfw.results import Results
from expfw.run.events import EventLog, checksums, timing
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder

logger = logging.getLogger(__name__)


def reported(folder: ResultFolder, events: EventLog, values: Mapping[str, Any], results: Results) -> dict[str, Any]:
    """The entries of the record that :func:`expfw.report.page.build_view` takes.

    Args:
        folder: the experiment's folder.
        events: its event log.
        values: the merged configuration, for what describes the experiment.
        results: its results.
    """
    from expfw.report.result import main_metric

    run = read_json(folder.log / "run.json", {})
    name = main_metric(results, {})
    return {
        "description": values.get("description", ""),
        "tags": values.get("tags", []),
        "started": f"{datetime.fromisoformat(run['started']):%Y-%m-%d %H:%M} UTC" if "started" in run else None,
        "parents": run.get("parents", []),
        "rerun_of": run.get("rerun_of"),
        "restarts": run.get("restarts", []),
        "origins": read_json(folder.log / "origin.json", {}),
        "timing": timing(events),
        "reused": {event["node"]: event["from"] for event in events.read("reused")},
        "best": None if name is None else best_earlier(folder, events, name, results),
    }


def best_earlier(folder: ResultFolder, events: EventLog, metric: str, results: Results) -> dict[str, Any] | None:
    """The best earlier experiment on the same data and folds, with its values; None if there is none.

    Earlier experiments are looked at, not needed: what is wrong with them does not stop this one.
    """
    part = "validation" if metric in results.validation_metrics else "test"
    try:
        rows = read_index(folder.path.parent)
        best = best_on_same_data(rows, digests_of(checksums(events)), f"{part}.{metric}", before=folder.id)
    except (ExpfwError, OSError) as error:
        logger.warning("earlier experiments cannot be compared with: %s", error)
        return None
    if best is None:
        return None
    names = {**results.validation_metrics, **results.test_metrics}
    return {"id": best.id, "name": best.name, "values": {name: best.metric(f"{part}.{name}") for name in names}}
