"""The Kedro project that a run belongs to."""

from __future__ import annotations

from pathlib import Path

from kedro.framework import project as kedro_project

from expfw.config.loader import ExperimentConfigLoader
from expfw.construct.find import Components, project_components
from expfw.construct.plan import Plan, make_plan


def project_path(loader: ExperimentConfigLoader) -> Path:
    """The project's folder: the parent of its ``config``; for a packaged project the working directory."""
    parent = Path(loader.conf_source).resolve().parent
    return parent if (parent / "pyproject.toml").exists() else Path.cwd()


def components_of(loader: ExperimentConfigLoader) -> Components:
    """Where the project's components may come from."""
    return project_components(project_path(loader), str(kedro_project.PACKAGE_NAME or ""))


def plan_of(loader: ExperimentConfigLoader) -> Plan:
    """The plan of the experiment that the loader's parameters name.

    Raises:
        ConfigurationError: with every fault of the configuration.
        BrokenConfiguration: if the catalog, without which nothing can be kept, cannot be read.
    """
    loader.check_catalog()
    return make_plan(loader.experiment, components_of(loader))
