"""An experiment that was run, opened to be read: in a notebook, a script or a test."""

from __future__ import annotations

import html
import importlib.util
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kedro.utils import find_kedro_project

from expfw.errors import RecordError, did_you_mean
from expfw.record import ExperimentRecord, headline, read_record
from expfw.run.events import EventLog, timing
from expfw.run.files import read_json
from expfw.run.folder import ROOT_VARIABLE, ResultFolder, nearest_experiment, result_root
from expfw.run.recorded import check_configuration, has_output, load_output, verified_files, verify_all

if TYPE_CHECKING:
    import pandas as pd

    from expfw.interfaces import Data, Fold
    from expfw.model import FittedModel


def open_experiment(
    number: int, project: str | os.PathLike[str] | None = None, root: str | os.PathLike[str] | None = None
) -> OpenedExperiment:
    """Open experiment N to read it. Nothing is written, and nothing is loaded that its checksum does not vouch for.

    Args:
        number: the experiment's number N.
        project: the project's folder; if not given, it is looked for from the working directory upwards.
        root: the folder that holds all experiments; if not given, what ``EXPFW_RESULT_ROOT`` names, else ``result/`` in
            the project.

    Raises:
        RecordError: if there is no such experiment or project.

    Example:
        >>> import tempfile
        >>> open_experiment(12, root=tempfile.mkdtemp())
        Traceback (most recent call last):
            ...
        expfw.errors.RecordError: there is no experiment 12 in '...'; there is none yet, start one with 'kedro run'
    """
    home = _project(project, needed=root is None and ROOT_VARIABLE not in os.environ)
    place = Path(root).absolute() if root is not None else result_root(home or Path.cwd())
    if isinstance(number, bool) or not str(number).isdecimal():
        raise RecordError(f"{number!r} is not the number of an experiment; 'kedro experiment list' shows all")
    folder = ResultFolder(place / f"result_experiment_{int(number)}")
    if not folder.path.is_dir():
        raise RecordError(f"there is no experiment {number} in '{place}'; {nearest_experiment(place, int(number))}")
    return OpenedExperiment(folder, home)


