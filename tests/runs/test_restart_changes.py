"""Going on with a run after something changed: what would not fit together is refused, and named."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from runs.lab import PACKAGE, SMALL, Lab, Outcome, trial, wait_for

FILES = '''
"""Features and a model that are made to be broken off."""

import os
import pickle
import time
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from expfw.services import ReportCollector, ResultFolder


def calls(path):
    """How often it was called, counted in folders: a file would be an input."""
    number = 1
    while Path(f"{path}.{number}").exists():
        number += 1
    Path(f"{path}.{number}").mkdir()
    return number


class Scaled:
    """Scales by what a file says; fails in the second fold, once."""

    def __init__(self, path: str, fail: bool = True):
        self.path, self.fail = path, fail

    def fit(self, X, y=None):
        self.scale_ = float(Path(self.path).read_text())
        if self.fail and calls(f"{self.path}.count") == 3:
            raise RuntimeError("boom")
        return self

    def transform(self, X):
        return np.asarray(X) * self.scale_


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


class Exchanged:
    """Fails in the third fold; when it predicts after that, the second fold's model is exchanged, once."""

    def __init__(self, folder: ResultFolder, place: str):
        self.folder, self.place = folder, place

    def fit(self, X, y=None):
        if len(X) < 40 and calls(f"{self.place}/count") == 3:
            raise RuntimeError("boom")
        return self

    def predict(self, X):
        if Path(f"{self.place}/count.4").exists() and not Path(f"{self.place}/done").exists():
            Path(f"{self.place}/done").touch()
            victim = self.folder.model / "folds" / "fold_1.pkl"
            victim.write_bytes(pickle.dumps(Evil(f"{self.place}/mark")))
        return (np.asarray(X)[:, 1] > 0).astype(int)


def work(collector, log, go):
    with open(log, "a") as file:
        file.write(f"{os.getpid()}\\n")
    end = time.monotonic() + 60
    while not Path(go).exists() and time.monotonic() < end:
        time.sleep(0.05)
    collector.add_text("too late", title="late")


class Loky:
    """Lets joblib's workers wait, and then add to the page."""

    def __init__(self, collector: ReportCollector, log: str):
        self.collector, self.log = collector, log

    def fit(self, X, y=None):
        if not Path(f"{self.log}.quick").exists():
            jobs = [delayed(work)(self.collector, self.log, f"{self.log}.go") for _ in range(2)]
            Parallel(n_jobs=2, backend="loky")(jobs)
        return self

    def predict(self, X):
        return (np.asarray(X)[:, 1] > 0).astype(int)
