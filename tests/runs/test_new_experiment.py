"""Altering an old experiment: the file, the overview beside it, and what a run says of a configuration run before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runs.lab import SMALL, Lab, Outcome


def new(lab: Lab, name: str, *args: str, **options: Any) -> Outcome:
    """``kedro experiment new``."""
    return lab.kedro("experiment", "new", name, *args, **options)


def file_of(lab: Lab, name: str) -> Path:
    """Where a new experiment lies."""
    return lab.project.path / "config" / "experiments" / f"{name}.json"


def fresh(lab: Lab, word: str) -> str:
    """A name that no experiment of the shared project has."""
    return f"{word}_{next(lab.numbers)}"


def test_an_old_experiment_is_altered_and_run(lab: Lab) -> None:
    old, name, copy = (lab.write(SMALL, fresh(lab, "old")), fresh(lab, "altered"), fresh(lab, "copy"))
    lab.experiment(old, params="model.params.C=0.5").ok()

    two = 'metrics=["accuracy", "f1_macro"]'
    made = new(lab, name, "--from", "1", "--set", two, "--set", "model.params.max_iter=500", "--tag", "b", "--tag", "a")
    text = file_of(lab, name).read_text(encoding="utf-8")
    assert json.loads(text) == {
        "$schema": "../experiment.schema.json",
        "tags": ["b", "a"],
        "extends": old,
        "model": {"params": {"C": 0.5, "max_iter": 500}},
        "metrics": ["accuracy", "f1_macro"],
    }
    shown = made.ok().out
    assert text in shown
    assert "Not run yet; 1 experiment so far." in shown
    assert f"kedro run --params experiment={name}" in shown

    config = lab.experiment(name).ok().json("log/config.json")
    assert (config["model"]["params"]["C"], config["metrics"]) == (0.5, ["accuracy", "f1_macro"])

    told = json.loads(new(lab, copy, "--from", name, "--description", 'a "copy"', "--format", "json").ok().out)
    assert told["file"] == f"config/experiments/{copy}.json"
    assert told["config"] == {**config, "description": 'a "copy"'}
    assert told["already_run"] == [2]
    assert [(one["id"], one["name"], one["status"]) for one in told["nearest"]] == [
        (2, name, "COMPLETED"),
        (1, old, "COMPLETED"),
    ]
    assert told["nearest"][0]["differs"] == {}
    assert told["nearest"][1]["differs"] == {
        "model.params.max_iter": [500, None],
        "metrics": [["accuracy", "f1_macro"], ["accuracy"]],
    }
    for one in told["nearest"]:
        record = json.loads((lab.root / f"result_experiment_{one['id']}/report/validation_metrics.json").read_text())
        assert one["metrics"]["validation"] == record


def test_the_overview_beside_it_fits_a_terminal(lab: Lab) -> None:
    old = lab.write(SMALL, fresh(lab, "an_experiment_of_a_rather_long_name"))
    lab.experiment(old).ok()
    shown = new(lab, fresh(lab, "c"), "--from", old, "--set", "model.params.C=3", env={"COLUMNS": "80"}).ok().out
    table = shown[shown.index("Not run yet") :].splitlines()
    assert max(len(line.rstrip()) for line in table) <= 80
    assert any("accuracy" in line and "model.params.C – → 3" in line for line in table)


def test_a_record_whose_file_is_gone_is_written_out(lab: Lab) -> None:
    old, name = lab.write({**SMALL, "features": {"type": "TabularFeatures"}}, fresh(lab, "gone")), fresh(lab, "kept")
    then = lab.experiment(old, params="defaults.random_state=7").ok().json("log/run.json")
    file_of(lab, old).unlink()
    made = new(lab, name, "--from", "1").ok().out
    assert "Note: all of experiment 1's configuration is written out: there is no experiment" in made
    assert "This very configuration has been run already: experiment 1." in made
    assert json.loads(file_of(lab, name).read_text(encoding="utf-8"))["defaults"] == {"random_state": 7}
    assert lab.experiment(name).ok().json("log/run.json")["hash"] == then["hash"]


def test_what_is_wrong_is_told_and_nothing_is_written(lab: Lab) -> None:
    name = fresh(lab, "wrong")
    wrong = ("--set", "model.type=SVC", "--set", "metrics.9=1", "--set", "metrics.0=None")
    message = new(lab, name, "--from", "iris_logistic", *wrong).message()
    assert f"experiment '{name}' has 3 faults; nothing was written" in message
    assert """a text needs its double quotes: --set 'model.type="SVC"'""" in message
    message = new(lab, name, "--from", "iris_logistic", "--set", "model.params.max_itr=3").message()
    assert "--set: model.params.max_itr" in message
    assert "did you mean 'max_iter'?" in message
    assert not file_of(lab, name).exists()
    assert not lab.root.exists()
    assert "there is an experiment 'iris_forest' already" in new(lab, "iris_forest", "--from", "iris_svm_cv").message()


def test_a_run_says_that_its_configuration_was_run_before(lab: Lab) -> None:
    name = lab.write(SMALL, fresh(lab, "again"))
    assert "this very configuration" not in lab.experiment(name).ok().text
    told = f"experiment 1 ({name}) ran this very configuration already: accuracy "

    again = lab.experiment(name).ok()
    assert told in again.text
    assert "; it is run again" in again.text
    assert again.folder.name == "result_experiment_2"
    assert told in (again.folder / "log" / "experiment.log").read_text(encoding="utf-8")

    skipped = lab.experiment(name, params="if_run=skip").ok()
    assert told.replace("1 (", "2 (") in skipped.text
    failed = lab.experiment(name, params="if_run=fail")
    assert "nothing was run (if_run=fail)" in failed.message()
    assert "did you mean 'skip'?" in lab.experiment(name, params="if_run=skp").message()
    assert failed.folder.name == "result_experiment_2"

    other = lab.experiment(name, params="if_run=fail,model.params.C=2").ok()
    assert other.folder.name == "result_experiment_3"
