"""Searching: trials are experiments, the hold-out stays unread, and what was interrupted goes on where it was."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs.lab import SMALL, Command, Lab, Outcome, sklearn, trial, wait_for
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score

from expfw.run.folder import discard_unused, refurnish, take_folder

SPACE = {"model.params.C": {"low": 0.001, "high": 100.0, "log": True}}
LOKY = {"type": "loky", "params": {"n_jobs": 2}}


def searching(lab: Lab, changes: dict[str, Any] | None = None, **search: Any) -> str:
    """An experiment file with a search, by its name."""
    section = {"space": SPACE, "n_trials": 4, **search}
    return lab.write({**SMALL, "search": section, **(changes or {})})


def search(lab: Lab, name: str, *args: str) -> Outcome:
    """Search to the end."""
    return lab.kedro("experiment", "search", name, *args)


def trials(folder: Path, study: str = "") -> list[dict[str, Any]]:
    """Number, point, and ending of a search's trials, without times and numbers of experiments."""
    asked: dict[int, dict[str, Any]] = {}
    for line in (folder / "log" / "trials.jsonl").read_text().splitlines():
        event = json.loads(line) if line else {}
        if event.get("study") != study:
            continue
        if event["event"] == "asked":
            asked[event["number"]] = {"point": event["point"], "experiment": event["experiment"]}
        else:
            ending = {key: event[key] for key in ("state", "values", "folds", "error")}
            asked[event["number"]]["ending"] = ending
    return [asked[number] for number in sorted(asked)]


def told(folder: Path, study: str = "") -> list[dict[str, Any]]:
    """The same without numbers of experiments, to be compared between searches."""
    return [{key: value for key, value in entry.items() if key != "experiment"} for entry in trials(folder, study)]


def first(outcome: Outcome) -> Path:
    """The folder of experiment 1."""
    return outcome.root / "result_experiment_1"


def summary(folder: Path) -> dict[str, Any]:
    """What came of a search."""
    content: dict[str, Any] = json.loads((folder / "report" / "search.json").read_text())
    return content


def test_each_trial_is_an_experiment_with_a_record_of_its_own(lab: Lab) -> None:
    outcome = search(lab, searching(lab)).ok()
    for entry in trials(first(outcome)):
        folder = outcome.root / f"result_experiment_{entry['experiment']}"
        run, config = (json.loads((folder / "log" / f"{name}.json").read_text()) for name in ("run", "config"))
        assert run["parents"] == [1]
        assert config["model"]["params"]["C"] == entry["point"]["model.params.C"]
        assert "search-1" in config["tags"]
        metrics = json.loads((folder / "report" / "validation_metrics.json").read_text())
        assert metrics["accuracy"]["mean"] == entry["ending"]["values"][0]
        shown = json.loads(lab.kedro("experiment", "show", str(entry["experiment"]), "--format", "json").ok().out)
        assert shown["status"] == "COMPLETED"
        assert shown["metrics"]["validation"] == metrics


def test_a_trial_equals_scikit_learn_called_directly(lab: Lab) -> None:
    outcome = search(lab, searching(lab), "--no-test").ok()
    import pickle

    data = pickle.loads((first(outcome) / "data" / "development_data.pkl").read_bytes())
    for entry in trials(first(outcome)):
        model = LogisticRegression(C=entry["point"]["model.params.C"], random_state=42)
        folds = KFold(3, shuffle=True, random_state=42)
        assert entry["ending"]["folds"] == cross_val_score(model, data.X, data.y, cv=folds).tolist()


def test_a_trial_run_by_hand_from_its_written_file_gives_the_same(own_lab: Lab) -> None:
    name = searching(own_lab, n_trials=3)
    outcome = search(own_lab, name, "--no-test").ok()
    written = search(own_lab, name, "--dry-run", "--write").ok()
    assert "3 configurations, written" in written.out
    for number, entry in enumerate(trials(first(outcome))):
        by_hand = own_lab.experiment(f"{name}_trial_{number}").ok()
        assert by_hand.metrics["validation"]["accuracy"]["folds"] == entry["ending"]["folds"]
        assert by_hand.metrics["test"] == {}


