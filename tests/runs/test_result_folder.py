"""What a run leaves behind: which files, and whether they tell the truth."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs.lab import Lab, Outcome, sklearn, snapshot, trial

from expfw.run.sources import source_files

OUTPUTS = """
data/development_data.pkl data/folds.npz data/predictions.feather data/prepared_data.pkl data/raw_data.pkl
data/test_data.pkl data/test_predictions.feather
model/final_model.pkl model/folds/fold_0.pkl model/folds/fold_1.pkl model/folds/fold_2.pkl
report/diagnostics.json report/index.html report/test_metrics.json report/validation_metrics.json
""".split()
RECORD = """
log/checksums.json log/config.json log/environment.json log/events.jsonl log/experiment.log log/inputs.json
log/log.jsonl log/origin.json log/run.json log/timing.json
log/sacred/config.json log/sacred/cout.txt log/sacred/metrics.json log/sacred/run.json
""".split()
NODES = "load prepare hold_out resample fit predict evaluate refit test report".split()
TABLE = {"reports": [{"type": "MetricsTable"}]}


def checksum(path: Path) -> str:
    """As ``sha256sum`` gives it."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_the_files_of_an_ordinary_run_are_these_and_no_others(lab: Lab) -> None:
    outcome = lab.run(TABLE).ok()
    used = f"config/experiments/{outcome.json('log/run.json')['name']}.json"
    sources = [f"log/sources/{source.name}" for source in source_files(lab.project.path, {used})]
    sections = ["report/sections/00000-report-000000-MetricsTable-00000.json"]
    assert set(snapshot(outcome.folder)) == {*OUTPUTS, *RECORD, *sources, *sections}


def test_a_failed_run_leaves_its_record_and_what_was_finished(lab: Lab) -> None:
    outcome = lab.run({"model": trial("Faulty", at="fit")})
    files = set(snapshot(outcome.folder, leave_out=[]))
    assert set(RECORD) <= files
    assert "log/traceback.txt" in files
    assert "report/index.html" not in files
    assert {name for name in files if name.startswith("model/")} == set()


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_checksums_cover_every_output_and_are_those_of_the_files(lab: Lab, runner: str) -> None:
    outcome = lab.run(TABLE, "--runner", runner).ok()
    recorded = outcome.json("log/checksums.json")
    assert {name for name in recorded if not name.startswith("report/sections/")} == set(OUTPUTS)
    assert len(recorded) > len(OUTPUTS)
    assert recorded == {name: checksum(outcome.folder / name) for name in recorded}


def test_the_recorded_configuration_runs_again_with_the_same_results(lab: Lab) -> None:
    changes = {
        "description": "to be repeated",
        "extends": "iris_logistic",
        "model": sklearn(
            "model_selection.GridSearchCV",
            estimator=sklearn("svm.SVC"),
            param_grid={"C": [0.1, 1.0], "kernel": ["linear", "rbf"]},
            cv=2,
        ),
        "metrics": ["accuracy", {"type": "sklearn.metrics.fbeta_score", "params": {"beta": 2}}],
        **TABLE,
    }
    first = lab.run(changes, params="resampling.params.n_splits=2").ok()
    config, metrics, name = first.json("log/config.json"), first.metrics, first.json("log/run.json")
    again = lab.experiment(lab.write(config), params="reuse=off").ok()
    assert again.metrics == metrics
    assert again.json("log/config.json") == config
    assert again.json("log/run.json")["hash"] == name["hash"]


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_that_the_record_could_not_tell_is_refused(lab: Lab, value: float) -> None:
    """JSON knows no infinity; recorded as null, it would be another configuration."""
    outcome = lab.run({"model": sklearn("linear_model.LogisticRegression", C=value)})
    assert "model.params.C" in outcome.message()
    assert not outcome.root.exists()


def test_every_leaf_of_the_configuration_names_the_layer_and_the_line_that_it_came_from(lab: Lab) -> None:
    parent = {
        "data_source": trial("Made"),
        "resampling": sklearn("model_selection.KFold", n_splits=4, shuffle=True),
        "model": sklearn("linear_model.LogisticRegression", C=2.0, max_iter=500),
        "metrics": ["accuracy"],
    }
    first = lab.write(json.dumps(parent, indent=2))
    child: dict[str, Any] = {"extends": first, "model": {"params": {"C": 3.0}}, "holdout": None, "reports": []}
    second = lab.write(json.dumps(child, indent=2))
    outcome = lab.experiment(second, params="resampling.params.n_splits=2").ok()
    expected = {
        "data_source.type": (first, "Made"),
        "resampling.type": (first, "KFold"),
        "resampling.params.shuffle": (first, "shuffle"),
        "model.type": (first, "LogisticRegression"),
        "model.params.C": (second, "3.0"),
        "model.params.max_iter": (first, "500"),
        "metrics.0": (first, "accuracy"),
        "holdout": (second, "null"),
        "reports": (second, "[]"),
        "defaults.random_state": ("base/parameters", "random_state"),
        "model.params.random_state": ("base/parameters", "random_state"),
    }
    origin = outcome.json("log/origin.json")
    assert origin["resampling.params.n_splits"] == "--params"
    assert not [key for key, _ in leaves(outcome.json("log/config.json")) if key not in origin]
    for key, (file, words) in expected.items():
        path, _, number = origin[key].partition(":")
        assert path.rpartition(".")[0].endswith(f"/{file}"), key
        assert words in (lab.project.path / path).read_text().splitlines()[int(number) - 1], key


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Key paths and values, but for what only describes."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    items = [(f"{path}.{key}" if path else str(key), item) for key, item in entries]
    if not items:
        yield path, value
    for key, item in items:
        yield from leaves(item, key)


