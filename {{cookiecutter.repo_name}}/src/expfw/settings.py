"""A configuration as a list of settings, each with its value and where that came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expfw.check import project_loader
from expfw.config.leaves import leaves
from expfw.construct.find import project_components
from expfw.construct.plan import make_plan
from expfw.record import ExperimentRecord
from expfw.run.files import read_json


@dataclass(frozen=True)
class Setting:
    """One value of a resolved configuration.

    Args:
        key: its key path, for example ``model.params.n_estimators``.
        value: the value.
        origin: file and line, or ``--params``; empty where nobody said anything.

    Example:
        >>> Setting("model.type", "A", "config/experiments/a.json:3").is_default
        False
    """

    key: str
    value: Any
    origin: str

    @property
    def is_default(self) -> bool:
        """Whether the value is a global default: of ``config/base`` or, with no word on it there, the framework's."""
        return not self.origin or self.origin.split("/")[1:2] == ["base"]


def configured_settings(project: Path, package: str, name: str) -> list[Setting]:
    """The settings of an experiment file.

    Args:
        project: the project's folder.
        package: the user's package.
        name: the experiment's name.

    Raises:
        ConfigurationError: if the configuration has faults.
    """
    plan = make_plan(project_loader(project).read(name), project_components(project, package))
    return _settings(plan.config, plan.origins)


def recorded_settings(record: ExperimentRecord) -> list[Setting]:
    """The settings of a recorded experiment, with the origins that they had when it ran."""
    return _settings(dict(record.config), read_json(record.path / "log" / "origin.json", {}))


def _settings(config: dict[str, Any], origins: dict[str, str]) -> list[Setting]:
    found = [(".".join(path), value) for path, value in leaves(config)]
    return [Setting(key, value, origins.get(key, "")) for key, value in found]