def test_a_dry_run_creates_nothing(lab: Lab) -> None:
    name = searching(lab, n_trials=2)
    before = sorted((lab.project.path / "config" / "experiments").iterdir())
    outcome = search(lab, name, "--dry-run").ok()
    assert outcome.out.count('"extends"') == 2
    assert not lab.root.exists()
    assert sorted((lab.project.path / "config" / "experiments").iterdir()) == before


def test_values_are_told_as_a_file_has_them(lab: Lab) -> None:
    space = {"features": [None], "model.params.fit_intercept": [True]}
    outcome = search(lab, searching(lab, space=space, sampler="grid"), "--no-test").ok()
    assert "| features=null, fit_intercept=true" in outcome.err
    drafted = search(lab, searching(lab, space=space, sampler="grid"), "--dry-run").ok()
    assert ": features=null, model.params.fit_intercept=true" in drafted.out


def test_a_trial_can_be_run_again_with_an_identical_result(lab: Lab) -> None:
    outcome = search(lab, searching(lab, n_trials=2), "--no-test").ok()
    number = trials(first(outcome))[1]["experiment"]
    again = lab.kedro("experiment", "rerun", str(number)).ok()
    assert f"against experiment {number}: identical" in again.out


def test_no_trial_has_a_row_of_the_hold_out_and_only_the_best_is_tested(lab: Lab) -> None:
    outcome = search(lab, searching(lab)).ok()
    import pickle

    tested = summary(first(outcome))["tested"]
    held_out = pickle.loads((outcome.root / f"result_experiment_{tested}" / "data" / "test_data.pkl").read_bytes())
    rows = {int(row) for row in held_out.X["id"]}
    assert rows
    for entry in trials(first(outcome)):
        folder = outcome.root / f"result_experiment_{entry['experiment']}"
        data = pickle.loads((folder / "data" / "development_data.pkl").read_bytes())
        assert not rows & {int(row) for row in data.X["id"]}
        assert not len(pickle.loads((folder / "data" / "test_data.pkl").read_bytes()).X)
        assert not (folder / "data" / "raw_data.pkl").exists()
        assert json.loads((folder / "report" / "test_metrics.json").read_text()) == {}
    assert json.loads((outcome.root / f"result_experiment_{tested}" / "report" / "test_metrics.json").read_text())


def test_the_best_is_written_as_an_experiment_file_that_says_how_many_were_tried(lab: Lab) -> None:
    name = searching(lab)
    outcome = search(lab, name, "--no-test").ok()
    content = json.loads((lab.project.path / "config" / "experiments" / f"{name}_best_1.json").read_text())
    best = max(trials(first(outcome)), key=lambda entry: entry["ending"]["values"])
    assert content["model"] == {"params": best["point"] and {"C": best["point"]["model.params.C"]}}
    assert content["selection"] == {"search": 1, "configurations": 4, "experiment": best["experiment"]}
    assert content["extends"] == name
    assert content["search"] is None


def test_two_processes_give_what_one_gives(lab: Lab) -> None:
    options: dict[str, Any] = {
        "sampler": {"type": "TPESampler", "params": {"n_startup_trials": 3}},
        "pruner": {"type": "MedianPruner", "params": {"n_startup_trials": 2}},
        "n_trials": 9,
    }
    one = search(lab, searching(lab, **options), "--no-test").ok()
    other = lab.at(lab.root.with_name("other"))
    two = search(other, searching(other, {"parallel": LOKY}, **options), "--no-test").ok()
    assert told(first(two)) == told(first(one))
    states = {entry["ending"]["state"] for entry in trials(first(one))}
    assert states == {"COMPLETE", "PRUNED"}


