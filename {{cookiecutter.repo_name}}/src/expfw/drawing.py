"""Drawing the page of an experiment from its record: trials of a search have none before, for few are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expfw.config.secrets import hide
from expfw.construct.find import project_components
from expfw.construct.plan import make_plan
from expfw.errors import RecordError
from expfw.predictions import empty_table
from expfw.record import read_record
from expfw.run.build import RunContext, RunReports
from expfw.run.files import atomic, write_json
from expfw.run.folder import ResultFolder, find_folder, result_root
from expfw.run.recorded import has_output, load_output
from expfw.run.stored import stored_experiment
from expfw.search.trials import is_search
from expfw.workflow import EVERYTHING

ABSENT: Mapping[str, Any] = {
    "test_metrics": {},
    "validation_metrics": {},
    "folds": [],
    "final_model": None,
}
"""What stands for an output that an experiment has not."""


def draw_page(project: Path, package: str, number: int) -> Path:
    """Draw the page of an experiment from what is on record of it.

    Args:
        project: the project's folder.
        package: the user's package.
        number: the experiment's number N.

    Returns:
        The page's file.

    Raises:
        RecordError: if the experiment has not come so far that there is something to draw.
    """
    from expfw import steps

    folder = find_folder(result_root(project), number)
    if is_search(folder):
        return draw_search(project, package, folder)
    if not has_output(folder, "predictions"):
        status = read_record(folder).status
        raise RecordError(
            f"experiment {number} is {status} and has no predictions on record, so there is nothing to draw"
        )
    plan = make_plan(stored_experiment(folder), project_components(project, package))
    reports = RunReports("reports", RunContext(plan, folder), None, "report")
    found, page = steps.report(*(_output(folder, name) for name in EVERYTHING), reports)
    write_json(folder.report / "diagnostics.json", found)
    path = folder.report / "index.html"
    with atomic(path) as file:
        file.write(hide(page).encode())
    return path


def draw_search(project: Path, package: str, folder: ResultFolder) -> Path:
    """Draw the page of a search from what is on record of it, also of one that goes on or was interrupted.

    Args:
        project: the project's folder.
        package: the user's package.
        folder: the search's folder.

    Returns:
        The page's file.
    """
    from expfw.report.search.page import write_search
    from expfw.search.section import search_of

    components = project_components(project, package)
    plan = make_plan(stored_experiment(folder), components)
    return write_search(folder, plan, search_of(plan, components))


def _output(folder: ResultFolder, name: str) -> Any:
    if has_output(folder, name):
        return load_output(folder, name)
    if name in ABSENT:
        return ABSENT[name]
    development = load_output(folder, "development_data")
    return development.take([]) if name == "test_data" else empty_table(development.y is not None)
