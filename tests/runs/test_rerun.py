"""Running an experiment again: the verdict, and what it says of the reasons."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from runs.lab import PACKAGE, SMALL, Lab, Outcome, sklearn, trial, wait_for

UNSEEDED = '''
"""A model that asks the operating system for its numbers."""

import numpy as np


class Unseeded:
    """Draws what no seed governs."""

    def fit(self, X, y=None):
        self.value_ = np.random.default_rng().random()
        return self

    def predict(self, X):
        return np.full(len(X), self.value_)
'''

NOISY = '''
"""Features that ask the operating system for their numbers."""

import numpy as np


class Noisy:
    """Scales by what no seed governs."""

    def fit(self, X, y=None):
        self.scale_ = np.random.default_rng().random(np.asarray(X).shape[1])
        return self

    def transform(self, X):
        return np.asarray(X) * self.scale_
'''

RIDGE = sklearn("linear_model.Ridge")
FOREST = sklearn("ensemble.RandomForestClassifier", n_estimators=5)
REGRESSION = {"data_source": trial("Made", target="number"), "metrics": ["neg_mean_absolute_error"]}


def rerun(lab: Lab, *args: str) -> tuple[Outcome, dict[str, Any]]:
    """Rerun experiment 1, give what its JSON says."""
    outcome = lab.kedro("experiment", "rerun", "1", "--format", "json", *args)
    assert outcome.out, outcome.err
    return outcome, json.loads(outcome.out)


@pytest.mark.parametrize("runner", [None, "SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_a_rerun_is_identical_with_any_runner(lab: Lab, runner: str | None) -> None:
    lab.run({"model": FOREST, "reports": [{"type": "MetricsTable"}, {"type": "RocCurve"}]}).ok()
    outcome, said = rerun(lab, *(["--runner", runner] if runner else []))
    assert (outcome.code, said["verdict"], said["id"], said["rerun_of"]) == (0, "identical", 2, 1)
    assert {output["kind"] for output in said["outputs"]} == {"identical"}
    assert outcome.json("log/rerun.json") == said
    assert outcome.json("log/run.json")["rerun_of"] == 1
    assert said["sentence"] == "experiment 2 against experiment 1: identical to the bit"


def test_what_the_global_generators_give_is_identical(lab: Lab) -> None:
    lab.run({**REGRESSION, "model": trial("Random")}).ok()
    assert rerun(lab)[1]["verdict"] == "identical"


def test_the_times_that_a_search_keeps_do_not_count(lab: Lab) -> None:
    search = sklearn(
        "model_selection.GridSearchCV", estimator=sklearn("linear_model.LogisticRegression"), param_grid={"C": [1, 2]}
    )
    lab.run({"model": search}).ok()
    said = rerun(lab)[1]
    assert said["verdict"] == "identical"
    assert {output["kind"] for output in said["outputs"]} == {"identical"}, said["outputs"]
    models = [(folder / "model" / "final_model.pkl").read_bytes() for folder in lab.root.glob("result_experiment_*")]
    assert models[0] != models[1]


def test_a_rerun_needs_neither_the_file_nor_params_of_the_experiment(lab: Lab) -> None:
    name = lab.write({**SMALL, "model": FOREST})
    lab.experiment(name, params="model.params.n_estimators=7").ok()
    (lab.project.path / "config" / "experiments" / f"{name}.json").unlink()
    outcome, said = rerun(lab)
    assert said["verdict"] == "identical"
    assert outcome.json("log/config.json")["model"]["params"]["n_estimators"] == 7


def test_changed_code_in_a_helper_is_shown_as_a_diff(own_lab: Lab) -> None:
    package = own_lab.project.path / "src" / PACKAGE
    helper = package / "helping.py"
    helper.write_text("def shift():\n    return 1\n")
    (package / "helped.py").write_text(
        f"from {PACKAGE}.helping import shift\n\n\nclass Helped:\n"
        "    def fit(self, X, y=None):\n        return self\n\n"
        "    def predict(self, X):\n        return [float(shift())] * len(X)\n"
    )
    own_lab.run({**REGRESSION, "model": {"type": f"{PACKAGE}.helped.Helped"}}).ok()
    helper.write_text("def shift():\n    return 2\n")
    outcome, said = rerun(own_lab)
    assert (outcome.code, said["verdict"]) == (1, "different")
    assert list(said["changes"]["code"]) == [f"src/{PACKAGE}/helping.py"]
    assert "-    return 1\n+    return 2\n" in said["changes"]["code"][f"src/{PACKAGE}/helping.py"]
    assert f"Changed since: code (src/{PACKAGE}/helping.py)." in said["reasons"]
    told = own_lab.kedro("experiment", "rerun", "1")
    assert told.code == 1
    assert "+    return 2" in told.out
    assert "Traceback" not in told.text


def test_a_difference_within_the_tolerance_is_equal(own_lab: Lab) -> None:
    model = own_lab.project.path / "src" / PACKAGE / "almost.py"
    text = (
        "class Almost:\n    def fit(self, X, y=None):\n        return self\n\n"
        "    def predict(self, X):\n        return [VALUE] * len(X)\n"
    )
    model.write_text(text.replace("VALUE", "1.0"))
    own_lab.run({**REGRESSION, "model": {"type": f"{PACKAGE}.almost.Almost"}}).ok()
    model.write_text(text.replace("VALUE", "1.0 + 1e-11"))
    outcome, said = rerun(own_lab)
    assert (outcome.code, said["verdict"]) == (0, "equal within tolerance")
    assert "equal within tolerance 1e-09; the largest difference is" in said["sentence"]
    outcome, said = rerun(own_lab, "--tolerance", "1e-13")
    assert (outcome.code, said["verdict"]) == (1, "different")


def test_a_changed_data_file_is_named(own_lab: Lab) -> None:
    table = own_lab.project.path / "config" / "smoke" / "data" / "table.csv"
    table.write_text("a,y\n" + "\n".join(f"{i},{i % 2}" for i in range(40)) + "\n")
    source = {"type": "CsvFile", "params": {"path": "config/smoke/data/table.csv", "target": "y"}}
    own_lab.run({"data_source": source}).ok()
    table.write_text(table.read_text().replace("\n3,1\n", "\n3000,1\n"))
    outcome, said = rerun(own_lab)
    assert (outcome.code, said["verdict"], said["node"]) == (1, "different", "load")
    assert said["components"] == ["data_source CsvFile"]
    assert "config/smoke/data/table.csv" in said["reasons"]


def test_a_file_beside_a_module_that_changed_is_named(own_lab: Lab) -> None:
    package = own_lab.project.path / "src" / PACKAGE
    (package / "scale.json").write_text("1")
    (package / "scaling.py").write_text(
        "from pathlib import Path\n\nimport numpy as np\n\n\nclass Scaling:\n"
        "    def fit(self, X, y=None):\n"
        "        self.scale_ = float((Path(__file__).parent / 'scale.json').read_text())\n        return self\n\n"
        "    def transform(self, X):\n        return np.asarray(X) * self.scale_\n"
    )
    own_lab.run({**REGRESSION, "features": {"type": f"{PACKAGE}.scaling.Scaling"}, "model": RIDGE}).ok()
    (package / "scale.json").write_text("1000")
    outcome, said = rerun(own_lab)
    assert (outcome.code, said["verdict"], said["node"]) == (1, "different", "fit")
    assert list(said["changes"]["data"]) == [f"src/{PACKAGE}/scale.json"]
    assert "draws random numbers" not in said["reasons"]


def test_a_component_that_draws_what_no_seed_governs_is_named(own_lab: Lab) -> None:
    (own_lab.project.path / "src" / PACKAGE / "unseeded.py").write_text(UNSEEDED)
    scaler = sklearn("preprocessing.StandardScaler")
    own_lab.run({**REGRESSION, "features": scaler, "model": {"type": f"{PACKAGE}.unseeded.Unseeded"}}).ok()
    outcome, said = rerun(own_lab)
    assert (outcome.code, said["verdict"], said["node"]) == (1, "different", "fit")
    assert said["components"] == [f"model {PACKAGE}.unseeded.Unseeded"]
    assert f"model {PACKAGE}.unseeded.Unseeded draws random numbers that the seed does not govern" in said["reasons"]
    kinds = {output["output"]: output["kind"] for output in said["outputs"]}
    assert (kinds["folds"], kinds["fold_models"], kinds["predictions"]) == ("identical", "different", "different")


def test_features_that_draw_what_no_seed_governs_are_named_instead_of_the_model(own_lab: Lab) -> None:
    (own_lab.project.path / "src" / PACKAGE / "noisy.py").write_text(NOISY)
    own_lab.run({**REGRESSION, "features": {"type": f"{PACKAGE}.noisy.Noisy"}, "model": RIDGE}).ok()
    outcome, said = rerun(own_lab)
    assert (outcome.code, said["node"], said["components"]) == (1, "fit", [f"features {PACKAGE}.noisy.Noisy"])


def test_a_rerun_that_was_taken_up_again_has_its_verdict(lab: Lab, tmp_path: Path) -> None:
    marker, go = tmp_path / "marker", tmp_path / "marker.go"
    go.touch()
    lab.run({"model": trial("Waiting", marker=str(marker), fold=2)}).ok()
    go.unlink()
    marker.unlink()
    command = lab.start("experiment", "rerun", "1")
    wait_for("the fold", marker.exists)
    command.send(signal.SIGKILL)
    command.wait()
    go.touch()
    outcome = lab.kedro("experiment", "restart", "2").ok()
    said = outcome.json("log/rerun.json")
    assert (said["verdict"], said["rerun_of"], said["id"]) == ("identical", 1, 2)
    assert {output["kind"] for output in said["outputs"]} == {"identical"}
    assert "experiment 2 against experiment 1: identical to the bit" in outcome.out


def test_a_rerun_that_was_taken_up_again_and_differs_fails_as_a_rerun_does(own_lab: Lab, tmp_path: Path) -> None:
    (own_lab.project.path / "src" / PACKAGE / "unseeded.py").write_text(UNSEEDED)
    fixed = tmp_path / "fixed"
    fixed.touch()
    changes = {**REGRESSION, "model": {"type": f"{PACKAGE}.unseeded.Unseeded"}}
    own_lab.run({**changes, "reports": [trial("NeedsFile", path=str(fixed))]}).ok()
    fixed.unlink()
    own_lab.kedro("experiment", "rerun", "1").message()
    fixed.touch()
    outcome = own_lab.kedro("experiment", "restart", "2")
    assert outcome.code == 1
    assert "experiment 2 against experiment 1: different" in outcome.out
    assert outcome.json("log/rerun.json")["node"] == "fit"
    assert outcome.sacred["status"] == "COMPLETED"


def test_a_tolerance_can_be_given_when_a_rerun_is_taken_up_again(own_lab: Lab, tmp_path: Path) -> None:
    (own_lab.project.path / "src" / PACKAGE / "unseeded.py").write_text(UNSEEDED)
    fixed = tmp_path / "fixed"
    fixed.touch()
    changes = {**REGRESSION, "model": {"type": f"{PACKAGE}.unseeded.Unseeded"}}
    own_lab.run({**changes, "reports": [trial("NeedsFile", path=str(fixed))]}).ok()
    fixed.unlink()
    own_lab.kedro("experiment", "rerun", "1").message()
    fixed.touch()
    outcome = own_lab.kedro("experiment", "restart", "2", "--tolerance", "10").ok()
    assert outcome.json("log/rerun.json")["verdict"] == "equal within tolerance"


def test_a_rerun_whose_original_has_gone_is_still_finished(lab: Lab, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    fixed.touch()
    lab.run({"reports": [trial("NeedsFile", path=str(fixed))]}).ok()
    fixed.unlink()
    lab.kedro("experiment", "rerun", "1").message()
    fixed.touch()
    shutil.rmtree(lab.root / "result_experiment_1")
    outcome = lab.kedro("experiment", "restart", "2")
    assert "experiment 2 has completed, but there is nothing to compare it with" in outcome.message()
    assert outcome.sacred["status"] == "COMPLETED"


def test_a_rerun_can_be_run_again(lab: Lab) -> None:
    lab.run().ok()
    rerun(lab)
    said = json.loads(lab.kedro("experiment", "rerun", "2", "--format", "json").ok().out)
    assert (said["verdict"], said["rerun_of"], said["id"]) == ("identical", 2, 3)


def test_a_secret_that_was_withheld_must_be_given(lab: Lab) -> None:
    name = lab.write({**SMALL, "model": trial("Tolerant", options={"api_key": "s3cr3t-value"})})
    lab.experiment(name).ok()
    message = lab.kedro("experiment", "rerun", "1").message()
    assert "model.params.options.api_key held a secret, which is not recorded" in message
    assert f"kedro run --params experiment={name},model.params.options.api_key=…" in message
    assert len(list(lab.root.glob("result_experiment_*"))) == 1


def test_what_failed_or_is_running_leaves_nothing_to_compare_with(lab: Lab, tmp_path: Path) -> None:
    lab.run({"model": trial("Faulty", at="fit")})
    assert (
        "experiment 1 is FAILED, so there is no result to compare with"
        in lab.kedro("experiment", "rerun", "1").message()
    )
    waiting = lab.begin({"model": trial("Waiting", marker=str(tmp_path / "marker"))})
    wait_for("the fit", (tmp_path / "marker").exists)
    assert "experiment 2 is still running" in lab.kedro("experiment", "rerun", "2").message()
    (tmp_path / "marker.go").touch()
    waiting.wait()
    assert "there is no experiment 9" in lab.kedro("experiment", "rerun", "9").message()


def test_a_reference_that_is_gone_is_told_before_anything_runs(lab: Lab) -> None:
    lab.run().ok()
    lab.run({"resampling": {"from_experiment": 1}, "holdout": {"from_experiment": 1}}).ok()
    said = json.loads(lab.kedro("experiment", "rerun", "2", "--format", "json").ok().out)
    assert said["verdict"] == "identical"
    shutil.rmtree(lab.root / "result_experiment_1")
    message = lab.kedro("experiment", "rerun", "2").message()
    assert "experiment 2 took something from experiment 1, which is gone" in message
    assert len(list(lab.root.glob("result_experiment_*"))) == 2


def test_an_altered_file_is_not_compared_and_named(lab: Lab) -> None:
    lab.run().ok()
    path = lab.root / "result_experiment_1" / "data" / "predictions.feather"
    path.write_bytes(path.read_bytes() + b" ")
    outcome, said = rerun(lab)
    told = {output["output"]: output for output in said["outputs"]}
    assert outcome.code == 0
    assert told["predictions"]["kind"] == "not compared"
    assert "data/predictions.feather was altered" in told["predictions"]["where"]


def test_json_stands_alone_on_standard_output(lab: Lab) -> None:
    lab.run({"model": trial("Talking")}).ok()
    outcome, said = rerun(lab)
    assert said["verdict"] == "identical"
    assert "said by a child" in outcome.err