def begun(lab: Lab, name: str, count: int) -> Command:
    """A search that has run so many trials."""
    command = lab.start("experiment", "search", name, "--no-test")
    account = lab.root / "result_experiment_1" / "log" / "trials.jsonl"
    wait_for("trials", lambda: account.exists() and account.read_text().count('"ended"') > count)
    return command


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, signal.SIGKILL),
        *(pytest.param({}, number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGTERM)),
        *(
            pytest.param({"parallel": LOKY}, number, marks=pytest.mark.slow)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        ),
    ],
)
def test_a_search_that_was_ended_goes_on_where_it_was(
    lab: Lab, number: signal.Signals, changes: dict[str, Any]
) -> None:
    options = {"sampler": "TPESampler", "n_trials": 14}
    whole = lab.at(lab.root.with_name("whole"))
    unbroken = search(whole, searching(whole, changes, **options), "--no-test").ok()
    command = begun(lab, searching(lab, changes, **options), 3)
    command.send(number)
    ended = command.wait()
    assert ended.code != 0
    done = [entry for entry in trials(first(ended)) if "ending" in entry]
    assert 3 <= len(done) < 14
    stamps = {entry["experiment"]: _written(ended.root, entry["experiment"]) for entry in done}
    resumed = search(lab, "1", "--no-test").ok()
    assert told(first(resumed)) == told(first(unbroken))
    for experiment, stamp in stamps.items():
        assert _written(resumed.root, experiment) == stamp
    assert len(resumed.folders) == len(unbroken.folders)


KILLED = """
import os, signal, sys
from expfw.run import folder
from expfw.search.trials import Account
from expfw.search import conduct
kept, calls = {place}, []
def deadly(*args):
    calls.append(args)
    if len(calls) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return kept(*args)
{place} = deadly
sys.argv = ["kedro", "experiment", "search", "{name}", "--no-test"]
from kedro.framework.cli.cli import main
main()
"""


@pytest.mark.parametrize(
    ("place", "at"),
    [
        pytest.param("folder._furnish", 4, id="a folder taken, nothing in it"),
        pytest.param("Account.asked", 3, id="a folder taken, its trial not asked for"),
        pytest.param("Account.asked", 1, id="that of the file's own values"),
        pytest.param("conduct.refurnish", 3, id="its trial asked for, not begun"),
    ],
)
def test_nothing_is_left_of_a_folder_that_was_taken_when_the_search_was_killed(lab: Lab, place: str, at: int) -> None:
    name = searching(lab, n_trials=3)
    assert lab.start(code=KILLED.format(place=place, at=at, name=name)).wait().code != 0
    whole = lab.at(lab.root.with_name("whole"))
    unbroken = search(whole, name, "--no-test").ok()
    resumed = search(lab, "1", "--no-test").ok()
    assert told(first(resumed)) == told(first(unbroken))
    assert len(resumed.folders) == len(unbroken.folders)
    rows = json.loads(lab.kedro("experiment", "list", "--format", "json").ok().out)
    assert {row["status"] for row in rows} == {"COMPLETED"}


def test_a_folder_that_another_took_is_none_of_a_searchs(tmp_path: Path) -> None:
    taken, begun, foreign = (take_folder(tmp_path) for _ in range(3))
    refurnish(begun)
    (foreign.log / "run.json").write_text("{}")
    assert [discard_unused(folder) for folder in (taken, begun, foreign)] == [True, False, False]
    assert [folder.path.exists() for folder in (taken, begun, foreign)] == [False, True, True]


def _written(root: Path, experiment: int) -> int:
    return (root / f"result_experiment_{experiment}" / "log" / "sacred" / "run.json").stat().st_mtime_ns


def test_restart_goes_on_with_a_search_as_well(lab: Lab) -> None:
    command = begun(lab, searching(lab, n_trials=12), 2)
    command.send(signal.SIGTERM)
    command.wait()
    lab.kedro("experiment", "restart", "1").ok()
    assert len(trials(lab.root / "result_experiment_1")) == 12


