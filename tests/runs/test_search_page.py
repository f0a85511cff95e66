"""The page of a search that was really run, what the commands tell of it, and Optuna's own tools on its study."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from pages import Page
from runs.lab import SMALL, Lab, Outcome, trial, wait_for
from runs.test_search import first, search, searching, summary, trials


def page(outcome: Outcome, number: int = 1) -> Page:
    """The page of an experiment, as a browser would take it."""
    found = Page((outcome.root / f"result_experiment_{number}" / "report" / "index.html").read_text())
    assert found.open == []
    return found


def words(outcome: Outcome, number: int = 1) -> str:
    """Its text with single spaces."""
    return re.sub(r"\s+", " ", page(outcome, number).text)


def test_a_search_has_a_page_with_its_best_and_all_trials(lab: Lab) -> None:
    outcome = search(lab, searching(lab, n_trials=5)).ok()
    told = summary(first(outcome))
    text = words(outcome)
    assert "5 configurations were tried, and this is the best of them" in text
    assert f"{told['best']['values'][0]:.4f}" in text
    links = set(page(outcome).addresses())
    for entry in trials(first(outcome)):
        assert any(link.startswith(f"../../result_experiment_{entry['experiment']}/") for link in links)
    for link in links:
        if link.startswith(".."):
            assert (first(outcome) / "report" / link).resolve().exists()


def test_the_page_has_the_test_of_the_best_once_it_was_tested(lab: Lab) -> None:
    outcome = search(lab, searching(lab)).ok()
    number = summary(first(outcome))["tested"]
    tested = outcome.root / f"result_experiment_{number}" / "report"
    value = json.loads((tested / "test_metrics.json").read_text())["accuracy"]
    assert re.search(rf"on the test data\s+{value:.4f}", words(outcome))
    assert f"../../result_experiment_{number}/report/index.html" in set(page(outcome).addresses())


def test_the_page_of_what_was_chosen_says_from_how_many_and_leads_to_the_search(lab: Lab) -> None:
    outcome = search(lab, searching(lab, n_trials=5)).ok()
    number = summary(first(outcome))["tested"]
    assert "chosen from 5 configurations by search 1 , so it flatters" in words(outcome, number)
    assert "../../result_experiment_1/report/index.html" in set(page(outcome, number).addresses())


def test_the_page_is_drawn_anew_from_the_record(lab: Lab) -> None:
    outcome = search(lab, searching(lab)).ok()
    path = first(outcome) / "report" / "index.html"
    before = path.read_text()
    path.unlink()
    lab.kedro("experiment", "report", "1").ok()
    assert path.read_text() == before


def test_a_search_that_was_interrupted_has_a_page_of_what_it_has(lab: Lab) -> None:
    command = lab.start("experiment", "search", searching(lab, n_trials=200), "--no-test")
    account = lab.root / "result_experiment_1" / "log" / "trials.jsonl"
    wait_for("trials", lambda: account.exists() and account.read_text().count('"ended"') > 3)
    command.send(signal.SIGTERM)
    outcome = command.wait()
    lab.kedro("experiment", "report", "1").ok()
    done = sum("ending" in entry for entry in trials(first(outcome)))
    assert f"{done} complete" in words(outcome)


def test_a_search_whose_trials_all_failed_has_a_page_that_says_why(lab: Lab) -> None:
    name = searching(lab, {"model": trial("Faulty", at="fit")}, space={"features": [None]}, sampler="grid")
    outcome = search(lab, name)
    lab.kedro("experiment", "report", "1").ok()
    assert "None of 1 trials is complete. Trial 0 failed with:" in words(outcome)


def test_trials_that_the_pruner_all_breaks_off_are_one_message(lab: Lab) -> None:
    pruner = {"type": "ThresholdPruner", "params": {"lower": 2.0}}
    outcome = search(lab, searching(lab, pruner=pruner, n_trials=3))
    assert "none of 3 trials is complete: 0 failed, the pruner broke the others off" in outcome.message()


def test_a_page_that_cannot_be_drawn_costs_nobody_the_search(lab: Lab) -> None:
    outcome = search(lab, searching(lab), "--no-test").ok()
    path = first(outcome) / "report" / "index.html"
    path.unlink()
    path.mkdir()
    (path / "file").touch()
    extended = search(lab, "1", "--n-trials", "5", "--no-test").ok()
    assert "the page cannot be drawn: " in extended.text
    assert "try again: kedro experiment report 1" in extended.text
    assert len(trials(first(outcome))) == 5


def test_a_test_of_what_is_still_the_best_is_not_forgotten(lab: Lab) -> None:
    outcome = search(lab, searching(lab, space={"model.params.C": [1.0, 1e-9]}, sampler="grid", n_trials=1)).ok()
    tested = summary(first(outcome))["tested"]
    search(lab, "1", "--n-trials", "2", "--no-test").ok()
    assert summary(first(outcome))["configurations"] == 2
    assert summary(first(outcome))["tested"] == tested
    assert "on the test data" in words(outcome)


def test_a_nested_search_has_its_own_part_of_the_page(lab: Lab) -> None:
    nested = {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 2}}
    outcome = search(lab, searching(lab, nested=nested, n_trials=2), "--no-test").ok()
    mean = json.loads((first(outcome) / "report" / "validation_metrics.json").read_text())["accuracy"]["mean"]
    assert f"what was chosen has accuracy {mean:.4f}" in words(outcome)


def test_show_tells_what_came_of_a_search(lab: Lab) -> None:
    outcome = search(lab, searching(lab)).ok()
    told = summary(first(outcome))
    shown = lab.kedro("experiment", "show", "1").ok().out
    assert f"best of 4 configurations: experiment {told['best']['experiment']}, accuracy " in shown
    assert f"the file's own values: experiment {told['default']['experiment']}, accuracy " in shown
    assert "trials: 4 (4 complete)" in shown
    assert f"the best was tested: kedro experiment show {told['tested']}" in shown
    assert json.loads(lab.kedro("experiment", "show", "1", "--format", "json").ok().out)["search"] == told


def test_list_marks_the_value_of_a_search_as_the_best_of_many_and_no_metric_of_its_own(lab: Lab) -> None:
    outcome = search(lab, searching(lab), "--no-test").ok()
    value = summary(first(outcome))["best"]["values"][0]
    for _ in range(2):  # read from the folders, then from the index
        line = next(line for line in lab.kedro("experiment", "list").ok().out.splitlines() if line.startswith("1 "))
        assert f"best of 4: accuracy {value:.4g}" in line
    entry = next(
        one for one in json.loads(lab.kedro("experiment", "list", "--format", "json").ok().out) if one["id"] == 1
    )
    assert entry["metrics"] == {"validation": {}, "test": {}}


@pytest.mark.filterwarnings("ignore:`target`:UserWarning", "ignore:PedAnova:UserWarning")
@pytest.mark.parametrize("metrics", [["accuracy"], ["accuracy", "neg_log_loss"]])
def test_optunas_plots_draw_the_study_as_it_is(lab: Lab, metrics: list[str]) -> None:
    from optuna import visualization

    from expfw import open_study

    space = {
        "model.params.C": {"low": 0.001, "high": 100.0, "log": True},
        "model.params.tol": {"low": 1e-5, "high": 0.1},
    }
    search(lab, searching(lab, {"metrics": metrics}, metric=metrics, space=space, n_trials=6), "--no-test").ok()
    study = open_study(1, root=lab.root)
    several = len(metrics) > 1
    target: Any = (lambda one: one.values[0]) if several else None
    plots: list[Any] = [visualization.plot_slice, visualization.plot_contour, visualization.plot_parallel_coordinate]
    for plot in [*plots, visualization.plot_param_importances, visualization.plot_optimization_history]:
        assert plot(study, target=target).data
    if several:
        assert visualization.plot_pareto_front(study).data
        assert study.metric_names == metrics
    else:
        assert visualization.plot_intermediate_values(study).data


def test_the_journal_opens_from_another_folder(lab: Lab, tmp_path: Path) -> None:
    search(
        lab, lab.write({**SMALL, "search": {"space": {"model.params.C": [1.0, 2.0]}, "sampler": "grid"}}), "--no-test"
    ).ok()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for folder in lab.root.iterdir():
        folder.rename(moved / folder.name)
    from expfw import open_study

    assert [one.params for one in open_study(1, root=moved).trials] == [
        {"model.params.C": 1.0},
        {"model.params.C": 2.0},
    ]
