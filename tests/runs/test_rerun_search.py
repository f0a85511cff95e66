"""Running a whole search again: the same sequence of points, the same scores, the same choice, or where it differs."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from runs.lab import PACKAGE, Lab, Outcome, wait_for
from runs.test_search import LOKY, begun, first, search, searching, summary, told

TPE: dict[str, Any] = {"sampler": "TPESampler", "n_trials": 6}


def rerun(lab: Lab, *args: str) -> tuple[Outcome, dict[str, Any]]:
    """Rerun search 1, give what its JSON says."""
    outcome = lab.kedro("experiment", "rerun", "1", "--format", "json", *args)
    assert outcome.out, outcome.err
    return outcome, json.loads(outcome.out)


def test_a_search_is_run_once_more_and_its_trials_and_choice_are_compared(lab: Lab) -> None:
    outcome = search(lab, searching(lab, **TPE), "--no-test").ok()
    files = sorted((lab.project.path / "config" / "experiments").iterdir())
    number = len(outcome.folders) + 1
    again, said = rerun(lab)
    assert (again.code, said["verdict"], said["id"], said["rerun_of"]) == (0, "identical", number, 1)
    assert said["sentence"] == f"experiment {number} against experiment 1: identical to the bit"
    outputs = {output["output"]: output["kind"] for output in said["outputs"]}
    assert outputs == dict.fromkeys(outputs, "identical")
    assert {"folds", "development_data", "the file's own values", "trials", "choice"} <= set(outputs)
    new = again.root / f"result_experiment_{number}"
    assert json.loads((new / "log" / "rerun.json").read_text()) == said
    assert told(new) == told(first(outcome))
    assert summary(new)["best"]["point"] == summary(first(outcome))["best"]["point"]
    assert sorted((lab.project.path / "config" / "experiments").iterdir()) == files


@pytest.mark.slow
def test_it_is_identical_in_processes_and_nested(lab: Lab) -> None:
    nested = {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 2}}
    search(lab, searching(lab, {"parallel": LOKY}, nested=nested, **TPE), "--no-test").ok()
    said = rerun(lab)[1]
    assert said["verdict"] == "identical", said["outputs"]
    assert {"trials of outer_0", "trials of outer_2"} <= {output["output"] for output in said["outputs"]}


def test_one_that_was_ended_by_time_or_extended_has_as_many_trials(lab: Lab) -> None:
    name = searching(lab, timeout=0.0001, n_trials=50)
    search(lab, name, "--no-test").ok()
    search(lab, "1", "--n-trials", "5", "--timeout", "1000", "--no-test").ok()
    again, said = rerun(lab)
    assert said["verdict"] == "identical", said["outputs"]
    assert len(told(again.root / f"result_experiment_{said['id']}")) == 5


SHIFTED = """
from sklearn.linear_model import LogisticRegression


class Shifted(LogisticRegression):
    def predict(self, X):
        return super().predict(X) if self.C < {least} else super().predict(X) * 0
"""


def test_where_it_differs_the_first_trial_is_told(own_lab: Lab) -> None:
    module = own_lab.project.path / "src" / PACKAGE / "shifted.py"
    module.write_text(SHIFTED.format(least=100))
    model = {"model": {"type": f"{PACKAGE}.shifted.Shifted"}}
    name = searching(own_lab, model, sampler="grid", space={"model.params.C": [0.1, 1.0, 3.0, 9.0]})
    search(own_lab, name, "--no-test").ok()
    module.write_text(SHIFTED.format(least=2))
    again, said = rerun(own_lab)
    assert (again.code, said["verdict"]) == (1, "different")
    outputs = {output["output"]: output for output in said["outputs"]}
    assert outputs["folds"]["kind"] == "identical"
    assert outputs["trials"]["where"].startswith("from trial 2 on: ")
    assert list(said["changes"]["code"]) == [f"src/{PACKAGE}/shifted.py"]
    assert "Changed since: code" in said["reasons"]


def test_one_that_is_not_complete_is_gone_on_with_first(lab: Lab) -> None:
    command = begun(lab, searching(lab, n_trials=12), 2)
    command.send(signal.SIGTERM)
    command.wait()
    message = lab.kedro("experiment", "rerun", "1").message()
    assert "so there is no result to compare with; go on with it: kedro experiment search 1" in message


def test_a_rerun_that_was_interrupted_is_compared_when_it_has_gone_on(lab: Lab) -> None:
    search(lab, searching(lab, n_trials=12), "--no-test").ok()
    number = len(list(lab.root.glob("result_experiment_*"))) + 1
    command = lab.start("experiment", "rerun", "1")
    account = lab.root / f"result_experiment_{number}" / "log" / "trials.jsonl"
    wait_for("trials", lambda: account.exists() and account.read_text().count('"ended"') > 3)
    command.send(signal.SIGTERM)
    assert command.wait().code != 0
    resumed = lab.kedro("experiment", "restart", str(number)).ok()
    assert f"experiment {number} against experiment 1: identical to the bit" in resumed.out