def test_a_search_is_extended_without_running_anything_twice(lab: Lab) -> None:
    name = searching(lab, sampler="TPESampler", n_trials=6)
    search(lab, name, "--no-test").ok()
    extended = search(lab, "1", "--n-trials", "13", "--no-test").ok()
    other = lab.at(lab.root.with_name("other"))
    at_once = search(other, name, "--n-trials", "13", "--no-test").ok()
    assert told(first(extended)) == told(first(at_once))
    assert len(extended.folders) == len(at_once.folders)
    again = search(lab, "1", "--n-trials", "13", "--no-test")
    assert "has completed, there is nothing left to do" in again.message()


def test_an_extended_search_tests_its_best_anew_only_if_it_is_another(lab: Lab) -> None:
    name = searching(lab, sampler="grid", space={"model.params.C": [10.0, 1e-4, 1e-3, 1e-5, 1e4]}, n_trials=2)
    tested = summary(first(search(lab, name).ok()))["tested"]
    kept = search(lab, "1", "--n-trials", "3").ok()
    assert summary(first(kept))["best"]["trial"] == 0
    assert summary(first(kept))["tested"] == tested
    assert f"tested once, in experiment {tested}" in kept.out
    assert [folder for folder in kept.folders if folder.name.endswith(f"_{tested + 1}")] == kept.folders[-1:]
    before = len(kept.folders)
    (first(kept).with_name(f"result_experiment_{tested}")).rename(lab.root / "moved_away")
    anew = search(lab, "1", "--n-trials", "4").ok()
    assert summary(first(anew))["tested"] == before + 2


def test_a_failed_trial_is_recorded_and_does_not_end_the_search(lab: Lab) -> None:
    models = [{"type": "sklearn.linear_model.LogisticRegression"}, trial("Faulty", at="fit")]
    outcome = search(lab, searching(lab, sampler="grid", space={"model": {"choices": models}}), "--no-test").ok()
    good, bad = trials(first(outcome))
    assert (good["ending"]["state"], bad["ending"]["state"]) == ("COMPLETE", "FAIL")
    folder = outcome.root / f"result_experiment_{bad['experiment']}"
    assert json.loads((folder / "log" / "sacred" / "run.json").read_text())["status"] == "FAILED"
    assert (folder / "log" / "traceback.txt").exists()


