"""``"test": false``: an experiment measured by resampling alone never keeps, predicts or measures a test row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from runs.lab import Lab

from expfw import pickling
from expfw.opening import open_experiment
from expfw.run.files import read_json

UNTESTED = {"test": False}


def pickled(path: Path) -> object:
    """What a pickle file of an experiment holds."""
    with path.open("rb") as file:
        return pickling.load(file, path)


def test_no_test_row_is_kept_predicted_or_measured(lab: Lab) -> None:
    folder = lab.run(UNTESTED).ok().folder
    assert len(pickled(folder / "data" / "test_data.pkl")) == 0  # type: ignore[arg-type]
    assert len(pd.read_feather(folder / "data" / "test_predictions.feather")) == 0
    assert pickled(folder / "model" / "final_model.pkl") is None


def test_the_folds_are_those_of_the_tested_experiment(lab: Lab) -> None:
    lab.run().ok()
    untested = lab.run(UNTESTED).ok()
    first, second = untested.folders
    for name in ("data/development_data.pkl", "data/folds.npz", "data/predictions.feather"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    before, after = open_experiment(1, root=lab.root), open_experiment(2, root=lab.root)
    assert after.metrics == {"validation": before.metrics["validation"], "test": {}}
    assert before.metrics["test"]
    assert read_json(first / "log" / "run.json")["hash"] != read_json(second / "log" / "run.json")["hash"]


def test_what_a_tested_experiment_computed_is_not_taken_for_it_nor_the_other_way_round(lab: Lab) -> None:
    for changes in ({}, UNTESTED, {}):
        last = lab.run(changes, params="reuse=on").ok()
    assert len(pickled(last.folder / "data" / "test_data.pkl")) == 12  # type: ignore[arg-type]
    assert last.metrics["test"]


def test_true_is_what_stands_there_when_nothing_is_said(lab: Lab) -> None:
    said = lab.run({"test": True}).ok()
    known = said.json("log/run.json")["hash"]
    assert "test" not in said.json("log/config.json")
    assert lab.run().ok().json("log/run.json")["hash"] == known


def test_the_opened_experiment_says_that_there_is_no_final_model(lab: Lab) -> None:
    lab.run(UNTESTED).ok()
    message = lab.start(
        code=f"from expfw.opening import open_experiment; open_experiment(1, root={str(lab.root)!r}).final_model"
    ).wait()
    assert "experiment 1 has no final model: it was measured by resampling alone (test is false)" in message.err


def test_diagnostics_go_on_without_a_final_model(lab: Lab) -> None:
    found = lab.run(UNTESTED).ok().json("report/diagnostics.json")
    why = {entry["code"]: entry["why"] for entry in found["skipped"]}
    assert why["EX302"] == "no final model was fitted: the experiment is measured by resampling alone"
    assert not any("Error" in reason for reason in why.values())


def test_nothing_but_resampling_is_a_fault(lab: Lab) -> None:
    message = lab.run({"test": False, "resampling": None}).message()
    assert "test: is false, and resampling is null: nothing would be measured" in message
    assert "expected true or false" in lab.run({"test": "no"}).message()


def test_a_tested_experiment_cannot_take_what_it_needs_from_an_untested_one(lab: Lab) -> None:
    lab.run(UNTESTED).ok()
    reference = {"from_experiment": 1}
    taken = {"holdout": reference, "resampling": reference, "features": reference, "model": reference}
    message = lab.run(taken).message()
    assert "experiment 1 has no test rows: it was measured by resampling alone" in message
    assert "experiment 1 has no final model" in message
    known = open_experiment(1, root=lab.root).metrics["validation"]
    assert lab.run({**taken, **UNTESTED}).ok().metrics == {"validation": known, "test": {}}


def test_an_untested_experiment_does_not_read_the_test_rows_of_the_one_it_takes_its_rows_from(lab: Lab) -> None:
    first = lab.run().ok().folder
    (first / "data" / "test_data.pkl").write_bytes(b"altered")
    outcome = lab.run({"holdout": {"from_experiment": 1}, **UNTESTED}).ok()
    assert outcome.metrics["test"] == {}


def test_an_untested_experiment_is_run_again_as_such(lab: Lab) -> None:
    lab.run(UNTESTED).ok()
    again = lab.kedro("experiment", "rerun", "1").ok()
    assert "identical" in again.text
    assert again.metrics["test"] == {}