@dataclass(frozen=True, repr=False)
class OpenedExperiment:
    """An experiment that was run. Each attribute is read, and verified by its checksum, when it is asked for.

    Args:
        folder: paths of the experiment's folder.
        project: the project whose classes its models are made of; None if there is none.
    """

    folder: ResultFolder
    project: Path | None = None

    @property
    def id(self) -> int:
        """The number N."""
        return self.folder.id

    @property
    def name(self) -> str:
        """The experiment's name."""
        return read_record(self.folder).name

    @property
    def status(self) -> str:
        """COMPLETED, FAILED, INTERRUPTED, RUNNING or DEAD."""
        return read_record(self.folder).status

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, compared with the hash that the run recorded of it."""
        config: dict[str, Any] = self._json("config.json")
        check_configuration(self.folder, config, self._json("run.json"))
        return config

    @property
    def origins(self) -> dict[str, str]:
        """For each key path of the configuration, the file and line, or ``--params``, that its value came from."""
        origins: dict[str, str] = self._json("origin.json")
        return origins

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """``{"validation": {"accuracy": {"mean", "std", "ci95", "folds"}}, "test": {"accuracy": value}}``.

        A part that the run did not get to is empty.
        """
        outputs = {part: f"{part}_metrics" for part in ("validation", "test")}
        return {part: self._load(name) if has_output(self.folder, name) else {} for part, name in outputs.items()}

    @property
    def predictions(self) -> pd.DataFrame:
        """Predictions on the validation rows; :class:`expfw.results.Predictions` names the columns."""
        frame: pd.DataFrame = self._load("predictions")
        return frame

    @property
    def test_predictions(self) -> pd.DataFrame:
        """Predictions of the final model on the rows held out; no rows without a hold-out."""
        frame: pd.DataFrame = self._load("test_predictions")
        return frame

    @property
    def folds(self) -> Sequence[Fold]:
        """Positions of rows in the development data, ``train`` and ``validation`` of each fold."""
        folds: Sequence[Fold] = self._load("folds")
        return folds

    @property
    def raw_data(self) -> Data:
        """What the data source loaded."""
        return self._data("raw_data")

    @property
    def development_data(self) -> Data:
        """The rows for resampling and the final fit."""
        return self._data("development_data")

    @property
    def test_data(self) -> Data:
        """The rows held out."""
        return self._data("test_data")

    @property
    def final_model(self) -> FittedModel:
        """The model fitted on all development rows; it takes raw rows, its features are applied inside.

        Raises:
            RecordError: if the experiment was measured by resampling alone (``"test": false``) and has none.
        """
        model: FittedModel | None = self._load("final_model")
        if model is None:
            raise RecordError(
                f"experiment {self.id} has no final model: it was measured by resampling alone (test is false); take "
                "one of its fold_models, or run its configuration with test=true"
            )
        return model

    @property
    def fold_models(self) -> Mapping[int, FittedModel]:
        """The model of each fold, verified and read when it is asked for."""
        models: Mapping[int, FittedModel] = self._load("fold_models")
        return models

    @property
    def report(self) -> Path:
        """The report's page."""
        paths = verified_files(self.folder, "report")
        if not paths:
            raise RecordError(f"experiment {self.id} has no report on record: its run did not get so far, or goes on")
        return paths[0]

    @property
    def log(self) -> str:
        """What was logged."""
        try:
            return (self.folder.log / "experiment.log").read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise self._unreadable("experiment.log") from error

    @property
    def timing(self) -> dict[str, Any]:
        """Seconds per node, per fold, and per part that a component measured."""
        return timing(EventLog(self.folder.log / "events.jsonl"))

    @property
    def environment(self) -> dict[str, Any]:
        """Python, platform, packages, git commit and what else the run noted of its surroundings."""
        environment: dict[str, Any] = self._json("environment.json")
        return environment

    @property
    def parents(self) -> Sequence[int]:
        """Numbers of the experiments that it took something from."""
        return list(read_record(self.folder).parents)

    @property
    def children(self) -> Sequence[int]:
        """Numbers of the experiments that took something from it."""
        return list(read_record(self.folder).children)

    def record(self) -> ExperimentRecord:
        """What ``kedro experiment show`` tells, with verified configuration and metrics."""
        told = replace(read_record(self.folder), config=self.config, metrics=self.metrics)
        return OpenedRecord(**{field.name: getattr(told, field.name) for field in fields(told)})

    def verify(self) -> list[str]:
        """Compare every recorded file with its checksum, give their names.

        Raises:
            RecordError: for the first that is missing or was altered.
        """
        return verify_all(self.folder)

    def __repr__(self) -> str:
        return f"<experiment {self.id}: {self.name}, {self.status}>"

    def _repr_html_(self) -> str:
        """A short summary for notebooks; every text in it is escaped, and nothing in it runs."""
        lines = [f"<strong>Experiment {self.id}: {html.escape(self.name)}</strong> ({html.escape(self.status)})"]
        try:
            lines += map(html.escape, headline(self.metrics))
            if has_output(self.folder, "report"):
                lines.append(f'<a href="{html.escape(_link(self.report))}" target="_blank">Report</a>')
        except RecordError as error:
            lines.append(html.escape(str(error)))
        return f"<div>{'<br>'.join(lines)}</div>"

    def _load(self, output: str) -> Any:
        if self.project is not None:
            make_importable(self.project)
        return load_output(self.folder, output)

    def _data(self, output: str) -> Data:
        data: Data = self._load(output)
        return data

    def _json(self, name: str) -> Any:
        content = read_json(self.folder.log / name)
        if not isinstance(content, dict):
            raise self._unreadable(name)
        return content

    def _unreadable(self, name: str) -> RecordError:
        return RecordError(
            f"experiment {self.id}: log/{name} is missing or cannot be read: the run was killed before it was written, "
            "or the file was damaged since; restore it, or run the experiment again"
        )


class OpenedRecord(ExperimentRecord):
    """A record whose metrics are asked for by people."""

    def metric(self, name: str) -> float | None:
        """A metric's main value; see :meth:`expfw.record.ExperimentRecord.metric`.

        Raises:
            RecordError: if the experiment has no metric of that name.
        """
        names = [key for part in self.metrics.values() for key in part]
        part, _, short = name.rpartition(".")
        if names and (short not in names or part not in ("", *self.metrics)):
            valid = [*names, *(f"{part}.{key}" for part, keys in self.metrics.items() for key in keys)]
            raise RecordError(f"experiment {self.id} has no metric '{name}'; {did_you_mean(name, valid)}")
        return super().metric(name)


def make_importable(project: Path) -> None:
    """Let the project's own package be imported, for models are made of its classes; nothing if it can be already.

    Args:
        project: the project's folder.
    """
    with suppress(OSError, ValueError, KeyError):
        kedro = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["kedro"]
        sources = str(project / kedro.get("source_dir", "src"))
        if sources not in sys.path and importlib.util.find_spec(str(kedro["package_name"])) is None:
            sys.path.append(sources)


def _project(given: str | os.PathLike[str] | None, *, needed: bool) -> Path | None:
    start = Path(given or ".").absolute()
    found: Path | None = find_kedro_project(start)
    if found is None and (needed or given is not None):
        hint = "is it the right folder?" if given is not None else "go to the project's folder, or name it: project='…'"
        raise RecordError(f"there is no Kedro project in '{start}' or above; {hint}")
    return found


def _link(path: Path) -> str:
    """An address for a notebook's page: relative where the file lies below, for such a page may not open others."""
    here = Path.cwd()
    return quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()
