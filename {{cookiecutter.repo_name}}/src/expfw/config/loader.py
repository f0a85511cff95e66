"""Kedro's config loader, extended: the parameters are the experiment's, the catalog's paths those of its folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from kedro.config import MissingConfigException, OmegaConfigLoader

from expfw.config.broken import broken
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

RESERVED = ("experiment", "if_run", "reuse")
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
        self._read: dict[str, dict[str, Any] | MissingConfigException] = {}
        super().__init__(*args, **kwargs)
        ExperimentConfigLoader.current = self

    def __getitem__(self, key: str) -> dict[str, Any]:
        if key == "parameters":
            if self.experiment.faults:
                raise ConfigurationError(self.experiment.name, self.experiment.faults)
            return {**self._other_parameters(), **self.experiment.values, "experiment": self.experiment.name}
        value = self._read_once(key) if key in ("catalog", "credentials") else super().__getitem__(key)
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
            name = self.parameter("experiment", None)
            self._experiment = self.read("" if name is None else str(name), self._asked_by())
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

    def _asked_by(self) -> Fault:
        """Where it is said which experiment is to be run."""
        if "experiment" in self._params():
            return Fault("--params", "experiment", "")
        lines = {where: lines_of(text).get(("experiment",)) for where, text in self._base_texts.items()}
        places = [f"{where}:{line}" for where, line in lines.items() if line is not None]
        return Fault(places[-1] if places else "--params", "experiment", "")

    def read(self, name: str, asked_by: Fault | None = None) -> Experiment:
        """The experiment of that name; what is wrong with it is among its faults.

        Args:
            name: name of an experiment file, without its ending.
            asked_by: the place that names it; the folder of experiment files if not given.
        """
        base, params = self.base_parameters(), self._params()
        experiment = load_experiment(
            name,
            self.experiment_files,
            self._text,
            base=base,
            params=params,
            base_origin=BASE,
            asked_by=asked_by or Fault("config/experiments", "", ""),
        )
        self._trace_base(experiment)
        others = {key: value for key, value in params.items() if key not in (*KEYS, *RESERVED)}
        return replace(experiment, faults=(*experiment.faults, *_unreached(params, base)), others=others)

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
        return {where: content.decode() for where, content in self._files_of("parameters").items()}

    def files(self) -> Path | dict[str, bytes]:
        """The folder that the configuration lies in; of an archive its settings, path in it → content."""
        if self._protocol == "file":
            return Path(self.conf_source).absolute()
        root = PurePosixPath(Path(self._get_conf_env_path(self.base_env)).parent.as_posix())
        paths = [str(path) for path in self._fs.find(str(root))]
        wanted = [path for path in paths if path.endswith((".yml", ".yaml", ".json"))]
        return {_relative(PurePosixPath(path), root): bytes(self._fs.cat_file(path)) for path in wanted}

    def check_catalog(self) -> None:
        """Read the catalog, so that a fault in it is known before anything is created.

        Raises:
            BrokenConfiguration: if it cannot be read.
        """
        with suppress(MissingConfigException):
            self._read_once("catalog")

    def _read_once(self, kind: str) -> dict[str, Any]:
        """The catalog or the credentials as Kedro merges them, read once: a run asks before it begins, then Kedro.

        Raises:
            MissingConfigException: if there are none.
            BrokenConfiguration: if the catalog cannot be read; for credentials the error itself.
        """
        if kind in self:  # which was put there, as a hook may that has its secrets from a vault
            return super().__getitem__(kind)
        if kind not in self._read:
            try:
                self._read[kind] = dict(super().__getitem__(kind))
            except MissingConfigException as error:
                self._read[kind] = error
            except Exception as error:
                if kind == "catalog":
                    raise broken(kind, self._files_of(kind), error) from None
                raise
        found = self._read[kind]
        if isinstance(found, MissingConfigException):
            raise found
        return deepcopy(found)

    def _files_of(self, kind: str) -> dict[str, bytes]:
        """The files of a kind with their content, those of ``base`` first."""
        folders = [Path(self._get_conf_env_path(name)) for name in (self.base_env, self.env or self.default_run_env)]
        patterns = [f"{folder.as_posix()}/{pattern}" for folder in folders for pattern in self.config_patterns[kind]]
        paths = dict.fromkeys(str(path) for pattern in patterns for path in sorted(self._fs.glob(pattern)))
        root = PurePosixPath(self.conf_source)
        return {
            f"{root.name}/{_relative(PurePosixPath(path), root)}": bytes(self._fs.cat_file(path))
            for path in paths
            if path.endswith((".yml", ".yaml", ".json")) and not (self.ignore_hidden and self._is_hidden(path))
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
            names = {path.name for path in environments.iterdir() if path.is_dir()} - {*FOLDERS}
            hint = did_you_mean(self.env, names)
            raise ExpfwError(f"there is no environment '{self.env}' in {environments.name}; {hint}")

    def _read_base(self) -> dict[str, Any]:
        self._check_environment()
        given = self.runtime_params
        self.runtime_params = {}
        try:
            return dict(super().__getitem__("parameters"))
        except MissingConfigException:
            return {}
        except Exception as error:
            raise broken("parameters", self._files_of("parameters"), error) from None
        finally:
            self.runtime_params = given

    def _other_parameters(self) -> dict[str, Any]:
        merged = {**self.base_parameters(), **self._params()}
        return {key: value for key, value in merged.items() if key not in KEYS and key not in RESERVED}


def _unreached(params: Mapping[str, Any], base: Mapping[str, Any]) -> list[Fault]:
    """``--params`` that would change nothing: neither a key of an experiment nor a parameter of the project."""
    valid = {*KEYS, *RESERVED, *base} - {"$schema", "extends", "published"}
    return [Fault("--params", key, "reaches nothing", did_you_mean(key, valid)) for key in params if key not in valid]


def _relative(file: PurePosixPath, root: PurePosixPath) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _relocated(value: Any, folder: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _relocated(item, folder) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(PLACEHOLDER):
        return folder + value.removeprefix(PLACEHOLDER)
    return value
