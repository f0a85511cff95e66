"""Kedro's config loader, extended: the parameters are the experiment's, the catalog's paths those of its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from kedro.config import MissingConfigException, OmegaConfigLoader

from expfw.config.experiment import Experiment, load_experiment
from expfw.config.files import SUFFIXES
from expfw.config.keys import KEYS
from expfw.config.lines import lines_of
from expfw.errors import ConfigurationError, ExpfwError, Fault, did_you_mean
from expfw.run.folder import PLACEHOLDER

if TYPE_CHECKING:
    from expfw.run.build import RunContext

FOLDERS = ("experiments", "smoke")
"""Folders below ``config`` that hold experiment files, in the order in which a name is looked up."""

KEDRO_NAMES = ("catalog", "credentials", "globals", "logging", "parameters", ".")
"""Beginnings of file names that mean something to Kedro: such a file is no experiment."""

BASE = "the parameter files"
"""Origin of a global default until its file is known."""

CONTEXT = "expfw_run"
"""Catalog entry that carries the run's context to every node, worker processes included."""

RESERVED = ("experiment", "if_run")
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
        self.stored: Experiment | None = None
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
        if self.stored is not None:
            return self.stored
        if self._experiment is None:
            self._experiment = self.read(str(self.parameter("experiment", "")))
        return self._experiment

    @cached_property
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

    def read(self, name: str) -> Experiment:
        """The experiment of that name; what is wrong with it is among its faults.

        Args:
            name: name of an experiment file, without its ending.
        """
        base, params = self.base_parameters(), self._params()
        experiment = load_experiment(
            name, self.experiment_files, self._text, base=base, params=params, base_origin=BASE
        )
        self._trace_base(experiment)
        return replace(experiment, faults=(*experiment.faults, *_unreached(params, base)))

    def _text(self, where: str) -> str:
        return bytes(self._fs.cat_file(self.experiment_files[where])).decode()

    def _trace_base(self, experiment: Experiment) -> None:
        """Give each global default the file that it stands in: of ``base`` or, stronger, of the environment."""
        experiment.texts.update(self._base_texts)
        for path, origin in experiment.merged.origins.items():
            if origin == BASE:
                holders = [where for where, text in self._base_texts.items() if path in lines_of(text)]
                experiment.merged.origins[path] = holders[-1] if holders else BASE

    @cached_property
    def _base_texts(self) -> dict[str, str]:
        """The parameter files with their texts, the weakest first."""
        *_, files = self._read_raw_config("parameters")
        root = PurePosixPath(self.conf_source)
        paths = {f"{root.name}/{_relative(file, root)}": str(file) for file in files}
        order = [self.base_env, self.env or self.default_run_env]
        ranks = {where: order.index(where.split("/")[1]) if where.split("/")[1] in order else -1 for where in paths}
        return {
            where: bytes(self._fs.cat_file(paths[where])).decode() for where in sorted(paths, key=ranks.__getitem__)
        }

    def _params(self) -> dict[str, Any]:
        return dict(self.runtime_params or {})

    def packaged_logging(self) -> str | None:
        """Content of ``base/logging.yml`` where the configuration comes as an archive; None for a folder."""
        path = f"{self._get_conf_env_path(self.base_env)}/logging.yml"
        if self._protocol == "file" or not self._fs.exists(path):
            return None
        return bytes(self._fs.cat_file(path)).decode()

    def parameter(self, name: str, default: Any) -> Any:
        """A parameter that is no key of an experiment file, from ``--params`` or else the parameter files."""
        return {**self.base_parameters(), **self._params()}.get(name, default)

    def base_parameters(self) -> dict[str, Any]:
        """The parameter files alone, without ``--params``, read once."""
        if self._base_parameters is None:
            self._base_parameters = self._read_base()
        return self._base_parameters

    def _check_environment(self) -> None:
        """Kedro takes an environment that is not there for an empty one."""
        environments = Path(self.conf_source)
        if self.env and environments.is_dir() and not (environments / self.env).is_dir():
            hint = did_you_mean(self.env, [path.name for path in environments.iterdir() if path.is_dir()])
            raise ExpfwError(f"there is no environment '{self.env}' in {environments.name}; {hint}")

    def _read_base(self) -> dict[str, Any]:
        self._check_environment()
        given = self.runtime_params
        self.runtime_params = {}
        try:
            return dict(super().__getitem__("parameters"))
        except MissingConfigException:
            return {}
        finally:
            self.runtime_params = given

    def _other_parameters(self) -> dict[str, Any]:
        merged = {**self.base_parameters(), **self._params()}
        return {key: value for key, value in merged.items() if key not in KEYS and key not in RESERVED}


def _unreached(params: Mapping[str, Any], base: Mapping[str, Any]) -> list[Fault]:
    """``--params`` that would change nothing: neither a key of an experiment nor a parameter of the project."""
    valid = {*KEYS, *RESERVED, *base} - {"$schema", "extends", "published"}
    return [Fault("--params", key, "reaches nothing", did_you_mean(key, valid)) for key in params if key not in valid]


def _relative(file: PurePath, root: PurePath) -> str:
    path = PurePosixPath(file.as_posix())
    return path.relative_to(root.as_posix()).as_posix() if path.is_relative_to(root.as_posix()) else path.name


def _relocated(value: Any, folder: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _relocated(item, folder) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(PLACEHOLDER):
        return folder + value.removeprefix(PLACEHOLDER)
    return value