def test_a_dropped_parameter_has_no_origin_left(lab: Lab) -> None:
    changes = {"model": sklearn("linear_model.LogisticRegression", C=2.0)}
    origin = lab.run(changes, params="model.type=sklearn.svm.SVC").ok().json("log/origin.json")
    assert set(origin) >= {"model.type", "model.params.random_state"}
    assert origin["model.type"] == "--params"
    assert "model.params.C" not in origin


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_the_timing_has_all_nodes_and_all_folds(lab: Lab, runner: str) -> None:
    timing = lab.run(None, "--runner", runner).ok().json("log/timing.json")
    assert set(timing["nodes"]) == set(NODES)
    assert set(timing["folds"]) == {"0", "1", "2"}
    seconds = [*timing["nodes"].values(), *timing["folds"].values()]
    assert all(isinstance(value, float) and 0 <= value < 600 for value in seconds)
    assert timing["nodes"]["fit"] >= sum(timing["folds"].values())


@pytest.mark.parametrize("without", ["holdout", "resampling"])
def test_the_timing_has_all_nodes_also_of_those_with_nothing_to_do(lab: Lab, without: str) -> None:
    timing = lab.run({without: None}).ok().json("log/timing.json")
    assert set(timing["nodes"]) == set(NODES)


def test_the_environment_is_that_of_the_run(lab: Lab) -> None:
    environment = lab.run().ok().json("log/environment.json")
    assert environment["python"] == platform.python_version()
    assert environment["platform"] == platform.platform()
    assert environment["variables"]["OMP_NUM_THREADS"] == "1"
    for name in ("numpy", "pandas", "scikit-learn", "kedro", "kedro-datasets", "sacred", "joblib", "pyarrow"):
        assert environment["packages"][name] == importlib.metadata.version(name), name


def test_no_other_variable_of_the_environment_is_recorded(lab: Lab) -> None:
    outcome = lab.begin(None, env={"MY_PASSWORD": "s3cr3t-of-the-test"}).wait().ok()
    assert not [name for name, content in snapshot(outcome.folder).items() if b"s3cr3t-of-the-test" in content]


def test_run_json_says_who_and_when_and_how(lab: Lab) -> None:
    outcome = lab.run(params="model.params.C=0.5").ok()
    run = outcome.json("log/run.json")
    assert (run["id"], run["parents"]) == (1, [])
    assert run["started"].endswith("+00:00")
    assert run["process"]["host"] == platform.node()
    assert run["params"]["model"] == {"params": {"C": 0.5}}
    assert len(run["hash"]) == 16


def test_the_hash_tells_computations_apart_and_nothing_else(lab: Lab) -> None:
    hashes = [
        lab.run(changes, params=params).ok().json("log/run.json")["hash"]
        for changes, params in (
            (None, ""),
            ({"description": "called otherwise", "tags": ["x"]}, ""),
            ({"model": sklearn("linear_model.LogisticRegression", random_state=42)}, ""),
            (None, "model.params.C=0.5"),
            (None, "defaults.random_state=1"),
        )
    ]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(set(hashes)) == 3


def git(project: Path, *arguments: str) -> str:
    """Run git in the project, as somebody."""
    someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *someone, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout.strip()


def environment_of(lab: Lab) -> Any:
    """The git part of a run's environment."""
    return lab.experiment("iris_baseline").ok().json("log/environment.json")["git"]


