"""What is said of a run that did not complete: how to go on with it, and what became of it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from runs.lab import SMALL, Lab, sklearn, trial, wait_for

FAILING = {**SMALL, "reports": [trial("Faulty", at="report")]}


def failed(lab: Lab, params: str = "") -> str:
    """A failed run; the name of its experiment."""
    name = lab.write(FAILING)
    assert lab.experiment(name, params=params).code == 1
    return name


def test_a_failed_run_says_how_to_go_on(lab: Lab) -> None:
    name = lab.write(FAILING)
    words = "kedro experiment restart 1"
    assert f"Go on with it when the cause is mended: {words}" in lab.experiment(name).message()
    assert f"go on with it, when the cause is mended: {words}" in lab.kedro("experiment", "show", "1").ok().out
    assert f"broken on purpose; to go on with it instead: {words}" in lab.experiment(name).text


def test_an_interrupted_run_says_how_to_go_on(lab: Lab, tmp_path: Path) -> None:
    command = lab.begin({"model": trial("Waiting", marker=str(tmp_path / "marker"), fold=2)})
    wait_for("the fold", (tmp_path / "marker").exists)
    command.send(signal.SIGINT)
    assert "; go on with it: kedro experiment restart 1" in command.wait().message()
    assert "go on with it: kedro experiment restart 1" in lab.kedro("experiment", "show", "1").ok().out


def test_a_completed_run_has_no_next_step(lab: Lab) -> None:
    assert "restart" not in lab.run().ok().text + lab.kedro("experiment", "show", "1").ok().out


def test_a_refused_restart_gives_the_command_that_begins_anew(lab: Lab) -> None:
    name = failed(lab, "model.params.C=2,features=null,if_run=again")
    lab.write({**FAILING, "metrics": ["f1"]}, name=name)
    message = lab.kedro("experiment", "restart", "1").message()
    assert f"'kedro run --params experiment={name},model.params.C=2,features=null' begins anew" in message
    assert "rerun" not in message


def test_a_forced_restart_is_told(own_lab: Lab) -> None:
    source = own_lab.project.path / "src" / "ml_experiments" / "helping.py"
    source.write_text("VALUE = 1\n")
    name = own_lab.write({**SMALL, "reports": [{"type": "ml_experiments.helping_report.Helped"}]})
    module = own_lab.project.path / "src" / "ml_experiments" / "helping_report.py"
    module.write_text("class Helped:\n    def report(self, results):\n        raise RuntimeError('no')\n")
    assert own_lab.experiment(name).code == 1
    module.write_text("class Helped:\n    def report(self, results):\n        pass\n")
    own_lab.kedro("experiment", "restart", "1", "--force").ok()
    changed = "src/ml_experiments/helping_report.py"
    assert f"restarted with --force although changed: {changed}" in own_lab.kedro("experiment", "show", "1").ok().out
    record = json.loads(own_lab.kedro("experiment", "show", "1", "--format", "json").ok().out)
    assert record["restarts"][0]["changed"] == [changed]
    page = (own_lab.root / "result_experiment_1" / "report" / "index.html").read_text()
    assert f"with --force, although changed: {changed}" in page


def test_what_is_taken_over_is_not_told_as_fitted_and_told_once(lab: Lab) -> None:
    lab.run().ok()
    taken = {"from_experiment": 1}
    said = lab.run(dict.fromkeys(("data_source", "holdout", "resampling", "features", "model"), taken)).ok()
    assert "fold 1/3: taken from experiment 1" in said.text
    assert "fitted" not in said.text
    for output in ("development_data", "folds"):
        assert said.text.count(f" {output} taken from experiment 1") == 1


def test_folds_fitted_here_are_told_as_fitted(lab: Lab) -> None:
    assert "fold 3/3: fitted" in lab.run({"model": sklearn("tree.DecisionTreeClassifier")}).ok().text


def test_a_metric_that_is_misspelt_in_a_notebook_is_no_silent_none(lab: Lab) -> None:
    lab.run().ok()
    code = "import expfw\nr = expfw.open_experiment(1).record()\nprint(r.metric('test.accuracy'), end=' ')\n"
    outcome = lab.python(code + "try:\n    r.metric('test.acuracy')\nexcept Exception as error:\n    print(error)\n")
    assert "experiment 1 has no metric 'test.acuracy'; did you mean 'test.accuracy'?" in outcome.out
    assert not outcome.out.startswith("None")


def test_a_short_name_of_scikit_learn_gets_its_path(lab: Lab) -> None:
    message = lab.run({"model": {"type": "RandomForestClassifier"}}).message()
    assert "unknown type 'RandomForestClassifier'; did you mean 'sklearn.ensemble.RandomForestClassifier'?" in message


def test_a_metric_for_two_classes_names_that_for_several(lab: Lab) -> None:
    for name, right in (("roc_auc", "roc_auc_ovr"), ("f1", "f1_macro")):
        message = lab.run({"data_source": trial("Made", target="multi"), "metrics": [name]}).message()
        assert f"take '{right}'" in message


def test_a_file_in_another_encoding_names_the_parameter(own_lab: Lab) -> None:
    (own_lab.project.path / "umlaut.csv").write_bytes("name,y\nMüller,1\nMaier,0\n".encode("latin-1"))
    source = {"type": "CsvFile", "params": {"path": "umlaut.csv", "target": "y"}}
    assert 'set the parameter encoding, for example to "latin-1"' in own_lab.run({"data_source": source}).message()


def test_an_environment_that_is_none_is_told_without_the_folders_of_experiments(lab: Lab) -> None:
    message = lab.kedro("run", "--env", "nope").message()
    assert "valid are: base, local" in message
    assert "experiments" not in message
