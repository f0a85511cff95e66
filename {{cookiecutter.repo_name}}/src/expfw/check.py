"""Checking experiment files without running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from expfw.config.credentials import credentials
from expfw.config.loader import ExperimentConfigLoader
from expfw.construct.find import project_components
from expfw.construct.plan import make_plan
from expfw.errors import ConfigurationError, Fault


def project_loader(project: Path, source: str | None = None, /, **params: object) -> ExperimentConfigLoader:
    """A config loader outside of a run.

    Args:
        project: the project's folder.
        source: where the configuration lies; the project's ``config`` by default.
        params: as ``--params`` would give them, for example ``experiment="iris_forest"``.
    """
    return ExperimentConfigLoader(
        conf_source=source or str(project / "config"),
        base_env="base",
        default_run_env="local",
        runtime_params=params,
    )


def check(project: Path, package: str, names: Sequence[str] = ()) -> dict[str, list[Fault]]:
    """The faults of each experiment, none for a sound one.

    Args:
        project: the project's folder.
        package: the user's package.
        names: the experiments to check, by name or by file; all if none is given.

    Raises:
        BrokenConfiguration: if parameters, catalog or credentials cannot be read: no experiment is sound then.
    """
    loader, components = project_loader(project), project_components(project, package)
    loader.check_catalog()
    credentials(loader)
    wanted = [_name(name, loader.experiment_files) for name in names]
    wanted = wanted or list(dict.fromkeys(PurePosixPath(where).stem for where in loader.experiment_files))
    faults: dict[str, list[Fault]] = {}
    for name in wanted:
        try:
            make_plan(loader.read(name), components)
        except ConfigurationError as error:
            faults[name] = list(error.faults)
        else:
            faults[name] = []
    return faults


def _name(given: str, files: Mapping[str, str]) -> str:
    """The name of an experiment that is given by its name or, as shells complete it, by its file."""
    for where, path in files.items():
        if given in (where, PurePosixPath(where).name) or Path(given).absolute() == Path(path):
            return PurePosixPath(where).stem
    return given
