"""Starting a search, going on with one, and testing the configuration that it chose."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expfw.check import project_loader
from expfw.config.keys import KEYS
from expfw.construct.find import Components, project_components
from expfw.construct.plan import Plan, make_plan
from expfw.errors import ExpfwError
from expfw.run.files import atomic, read_json, write_json
from expfw.run.folder import ResultFolder, find_folder, result_root
from expfw.run.project import plan_of
from expfw.run.stored import StoredRun, stored_experiment
from expfw.search.course import Course
from expfw.search.section import KEY, Search, search_of
from expfw.search.summary import FILE
from expfw.search.trials import is_search
from expfw.search.work import SearchWork, draw

logger = logging.getLogger("expfw.search")

SCHEMA = "../experiment.schema.json"


@dataclass(frozen=True)
class Found:
    """What came of a search.

    Args:
        folder: the search's folder.
        summary: see :func:`expfw.search.summary.summary`.
        file: the experiment file that was written for the best configuration, relative to the project.
        name: its name.
        tested: the experiment in which it was tested; None if that was not wanted.
    """

    folder: ResultFolder
    summary: Mapping[str, Any]
    file: str = ""
    name: str = ""
    tested: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {"id": self.folder.id, **self.summary, "file": self.file, "tested": self.tested}


@dataclass(frozen=True)
class Wish:
    """How far a search is to go, and what comes after it.

    Args:
        n_trials: how many trials, instead of what the file says.
        timeout: seconds after which no trial begins, instead of what the file says.
        test: whether the best configuration is run as an experiment of its own, which tests it on the hold-out.
        force: go on with a search although something changed since.
        params: as ``--params`` gives them.
        env: Kedro's environment.
    """

    n_trials: int | None = None
    timeout: float | None = None
    test: bool = True
    force: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    env: str | None = None


def search(project: Path, package: str, name: str, wish: Wish) -> Found:
    """Search the space of an experiment's file.

    Args:
        project: the project's folder.
        package: the user's package.
        name: name of the experiment.
        wish: how far, and what comes after.

    Raises:
        ConfigurationError: if the file has faults; nothing was created.
        ExperimentFailed: if all trials failed.
        ExperimentInterrupted: if Ctrl-C or SIGTERM ended it; :func:`go_on` goes on with it.
    """
    folder = _run(project, package, wish, {**wish.params, "experiment": name})
    return choose(project, folder, wish)


def go_on(project: Path, package: str, number: int, wish: Wish) -> Found:
    """Go on with a search that was interrupted, or with more trials than it had.

    Args:
        project: the project's folder.
        package: the user's package.
        number: the search's number N.
        wish: how far, and what comes after.

    Raises:
        ExpfwError: if it is no search, has nothing left to do, or something changed since.
    """
    folder = find_folder(result_root(project), number)
    if not is_search(folder):
        raise ExpfwError(
            f"experiment {number} is no search; kedro experiment restart {number} goes on with an experiment"
        )
    _run(project, package, wish, {}, StoredRun(folder, "restart", wish.force))
    return choose(project, folder, wish)


def _run(
    project: Path, package: str, wish: Wish, params: dict[str, Any], stored: StoredRun | None = None
) -> ResultFolder:
    from kedro.framework.project import settings
    from kedro.runner import SequentialRunner

    from expfw.run.session import ExperimentSession
    from expfw.run.stored import given_params

    source, env = None, wish.env
    if stored is not None:
        source, env = stored.source(project), stored.run.get("env")
        params = given_params(stored.folder, stored.run)
    with settings.SESSION_CLASS.create(project, env=env, conf_source=source, runtime_params=params) as session:
        if not isinstance(session, ExperimentSession):
            raise ExpfwError("settings.SESSION_CLASS is no ExperimentSession, so there is nothing to search with")
        session.search = SearchWork(project_components(project, package), wish.n_trials, wish.timeout)
        session.stored = stored
        session.run(runner=SequentialRunner())
        assert session.folder is not None  # noqa: S101 - a run that ended well has one
        return session.folder


def choose(project: Path, folder: ResultFolder, wish: Wish = Wish()) -> Found:
    """Write the best configuration of a search as an experiment file, and test it, once.

    Args:
        project: the project's folder.
        folder: the search's folder.
        wish: whether to test it.
    """
    told = read_json(folder.report / FILE, {})
    experiment, components = stored_experiment(folder), _components(project)
    plan = make_plan(experiment, components)
    searched = search_of(plan, components)
    where = write_best(project, folder, told, searched)
    name = Path(where).stem
    tested = None
    if wish.test:
        tested = _test(project, name, wish)
        told = {**told, "tested": tested}
        write_json(folder.report / FILE, told)
        draw(folder, plan, searched)
    return Found(folder, told, where, name, tested)


def _test(project: Path, name: str, wish: Wish) -> int:
    from kedro.framework.project import settings
    from kedro.runner import SequentialRunner

    params = {**wish.params, "experiment": name}
    with settings.SESSION_CLASS.create(project, env=wish.env, runtime_params=params) as session:
        session.run(runner=SequentialRunner())
        return int(session.folder.id)


def write_best(project: Path, folder: ResultFolder, told: Mapping[str, Any], searched: Search) -> str:
    """Write the experiment file of a search's best configuration.

    Args:
        project: the project's folder.
        folder: the search's folder.
        told: its summary.
        searched: what was searched.

    Returns:
        The file, relative to the project.
    """
    experiment = stored_experiment(folder)
    best = told["best"]
    layer = searched.space.layer(best["point"])
    name = f"{experiment.name}_best_{folder.id}"
    content = {
        "$schema": SCHEMA,
        "description": f"Best of the {told['configurations']} configurations that search {folder.id} tried",
        "tags": [*experiment.values.get("tags", []), f"best-of-{folder.id}"],
        "extends": experiment.name,
        "selection": {"search": folder.id, "configurations": told["configurations"], "experiment": best["experiment"]},
        "search": None,
        **layer,
    }
    return _written(project, name, content)


def _components(project: Path) -> Components:
    from kedro.framework import project as kedro_project

    return project_components(project, str(kedro_project.PACKAGE_NAME or ""))


def _written(project: Path, name: str, content: Mapping[str, Any]) -> str:
    where = f"config/experiments/{name}.json"
    ordered = {key: content[key] for key in KEYS if key in content}
    with atomic(project / where) as file:
        file.write((json.dumps(ordered, indent=2, ensure_ascii=False) + "\n").encode())
    return where


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
    loader = project_loader(project, None, **{**wish.params, "experiment": name})
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
    made = [draft_of_trial(plan, work.search, number, point) for number, point in enumerate(points)]
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


def draft_of_trial(plan: Plan, search: Search, number: int, point: Mapping[str, Any]) -> Draft:
    """The experiment file of one trial."""
    base = plan.experiment
    layer = search.space.layer(point)
    shown = ", ".join(f"{name}={value}" for name, value in point.items())
    content = {
        "$schema": SCHEMA,
        "description": f"Trial {number} of the search of {base.name}: {shown}",
        "tags": [*base.values.get("tags", []), f"search-of-{base.name}"],
        "extends": base.name,
        KEY: None,
        "test": False,
        **layer,
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
    return [_written(project, draft.name, draft.content) for draft in made]
