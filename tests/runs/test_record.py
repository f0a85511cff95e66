"""What reconstructs a run without the rest of the machine: sources, configuration, inputs, git in all its states."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from runs.lab import SMALL, Lab, snapshot, trial

from expfw.run.events import checksum

RUNNERS = ["SequentialRunner", "ThreadRunner", "ParallelRunner"]


def table(path: Path, rows: int = 60) -> Path:
    """A table of rows to learn from, as text or as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).normal(size=rows)
    frame = pd.DataFrame({"a": values, "b": values**2, "y": (values > 0).astype(int)})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("kind", ["CsvFile", "ParquetFile"])
def test_the_file_that_the_data_comes_from_is_recorded(own_lab: Lab, kind: str, runner: str) -> None:
    path = table(own_lab.project.path / "data" / f"rows.{kind.removesuffix('File').lower()}")
    name = path.relative_to(own_lab.project.path).as_posix()
    source = {"data_source": {"type": kind, "params": {"path": name, "target": "y"}}}
    recorded = own_lab.run(source, "--runner", runner).ok().json("log/inputs.json")
    assert recorded == {name: {"sha256": checksum(path), "size": path.stat().st_size, "nodes": ["load"]}}


def test_a_file_outside_of_the_project_behind_a_catalog_entry_is_recorded(own_lab: Lab, tmp_path: Path) -> None:
    path = table(tmp_path / "elsewhere" / "rows.parquet")
    catalog = own_lab.project.path / "config" / "base" / "catalog.yml"
    catalog.write_text(f"{catalog.read_text()}\nrows:\n  type: pandas.ParquetDataset\n  filepath: {path.as_posix()}\n")
    outcome = own_lab.run({"data_source": {"type": "CatalogEntry", "params": {"entry": "rows", "target": "y"}}}).ok()
    assert outcome.json("log/inputs.json")[path.as_posix()]["sha256"] == checksum(path)


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_run_that_reads_no_file_has_no_inputs(lab: Lab, runner: str) -> None:
    assert lab.run({"reports": [{"type": "MetricsTable"}]}, "--runner", runner).ok().json("log/inputs.json") == {}


WORDS = '''
from pathlib import Path
from sklearn.base import BaseEstimator, TransformerMixin

class Words(TransformerMixin, BaseEstimator):
    """Reads a file that no parameter names, in each fold."""

    def fit(self, X, y=None):
        self.words_ = Path("data", "words.txt").read_text()
        return self

    def transform(self, X):
        return X
'''


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_file_that_only_the_code_names_is_recorded_with_the_nodes_that_read_it(own_lab: Lab, runner: str) -> None:
    project = own_lab.project.path
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "words.txt").write_text("good bad")
    (project / "src" / "ml_experiments" / "words.py").write_text(WORDS)
    outcome = own_lab.run({"features": {"type": "ml_experiments.words.Words"}}, "--runner", runner).ok()
    (entry,) = outcome.json("log/inputs.json").values()
    assert entry["sha256"] == checksum(project / "data" / "words.txt")
    assert {"fit", "refit"} <= set(entry["nodes"])
    assert set(entry["nodes"]) == {"fit", "refit"} or runner == "ThreadRunner", "others may run at the same time"


def test_a_failed_run_has_its_inputs(own_lab: Lab) -> None:
    table(own_lab.project.path / "data" / "rows.csv")
    params = {"path": "data/rows.csv", "target": "no such column"}
    outcome = own_lab.run({"data_source": {"type": "CsvFile", "params": params}})
    assert "no such column" in outcome.message()
    assert set(outcome.json("log/inputs.json")) == {"data/rows.csv"}


def test_the_configuration_is_kept_beside_the_code(lab: Lab) -> None:
    lab.write(SMALL, "another")
    parent = lab.write(SMALL)
    name = lab.write({"extends": parent})
    kept = snapshot(lab.experiment(name).ok().folder / "log" / "sources")
    expected = {
        "config/base/catalog.yml",
        "config/base/parameters.yml",
        "conf/logging.yml",
        f"config/experiments/{name}.json",
    }
    assert expected <= set(kept)
    assert all(content == (lab.project.path / path).read_bytes() for path, content in kept.items())
    experiments = {path for path in kept if path.startswith(("config/experiment", "config/local"))}
    assert experiments == {f"config/experiments/{file}.json" for file in (name, parent)}


def test_thread_pools_of_the_run_are_recorded(lab: Lab) -> None:
    environment = lab.run().ok().json("log/environment.json")
    blas = [pool for pool in environment["thread_pools"] if pool["user_api"] == "blas"]
    assert {pool["num_threads"] for pool in blas} == {1}, "OMP_NUM_THREADS is 1 in the tests"
    assert environment["cpu_model"]


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    someone = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *someone, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_shallow_clone_runs_and_its_dirty_tree_can_be_had_back(own_lab: Lab, tmp_path: Path) -> None:
    """From the repository and the record alone: commit, diff with bytes that are no UTF-8, untracked files."""
    project, origin = own_lab.project.path, tmp_path / "origin"
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", "--bare", str(project), str(origin))
    shutil.rmtree(project / ".git")
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--no-checkout", f"file://{origin}", "shallow")
    shutil.move(tmp_path / "shallow" / ".git", project / ".git")
    git(project, "reset", "--quiet")
    changed = b"\n# caf\xe9\n"
    readme = project / "README.md"
    readme.write_bytes(readme.read_bytes() + changed)
    (project / "notebooks").mkdir()
    (project / "notebooks" / "look.ipynb").write_text("{}")

    outcome = own_lab.experiment("iris_baseline").ok()
    state, log = outcome.json("log/environment.json")["git"], outcome.folder / "log"
    assert (state["shallow"], state["dirty"], state["diff"], state["left_out"]) == (True, True, "git.diff", [])
    assert "notebooks/look.ipynb" in state["untracked"]
    assert (log / "untracked" / "notebooks" / "look.ipynb").read_text() == "{}"
    git(tmp_path, "clone", "--quiet", str(origin), "again")
    git(tmp_path / "again", "checkout", "--quiet", state["commit"])
    git(tmp_path / "again", "apply", "--whitespace=nowarn", str(log / "git.diff"))
    assert (tmp_path / "again" / "README.md").read_bytes() == readme.read_bytes()


def test_a_component_of_the_tests_is_no_input(lab: Lab) -> None:
    outcome = lab.run({"model": trial("Watched", journal=str(lab.root.parent / "journal"))})
    assert not [name for name in outcome.json("log/inputs.json") if name.endswith((".py", ".pkl", ".json"))]
