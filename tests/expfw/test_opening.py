"""Opening an experiment: everything is verified first, and what is altered, lost or unrecorded is refused by name."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import expfw
from expfw import OpenedExperiment, open_experiment
from expfw.config.experiment import configuration_hash
from expfw.datasets import FoldModelsDataset, FoldsDataset, JsonDataset, ObjectDataset, TableDataset, TextDataset
from expfw.errors import RecordError
from expfw.interfaces import Data, Fold
from expfw.opening import make_importable
from expfw.report.collector import ReportCollector
from expfw.run.events import EventLog, Timer, checksum, checksums
from expfw.run.files import write_json
from expfw.run.folder import ResultFolder
from expfw.run.recorded import load_output

CONFIG = {"description": "Something", "defaults": {"random_state": 7}, "model": {"type": "a.B", "params": {"depth": 3}}}
ACCURACY = {"mean": 0.9, "std": 0.1, "ci95": [0.7, 1.0], "folds": [0.8, 1.0]}
DATA = Data(pd.DataFrame({"a": [1.0, 2.0]}), np.array([0, 1]), None)
OUTPUTS: dict[str, tuple[str, Any, Any]] = {
    "raw_data": ("data/raw_data.pkl", ObjectDataset, DATA),
    "development_data": ("data/development_data.pkl", ObjectDataset, DATA),
    "test_data": ("data/test_data.pkl", ObjectDataset, DATA),
    "folds": ("data/folds.npz", FoldsDataset, [Fold(np.array([0]), np.array([1]))]),
    "predictions": ("data/predictions.feather", TableDataset, pd.DataFrame({"fold": [0], "y_pred": [1.0]})),
    "test_predictions": ("data/test_predictions.feather", TableDataset, pd.DataFrame({"fold": [0], "y_pred": [2.0]})),
    "validation_metrics": ("report/validation_metrics.json", JsonDataset, {"accuracy": ACCURACY}),
    "test_metrics": ("report/test_metrics.json", JsonDataset, {"accuracy": 0.95}),
    "final_model": ("model/final_model.pkl", ObjectDataset, "the final model"),
    "report": ("report/index.html", TextDataset, "<html></html>"),
}


@dataclass
class Forged:
    """An experiment's folder, as a run leaves it.

    Args:
        root: the folder of all experiments.
        number: the experiment's.
    """

    root: Path
    number: int = 12

    @property
    def folder(self) -> ResultFolder:
        """Its folder."""
        return ResultFolder(self.root / f"result_experiment_{self.number}")

    @property
    def opened(self) -> OpenedExperiment:
        """It, opened."""
        return open_experiment(self.number, root=self.root)

    def write(self) -> Forged:
        """Write it."""
        for part in ("data", "log/sacred", "model", "report"):
            (self.folder.path / part).mkdir(parents=True)
        for output, (name, dataset, value) in OUTPUTS.items():
            dataset(filepath=str(self.folder.path / name)).save(value)
            self.saved(output, name)
        models = {0: "model of fold 0", 1: "model of fold 1"}
        FoldModelsDataset(filepath=str(self.folder.model / "folds")).save(models)
        for fold in models:
            self.saved("fold_models", f"model/folds/fold_{fold}.pkl")
        log = self.folder.log
        plan = {key: value for key, value in CONFIG.items() if key in ("model",)}
        run = {"id": self.number, "name": "<b>forged</b>", "hash": configuration_hash({**plan, "random_state": 7})}
        write_json(log / "config.json", CONFIG)
        write_json(log / "origin.json", {"model.type": "config/experiments/a.json:3"})
        write_json(log / "run.json", {**run, "parents": [3]})
        write_json(log / "environment.json", {"python": "3.11.0", "packages": {"scikit-learn": "1.0.0"}})
        write_json(log / "sacred" / "run.json", {"status": "COMPLETED"})
        write_json(log / "checksums.json", checksums(self.events))
        (log / "experiment.log").write_text("fitted\n", encoding="utf-8")
        return self

    @property
    def events(self) -> EventLog:
        """Its events."""
        return EventLog(self.folder.log / "events.jsonl")

    def saved(self, output: str, name: str) -> None:
        """Record a file."""
        files = {name: checksum(self.folder.path / name)}
        self.events.append("saved", node="n", output=output, seconds=1.0, files=files)

    def again(self) -> None:
        """Record all checksums anew."""
        write_json(self.folder.log / "checksums.json", checksums(self.events))


@pytest.fixture
def forged(tmp_path: Path) -> Forged:
    """An experiment's folder."""
    return Forged(tmp_path / "result").write()


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All that lies below a folder, with times."""
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there_and_nothing_is_written(forged: Forged) -> None:
    before = snapshot(forged.root)
    opened = forged.opened
    assert (opened.id, opened.name, opened.status) == (12, "<b>forged</b>", "COMPLETED")
    assert opened.config == CONFIG
    assert opened.origins == {"model.type": "config/experiments/a.json:3"}
    assert opened.metrics == {"validation": {"accuracy": ACCURACY}, "test": {"accuracy": 0.95}}
    assert opened.predictions["y_pred"].tolist() == [1.0]
    assert opened.test_predictions["y_pred"].tolist() == [2.0]
    assert [fold.train.tolist() for fold in opened.folds] == [[0]]
    for data in (opened.raw_data, opened.development_data, opened.test_data):
        assert data.X["a"].tolist() == [1.0, 2.0]
    assert opened.final_model == "the final model"  # type: ignore[comparison-overlap]
    models: Any = opened.fold_models
    assert dict(models) == {0: "model of fold 0", 1: "model of fold 1"}
    assert opened.report == forged.folder.report / "index.html"
    assert opened.log == "fitted\n"
    assert opened.timing["nodes"] == {"n": 1.0}
    assert opened.environment["python"] == "3.11.0"
    assert (opened.parents, opened.children) == ([3], [])
    assert opened.record().metric("accuracy") == 0.9
    assert len(opened.verify()) == len(OUTPUTS) + 2
    assert repr(opened) == "<experiment 12: <b>forged</b>, COMPLETED>"
    assert snapshot(forged.root) == before


def test_it_cannot_be_changed(forged: Forged) -> None:
    with pytest.raises(AttributeError):
        forged.opened.config = {}  # type: ignore[misc]
    opened = forged.opened
    opened.config["model"] = None
    frame = opened.predictions
    frame["y_pred"] = 0.0
    assert opened.config == CONFIG
    assert opened.predictions["y_pred"].tolist() == [1.0]


READ: dict[str, Callable[[OpenedExperiment], Any]] = {
    **{output: attrgetter(output) for output in OUTPUTS if "metrics" not in output},
    "validation_metrics": lambda opened: opened.metrics,
    "test_metrics": lambda opened: opened.record(),
}


def damaged(path: Path, damage: str) -> str:
    """Damage a file, and say what the message must say."""
    content = path.read_bytes()
    if damage == "altered":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        return "was altered after it was written"
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
        return "was altered after it was written"
    path.unlink()
    if damage == "missing":
        return "is missing"
    if damage == "folder":
        path.mkdir()
        return "is missing"
    other = path.with_name("other")
    other.write_bytes(content if damage == "link to the same" else content + b" ")
    path.symlink_to(other)
    return "was replaced by a link"


DAMAGES = ["altered", "truncated", "missing", "folder", "link", "link to the same"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("output", OUTPUTS)
def test_a_damaged_file_is_refused_by_name(forged: Forged, output: str, damage: str) -> None:
    name = OUTPUTS[output][0]
    says = damaged(forged.folder.path / name, damage)
    with pytest.raises(RecordError, match=f"^experiment 12: {name} {says}.*run the experiment again$"):
        READ[output](forged.opened)
    with pytest.raises(RecordError, match=name):
        forged.opened.verify()
    if output != "report":
        with pytest.raises(RecordError, match=f"^experiment 12: {name} {says}"):
            load_output(forged.folder, output)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_fold_model_is_refused_by_name_also_when_it_is_asked_for_later(forged: Forged, damage: str) -> None:
    models = forged.opened.fold_models
    says = damaged(forged.folder.model / "folds" / "fold_1.pkl", damage)
    assert models[0] == "model of fold 0"  # type: ignore[comparison-overlap]
    with pytest.raises(RecordError, match=f"^experiment 12: model/folds/fold_1.pkl {says}"):
        models[1]


def test_a_folder_that_was_replaced_by_a_link_is_refused(forged: Forged, tmp_path: Path) -> None:
    shutil.move(forged.folder.data, tmp_path / "elsewhere")
    forged.folder.data.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match=r"data/folds\.npz was replaced by a link, or lies behind one"):
        forged.opened.folds  # noqa: B018


def test_a_result_root_behind_a_link_is_fine(forged: Forged, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(forged.root)
    assert len(open_experiment(12, root=tmp_path / "linked").folds) == 1


class Bomb:
    """Does something when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["BOMB"],)