def test_git_is_recorded_with_all_that_differs_from_the_commit(own_lab: Lab) -> None:
    project = own_lab.project.path
    assert environment_of(own_lab) is None, "there is no repository yet"

    git(project, "init", "--quiet", "--initial-branch=main")
    state = environment_of(own_lab)
    assert (state["commit"], state["branch"], state["dirty"], state["diff"]) == (None, "main", True, None)
    assert "pyproject.toml" in state["untracked"]

    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    commit = git(project, "rev-parse", "HEAD")
    clean = {"commit": commit, "branch": "main", "shallow": False, "dirty": False}
    assert environment_of(own_lab) == {**clean, "untracked": [], "diff": None, "left_out": []}

    model = project / "src" / "ml_experiments" / "components" / "model.py"
    model.write_text(model.read_text() + "\n# größer\n")
    (project / "notes.txt").write_text("not added")
    outcome = own_lab.experiment("iris_baseline").ok()
    state = outcome.json("log/environment.json")["git"]
    assert (state["commit"], state["dirty"], state["untracked"]) == (commit, True, ["notes.txt"])
    diff = (outcome.folder / "log" / "git.diff").read_text()
    assert "+# größer" in diff
    assert diff.startswith("diff --git")
    assert (outcome.folder / "log" / "untracked" / "notes.txt").read_text() == "not added"

    git(project, "add", "src")
    staged = own_lab.experiment("iris_baseline").ok().folder / "log" / "git.diff"
    assert "+# größer" in staged.read_text(), "staged changes count as well"

    git(project, "stash", "--quiet")
    (project / "notes.txt").unlink()
    git(project, "checkout", "--quiet", "--detach")
    state = environment_of(own_lab)
    assert (state["commit"], state["branch"], state["dirty"]) == (commit, None, False)


def test_a_recorded_diff_restores_the_code(own_lab: Lab) -> None:
    """What was run can be had back: the commit, and the diff applied to it."""
    project = own_lab.project.path
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    model = project / "src" / "ml_experiments" / "components" / "model.py"
    model.write_text(model.read_text().replace("Your models", "My  models\t "))
    changed = model.read_text()
    outcome = own_lab.experiment("iris_baseline").ok()
    git(project, "checkout", "--quiet", "--", ".")
    assert model.read_text() != changed
    git(project, "apply", "--whitespace=nowarn", str(outcome.folder / "log" / "git.diff"))
    assert model.read_text() == changed


def test_a_machine_without_git_is_no_problem(lab: Lab, tmp_path: Path) -> None:
    outcome = lab.begin(None, env={"PATH": str(tmp_path)}).wait().ok()
    assert outcome.json("log/environment.json")["git"] is None


def test_paths_in_the_record_are_relative(lab: Lab) -> None:
    """So that a folder can be moved or sent."""
    outcome = lab.run(TABLE).ok()
    moved = ["log/checksums.json", "log/origin.json", "log/config.json", "log/sacred/run.json"]
    for name in moved:
        assert str(outcome.root) not in (outcome.folder / name).read_text()


def test_what_was_kept_can_be_loaded_and_used(lab: Lab) -> None:
    outcome = lab.run({"features": sklearn("preprocessing.StandardScaler"), **TABLE}).ok()
    code = f"""
import json, pickle, pathlib, numpy as np
from expfw.results import Predictions
import pandas as pd
folder = pathlib.Path({str(outcome.folder)!r})
model = pickle.loads((folder / "model/final_model.pkl").read_bytes())
test = pickle.loads((folder / "data/test_data.pkl").read_bytes())
table = Predictions(pd.read_feather(folder / "data/test_predictions.feather"))
assert (model.predict(test.X) == table.y_pred).all() and (test.y == table.y_true).all()
print(json.dumps(float(np.mean(table.y_pred == table.y_true))))
"""
    assert float(lab.python(code).out) == outcome.metrics["test"]["accuracy"]


def predictions(outcome: Outcome) -> Any:
    """The table of a run."""
    import pandas as pd

    return pd.read_feather(outcome.folder / "data" / "predictions.feather")


def test_predictions_have_a_row_for_each_validation_row(lab: Lab) -> None:
    table = predictions(lab.run({"data_source": trial("Made", target="text", rows=90)}).ok())
    scores = [f"proba_{name}" for name in ("high", "low", "middle")] + [
        f"decision_{name}" for name in ("high", "low", "middle")
    ]
    assert list(table.columns) == ["fold", "row", "y_true", "y_pred", *scores]
    assert sorted(table["row"]) == list(range(72))
    assert set(table["fold"]) == {0, 1, 2}
    assert list(table["y_pred"].cat.categories) == ["high", "low", "middle"]


def test_the_log_names_experiment_and_folds(lab: Lab) -> None:
    outcome = lab.run().ok()
    log = (outcome.folder / "log" / "experiment.log").read_text()
    for words in ("experiment 1: trial_", "fold 1/3: fitted", "fold 3/3: fitted", "completed", "accuracy"):
        assert words in log


def test_sacreds_configuration_takes_any_key(lab: Lab) -> None:
    """Sacred refuses keys with a dot or a dollar sign; an experiment does not."""
    weights = {"0": 1.0, "1": 2.0}
    changes = {"tags": ["a.b"], "model": trial("Tolerant", options={"a.b": 1, "$c": {"d=e": 2}, "weights": weights})}
    outcome = lab.run(changes).ok()
    assert outcome.json("log/config.json")["model"]["params"]["options"]["$c"] == {"d=e": 2}
    assert json.dumps(outcome.json("log/sacred/config.json"))