@pytest.mark.slow
def test_a_trial_that_kills_its_worker_fails_and_takes_no_other_with_it(lab: Lab) -> None:
    models = [
        {"type": "sklearn.linear_model.LogisticRegression", "space": {"params.C": [0.1, 1.0, 10.0]}},
        trial("Deadly"),
        {"type": "sklearn.tree.DecisionTreeClassifier", "space": {"params.max_depth": [1, 2]}},
    ]
    name = searching(lab, {"parallel": LOKY}, sampler="grid", n_trials=6, space={"model": {"choices": models}})
    outcome = search(lab, name, "--no-test").ok()
    states = [entry["ending"]["state"] for entry in trials(first(outcome))]
    assert states == ["COMPLETE", "COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_search_whose_trials_all_fail_fails(lab: Lab) -> None:
    name = searching(lab, {"model": trial("Faulty", at="fit")}, space={"features": [None]}, sampler="grid")
    message = search(lab, name).message()
    assert "all 1 trials failed, the first with:" in message
    assert not list((lab.project.path / "config" / "experiments").glob(f"{name}_best*"))


def test_components_with_a_space_of_their_own_are_searched(lab: Lab) -> None:
    models = [
        {"type": "sklearn.linear_model.LogisticRegression", "space": {"params.C": [0.1, 10.0]}},
        {"type": "sklearn.tree.DecisionTreeClassifier", "space": {"params.max_depth": {"low": 1, "high": 2}}},
    ]
    outcome = search(lab, searching(lab, sampler="grid", space={"model": {"choices": models}}), "--no-test").ok()
    points = [entry["point"] for entry in trials(first(outcome))]
    assert points == [
        {"model": "LogisticRegression", "model[LogisticRegression].params.C": 0.1},
        {"model": "LogisticRegression", "model[LogisticRegression].params.C": 10.0},
        {"model": "DecisionTreeClassifier", "model[DecisionTreeClassifier].params.max_depth": 1},
        {"model": "DecisionTreeClassifier", "model[DecisionTreeClassifier].params.max_depth": 2},
    ]


def test_the_same_configuration_is_run_once(lab: Lab) -> None:
    outcome = search(lab, searching(lab, space={"model.params.C": [1.0, 2.0]}, n_trials=6), "--no-test").ok()
    entries = trials(first(outcome))
    assert len(entries) == 6
    assert len({entry["experiment"] for entry in entries}) == 2
    assert summary(first(outcome))["configurations"] == 2


def test_whole_and_decimal_numbers_and_truth_are_different_configurations(lab: Lab) -> None:
    space = {"model.params.C": [1, 1.0], "model.params.verbose": [0, False]}
    name = searching(lab, space=space, sampler="grid")
    outcome = search(lab, name, "--n-trials", "3", "--no-test").ok()
    outcome = search(lab, "1", "--n-trials", "4", "--no-test").ok()
    params = []
    for entry in trials(first(outcome)):
        config = json.loads(
            (outcome.root / f"result_experiment_{entry['experiment']}" / "log" / "config.json").read_text()
        )
        params.append(json.dumps([config["model"]["params"][key] for key in ("C", "verbose")]))
    assert params == ["[1, 0]", "[1, false]", "[1.0, 0]", "[1.0, false]"]
    drafts = search(lab, name, "--dry-run").ok()
    assert "4 configurations" in drafts.out


def test_a_space_that_was_tried_whole_ends_the_search_before_its_time(lab: Lab) -> None:
    options: dict[str, Any] = {"space": {"model.params.C": [1.0, 2.0]}, "n_trials": 5000}
    outcome = search(lab, searching(lab, **options), "--no-test").ok()
    assert summary(first(outcome))["configurations"] == 2
    assert summary(first(outcome))["trials"] < 200


def test_data_and_folds_can_vary_as_well(lab: Lab) -> None:
    space = {"resampling.params.n_splits": [2, 4], "data_source.params.seed": [0, 1]}
    outcome = search(lab, searching(lab, space=space, sampler="grid"), "--no-test").ok()
    entries = trials(first(outcome))
    assert [len(entry["ending"]["folds"]) for entry in entries] == [2, 2, 4, 4]
    assert len({tuple(entry["ending"]["folds"]) for entry in entries}) == 4
    again = lab.kedro("experiment", "rerun", str(entries[3]["experiment"])).ok()
    assert "identical" in again.out


def test_several_metrics_give_a_pareto_front(lab: Lab) -> None:
    changes = {"metrics": ["accuracy", "neg_log_loss"]}
    outcome = search(lab, searching(lab, changes, metric=["accuracy", "neg_log_loss"], n_trials=6), "--no-test").ok()
    values = {entry["experiment"]: entry["ending"]["values"] for entry in trials(first(outcome))}
    front = summary(first(outcome))["front"]
    for experiment in front:
        mine = np.array(values[experiment])
        assert not any(np.all(np.array(other) >= mine) and np.any(np.array(other) > mine) for other in values.values())


def test_a_nested_search_measures_what_it_chooses_on_rows_that_no_trial_saw(lab: Lab) -> None:
    nested = {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 2}}
    outcome = search(lab, searching(lab, nested=nested, n_trials=3), "--no-test").ok()
    folder = first(outcome)
    with np.load(folder / "data" / "folds.npz") as folds:
        outer = [(set(folds[f"train_{n}"].tolist()), set(folds[f"validation_{n}"].tolist())) for n in range(3)]
    for number, (train, validation) in enumerate(outer):
        for entry in trials(folder, f"outer_{number}"):
            inner = np.load(outcome.root / f"result_experiment_{entry['experiment']}" / "data" / "folds.npz")
            seen = {int(row) for name in inner.files for row in inner[name]}
            assert seen <= train
            assert not seen & validation
    metrics = json.loads((folder / "report" / "validation_metrics.json").read_text())
    assert len(metrics["accuracy"]["folds"]) == 3
    assert len(summary(folder)["nested"]["chosen"]) == 3


