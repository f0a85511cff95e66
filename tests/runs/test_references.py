"""Steps that take over an earlier experiment's output: verified, never mixing rows, recorded on both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs.lab import SMALL, Lab, sklearn

FROM_FIRST = {"from_experiment": 1}


def first(lab: Lab, **changes: Any) -> None:
    lab.run({**SMALL, **changes}).ok()


def files(folder: Path, *names: str) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


def test_data_and_folds_are_those_of_the_other_experiment(lab: Lab) -> None:
    first(lab)
    taken = {"data_source": FROM_FIRST, "holdout": FROM_FIRST, "resampling": FROM_FIRST}
    outcome = lab.run({**SMALL, **taken, "defaults": {"random_state": 7}, "model": sklearn("svm.SVC")}).ok()
    one, two = outcome.folders
    names = ("data/folds.npz",)
    assert files(one, *names) == files(two, *names)
    assert outcome.json("log/config.json")["holdout"] == FROM_FIRST


def test_a_model_taken_over_predicts_and_scores_as_it_did(lab: Lab) -> None:
    first(lab)
    everything = {"data_source": FROM_FIRST, "holdout": FROM_FIRST, "resampling": FROM_FIRST, "model": FROM_FIRST}
    outcome = lab.run({**SMALL, **everything, "metrics": ["accuracy", "f1_macro"]}).ok()
    one, two = outcome.folders
    names = ("data/predictions.feather", "data/test_predictions.feather")
    assert files(one, *names) == files(two, *names)
    assert json.loads((one / "report/test_metrics.json").read_text())["accuracy"] == outcome.metrics["test"]["accuracy"]


def test_features_are_taken_over_as_fitted_on_each_fold(lab: Lab) -> None:
    first(lab, features=sklearn("preprocessing.StandardScaler"))
    taken = {"holdout": FROM_FIRST, "resampling": FROM_FIRST, "features": FROM_FIRST}
    whole = {"features": sklearn("preprocessing.StandardScaler"), "holdout": FROM_FIRST, "resampling": FROM_FIRST}
    with_taken = lab.run({**SMALL, **taken, "model": sklearn("svm.SVC")}).ok().metrics
    with_fitted = lab.run({**SMALL, **whole, "model": sklearn("svm.SVC")}).ok().metrics
    assert with_taken == with_fitted


def test_the_link_is_recorded_on_both_sides_and_drawn(lab: Lab) -> None:
    first(lab)
    child = lab.write({**SMALL, "holdout": FROM_FIRST})
    grandchild = lab.write({**SMALL, "holdout": {"from_experiment": 2}})
    for name in (child, grandchild):
        lab.kedro("run", "--params", f"experiment={name}").ok()
    shown = json.loads(lab.kedro("experiment", "show", "2", "--format", "json").ok().out)
    assert (shown["parents"], shown["children"]) == ([1], [3])
    drawn = lab.kedro("experiment", "show", "3").ok().out
    assert [line.strip().split()[0] for line in drawn.partition("line of descent\n")[2].splitlines()[:3]] == [
        "1",
        "2",
        "3",
    ]


DAMAGES = {
    "altered": "was altered",
    "truncated": "was altered",
    "missing": "is missing",
    "link": "was replaced by a link",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_altered_or_lost_is_refused_by_name(lab: Lab, damage: str) -> None:
    first(lab)
    path = lab.root / "result_experiment_1" / "data" / "folds.npz"
    content = path.read_bytes()
    path.unlink()
    if damage == "link":
        path.with_name("copy").write_bytes(content)
        path.symlink_to(path.with_name("copy"))
    elif damage != "missing":
        path.write_bytes(content + b" " if damage == "altered" else content[:-100])
    outcome = lab.run({**SMALL, "holdout": FROM_FIRST, "resampling": FROM_FIRST})
    assert f"experiment 1: data/folds.npz {DAMAGES[damage]}" in outcome.message()
    assert outcome.sacred["status"] == "FAILED"


def test_folds_of_other_rows_are_refused(lab: Lab) -> None:
    first(lab)
    other = sklearn("model_selection.ShuffleSplit", n_splits=1, test_size=0.3)
    message = lab.run({**SMALL, "holdout": other, "resampling": FROM_FIRST}).message()
    assert "belongs to other development data" in message
    assert '"holdout": {"from_experiment": 1}' in message


def test_a_model_fitted_on_other_folds_is_refused(lab: Lab) -> None:
    first(lab)
    other = sklearn("model_selection.KFold", n_splits=2)
    message = lab.run({**SMALL, "holdout": FROM_FIRST, "resampling": other, "model": FROM_FIRST}).message()
    assert "was fitted on other folds" in message
    assert '"resampling": {"from_experiment": 1}' in message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"holdout": {"from_experiment": 9}}, "there is no experiment 9"),
        ({"holdout": {"from_experiment": 0}}, "expected the number of an experiment, from 1"),
        ({"holdout": {"from_experiment": "1"}}, "expected the number of an experiment, from 1"),
        ({"holdout": {"from_experiment": 1, "params": {}}}, "stands beside params"),
        ({"metrics": [FROM_FIRST]}, "'metrics' takes no reference"),
        ({"model": FROM_FIRST, "features": sklearn("preprocessing.StandardScaler")}, "comes with the features"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found_before_anything_runs(
    lab: Lab, changes: dict[str, Any], says: str
) -> None:
    first(lab)
    outcome = lab.run({**SMALL, **changes})
    assert says in outcome.message()
    assert [folder.name for folder in outcome.folders] == ["result_experiment_1"]


def test_an_experiment_that_did_not_get_so_far_has_nothing_to_give(lab: Lab) -> None:
    lab.run({**SMALL, "model": sklearn("linear_model.LogisticRegression"), "metrics": ["r2"], "data_source": {
        "type": "CsvFile", "params": {"path": "nowhere.csv", "target": "y"}}})  # fmt: skip
    assert "experiment 1 has no development_data" in lab.run({**SMALL, "holdout": FROM_FIRST}).message()
