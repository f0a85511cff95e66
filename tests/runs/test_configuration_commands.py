"""``kedro experiment check`` and ``show --origin``: what a configuration is, and where it came from, without a run."""

from __future__ import annotations

import json

from runs.lab import SMALL, Lab, sklearn


def test_check_names_every_fault_of_every_file_and_runs_nothing(own_lab: Lab) -> None:
    sound = own_lab.write(SMALL)
    bad = own_lab.write({**SMALL, "modle": 1, "model": sklearn("svm.SVC", C=-1), "metrics": ["acuracy"]})
    outcome = own_lab.kedro("experiment", "check")
    assert outcome.code == 2
    assert "Traceback" not in outcome.text
    assert f"{sound}: sound" in outcome.out
    assert "iris_forest: sound" in outcome.out
    faults = [line for line in outcome.out.partition(f"{bad}:\n")[2].splitlines() if line.startswith("  ")][:3]
    assert [fault.split(": ")[1] for fault in faults] == ["modle", "model.params.C", "metrics.0"]
    assert "1 of " in outcome.err
    assert outcome.folders == []


def test_check_takes_names_and_prints_json(own_lab: Lab) -> None:
    bad = own_lab.write({**SMALL, "modle": 1})
    outcome = own_lab.kedro("experiment", "check", bad, "iris_forest", "--format", "json")
    found = json.loads(outcome.out)
    assert found["iris_forest"] == []
    (fault,) = found[bad]
    assert (fault["key"], fault["hint"]) == ("modle", "did you mean 'model'?")
    assert fault["where"].endswith(f"{bad}.json:1") or f"{bad}.json:" in fault["where"]


def test_all_files_are_sound_exits_zero(lab: Lab) -> None:
    assert lab.kedro("experiment", "check", "iris_forest", "diabetes_ridge").ok().out.splitlines() == [
        "iris_forest: sound",
        "diabetes_ridge: sound",
    ]


def origins(lab: Lab, *arguments: str) -> dict[str, dict[str, object]]:
    shown: dict[str, dict[str, object]] = json.loads(
        lab.kedro("experiment", "show", *arguments, "--format", "json").ok().out
    )
    return shown


def test_origin_names_file_and_line_of_every_layer(lab: Lab) -> None:
    shown = origins(lab, "iris_forest", "--origin")
    assert shown["model.params.n_estimators"] == {"value": 200, "origin": "config/experiments/iris_forest.json:7"}
    assert shown["data_source.params.name"]["origin"] == "config/experiments/iris_logistic.json:5"
    assert shown["model.params.random_state"]["origin"] == "config/base/parameters.yml:9"


def test_the_origin_of_a_run_is_what_it_was_when_it_ran(own_lab: Lab) -> None:
    name = own_lab.write(SMALL)
    own_lab.experiment(name, params="model.params.C=2").ok()
    own_lab.write({**SMALL, "model": sklearn("svm.SVC")}, name=name)
    shown = origins(own_lab, "1", "--origin")
    assert shown["model.params.C"] == {"value": 2, "origin": "--params"}
    assert str(shown["model.type"]["value"]).endswith("LogisticRegression")


def test_diff_leaves_the_global_defaults_out(lab: Lab) -> None:
    shown = origins(lab, "iris_forest", "--diff")
    assert "model.type" in shown
    assert not any(str(setting["origin"]).startswith("config/base") for setting in shown.values())
    assert not any(key.startswith(("reports", "defaults")) for key in shown)


def test_a_name_that_is_no_experiment_gets_the_nearest(lab: Lab) -> None:
    assert (
        "there is no experiment 'iris_forst'; did you mean 'iris_forest'?"
        in lab.kedro("experiment", "show", "iris_forst").message()
    )
