"""Checking experiment files without running them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from expfw.config.loader import ExperimentConfigLoader
from expfw.construct.find import project_components
from expfw.construct.plan import make_plan
from expfw.errors import ConfigurationError, Fault


def project_loader(project: Path, **params: object) -> ExperimentConfigLoader:
    """A config loader outside of a run.

    Args:
        project: the project's folder.
        params: as ``--params`` would give them, for example ``experiment="iris_forest"``.
    """
    return ExperimentConfigLoader(
        conf_source=str(project / "config"), base_env="base", default_run_env="local", runtime_params=params
    )


def check(project: Path, package: str, names: Sequence[str] = ()) -> dict[str, list[Fault]]:
    """The faults of each experiment, none for a sound one.

    Args:
        project: the project's folder.
        package: the user's package.
        names: the experiments to check; all if none is given.
    """
    loader, components = project_loader(project), project_components(project, package)
    wanted = names or dict.fromkeys(PurePosixPath(where).stem for where in loader.experiment_files)
    faults: dict[str, list[Fault]] = {}
    for name in wanted:
        try:
            make_plan(loader.read(name), components)
        except ConfigurationError as error:
            faults[name] = list(error.faults)
        else:
            faults[name] = []
    return faults
