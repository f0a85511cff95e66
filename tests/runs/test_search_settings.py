"""``--params`` and ``--env`` of a search: as ``kedro run`` takes them, for all trials, kept when it goes on."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from runs.lab import Lab, wait_for
from runs.test_search import first, search, searching, told, trials

GIVEN = "model.params.max_iter=77,search.n_trials=9,data_source.params.seed=3"


def config(root: Path, experiment: int) -> dict[str, Any]:
    """The configuration that an experiment has on record."""
    content: dict[str, Any] = json.loads((root / f"result_experiment_{experiment}" / "log" / "config.json").read_text())
    return content


def test_they_reach_every_trial_and_the_best_and_are_kept_when_it_goes_on(own_lab: Lab, tmp_path: Path) -> None:
    folder = own_lab.project.path / "config" / "other"
    folder.mkdir()
    (folder / "parameters.yml").write_text("defaults:\n  random_state: 7\n")
    name = searching(own_lab)
    args = ("--params", GIVEN, "--env", "other")
    whole = own_lab.at(tmp_path / "whole")
    unbroken = search(whole, name, *args, "--no-test").ok()
    command = own_lab.start("experiment", "search", name, *args)
    account = own_lab.root / "result_experiment_1" / "log" / "trials.jsonl"
    wait_for("trials", lambda: account.exists() and account.read_text().count('"ended"') > 2)
    command.send(signal.SIGTERM)
    assert command.wait().code != 0
    resumed = search(own_lab, "1").ok()
    entries = trials(first(resumed))
    assert told(first(resumed)) == told(first(unbroken))
    assert len(entries) == 9
    summary = json.loads((first(resumed) / "report" / "search.json").read_text())
    tested = config(resumed.root, summary["tested"])
    for made in [*(config(resumed.root, entry["experiment"]) for entry in entries), tested]:
        assert made["model"]["params"]["max_iter"] == 77
        assert made["data_source"]["params"]["seed"] == 3
        assert made["defaults"]["random_state"] == 7
    assert tested["model"] == config(resumed.root, summary["best"]["experiment"])["model"]
    run = json.loads((first(resumed) / "log" / "run.json").read_text())
    assert run["env"] == "other"
    assert run["params"] == {
        "experiment": name,
        "model": {"params": {"max_iter": 77}},
        "search": {"n_trials": 9},
        "data_source": {"params": {"seed": 3}},
    }
    best = json.loads((own_lab.project.path / f"config/experiments/{name}_best_1.json").read_text())
    assert f"kedro run --params experiment={name}_best_1 --env other" in best["description"]


def test_the_space_is_stronger_than_them(lab: Lab) -> None:
    name = searching(lab, space={"model.params.C": [0.5, 2.0]}, sampler="grid")
    outcome = search(lab, name, "--params", "model.params.C=9.0").ok()
    summary = json.loads((first(outcome) / "report" / "search.json").read_text())
    assert [config(outcome.root, entry["experiment"])["model"]["params"]["C"] for entry in trials(first(outcome))] == [
        0.5,
        2.0,
    ]
    assert config(outcome.root, 2)["model"]["params"]["C"] == 9.0
    best = config(outcome.root, summary["best"]["experiment"])["model"]
    assert config(outcome.root, summary["tested"])["model"] == best


def test_a_component_of_another_type_drops_what_they_gave_the_first(lab: Lab) -> None:
    tree = {"type": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 1}}
    name = searching(lab, space={"model": [tree]}, sampler="grid")
    outcome = search(lab, name, "--params", "model.params.C=9.0").ok()
    summary = json.loads((first(outcome) / "report" / "search.json").read_text())
    assert config(outcome.root, summary["tested"])["model"]["params"] == {"max_depth": 1, "random_state": 42}


def test_what_was_not_tried_is_not_tested(own_lab: Lab) -> None:
    """--params takes the type away, and the space gives it back: the parameters of the file would come with it."""
    tree = "sklearn.tree.DecisionTreeClassifier"
    changes = {"model": {"type": tree, "params": {"max_depth": 1}}}
    name = searching(
        own_lab, changes, space={"model": [{"type": tree, "params": {"criterion": "entropy"}}]}, n_trials=1
    )
    bayes = "model.type=sklearn.naive_bayes.GaussianNB"
    message = search(own_lab, name, "--params", bayes).message()
    assert f"config/experiments/{name}_best_1.json differs from experiment 3, which was chosen, in model" in message
    assert len(list(own_lab.root.glob("result_experiment_*"))) == 3


def test_a_dry_run_shows_them(lab: Lab) -> None:
    outcome = search(lab, searching(lab), "--dry-run", "--params", "model.params.max_iter=77,search.n_trials=2").ok()
    assert outcome.out.count('"max_iter": 77') == 2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ("model.params.max_itr=1", "did you mean 'max_iter'?"),
        ("experiment=iris_logistic", "is to be searched; leave it out"),
        ("metrics=[accuracy,f1]", "--params cannot carry a list or an object"),
        ("data_source.params.api_key=abc", "is a secret; no record holds it"),
        ("if_run=never", "there is no 'never'; valid are: again, fail, skip"),
    ],
)
def test_a_slip_in_them_is_told_before_anything_is_created(lab: Lab, params: str, words: str) -> None:
    outcome = search(lab, searching(lab), "--params", params)
    assert words in outcome.message()
    assert not lab.root.exists()


def test_a_search_that_goes_on_takes_no_others(lab: Lab) -> None:
    search(lab, searching(lab, n_trials=1), "--no-test").ok()
    message = search(lab, "1", "--n-trials", "2", "--params", "model.params.max_iter=77").message()
    assert "goes on with the settings that it began with" in message


def test_a_search_that_was_run_already_is_skipped_where_that_is_wanted(lab: Lab) -> None:
    name = searching(lab, n_trials=2)
    before = search(lab, name).ok().folders
    again = search(lab, name, "--params", "if_run=skip").ok()
    assert "nothing is run (if_run=skip)" in again.text
    assert "search 1: 2 configurations tried" in again.out
    assert again.folders == before
