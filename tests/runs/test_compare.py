"""Comparing experiments that were run: what differs, the test on shared folds, and why it cannot be made elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs.lab import PACKAGE, SMALL, Lab, sklearn, trial, wait_for
from scipy import stats

TREE = sklearn("tree.DecisionTreeClassifier", max_depth=1)
DUMMY = sklearn("dummy.DummyClassifier")


def compare(lab: Lab, *which: str | int) -> dict[str, Any]:
    """What ``compare --format json`` says."""
    outcome = lab.kedro("experiment", "compare", *map(str, which), "--format", "json").ok()
    content: dict[str, Any] = json.loads(outcome.out)
    return content


def metrics_of(lab: Lab, number: int) -> dict[str, Any]:
    path = lab.root / f"result_experiment_{number}" / "report" / "validation_metrics.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_settings_stand_side_by_side_with_their_origins(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"model": sklearn("linear_model.LogisticRegression", C=0.5)}, params="defaults.random_state=7").ok()
    said = compare(lab, 1, 2)
    assert said["settings"]["model.params.C"]["values"] == [None, 0.5]
    assert said["settings"]["model.params.C"]["origins"][0] is None
    assert said["settings"]["model.params.C"]["origins"][1].startswith("config/experiments/trial_")
    assert said["settings"]["model.params.random_state"]["values"] == [42, 7]
    assert said["settings"]["model.params.random_state"]["origins"][1] == "--params"
    assert "metrics" not in said["settings"]
    told = lab.kedro("experiment", "compare", "1", "2", "--origin").ok().out
    assert "model.params.C" in told
    assert "--params" in told
    assert "--params" not in lab.kedro("experiment", "compare", "1", "2").ok().out


def test_shared_folds_are_tested_by_the_corrected_test(lab: Lab) -> None:
    folds = sklearn("model_selection.KFold", n_splits=5, shuffle=True)
    lab.run({"resampling": folds}).ok()
    lab.run({"resampling": folds, "model": TREE}).ok()
    said = compare(lab, 1, 2)
    assert {name: rows["same"] for name, rows in said["rows"]["2"]["outputs"].items()} == dict.fromkeys(
        ("raw_data", "prepared_data", "development_data", "test_data", "folds"), "same"
    )
    pair = said["metrics"]["accuracy"]["differences"]["2"]
    values = [np.array(metrics_of(lab, number)["accuracy"]["folds"]) for number in (1, 2)]
    d = values[1] - values[0]
    assert pair["per_fold"] == pytest.approx(d.tolist())
    arrays = np.load(lab.root / "result_experiment_1" / "data" / "folds.npz")
    ratio = np.mean([len(arrays[f"validation_{i}"]) / len(arrays[f"train_{i}"]) for i in range(5)])
    t = d.mean() / np.sqrt((1 / 5 + ratio) * d.var(ddof=1))
    result = pair["significance"]
    assert result["t"] == pytest.approx(t)
    assert result["p"] == result["p_holm"] == pytest.approx(2 * stats.t.sf(abs(t), 4))
    assert result["ci95"][0] < pair["validation"] < result["ci95"][1]
    told = lab.kedro("experiment", "compare", "1", "2").ok().out
    assert f"95 % interval {result['ci95'][0]:+.3g} to {result['ci95'][1]:+.3g}" in told


@pytest.mark.slow
def test_several_experiments_get_holms_correction(lab: Lab) -> None:
    folds = sklearn("model_selection.KFold", n_splits=5, shuffle=True)
    for model in (SMALL["model"], TREE, DUMMY):
        lab.run({"resampling": folds, "model": model}).ok()
    said = compare(lab, 1, 2, 3)["metrics"]["accuracy"]["differences"]
    results = sorted((said[number]["significance"] for number in ("2", "3")), key=lambda each: each["p"])
    assert [each["comparisons"] for each in results] == [2, 2]
    assert results[0]["p_holm"] == pytest.approx(min(1, 2 * results[0]["p"]))
    assert results[1]["p_holm"] == pytest.approx(max(results[0]["p_holm"], results[1]["p"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"resampling": sklearn("model_selection.KFold", n_splits=4, shuffle=True)}, "they have other folds (3 and 4)"),
        ({"data_source": trial("Made", rows=80)}, "they have other development data"),
        ({"resampling": None}, "experiment 2 has no metrics over folds"),
        ({"metrics": ["f1_macro"]}, "only experiment 1 has it over folds"),
    ],
    ids=["folds", "data", "no resampling", "another metric"],
)
def test_what_cannot_be_tested_says_why(lab: Lab, changes: dict[str, Any], why: str) -> None:
    lab.run().ok()
    lab.run(changes).ok()
    pair = compare(lab, 1, 2)["metrics"]["accuracy"]["differences"]["2"]
    assert pair["significance"] is None
    told = lab.kedro("experiment", "compare", "1", "2").ok().out
    assert f"not tested: {why}" in told
    assert "significant at" not in told


@pytest.mark.parametrize(
    ("splitter", "why"),
    [
        ({"type": "Bootstrap", "params": {"n_splits": 4}}, "drawn with replacement"),
        (sklearn("model_selection.TimeSeriesSplit", n_splits=3), "the folds follow time"),
        (sklearn("model_selection.ShuffleSplit", n_splits=1), "there is one fold"),
    ],
    ids=["bootstrap", "time", "one fold"],
)
def test_folds_that_break_the_assumptions_are_paired_but_not_tested(
    lab: Lab, splitter: dict[str, Any], why: str
) -> None:
    lab.run({"resampling": splitter}).ok()
    lab.run({"resampling": splitter, "model": TREE}).ok()
    pair = compare(lab, 1, 2)["metrics"]["accuracy"]["differences"]["2"]
    assert pair["significance"] is None
    assert why in pair["why_not"]
    assert len(pair["per_fold"]) == len(metrics_of(lab, 1)["accuracy"]["folds"])


def test_equal_values_have_no_variance_to_test_against(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"description": "the same once more"}).ok()
    said = compare(lab, 1, 2)
    assert said["settings"] == {}
    pair = said["metrics"]["accuracy"]["differences"]["2"]
    assert (pair["validation"], pair["significance"]) == (0.0, None)
    assert "no difference on any fold" in pair["why_not"]
    assert "settings: all the same" in lab.kedro("experiment", "compare", "1", "2").ok().out


def test_folds_taken_from_another_experiment_are_the_same_rows(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"holdout": {"from_experiment": 1}, "resampling": {"from_experiment": 1}, "model": TREE}).ok()
    assert compare(lab, 1, 2)["rows"]["2"]["shared_folds"] == 3


def test_altered_folds_are_not_believed(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"model": TREE}).ok()
    path = lab.root / "result_experiment_2" / "data" / "folds.npz"
    content = path.read_bytes()
    path.unlink()  # it may be shared with experiment 1
    path.write_bytes(content + b" ")
    rows = compare(lab, 1, 2)["rows"]["2"]
    assert rows["outputs"]["folds"]["same"] == "unknown"
    assert "data/folds.npz was altered" in rows["why_not"]


def test_altered_metrics_are_refused(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"model": TREE}).ok()
    path = lab.root / "result_experiment_2" / "report" / "validation_metrics.json"
    content = path.read_text()
    path.unlink()
    path.write_text(content + " ")
    message = lab.kedro("experiment", "compare", "1", "2").message()
    assert "experiment 2: report/validation_metrics.json was altered" in message


def test_a_failed_experiment_is_compared_in_what_it_has(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"model": trial("Faulty", at="fit")})
    said = compare(lab, 1, 2)
    assert said["notes"][0].startswith("Experiment 2 is FAILED: ")
    assert said["settings"]["model.type"]["values"][1].endswith("Faulty")
    told = lab.kedro("experiment", "compare", "1", "2").ok().out
    assert "not tested: experiment 2 is FAILED and has no metrics over folds" in told


def test_a_running_experiment_is_compared_in_what_it_has(lab: Lab, tmp_path: Path) -> None:
    lab.run().ok()
    waiting = lab.begin({"model": trial("Waiting", marker=str(tmp_path / "marker"))})
    wait_for("the fit", (tmp_path / "marker").exists)
    said = compare(lab, 1, 2)
    assert "Experiment 2 is still running" in said["notes"][0]
    (tmp_path / "marker.go").touch()
    waiting.wait().ok()


def test_changed_code_is_named_and_shown_on_demand(own_lab: Lab) -> None:
    module = own_lab.project.path / "src" / PACKAGE / "fixed.py"
    text = "class Fixed:\n    def fit(self, X, y=None):\n        self.classes_ = [0, 1]\n        return self\n\n"
    text += "    def predict(self, X):\n        return [VALUE] * len(X)\n"
    module.write_text(text.replace("VALUE", "0"))
    own_lab.run({"model": {"type": f"{PACKAGE}.fixed.Fixed"}}).ok()
    module.write_text(text.replace("VALUE", "1"))
    own_lab.run({"model": {"type": f"{PACKAGE}.fixed.Fixed"}}).ok()
    assert f"src/{PACKAGE}/fixed.py" in compare(own_lab, 1, 2)["changes"]["2"]["code"]
    plain = own_lab.kedro("experiment", "compare", "1", "2").ok().out
    assert f"src/{PACKAGE}/fixed.py" in plain
    assert "+        return [1] * len(X)" not in plain
    assert "+        return [1] * len(X)" in own_lab.kedro("experiment", "compare", "1", "2", "--diff").ok().out
    own_lab.kedro("experiment", "compare", "1", "2", "--html").ok()
    page = (own_lab.root / "comparison_1_2.html").read_text(encoding="utf-8")
    assert "+        return [1] * len(X)" in page


def test_a_name_stands_for_its_newest_experiment_that_completed(lab: Lab) -> None:
    name = lab.write({**SMALL, "model": TREE})
    for _ in range(2):
        lab.experiment(name).ok()
    lab.write({**SMALL, "model": trial("Faulty", at="fit")}, name)
    lab.experiment(name)
    lab.run().ok()
    assert [each["id"] for each in compare(lab, 4, name)["experiments"]] == [4, 2]
    message = lab.kedro("experiment", "compare", "4", f"{name}x").message()
    assert f"no experiment of the name '{name}x' was run" in message
    assert f"did you mean '{name}'?" in message


def test_what_is_not_there_or_named_twice_is_told(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"model": TREE}).ok()
    lab.run({"model": DUMMY}).ok()
    shutil.rmtree(lab.root / "result_experiment_2")
    assert "there is no experiment 2" in lab.kedro("experiment", "compare", "1", "2").message()
    assert "there is nothing to compare experiment 1 with" in lab.kedro("experiment", "compare", "1").message()
    assert "experiment 1 is named twice" in lab.kedro("experiment", "compare", "1", "1").message()
    assert "name the experiments to compare" in lab.kedro("experiment", "compare").message()


def test_the_page_is_written_whole_where_it_is_asked_for(lab: Lab, tmp_path: Path) -> None:
    lab.run().ok()
    lab.run({"model": TREE}).ok()
    told = lab.kedro("experiment", "compare", "1", "2", "--html").ok().out
    page = lab.root / "comparison_1_2.html"
    assert f"written: {page}" in told
    text = page.read_text(encoding="utf-8")
    assert 'href="result_experiment_2/report/index.html"' in text
    assert "<script" not in text
    assert "http://www.w3.org/2000/svg" in text
    other = tmp_path / "new" / "mine.html"
    lab.kedro("experiment", "compare", "1", "2", f"--html={other}", "--format", "json").ok()
    assert 'href="result_experiment' not in other.read_text(encoding="utf-8")
    assert list(other.parent.iterdir()) == [other]


def test_an_experiment_behind_html_is_not_taken_for_a_file(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"model": TREE}).ok()
    outcome = lab.kedro("experiment", "compare", "--html", "1", "2")
    assert outcome.code == 2
    assert "'1' does not end in .html" in outcome.err
    assert not list(lab.root.glob("*.html"))


def test_a_metric_that_each_defines_in_its_own_way_is_not_tested(lab: Lab) -> None:
    for beta in (1, 2):
        lab.run({"metrics": [sklearn("metrics.fbeta_score", beta=beta)]}).ok()
    pair = compare(lab, 1, 2)["metrics"]["fbeta_score"]["differences"]["2"]
    assert "is another metric in each" in pair["why_not"]
