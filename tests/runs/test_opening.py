"""Opening what real runs left: in a script within the project or outside of it, and equal runs give equal files."""

from __future__ import annotations

import json

import pytest
from runs.lab import SMALL, Lab, sklearn, snapshot, trial

SERVED = {**SMALL, "model": trial("Served"), "metrics": [], "data_source": trial("Made", target="number")}

LOOK = """
import os, json
from expfw import open_experiment

experiment = open_experiment(1)
print(json.dumps({
    "metrics": experiment.metrics,
    "config": experiment.config["model"],
    "rows": len(experiment.predictions),
    "test": len(experiment.test_predictions),
    "again": experiment.final_model.predict(experiment.test_data.X).tolist(),
    "then": experiment.test_predictions["y_pred"].tolist(),
    "folds": [type(model.model).__name__ for model in experiment.fold_models.values()],
    "verified": len(experiment.verify()),
    "shown": experiment._repr_html_(),
    "completed": "completed" in experiment.log,
    "nodes": sorted(experiment.timing["nodes"]),
    "record": experiment.record().status,
}))
"""


def test_a_script_in_the_project_reads_all_of_it_and_leaves_it_alone(lab: Lab) -> None:
    outcome = lab.run(SMALL).ok()
    before = snapshot(outcome.folder)
    told = json.loads(lab.python(LOOK).out)
    assert told["metrics"] == outcome.metrics
    assert told["config"] == outcome.json("log/config.json")["model"]
    assert (told["rows"], told["test"], told["folds"]) == (48, 12, ["LogisticRegression"] * 3)
    assert told["again"] == told["then"]
    assert told["verified"] == len(outcome.json("log/checksums.json"))
    assert "report/index.html" in told["shown"]
    assert told["completed"]
    assert told["record"] == "COMPLETED"
    assert "fit" in told["nodes"]
    assert snapshot(outcome.folder) == before


def test_from_elsewhere_the_project_is_named(lab: Lab) -> None:
    lab.run(SERVED).ok()
    code = "import os; os.chdir('/'); from expfw import open_experiment; "
    code += f"print(open_experiment(1, project={str(lab.project.path)!r}).final_model.model.folder.path)"
    assert lab.python(code).out.strip() == str(lab.root / "result_experiment_1")


def test_the_class_of_a_model_that_was_renamed_is_named(lab: Lab) -> None:
    lab.run(SERVED).ok()
    code = "import ml_experiments.trial as trial; del trial.Served; from expfw import open_experiment\n"
    code += "try:\n    open_experiment(1).final_model\nexcept Exception as error:\n    print(error)"
    said = lab.python(code).out
    assert "experiment 1: model/final_model.pkl is as it was written, but cannot be read here" in said
    assert "its class ml_experiments.trial.Served cannot be imported" in said


@pytest.mark.parametrize("model", ["Served", "LogisticRegression"])
def test_two_runs_keep_the_same_bytes(lab: Lab, model: str) -> None:
    experiment = SERVED if model == "Served" else {**SMALL, "features": sklearn("preprocessing.StandardScaler")}
    lab.run(experiment).ok()
    one, two = lab.run(experiment).ok().folders
    for part in ("data", "model"):
        assert snapshot(one / part) == snapshot(two / part)


def test_what_is_taken_over_adds_nothing_to_the_experiment_that_it_is_from(lab: Lab) -> None:
    first = lab.run(SERVED).ok().folder
    before = snapshot(first, leave_out=["log/children.jsonl"])
    taken = {"from_experiment": 1}
    lab.run({**SERVED, "holdout": taken, "resampling": taken, "model": taken}).ok()
    assert snapshot(first, leave_out=["log/children.jsonl"]) == before


def test_an_altered_configuration_is_not_run_again(lab: Lab) -> None:
    path = lab.run(SMALL).ok().folder / "log" / "config.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"n_splits": 3', '"n_splits": 4'), encoding="utf-8")
    outcome = lab.kedro("experiment", "rerun", "1")
    assert "experiment 1: log/config.json was altered after it was written" in outcome.message()
    assert len(outcome.folders) == 1