def test_a_pickle_that_was_not_recorded_is_never_loaded(
    forged: Forged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crater = tmp_path / "crater"
    monkeypatch.setenv("BOMB", str(crater))
    (forged.folder.model / "folds" / "fold_2.pkl").write_bytes(pickle.dumps(Bomb()))
    models = forged.opened.fold_models
    assert list(models) == [0, 1]
    with pytest.raises(
        RecordError, match=r"fold_2\.pkl was not recorded by its run; it is a pickle, which can run any code"
    ):
        models[2]
    with pytest.raises(KeyError):
        models[3]
    (forged.folder.model / "final_model.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RecordError, match="it is a pickle, which can run any code when it is loaded"):
        forged.opened.final_model  # noqa: B018
    forged.events.path.write_text("")
    with pytest.raises(RecordError, match="has no final_model on record"):
        forged.opened.final_model  # noqa: B018
    assert not crater.exists()


def test_both_records_of_a_checksum_must_agree(forged: Forged) -> None:
    path = forged.folder.model / "final_model.pkl"
    path.write_bytes(pickle.dumps("another"))
    forged.saved("final_model", "model/final_model.pkl")
    with pytest.raises(
        RecordError, match=r"checksums\.json and log/events\.jsonl do not agree on model/final_model\.pkl"
    ):
        forged.opened.final_model  # noqa: B018
    forged.again()
    assert forged.opened.final_model == "another"  # type: ignore[comparison-overlap]


def test_a_run_that_is_not_over_has_one_record_only(forged: Forged) -> None:
    write_json(forged.folder.log / "sacred" / "run.json", {"status": "FAILED"})
    (forged.folder.log / "checksums.json").unlink()
    assert forged.opened.final_model == "the final model"  # type: ignore[comparison-overlap]


def test_an_altered_configuration_is_refused(forged: Forged) -> None:
    path = forged.folder.log / "config.json"
    path.write_text(path.read_text().replace('"depth": 3', '"depth": 4'))
    with pytest.raises(RecordError, match=r"log/config\.json was altered"):
        forged.opened.config  # noqa: B018
    path.write_text("{")
    with pytest.raises(RecordError, match=r"log/config\.json is missing or cannot be read"):
        forged.opened.config  # noqa: B018


def test_a_run_that_did_not_get_far_has_no_metrics_and_says_so_of_the_rest(forged: Forged) -> None:
    forged.events.path.unlink()
    (forged.folder.log / "experiment.log").unlink()
    assert forged.opened.metrics == {"validation": {}, "test": {}}
    for name in ("predictions", "final_model", "raw_data", "report"):
        with pytest.raises(RecordError, match=f"^experiment 12 has no {name} on record: its run did not get so far"):
            getattr(forged.opened, name)
    assert dict(forged.opened.fold_models) == {}
    with pytest.raises(RecordError, match=r"log/experiment\.log is missing"):
        forged.opened.log  # noqa: B018


def test_a_number_that_is_not_there_names_the_nearest(forged: Forged) -> None:
    Forged(forged.root, 2).write()
    with pytest.raises(RecordError, match=r"there is no experiment 9 in '.*'; the nearest is 12"):
        open_experiment(9, root=forged.root)
    with pytest.raises(RecordError, match="'latest' is not the number of an experiment"):
        open_experiment("latest", root=forged.root)  # type: ignore[arg-type]
    assert open_experiment(np.int64(2), root=forged.root).id == 2  # type: ignore[arg-type]


def test_without_a_project_it_says_where_to_go(forged: Forged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPFW_RESULT_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecordError, match=r"there is no Kedro project in '.*' or above; go to the project's folder"):
        open_experiment(12)
    with pytest.raises(RecordError, match="is it the right folder"):
        open_experiment(12, project=tmp_path)
    monkeypatch.setenv("EXPFW_RESULT_ROOT", str(forged.root))
    assert open_experiment(12).id == 12


def test_a_notebook_shows_a_summary_that_runs_nothing(forged: Forged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(forged.root.parent)
    shown = forged.opened._repr_html_()
    assert "<strong>Experiment 12: &lt;b&gt;forged&lt;/b&gt;</strong> (COMPLETED)" in shown
    assert "accuracy 0.9 ± 0.1 over 2 folds, test 0.95" in shown
    assert '<a href="result/result_experiment_12/report/index.html"' in shown
    (forged.folder.report / "index.html").write_text("<script>alert()</script>")
    shown = forged.opened._repr_html_()
    assert "<a " not in shown
    assert "report/index.html was altered" in shown


def test_importing_the_framework_stays_light() -> None:
    code = "import sys, expfw; print(sorted({'pandas', 'kedro', 'numpy'} & set(sys.modules)))"
    source = str(Path(expfw.__path__[0]).parent)
    environment = {**os.environ, "PYTHONPATH": source}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == "[]"
    with pytest.raises(AttributeError, match="module 'expfw' has no attribute 'nothing'"):
        expfw.nothing  # noqa: B018


class Fragile:
    """Can be pickled, and not unpickled, as with another version."""

    def __setstate__(self, state: Any) -> None:
        raise ValueError("incompatible dtype")

    def __getstate__(self) -> Any:
        return {"a": 1}


def kept(forged: Forged, value: Any) -> None:
    """Record another final model."""
    ObjectDataset(filepath=str(forged.folder.model / "final_model.pkl")).save(value)
    forged.saved("final_model", "model/final_model.pkl")
    forged.again()


def test_a_pickle_of_another_version_gives_one_sentence_with_both(forged: Forged) -> None:
    import platform

    import sklearn

    kept(forged, Fragile())
    with pytest.raises(RecordError) as caught:
        forged.opened.final_model  # noqa: B018
    said = str(caught.value)
    assert "experiment 12: model/final_model.pkl is as it was written, but cannot be read here" in said
    assert "it was written with Python 3.11.0 and scikit-learn 1.0.0" in said
    assert f"here is Python {platform.python_version()} and scikit-learn {sklearn.__version__}" in said
    assert "(ValueError: incompatible dtype)" in said
    assert "kedro experiment rerun 12" in said
    assert "\n" not in said


def test_a_class_that_moved_is_named(forged: Forged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs.py").write_text("class Model:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    from theirs import Model  # type: ignore[import-not-found]

    kept(forged, Model())
    assert isinstance(forged.opened.final_model, Model)
    monkeypatch.delattr(sys.modules["theirs"], "Model")
    with pytest.raises(RecordError, match=r"its class theirs\.Model cannot be imported .*; if it was moved, renamed"):
        forged.opened.final_model  # noqa: B018


def test_a_model_that_kept_services_adds_nothing_to_a_run_that_is_over(forged: Forged) -> None:
    collector = ReportCollector(forged.folder.sections, step="fit")
    kept(forged, {"collector": collector, "timer": Timer(forged.events, step="fit"), "folder": forged.folder})
    before = snapshot(forged.root)
    model: Any = forged.opened.final_model
    model["collector"].add_text("once more")
    with model["timer"]("thinking"):
        pass
    assert model["folder"].path == forged.folder.path
    assert model["timer"].events.read("saved")
    assert snapshot(forged.root) == before


def test_the_projects_package_is_importable_if_it_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "src" / "only_in_this_project").mkdir(parents=True)
    (tmp_path / "src" / "only_in_this_project" / "__init__.py").touch()
    settings = '[tool.kedro]\npackage_name = "{}"\nkedro_init_version = "1.0.0"\nproject_name = "A"\n'
    for package, added in (("json", []), ("only_in_this_project", [str(tmp_path / "src")])):
        before = list(sys.path)
        (tmp_path / "pyproject.toml").write_text(settings.format(package))
        make_importable(tmp_path)
        assert sys.path == before + added
    make_importable(tmp_path / "no project")


def test_the_same_packages_leave_only_the_error_to_tell(forged: Forged) -> None:
    (forged.folder.log / "environment.json").write_text(json.dumps({"python": __import__("platform").python_version()}))
    kept(forged, Fragile())
    with pytest.raises(
        RecordError, match=r"cannot be read here \(ValueError: incompatible dtype\); run the experiment"
    ):
        forged.opened.final_model  # noqa: B018