'''


def broken(name: str, **params: Any) -> dict[str, Any]:
    """A component of the code above."""
    return {"type": f"{PACKAGE}.breaking.{name}", **({"params": params} if params else {})}


@pytest.fixture
def mine(own_lab: Lab) -> Lab:
    """A project with the code above."""
    (own_lab.project.path / "src" / PACKAGE / "breaking.py").write_text(FILES, encoding="utf-8")
    return own_lab


def restart(lab: Lab, *args: str, **options: Any) -> Outcome:
    """Take up experiment 1."""
    return lab.kedro("experiment", "restart", "1", *args, **options)


def changed(outcome: Outcome) -> list[str]:
    """What a restart put up with."""
    return list(outcome.json("log/run.json")["restarts"][-1]["changed"])


def table(lab: Lab, name: str) -> None:
    """A file below ``data``."""
    folder = lab.project.path / "data"
    folder.mkdir(exist_ok=True)
    rows = (f"{i if name == 'a' else i * i % 7},{i % 2}\n" for i in range(60))
    (folder / f"{name}.csv").write_text(f"x,y\n{''.join(rows)}", encoding="utf-8")


def tables(lab: Lab, entry: str, *names: str) -> dict[str, Any]:
    """Two files, and a catalog entry of which ``entry`` says which; the experiment's changes that read it."""
    for name in names:
        table(lab, name)
    with (lab.project.path / "config" / "base" / "catalog.yml").open("a", encoding="utf-8") as file:
        file.write(f"\nrows:\n  type: pandas.CSVDataset\n  filepath: {entry}\n")
    return {"data_source": {"type": "CatalogEntry", "params": {"entry": "rows", "target": "y"}}}


def parameters(lab: Lab, text: str) -> None:
    """Add to the parameter files."""
    with (lab.project.path / "config" / "base" / "parameters.yml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


CHOSEN = "${runtime_params:data_file, data/a.csv}"


def test_a_restart_has_the_params_of_the_project_itself(mine: Lab) -> None:
    parameters(mine, "data_file: data/a.csv")
    changes = tables(mine, CHOSEN, "a")
    mine.run(changes, params="data_file=data/b.csv").message()  # is not there yet
    table(mine, "b")
    outcome = restart(mine).ok()
    assert list(outcome.json("log/inputs.json")) == ["data/b.csv"]
    assert changed(outcome) == []


def test_a_rerun_has_the_params_of_the_project_itself(mine: Lab) -> None:
    parameters(mine, "data_file: data/a.csv")
    changes = tables(mine, CHOSEN, "a", "b")
    first = mine.run(changes, params="data_file=data/b.csv").ok()
    assert first.json("log/run.json")["params"]["data_file"] == "data/b.csv"
    outcome = mine.kedro("experiment", "rerun", "1").ok()
    assert list(outcome.json("log/inputs.json")) == ["data/b.csv"]
    assert outcome.json("log/run.json")["params"] == {"data_file": "data/b.csv"}
    assert outcome.json("log/run.json")["hash"] == first.json("log/run.json")["hash"]


def test_other_data_by_a_param_is_no_known_run(mine: Lab) -> None:
    parameters(mine, "data_file: data/a.csv")
    name = mine.write({**SMALL, **tables(mine, CHOSEN, "a", "b")})
    mine.experiment(name).ok()
    outcome = mine.experiment(name, params="data_file=data/b.csv,if_run=skip").ok()
    assert list(outcome.json("log/inputs.json")) == ["data/b.csv"]
    assert len(mine.experiment(name, params="data_file=data/b.csv,if_run=skip").ok().folders) == 2
    assert len(mine.experiment(name, params="if_run=skip").ok().folders) == 2


@pytest.mark.parametrize("command", ["restart", "rerun"])
def test_a_param_that_was_a_secret_must_be_given_again(mine: Lab, tmp_path: Path, command: str) -> None:
    parameters(mine, "shop_token: none")
    fixed = tmp_path / "fixed"
    if command == "rerun":
        fixed.touch()
    mine.run({"reports": [trial("NeedsFile", path=str(fixed))]}, params="shop_token=s3cr3t-t0ken")
    message = mine.kedro("experiment", command, "1").message()
    assert "--params shop_token was a secret, and no record holds it" in message
    assert len(list(mine.root.glob("result_experiment_*"))) == 1


def packed(lab: Lab, kind: str) -> Path:
    """The project's configuration elsewhere, with an entry of its own."""
    copy = lab.scratch / "packed" / "config"
    shutil.copytree(lab.project.path / "config", copy)
    with (copy / "base" / "catalog.yml").open("a", encoding="utf-8") as file:
        file.write("\nelsewhere:\n  type: MemoryDataset\n")
    (copy / "experiments" / "there.json").write_text(json.dumps(SMALL), encoding="utf-8")
    (copy / "local").mkdir(exist_ok=True)
    (copy / "local" / "private.yml").write_text("a: 1\n", encoding="utf-8")
    return copy if kind == "folder" else Path(shutil.make_archive(str(copy.parent), kind, copy.parent, "config"))


@pytest.mark.parametrize("kind", ["folder", "zip", "gztar"])
def test_what_was_read_from_elsewhere_is_on_record(mine: Lab, kind: str) -> None:
    source = packed(mine, kind)
    outcome = mine.kedro("run", f"--conf-source={source}", "--params", "experiment=there").ok()
    recorded = outcome.folder / "log" / "sources" / "config"
    assert "elsewhere:" in (recorded / "base" / "catalog.yml").read_text(encoding="utf-8")
    assert json.loads((recorded / "experiments" / "there.json").read_text(encoding="utf-8")) == SMALL
    assert not (recorded / "local").exists()
    again = mine.kedro("experiment", "rerun", "1").ok()
    assert "identical to the bit" in again.out
    assert again.json("log/run.json")["conf_source"]["path"] == str(source)
    source.rename(source.with_name("away"))
    message = mine.kedro("experiment", "rerun", "1").message()
    assert f"the configuration in '{source}', which is gone" in message


def half_fitted(lab: Lab, tmp_path: Path, **options: Any) -> Path:
    """An experiment that fitted the final model and one fold, then failed; the file that it scales by."""
    path = tmp_path / "scale.txt"
    path.write_text("1", encoding="utf-8")
    lab.run({"features": broken("Scaled", path=str(path))}, **options).message()
    return path


def test_folds_that_read_other_files_are_not_mixed(mine: Lab, tmp_path: Path) -> None:
    path = half_fitted(mine, tmp_path)
    path.write_text("1000", encoding="utf-8")
    message = restart(mine).message()
    assert f"{path}, which fit read" in message
    assert "--force" in message
    outcome = restart(mine, "--force").ok()
    assert f"{path}, which fit read" in changed(outcome)
    assert "finished before: hold_out, load, prepare, refit, resample, 1 fold\n" in outcome.err


def test_a_file_that_only_a_failed_node_read_may_be_mended(mine: Lab, tmp_path: Path) -> None:
    path = tmp_path / "scale.txt"
    path.write_text("no number", encoding="utf-8")
    mine.run({"features": broken("Scaled", path=str(path), fail=False)}).message()
    path.write_text("1", encoding="utf-8")
    outcome = restart(mine).ok()
    assert changed(outcome) == []
    assert "hold_out" in outcome.json("log/run.json")["restarts"][0]["finished_nodes"]


def test_other_threads_and_variables_are_named(mine: Lab, tmp_path: Path) -> None:
    half_fitted(mine, tmp_path)
    message = restart(mine, env={"OMP_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Prescott"}).message()
    assert "OMP_NUM_THREADS (was 1, is 2)" in message
    assert "OPENBLAS_CORETYPE (was not set, is Prescott)" in message
    assert restart(mine).ok().sacred["status"] == "COMPLETED"


@pytest.mark.parametrize(("name", "decides"), [("globals", True), ("spark", True), ("logging", False)])
def test_settings_that_decide_are_compared(mine: Lab, tmp_path: Path, name: str, decides: bool) -> None:
    path = mine.project.path / "config" / "base" / f"{name}.yml"
    text = path.read_text(encoding="utf-8") if path.exists() else "rows: a.csv\n"
    path.write_text(text, encoding="utf-8")
    half_fitted(mine, tmp_path)
    path.write_text(f"{text}# more\n", encoding="utf-8")
    if decides:
        assert f"config/base/{name}.yml" in restart(mine).message()
    assert restart(mine, *(["--force"] if decides else [])).ok().sacred["status"] == "COMPLETED"


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_a_model_that_was_exchanged_after_the_check_is_not_loaded(mine: Lab, tmp_path: Path, runner: str) -> None:
    mark = tmp_path / "mark"
    mine.run({"model": broken("Exchanged", place=str(tmp_path))}).message()
    assert "fold_1.pkl was altered after this restart found it intact" in restart(mine, "--runner", runner).message()
    assert not mark.exists()
    assert restart(mine, "--runner", runner).ok().sacred["status"] == "COMPLETED"
    assert not mark.exists()


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["SequentialRunner", "ParallelRunner"])
def test_what_outlived_a_killed_run_is_ended_before_it_goes_on(mine: Lab, tmp_path: Path, runner: str) -> None:
    log = tmp_path / "log"
    command = mine.begin({"model": broken("Loky", log=str(log))}, "--runner", runner)
    wait_for("the workers", lambda: log.exists() and len(set(log.read_text().split())) >= 2)
    workers = [psutil.Process(int(pid)) for pid in set(log.read_text().split())]
    command.send(signal.SIGKILL)
    command.wait()
    Path(f"{log}.quick").touch()
    outcome = restart(mine).ok()
    left = [worker.pid for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    assert left == []
    assert "had left processes behind, which were ended" in outcome.err
    Path(f"{log}.go").touch()
    assert "too late" not in (outcome.folder / "report" / "index.html").read_text(encoding="utf-8")
