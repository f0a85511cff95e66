"""The configurations that a search would try, as experiment files: to be looked at, edited, and run by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expfw.check import project_loader
from expfw.config.keys import KEYS
from expfw.construct.find import project_components
from expfw.construct.plan import Plan
from expfw.errors import ExpfwError
from expfw.report.search.names import shown
from expfw.run.files import atomic
from expfw.run.project import plan_of
from expfw.search.course import Course
from expfw.search.given import check_given, settings_in_file
from expfw.search.section import KEY, Search
from expfw.search.work import SearchWork

if TYPE_CHECKING:
    from expfw.search.start import Wish

SCHEMA = "../experiment.schema.json"
"""Where an experiment file finds the schema that an editor checks it by."""


@dataclass(frozen=True)
class Draft:
    """A configuration that a search would try.

    Args:
        name: the name that its file has, or would have.
        content: what stands in it.
    """

    name: str
    content: Mapping[str, Any]


def drafts(project: Path, package: str, name: str, wish: Wish) -> tuple[list[Draft], str]:
    """The configurations that a search would try, as experiment files; nothing is run.

    Args:
        project: the project's folder.
        package: the user's package.
        name: name of the experiment.
        wish: how many.

    Returns:
        The files; and what to know about those that are not among them, empty if all are.

    Raises:
        ConfigurationError: if the file has faults.
    """
    check_given(name, wish.params)
    loader = project_loader(project, None, **{**wish.params, "experiment": name})
    loader.env = wish.env or os.environ.get("KEDRO_ENV")
    components = project_components(project, package)
    work = SearchWork(components, wish.n_trials, wish.timeout)
    plan = work.planned(plan_of(loader))
    assert work.search is not None  # noqa: S101 - it was planned
    course = Course(work.search, _seed(plan))
    points = []
    limit = work.search.n_trials
    while course.may_ask() and (limit is None or course.asked < limit) and course.asked < MOST:
        points.append(course.ask())
    note = ""
    if work.search.learns and (limit is None or course.asked < limit):
        note = f"these are the first {len(points)}: which come next depends on their results"
    made = [draft_of_trial(plan, work.search, number, point, wish.params) for number, point in enumerate(points)]
    return _different(made), note


def _different(made: list[Draft]) -> list[Draft]:
    """Without those that have the configuration of an earlier one."""
    first: dict[str, Draft] = {}
    for draft in made:
        said = {key: value for key, value in draft.content.items() if key != "description"}
        first.setdefault(json.dumps(said, sort_keys=True), draft)
    return list(first.values())


MOST = 10_000
"""Configurations that a dry run gives at most."""


def _seed(plan: Plan) -> int:
    seed = plan.experiment.values["defaults"].get("random_state")
    return seed % 2**32 if isinstance(seed, int) and seed >= 0 else 0


def draft_of_trial(
    plan: Plan, search: Search, number: int, point: Mapping[str, Any], params: Mapping[str, Any]
) -> Draft:
    """The experiment file of one trial."""
    base = plan.experiment
    settings = ", ".join(f"{name}={shown(value)}" for name, value in point.items())
    content = {
        "$schema": SCHEMA,
        "description": f"Trial {number} of the search of {base.name}: {settings}",
        "tags": [*base.values.get("tags", []), f"search-of-{base.name}"],
        "extends": base.name,
        KEY: None,
        **settings_in_file(base, params, search.space.layer(point)),
        "test": False,
    }
    return Draft(f"{base.name}_trial_{number}", content)


def write_drafts(project: Path, made: list[Draft]) -> list[str]:
    """Write configurations as experiment files.

    Args:
        project: the project's folder.
        made: the configurations.

    Returns:
        The files, relative to the project.

    Raises:
        ExpfwError: if there is a file of that name; none is written then.
    """
    for draft in made:
        path = project / f"config/experiments/{draft.name}.json"
        if path.exists():
            raise ExpfwError(f"{path.relative_to(project)} is there already; move it away, no file was written")
    return [written_file(project, draft.name, draft.content) for draft in made]


def written_file(project: Path, name: str, content: Mapping[str, Any]) -> str:
    """Write an experiment file.

    Args:
        project: the project's folder.
        name: its name.
        content: what stands in it.

    Returns:
        The file, relative to the project.
    """
    where = f"config/experiments/{name}.json"
    ordered = {key: content[key] for key in KEYS if key in content}
    with atomic(project / where) as file:
        file.write((json.dumps(ordered, indent=2, ensure_ascii=False) + "\n").encode())
    return where