def test_optuna_opens_the_study_as_it_is(lab: Lab) -> None:
    outcome = search(lab, searching(lab), "--no-test").ok()
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(first(outcome) / "log" / "study.journal")))
    study = optuna.load_study(study_name="search", storage=storage)
    assert [one.params for one in study.trials] == [entry["point"] for entry in trials(first(outcome))]
    assert [one.value for one in study.trials] == [entry["ending"]["values"][0] for entry in trials(first(outcome))]
    assert set(optuna.importance.get_param_importances(study)) == {"model.params.C"}


def test_the_terminal_has_a_line_for_each_trial_and_no_fold(lab: Lab) -> None:
    outcome = search(lab, searching(lab, n_trials=3), "--no-test").ok()
    for number in range(3):
        assert outcome.err.count(f"INFO    trial {number}, experiment ") == 1
    assert "fold 1/3" not in outcome.text
    assert "fold 1/3" not in (first(outcome) / "log" / "experiment.log").read_text()


def test_the_page_of_a_trial_is_drawn_on_demand(lab: Lab) -> None:
    outcome = search(lab, searching(lab, n_trials=1), "--no-test").ok()
    number = str(trials(first(outcome))[0]["experiment"])
    page = outcome.root / f"result_experiment_{number}" / "report" / "index.html"
    assert not page.exists()
    lab.kedro("experiment", "report", number).ok()
    assert "accuracy" in page.read_text()


def test_a_plain_run_of_a_file_with_a_search_is_an_ordinary_experiment(lab: Lab) -> None:
    outcome = lab.experiment(searching(lab)).ok()
    assert outcome.metrics["test"]["accuracy"] is not None
    assert len(outcome.folders) == 1


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"n_trials": 0}, "search.n_trials: is 0; give a whole number above 0"),
        ({"sampler": "TPESamler"}, "did you mean 'TPESampler'?"),
        ({"space": {"model.params.D": [1]}}, "search.space.model.params.D"),
        ({"space": {"holdout": [None]}}, "holdout cannot vary"),
        ({"metric": "acuracy"}, "'acuracy' is none of the experiment's metrics; did you mean 'accuracy'?"),
        ({"sampler": "grid"}, "cannot be counted, which a grid needs; give a step or choices, or another sampler"),
    ],
)
def test_a_fault_of_the_section_is_told_before_anything_is_created(
    lab: Lab, section: dict[str, Any], words: str
) -> None:
    outcome = search(lab, searching(lab, **section))
    assert words in outcome.message()
    assert not lab.root.exists()


def test_a_file_without_a_search_is_told_what_to_add(lab: Lab) -> None:
    assert 'search: is missing; add "search":' in search(lab, lab.write(SMALL)).message()


def test_an_experiment_that_is_no_search_cannot_be_gone_on_with_as_one(lab: Lab) -> None:
    lab.run().ok()
    assert "experiment 1 is no search" in search(lab, "1").message()


@pytest.mark.slow
def test_sklearn_is_called_in_workers_with_the_seeds_of_serial(lab: Lab) -> None:
    forest = {"model": sklearn("ensemble.RandomForestClassifier", n_estimators=3)}
    options: dict[str, Any] = {"space": {"model.params.max_depth": [1, 2, 3]}, "sampler": "grid"}
    one = search(lab, searching(lab, forest, **options), "--no-test").ok()
    other = lab.at(lab.root.with_name("other"))
    two = search(other, searching(other, {**forest, "parallel": LOKY}, **options), "--no-test").ok()
    assert told(first(one)) == told(first(two))
