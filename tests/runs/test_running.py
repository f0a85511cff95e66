"""``kedro run``: which experiment, with which settings, with which runner, and the same again."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs.lab import Lab, Outcome, sklearn, trial

from baking import Bake

FOREST = {
    "data_source": trial("Made", target="multi", rows=120),
    "holdout": sklearn("model_selection.StratifiedShuffleSplit", n_splits=1, test_size=0.25),
    "resampling": sklearn("model_selection.StratifiedKFold", n_splits=3, shuffle=True),
    "features": {"type": "TabularFeatures"},
    "model": sklearn("ensemble.RandomForestClassifier", n_estimators=7),
    "metrics": ["accuracy", "neg_log_loss"],
}
RESULTS = (
    "data/folds.npz",
    "data/predictions.feather",
    "data/test_predictions.feather",
    "report/diagnostics.json",
    "report/test_metrics.json",
    "report/validation_metrics.json",
)


def results(outcome: Outcome) -> dict[str, bytes]:
    """What must be the same in every run of an experiment, to the bit."""
    return {name: (outcome.folder / name).read_bytes() for name in RESULTS}


def test_without_arguments_the_default_experiment_runs_as_a_real_command(bake: Bake) -> None:
    project = bake()
    project.run("kedro", "run")
    said = project.run("kedro", "experiment", "list", env={"COLUMNS": "200"}).stdout
    assert "iris_forest" in said
    assert "COMPLETED" in said
    assert (project.path / "result" / "result_experiment_1" / "report" / "index.html").is_file()


def test_an_experiment_is_chosen_by_its_name(lab: Lab) -> None:
    outcome = lab.experiment("diabetes_ridge").ok()
    assert outcome.json("log/run.json")["name"] == "diabetes_ridge"
    assert "r2" in outcome.metrics["validation"]


def test_a_parameter_below_a_step_is_overridden(lab: Lab) -> None:
    outcome = lab.run(FOREST, params="model.params.n_estimators=3,resampling.params.n_splits=2").ok()
    config = outcome.json("log/config.json")
    assert config["model"]["params"]["n_estimators"] == 3
    assert len(outcome.metrics["validation"]["accuracy"]["folds"]) == 2
    origin = outcome.json("log/origin.json")
    assert origin["model.params.n_estimators"] == origin["resampling.params.n_splits"] == "--params"


def test_another_type_drops_the_inherited_parameters(lab: Lab) -> None:
    outcome = lab.run(
        FOREST, params="metrics.1=f1_macro,model.type=sklearn.svm.SVC,model.params.shrinking=false,model.params.C=2.5"
    ).ok()
    params = outcome.json("log/config.json")["model"]["params"]
    assert params == {"C": 2.5, "shrinking": False, "random_state": 42}


def test_an_entry_of_a_list_is_overridden_by_its_position(lab: Lab) -> None:
    changes = {"reports": [{"type": "RocCurve"}, {"type": "CalibrationCurve", "params": {"n_bins": 3}}]}
    outcome = lab.run(changes, params="reports.1.type=ConfusionMatrix,metrics.0=f1").ok()
    config = outcome.json("log/config.json")
    assert [report["type"] for report in config["reports"]] == ["RocCurve", "ConfusionMatrix"]
    assert "n_bins" not in config["reports"][1]["params"]
    assert list(outcome.metrics["validation"]) == ["f1"]


def test_a_step_is_switched_off_by_null(lab: Lab) -> None:
    outcome = lab.run(FOREST, params="holdout=null,features=null").ok()
    assert outcome.metrics["test"] == {}
    assert outcome.json("log/config.json")["features"] is None


def test_the_seed_of_all_components_is_overridden_at_once(lab: Lab) -> None:
    outcome = lab.run(FOREST, params="defaults.random_state=7").ok()
    config = outcome.json("log/config.json")
    assert {config[key]["params"]["random_state"] for key in ("holdout", "resampling", "model")} == {7}


def test_a_yaml_experiment_runs_like_a_json_one(lab: Lab) -> None:
    yaml = """
    extends: iris_logistic
    description: written in YAML
    model:
      params: {C: 0.5}
    """
    name = lab.write(yaml, suffix=".yml")
    outcome = lab.experiment(name).ok()
    assert outcome.json("log/config.json")["model"]["params"]["C"] == 0.5


def test_parameters_of_the_projects_own_reach_the_loader_untouched(own_lab: Lab) -> None:
    parameters = own_lab.project.path / "config" / "base" / "parameters.yml"
    parameters.write_text(parameters.read_text() + "\nmine: {depth: 2}\n")
    own_lab.run(params="mine.depth=3").ok()
    assert own_lab.run(params="yours=3").code == 2


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_every_runner_gives_the_same_results_to_the_bit(lab: Lab, runner: str) -> None:
    sequential = lab.run(FOREST).ok()
    expected = results(sequential)
    other = lab.run(FOREST, "--runner", runner, params="reuse=off").ok()
    assert results(other) == expected


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_components_that_draw_from_the_global_generators_are_reproducible(lab: Lab, runner: str) -> None:
    changes = {
        "data_source": trial("Made", target="number"),
        "model": trial("Random"),
        "metrics": ["r2"],
        "resampling": sklearn("model_selection.KFold", n_splits=2),
    }
    first = results(lab.run(changes, "--runner", runner).ok())
    assert results(lab.run(changes, params="reuse=off").ok()) == first


def test_a_second_run_gives_the_same_results_to_the_bit(lab: Lab) -> None:
    first = results(lab.run(FOREST).ok())
    second = lab.run(FOREST, params="reuse=off").ok()
    assert second.folder.name == "result_experiment_2"
    assert results(second) == first


def test_another_seed_gives_other_results(lab: Lab) -> None:
    """So that the tests above do not compare constants."""
    first = results(lab.run(FOREST).ok())
    second = results(lab.run(FOREST, params="defaults.random_state=1").ok())
    assert all(first[name] != second[name] for name in RESULTS)


def test_a_run_from_another_folder_finds_the_project(lab: Lab) -> None:
    folder = lab.project.path / "config"
    outcome = lab.start("run", "--params", "experiment=iris_baseline", cwd=folder).wait().ok()
    assert outcome.metrics["test"]["accuracy"] > 0


def test_nothing_is_written_outside_of_the_results(lab: Lab) -> None:
    before = lab.project.files()
    lab.experiment("iris_baseline").ok()
    assert lab.project.files() == before


def test_results_lie_in_the_project_unless_told_otherwise(own_lab: Lab) -> None:
    command = own_lab.start("run", "--params", "experiment=iris_baseline", env={"EXPFW_RESULT_ROOT": ""})
    command.wait().ok()
    assert Path(own_lab.project.path / "result" / "result_experiment_1" / "report" / "index.html").is_file()
