"""Running what an experiment has on record: anew as another experiment, or on in its own folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from expfw.config.experiment import Experiment
from expfw.config.keys import ABSENT
from expfw.config.leaves import leaves
from expfw.config.merge import Merged
from expfw.config.secrets import MARK
from expfw.construct.plan import Plan
from expfw.errors import ExpfwError, RecordError, did_you_mean
from expfw.run.configured import source_path
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.recorded import check_configuration, other_params

if TYPE_CHECKING:
    from expfw.search.work import SearchWork

Mode = Literal["rerun", "restart"]

RUNNERS = ("SequentialRunner", "ThreadRunner", "ParallelRunner")
"""Kedro's runners."""


def check_runner(name: str) -> None:
    """Refuse a runner that is none of Kedro's.

    Raises:
        ExpfwError: with the nearest.
    """
    if name not in RUNNERS:
        raise ExpfwError(f"there is no runner '{name}'; {did_you_mean(name, RUNNERS)}")


@dataclass(frozen=True)
class StoredRun:
    """An experiment on record that is run again.

    Args:
        folder: its folder.
        mode: as another experiment (``rerun``), or on in its own folder (``restart``).
        force: go on although something changed since.
    """

    folder: ResultFolder
    mode: Mode
    force: bool = False

    @property
    def run(self) -> Mapping[str, Any]:
        """What is on record about the run itself."""
        content: Mapping[str, Any] = read_json(self.folder.log / "run.json", {})
        return content

    def source(self, project: Path) -> str | None:
        """Where its configuration lies, if it was given by ``--conf-source``; None for the project's own.

        Args:
            project: the project's folder.

        Raises:
            RecordError: if it is gone.
        """
        recorded = self.run.get("conf_source")
        path = source_path(recorded, project) if recorded else None
        if recorded and path is None:
            raise RecordError(
                f"experiment {self.folder.id} was run with the configuration in '{recorded['path']}', which is gone; "
                "put it back there"
            )
        return path


def stored_experiment(folder: ResultFolder) -> Experiment:
    """The configuration that an experiment has on record, whatever its file says by now.

    Args:
        folder: the experiment's folder.

    Raises:
        RecordError: if there is none, it was altered, or a part of it is a secret, which no record holds.
    """
    config, run = read_json(folder.log / "config.json"), read_json(folder.log / "run.json")
    if not isinstance(config, dict) or not isinstance(run, dict):
        raise RecordError(
            f"experiment {folder.id} ended before its configuration was recorded; start it anew with 'kedro run'"
        )
    check_configuration(folder, config, run)
    hidden = withheld(config)
    if hidden:
        raise RecordError(
            f"experiment {folder.id}: {hidden[0]} is a secret, and no record holds it; run the experiment's file "
            "instead, with the secret where it was"
        )
    merged = Merged()
    merged.lay(config, f"experiment {folder.id}")
    merged.origins.update(
        {tuple(key.split(".")): str(o) for key, o in read_json(folder.log / "origin.json", {}).items()}
    )
    values = {**ABSENT, **merged.values}
    others, searching = given_params(folder, run), bool(run.get("search"))
    return Experiment(str(run.get("name", "?")), values, merged, others=others, searching=searching)


def given_params(folder: ResultFolder, run: Mapping[str, Any]) -> dict[str, Any]:
    """The ``--params`` of the project's own that an experiment was given.

    Args:
        folder: the experiment's folder.
        run: content of its ``log/run.json``.

    Raises:
        RecordError: if one was a secret, which no record holds.
    """
    others = other_params(run)
    hidden = withheld(others)
    if hidden:
        raise RecordError(
            f"experiment {folder.id}: --params {hidden[0]} was a secret, and no record holds it; run the experiment's "
            f"file instead, with the secret: kedro run --params experiment={run.get('name', '?')},{hidden[0]}=…"
        )
    return others


def withheld(config: Mapping[str, Any]) -> list[str]:
    """Key paths of values that were replaced by the mark of a secret.

    Args:
        config: a recorded configuration.

    Example:
        >>> withheld({"model": {"params": {"keys": ["(secret, not recorded)"], "depth": 3}}})
        ['model.params.keys.0']
    """
    return [".".join(path) for path, value in leaves(config) if isinstance(value, str) and MARK in value]


def changed_configuration(stored: StoredRun, plan: Plan, project: Path) -> list[str]:
    """What the experiment's file gives by now that it did not give then; nothing for a rerun's own experiment.

    Args:
        stored: the experiment.
        plan: the plan of its recorded configuration.
        project: the project's folder.
    """
    from expfw.check import project_loader
    from expfw.run.project import plan_of

    if "rerun_of" in stored.run or "trial" in stored.run:
        return []
    name, params = str(stored.run.get("name", "")), stored.run.get("params", {})
    loader = project_loader(project, stored.source(project), **{**params, "experiment": name})
    loader.env = stored.run.get("env")
    try:
        today = plan_of(loader)
        if stored.run.get("search"):
            from expfw.search.section import as_search  # with Optuna, for which a plain run has no use

            today = as_search(today)
        same = today.hash == plan.hash
    except ExpfwError:
        return [f"experiment '{name}', which cannot be read any more"]
    return [] if same else [f"the configuration of '{name}'"]


def _search(project: Path, stored: StoredRun) -> SearchWork:
    from kedro.framework import project as kedro_project

    from expfw.construct.find import project_components
    from expfw.search.work import SearchWork

    original = stored.folder.id if stored.mode == "rerun" else stored.run.get("rerun_of")
    repeated = None if original is None else stored.folder.path.with_name(f"result_experiment_{original}")
    components = project_components(project, str(kedro_project.PACKAGE_NAME or ""))
    there = repeated is not None and repeated.is_dir()
    return SearchWork(components, repeats=ResultFolder(repeated) if repeated is not None and there else None)


def run_stored(
    project: Path, folder: ResultFolder, mode: Mode, *, runner: str | None = None, force: bool = False
) -> ResultFolder:
    """Run an experiment's recorded configuration.

    Args:
        project: the project's folder.
        folder: the experiment's folder.
        mode: see :class:`StoredRun`.
        runner: name of one of Kedro's runners.
        force: for a restart: go on although code or configuration changed.

    Returns:
        The folder of the experiment that ran: a new one, or the same.

    Raises:
        ExpfwError: if it cannot be run, and what a run raises.
    """
    from kedro.framework.project import settings
    from kedro.utils import load_obj

    from expfw.run.session import ExperimentSession

    if runner is not None:
        check_runner(runner)
    stored = StoredRun(folder, mode, force)
    create = settings.SESSION_CLASS.create
    source, params = stored.source(project), given_params(folder, stored.run)
    with create(project, env=stored.run.get("env"), conf_source=source, runtime_params=params) as session:
        if not isinstance(session, ExperimentSession):
            raise ExpfwError(
                "settings.SESSION_CLASS is no ExperimentSession, so there is nothing to run experiments with"
            )
        session.stored = stored
        if stored.run.get("search"):
            session.search = _search(project, stored)
        session.run(runner=load_obj(runner or RUNNERS[0], "kedro.runner")())
        assert session.folder is not None  # noqa: S101 - a run that ended well has one
        return session.folder
