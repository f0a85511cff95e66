"""Starting a search, going on with one, and testing the configuration that it chose."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expfw.check import project_loader
from expfw.config.experiment import computed_part
from expfw.config.secrets import MARK
from expfw.construct.find import Components, project_components
from expfw.construct.plan import make_plan
from expfw.errors import ExpfwError
from expfw.run.files import plain, read_json, write_json
from expfw.run.folder import ResultFolder, find_folder, result_root
from expfw.run.project import plan_of
from expfw.run.stored import StoredRun, stored_experiment
from expfw.search.drafts import SCHEMA, written_file
from expfw.search.given import check_given, for_its_best, how_to_run, on_record, settings_in_file
from expfw.search.section import Search, search_of
from expfw.search.summary import FILE
from expfw.search.trials import is_search
from expfw.search.work import SearchWork, draw

logger = logging.getLogger("expfw.search")


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
    check_given(name, wish.params)
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
    if wish.params or wish.env:
        raise ExpfwError(
            f"search {number} goes on with the settings that it began with; leave out --params and --env, or begin a "
            "new search by the name of its file"
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
    tested = _tested(folder, told) if wish.test else None
    if wish.test and tested is None:
        _check_same(project, folder, name, told["best"]["experiment"])
        tested = _test(project, name, folder)
        told = {**told, "tested": tested}
        write_json(folder.report / FILE, told)
        draw(folder, plan, searched)
    return Found(folder, told, where, name, tested)


def _check_same(project: Path, folder: ResultFolder, name: str, trial: int) -> None:
    """Refuse to test what is not the configuration that was tried: a file that it extends may have changed since.

    Raises:
        ExpfwError: with the keys that differ.
    """
    given, env = on_record(folder)
    loader = project_loader(
        project, StoredRun(folder, "restart").source(project), **{**for_its_best(given), "experiment": name}
    )
    loader.env = env
    now = computed_part(plain(plan_of(loader).config))
    then = computed_part(read_json(folder.path.with_name(f"result_experiment_{trial}") / "log" / "config.json", {}))
    keys = [key for key in {**then, **now} if key != "test" and _text(then.get(key)) != _text(now.get(key))]
    if keys and MARK not in f"{then}":
        raise ExpfwError(
            f"config/experiments/{name}.json differs from experiment {trial}, which was chosen, in {', '.join(keys)}: "
            "a file that it extends was changed, or --params took another type away; mend it, and run it by: kedro "
            f"run --params experiment={name}"
        )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _tested(folder: ResultFolder, told: Mapping[str, Any]) -> int | None:
    """The experiment in which this very choice was tested before; None if there is none, or it is gone."""
    number = told.get("tested")
    there = isinstance(number, int) and folder.path.with_name(f"result_experiment_{number}").is_dir()
    return number if there else None


def _test(project: Path, name: str, searched: ResultFolder) -> int:
    from kedro.framework.project import settings
    from kedro.runner import SequentialRunner

    given, env = on_record(searched)
    params = {**for_its_best(given), "experiment": name}
    with settings.SESSION_CLASS.create(project, env=env, runtime_params=params) as session:
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
    name = f"{experiment.name}_best_{folder.id}"
    how = how_to_run(name, folder)
    content = {
        "$schema": SCHEMA,
        "description": f"Best of the {told['configurations']} configurations that search {folder.id} tried{how}",
        "tags": [*experiment.values.get("tags", []), f"best-of-{folder.id}"],
        "extends": experiment.name,
        "selection": {"search": folder.id, "configurations": told["configurations"], "experiment": best["experiment"]},
        "search": None,
        **settings_in_file(experiment, on_record(folder)[0], searched.space.layer(best["point"])),
    }
    return written_file(project, name, content)


def _components(project: Path) -> Components:
    from kedro.framework import project as kedro_project

    return project_components(project, str(kedro_project.PACKAGE_NAME or ""))
