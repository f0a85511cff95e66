"""``log/log.jsonl`` of real runs: each line knows node, fold and component, whatever thread or process said it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runs.lab import Lab, Outcome, trial

from expfw.run.structured import FIELDS

SPEAKING: dict[str, Any] = {
    "model": trial("Speaking"),
    "metrics": [],
    "data_source": trial("Made", target="number"),
}
PLACES = {("fit", 0), ("fit", 1), ("fit", 2), ("refit", None)}


def lines_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The lines of a run's structured log; each must be whole."""
    text = (outcome.folder / "log" / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_each_line_knows_node_fold_and_component(lab: Lab, runner: str) -> None:
    lines = lines_of(lab.run(SPEAKING, "--runner", runner).ok())
    assert all(set(FIELDS) <= line.keys() for line in lines)
    for said in ("said by itself", "said by a library", "said in a thread"):
        found = [line for line in lines if line["message"] == said]
        assert len(found) == 4
        assert {(line["node"], line["fold"]) for line in found} == PLACES
        assert {line["component"] for line in found} == {"Speaking"}
        assert {line["folds"] for line in found if line["node"] == "fit"} == {3}


@pytest.mark.slow
def test_the_workers_of_joblib_say_where_they_work(lab: Lab) -> None:
    lines = lines_of(lab.run({**SPEAKING, "model": trial("Speaking", workers=2)}).ok())
    found = [line for line in lines if line["message"].startswith("said in worker")]
    assert len(found) == 8
    assert {(line["node"], line["fold"]) for line in found} == PLACES
    assert {line["process"] for line in found}.isdisjoint({line["process"] for line in lines if line not in found})


def test_what_was_logged_with_extra_is_kept(lab: Lab) -> None:
    lines = lines_of(lab.run(SPEAKING).ok())
    rows = {line["node"]: line["extra"] for line in lines if line["message"] == "said by itself"}
    assert rows == {"fit": {"rows": 32}, "refit": {"rows": 48}}


def test_a_failure_is_the_last_line_with_its_place_and_traceback(lab: Lab) -> None:
    outcome = lab.run({"model": trial("Faulty", at="predict"), "holdout": None})
    outcome.message()
    last = lines_of(outcome)[-1]
    assert (last["level"], last["node"], last["fold"], last["component"]) == ("ERROR", "predict", 0, "Faulty")
    assert "ZeroDivisionError: broken on purpose" in last["exception"]


def test_the_log_can_be_asked_for_a_node_a_fold_and_a_level(lab: Lab) -> None:
    lab.run(SPEAKING).ok()
    told = lab.kedro("experiment", "log", "1", "--node", "fit", "--fold", "2", "--level", "warning").ok().out
    assert [line.split(" ", 1)[1] for line in told.splitlines()] == [
        "WARNING fit fold 2/3 Speaking: said by a library",
        "WARNING fit fold 2/3 Speaking: said in a thread",
    ]
    found = json.loads(lab.kedro("experiment", "log", "1", "--component", "Speaking", "--format", "json").ok().out)
    assert {line["component"] for line in found} == {"Speaking"}
    assert "lines matches" in lab.kedro("experiment", "log", "1", "--node", "no_such_node").ok().out


def test_the_log_of_no_experiment_is_one_message(lab: Lab) -> None:
    lab.run().ok()
    assert "there is no experiment 7" in lab.kedro("experiment", "log", "7").message()
    (lab.root / "result_experiment_1" / "log" / "log.jsonl").unlink()
    assert "log.jsonl cannot be read" in lab.kedro("experiment", "log", "1").message()
