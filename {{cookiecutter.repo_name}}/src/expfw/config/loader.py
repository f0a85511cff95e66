"""Kedro's config loader, extended: the parameters are the experiment's, the catalog's paths those of its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from kedro.config import MissingConfigException, OmegaConfigLoader

from expfw.config.experiment import Experiment, load_experiment
from expfw.config.files import SUFFIXES
from expfw.config.keys import KEYS
from expfw.errors import ConfigurationError, Fault, did_you_mean
from expfw.run.folder import PLACEHOLDER

if TYPE_CHECKING:
    from expfw.run.build import RunContext

FOLDERS = ("experiments", "smoke")
"""Folders below ``config`` that hold experiment files, in the order in which a name is looked up."""

KEDRO_NAMES = ("catalog", "credentials", "globals", "logging", "parameters", ".")
"""Beginnings of file names that mean something to Kedro: such a file is no experiment."""

CONTEXT = "expfw_run"
"""Catalog entry that carries the run's context to every node, worker processes included."""

RESERVED = ("experiment",)
"""Parameters that are no keys of an experiment file and yet mean something to the framework."""


class ExperimentConfigLoader(OmegaConfigLoader):
    """Reads the parameters of one experiment instead of plain parameter files.

    ``loader["parameters"]`` holds the keys of the experiment file, merged by precedence (``config/base``, the
    ``extends`` chain, the file, ``--params``), beside whatever else ``config/base`` defines. The parameter
    ``experiment`` says which experiment it is. ``loader["catalog"]`` is the catalog with the experiment's folder in
    place of ``result/result_experiment_N``, once :attr:`run_context` is set.
    """

    current: ClassVar[ExperimentConfigLoader | None] = None
    """The loader made last in this process; Kedro-Viz's previews ask it, since Kedro hands them nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.run_context: RunContext | None = None
        self._experiment: Experiment | None = None
        self._base_parameters: dict[str, Any] | None = None
        super().__init__(*args, **kwargs)
        ExperimentConfigLoader.current = self

    def __getitem__(self, key: str) -> dict[str, Any]:
        if key == "parameters":
            if self.experiment.faults:
                raise ConfigurationError(self.experiment.name, self.experiment.faults)
            return {**self._other_parameters(), **self.experiment.values, "experiment": self.experiment.name}
        value = super().__getitem__(key)
        if key == "catalog" and self.run_context is not None:
            entry = {"type": "MemoryDataset", "data": self.run_context, "copy_mode": "assign"}
            return {**_relocated(value, self.run_context.folder.path.as_posix()), CONTEXT: entry}
        return value

    @property
    def experiment(self) -> Experiment:
        """The experiment that the parameters name, read once; what is wrong with it is among its faults."""
        if self._experiment is None:
            self._experiment = self._load()
        return self._experiment

    def experiment_files(self) -> dict[str, str]:
        """All experiment files: path relative to the project → path as the file system takes it."""
        files: dict[str, str] = {}
        for folder in FOLDERS:
            path = self._get_conf_env_path(folder)
            for suffix in SUFFIXES:
                for file in sorted(self._fs.glob(f"{Path(path).as_posix()}/*{suffix}")):
                    name = PurePosixPath(file).name
                    if not name.startswith(KEDRO_NAMES):
                        files[f"{PurePosixPath(self.conf_source).name}/{folder}/{name}"] = str(file)
        return files

    def _load(self) -> Experiment:
        base, params = self._base(), self._params()
        name = str(params.get("experiment", base.get("experiment", "")))
        files = self.experiment_files()

        def read(where: str) -> str:
            return bytes(self._fs.cat_file(files[where])).decode()

        origin = f"{PurePosixPath(self.conf_source).name}/{self.base_env}"
        experiment = load_experiment(name, files, read, base=base, params=params, base_origin=origin)
        return replace(experiment, faults=(*experiment.faults, *_unreached(params, base)))

    def _params(self) -> dict[str, Any]:
        return dict(self.runtime_params or {})

    def _base(self) -> dict[str, Any]:
        """The parameter files alone, without ``--params``, read once."""
        if self._base_parameters is None:
            self._base_parameters = self._read_base()
        return self._base_parameters

    def _read_base(self) -> dict[str, Any]:
        given = self.runtime_params
        self.runtime_params = {}
        try:
            return dict(super().__getitem__("parameters"))
        except MissingConfigException:
            return {}
        finally:
            self.runtime_params = given

    def _other_parameters(self) -> dict[str, Any]:
        merged = {**self._base(), **self._params()}
        return {key: value for key, value in merged.items() if key not in KEYS and key not in RESERVED}


def _unreached(params: Mapping[str, Any], base: Mapping[str, Any]) -> list[Fault]:
    """``--params`` that would change nothing: neither a key of an experiment nor a parameter of the project."""
    valid = {*KEYS, *RESERVED, *base} - {"$schema", "extends", "published"}
    return [Fault("--params", key, "reaches nothing", did_you_mean(key, valid)) for key in params if key not in valid]


def _relocated(value: Any, folder: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _relocated(item, folder) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(PLACEHOLDER):
        return folder + value.removeprefix(PLACEHOLDER)
    return value
