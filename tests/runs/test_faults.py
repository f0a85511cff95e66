"""What a user does wrong is answered by one clear message, without a traceback, and never by a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from runs.lab import SMALL, TRIAL, Lab, sklearn, snapshot, trial

CSV = "config/smoke/data/smoke.csv"


def csv(path: str = CSV, **params: Any) -> dict[str, Any]:
    """A CSV file as data source."""
    return {"type": "CsvFile", "params": {"path": path, "target": "ill", **params}}


BROKEN_CONSTRUCTOR = trial("Faulty", at="constructor")
IN_THE_CONFIGURATION: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "unknown key": ({"modle": {}}, ["modle: unknown key; did you mean 'model'?"]),
    "unknown type": ({"model": {"type": "MyModle"}}, ["model.type: unknown type 'MyModle'; did you mean 'MyModel'?"]),
    "unknown class": (
        {"model": sklearn("ensemble.RandomForrestClassifier")},
        ["model.type: module 'sklearn.ensemble' has no 'RandomForrestClassifier'", "'RandomForestClassifier'?"],
    ),
    "unknown module": (
        {"model": sklearn("ensmble.RandomForestClassifier")},
        ["there is no module 'sklearn.ensmble'; did you mean 'ensemble'?"],
    ),
    "unknown parameter": (
        {"model": sklearn("linear_model.LogisticRegression", max_itr=3)},
        ["model.params.max_itr", "has no such parameter; did you mean 'max_iter'?"],
    ),
    "unknown parameter of a function": (
        {"metrics": [{"type": "sklearn.metrics.fbeta_score", "params": {"bta": 2}}]},
        ["metrics.0.params.bta", "did you mean 'beta'?"],
    ),
    "missing parameter": ({"model": trial("Needs")}, ["model.params.depth: is missing", "needs it"]),
    "missing parameter of a function": (
        {"metrics": [{"type": "sklearn.metrics.fbeta_score"}]},
        ["metrics.0.params.beta: is missing"],
    ),
    "wrong kind of value": (
        {"model": trial("Needs", depth="deep")},
        ["model.params.depth", "must be a whole number", "deep"],
    ),
    "wrong kind of value for scikit-learn": (
        {"model": sklearn("ensemble.RandomForestClassifier", n_estimators="many")},
        ["model.params.n_estimators", "must be an int", "many"],
    ),
    "unknown key in a component": (
        {"model": {"type": "MyModel", "parms": {}}},
        ["model.parms: unknown key; did you mean 'params'?"],
    ),
    "parameters in a list": ({"model": {"type": "MyModel", "params": [1]}}, ["model.params: holds a list"]),
    "no type": ({"model": {"params": {}}}, ["model.type: is missing"]),
    "type of a wrong kind": ({"model": {"type": 3}}, ["model.type: holds a number"]),
    "module not allowed": (
        {"model": {"type": "os.system"}},
        ["module 'os' is not allowed", "component_modules", "pyproject.toml"],
    ),
    "module not allowed, by a detour": (
        {"metrics": [{"type": f"{TRIAL}.wait_status"}, {"type": f"{TRIAL}.subprocess.run"}]},
        ["metrics.0.type", "metrics.1.type"],
    ),
    "not allowed, re-exported": (
        {"metrics": [{"type": "sklearn.utils.parallel.warnings.warn"}]},
        ["metrics.0.type"],
    ),
    "no model": ({"model": sklearn("preprocessing.StandardScaler")}, ["is no Model: it has no predict()"]),
    "a model without predict": ({"model": trial("Fitless")}, ["is no Model: it has no predict()"]),
    "no splitter": ({"resampling": sklearn("svm.SVC")}, ["is no Splitter: it has no split()"]),
    "no metric": ({"metrics": [sklearn("svm.SVC")]}, ["metrics.0.type", "is no Metric"]),
    "no report": ({"reports": [trial("Needs", depth=1)]}, ["reports.0.type", "is no Report: it has no report()"]),
    "unknown metric": ({"metrics": ["acuracy"]}, ["metrics.0: unknown metric 'acuracy'; did you mean 'accuracy'?"]),
    "fault in a nested component": (
        {"model": sklearn("model_selection.GridSearchCV", estimator=sklearn("svm.SVCC"), param_grid={})},
        ["model.params.estimator.type: module 'sklearn.svm' has no 'SVCC'; did you mean 'SVC'?"],
    ),
    "a service given by hand": (
        {"model": trial("Served", collector=3)},
        ["model.params.collector: is filled by the framework; leave it out"],
    ),
    "refused by a constructor": (
        {"resampling": sklearn("model_selection.KFold", n_splits=1)},
        ["resampling.params", "sklearn.model_selection.KFold", "n_splits=1"],
    ),
    "refused by a constructor, with a message": (
        {"model": trial("Faulty", at="constructor", kind="component")},
        ["model.params", "Faulty", "told the user"],
    ),
    "a hold-out with several splits": (
        {"holdout": sklearn("model_selection.KFold", n_splits=3)},
        ["holdout.params", "3 splits, a hold-out is one"],
    ),
    **{
        f"broken constructor of {key}": (
            {key: [BROKEN_CONSTRUCTOR] if key in ("metrics", "reports") else BROKEN_CONSTRUCTOR},
            [key, "Faulty", "broken on purpose"],
        )
        for key in ("preparer", "holdout", "resampling", "features", "model", "metrics", "reports")
    },
    "neither hold-out nor resampling": ({"holdout": None, "resampling": None}, ["is null, and so is holdout"]),
    "model null": ({"model": None}, ["model: is missing"]),
    "model a list": ({"model": []}, ["model: holds a list, expected an object"]),
    "metrics a text": ({"metrics": "accuracy"}, ["metrics: holds a text, expected a list"]),
    "metric a number": ({"metrics": [3]}, ["metrics.0: holds a number"]),
    "report a text": ({"reports": ["MetricsTable"]}, ["reports.0: holds a text"]),
    "description a number": ({"description": 3}, ["description: holds a number, expected a text"]),
    "tags a text": ({"tags": "a"}, ["tags: holds a text, expected a list"]),
    "defaults a list": ({"defaults": []}, ["defaults: holds a list, expected an object"]),
    "unknown extends": (
        {"extends": "iris_logistik"},
        ["extends: there is no experiment 'iris_logistik'", "'iris_logi"],
    ),
}


@pytest.mark.parametrize("case", IN_THE_CONFIGURATION)
def test_a_fault_in_the_configuration_is_named_before_anything_is_created(lab: Lab, case: str) -> None:
    changes, expected = IN_THE_CONFIGURATION[case]
    outcome = lab.run(changes)
    message = outcome.message()
    for words in ["nothing was run", "config/experiments/trial_", *expected]:
        assert words in message
    assert outcome.code == 2
    assert not outcome.root.exists()


def test_all_faults_are_named_at_once(lab: Lab) -> None:
    changes = {
        "modle": 1,
        "metrics": ["acuracy", {"type": "os.system"}],
        "model": sklearn("svm.SVC", c=1),
        "tags": "a",
        "features": {"type": "TabularFeatures", "params": {"scalling": None}},
    }
    message = lab.run(changes).message()
    for key in ("modle", "metrics.0", "metrics.1", "model.params.c", "tags", "features.params.scalling"):
        assert f": {key}" in message
    assert "has 6 faults" in message


FILES: dict[str, tuple[str, str, list[str]]] = {
    "JSON syntax": ('{"model": {"type": "MyModel"},\n "tags": ]}', ".json", ["line 2, column 10: invalid JSON"]),
    "empty JSON": ("", ".json", ["line 1, column 1: invalid JSON"]),
    "duplicate key": ('{"model": 1,\n "model": 2}', ".json", ["model: duplicate key; keep one of the two"]),
    "deep duplicate key": ('{"model": {"params": {"C": 1, "C": 2}}}', ".json", ["C: duplicate key"]),
    "a list": ("[]", ".json", ["holds a list where an object was expected"]),
    "YAML syntax": ("model:\n  type: [a", ".yml", ["line 2, column 11: invalid YAML"]),
    "duplicate key in YAML": ("tags: []\ntags: []", ".yml", ["line 2, column 1: invalid YAML: duplicate key 'tags'"]),
    "empty YAML": ("", ".yaml", ["holds null where an object was expected"]),
    "code in YAML": ("model: !!python/object/apply:os.getcwd []", ".yml", ["invalid YAML: could not determine"]),
    "a key that is no text": ("3: x", ".yml", ["key 3 is no string"]),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_is_one_fault_with_its_place(lab: Lab, case: str) -> None:
    text, suffix, expected = FILES[case]
    name = lab.write(text, suffix=suffix)
    outcome = lab.experiment(name)
    message = outcome.message()
    for words in ["has 1 fault;", f"config/experiments/{name}{suffix}", *expected]:
        assert words in message
    assert not outcome.root.exists()


def test_a_file_that_is_no_text_is_one_fault(lab: Lab) -> None:
    name = lab.write("{}")
    (lab.project.path / "config" / "experiments" / f"{name}.json").write_bytes(b'{"description": "\xff\xfe"}')
    message = lab.experiment(name).message()
    assert "is not UTF-8 text" in message
    assert "has 1 fault;" in message


def test_a_file_that_cannot_be_opened_is_one_fault(lab: Lab) -> None:
    (lab.project.path / "config" / "experiments" / "folder.json").mkdir(exist_ok=True)
    assert "config/experiments/folder.json" in lab.experiment("folder").message()


@pytest.mark.parametrize("names", [["round_a", "round_b", "round_c"], ["itself"]])
def test_experiments_that_extend_each_other_in_a_circle_are_named(lab: Lab, names: list[str]) -> None:
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        lab.write({"extends": other}, name)
    message = lab.experiment(names[0]).message()
    assert f"in a circle: {' → '.join([*names, names[0]])}" in message
    assert "has 1 fault;" in message


PARAMS = {
    "experiment=iris_forst": ["there is no experiment 'iris_forst'; did you mean 'iris_forest'?"],
    "modle.type=x": ["--params: modle: reaches nothing; did you mean 'model'?"],
    "experimnt=a": ["--params: experimnt: reaches nothing; did you mean 'experiment'?"],
    "model.tipe=x": ["--params: model.tipe: unknown key; did you mean 'type'?"],
    "model.params.max_itr=3": ["--params: model.params.max_itr", "did you mean 'max_iter'?"],
    "resampling.params.n_split=4": ["--params: resampling.params.n_split", "did you mean 'n_splits'?"],
    "extends=iris_svm_cv": ["--params: extends: reaches nothing"],
    "metrics=accuracy": ["--params: metrics: holds a text, expected a list"],
    "metrics.3=f1": ["--params: metrics", "3"],
    "model=null": ["--params: model: is missing"],
    "holdout=null,resampling=null": ["--params: resampling: is null, and so is holdout"],
    "model.type=os.system": ["--params: model.type: module 'os' is not allowed"],
}


@pytest.mark.parametrize("params", PARAMS)
def test_a_fault_on_the_command_line_is_named(lab: Lab, params: str) -> None:
    outcome = lab.kedro("run", "--params", params) if params.startswith("exp") else lab.run(params=params)
    message = outcome.message()
    for words in PARAMS[params]:
        assert words in message
    assert outcome.code == 2
    assert not outcome.root.exists()


BROKEN = "ZeroDivisionError: broken on purpose"
REGRESSION: dict[str, Any] = {
    "data_source": trial("Made", target="number"),
    "model": sklearn("linear_model.Ridge"),
}
IN_THE_RUN: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "missing file": ({"data_source": csv("config/smoke/data/smok.csv")}, ["there is no such file", "'smoke.csv'?"]),
    "missing target": ({"data_source": csv(target="il")}, ["target names a column 'il'", "did you mean 'ill'?"]),
    "missing column": ({"data_source": csv(columns=["agee"])}, ["columns names a column 'agee'", "'age'?"]),
    "empty file": ({"data_source": csv("config/smoke/data/empty.csv")}, ["the file is empty"]),
    "no rows": ({"data_source": csv("config/smoke/data/header.csv")}, ["there are no rows"]),
    "missing catalog entry": (
        {"data_source": {"type": "CatalogEntry", "params": {"entry": "smoke"}}},
        ["the catalog has no such entry"],
    ),
    "metrics without a target": (
        {"data_source": trial("Made", target="none"), "model": sklearn("cluster.KMeans", n_clusters=2)},
        ["metric 'accuracy' needs a target, and the data have none", "set metrics to []"],
    ),
    "classifier without a target": (
        {"data_source": trial("Made", target="none"), "metrics": []},
        ["LogisticRegression", "target"],
    ),
    "one class only": (
        {"data_source": trial("Made", target="constant")},
        ["one class only (1 in 48 rows)", "a classifier needs two"],
    ),
    "one class in a fold": (
        {"resampling": trial("Pairs", pairs=[[[3], [4, 5]]])},
        ["the training rows of fold 0", "one class only"],
    ),
    "missing values": (
        {"data_source": csv(columns=["marker", "age"])},
        ["model sklearn.linear_model.LogisticRegression: fit failed", "contains NaN", "TabularFeatures"],
    ),
    "categories": ({"data_source": csv(columns=["city"])}, ["could not convert string", "TabularFeatures"]),
    "more folds than rows": (
        {"data_source": trial("Made", rows=6), "resampling": sklearn("model_selection.KFold", n_splits=50)},
        ["resampling sklearn.model_selection.KFold: split failed", "n_splits=50"],
    ),
    "fewer groups than folds": (
        {"data_source": trial("Made", groups=2), "resampling": sklearn("model_selection.GroupKFold", n_splits=5)},
        ["GroupKFold: split failed", "number of groups: 2"],
    ),
    "no groups": ({"resampling": sklearn("model_selection.GroupKFold", n_splits=5)}, ["GroupKFold", "groups"]),
    "hold-out with several splits": (
        {"holdout": sklearn("model_selection.LeaveOneGroupOut"), "data_source": trial("Made", groups=3)},
        ["holdout", "LeaveOneGroupOut", "3 splits, a hold-out is one"],
    ),
    "empty validation": ({"resampling": trial("Pairs", pairs=[[[0, 1], []]])}, ["Pairs, split 1 of 1", "validation"]),
    "empty training": ({"resampling": trial("Pairs", pairs=[[[], [0, 1]]])}, ["Pairs, split 1 of 1", "training"]),
    "no fold": ({"resampling": trial("Pairs", pairs=[])}, ["Pairs gives no split at all"]),
    "overlap": ({"resampling": trial("Pairs", pairs=[[[0, 1], [1, 2]]])}, ["Pairs", "in both parts"]),
    "row out of range": ({"resampling": trial("Pairs", pairs=[[[*range(9)], [99]]])}, ["resampling", "Pairs", "99"]),
    "row from the end": ({"resampling": trial("Pairs", pairs=[[[*range(9)], [-1]]])}, ["resampling", "Pairs", "-1"]),
    "rows that are no whole numbers": (
        {"resampling": trial("Pairs", pairs=[[[0.0, 1.0, 2.0], [2.5]]])},
        ["resampling", "Pairs"],
    ),
    "rows as truth values": (
        {"resampling": trial("Pairs", pairs=[[[True] * 40 + [False] * 8, [False] * 40 + [True] * 8]])},
        ["resampling", "Pairs", "bool"],
    ),
    "rows in two dimensions": ({"resampling": trial("Pairs", pairs=[[[[0, 1]], [[2]]]])}, ["resampling", "Pairs"]),
    "half a pair": ({"resampling": trial("Pairs", pairs=[[[0, 1]]])}, ["resampling", "Pairs: split failed"]),
    "three parts": ({"resampling": trial("Pairs", pairs=[[[0, 1], [2], [3]]])}, ["resampling", "Pairs"]),
    "metric of a classifier": ({**REGRESSION, "metrics": ["roc_auc"]}, ["metric 'roc_auc' cannot be", "regression"]),
    "accuracy of a regression": ({**REGRESSION, "metrics": ["accuracy"]}, ["metric 'accuracy' cannot be computed"]),
    "metric of a regression": (
        {"data_source": trial("Made", target="text"), "metrics": ["r2"], "model": sklearn("naive_bayes.GaussianNB")},
        ["metric 'r2' cannot be computed for this classification"],
    ),
    "probabilities that are not there": (
        {"model": sklearn("svm.SVC"), "metrics": ["neg_log_loss"]},
        ["metric 'neg_log_loss' cannot be computed", "predict_proba"],
    ),
    "a metric that gives a table": (
        {"metrics": [{"type": "sklearn.metrics.confusion_matrix"}]},
        ["metric 'confusion_matrix' cannot be computed"],
    ),
    "classifier for numbers": ({"data_source": trial("Made", target="number")}, ["LogisticRegression: fit failed"]),
    "too few predictions": ({"model": trial("Odd", how="short")}, ["Odd", "11", "12"]),
    "no predictions": ({"model": trial("Odd", how="none")}, ["Odd: predict"]),
    "predictions that are no numbers": ({"model": trial("Odd", how="nan")}, ["metric 'accuracy'", "NaN"]),
    "no data": ({"data_source": trial("NotData")}, ["NotData", "gave a DataFrame, expected expfw.interfaces.Data"]),
    "no row left": ({"preparer": trial("Nobody")}, ["preparer", "Nobody", "gave no rows"]),
    "one row left": ({"preparer": trial("Nobody", rows=1)}, ["holdout", "ShuffleSplit: split failed"]),
    "broken data source": ({"data_source": trial("Faulty", at="load")}, ["data_source", "Faulty: load", BROKEN]),
    "broken preparer": ({"preparer": trial("Faulty", at="prepare")}, ["preparer", "Faulty: prepare", BROKEN]),
    "broken hold-out": ({"holdout": trial("Faulty", at="split")}, ["holdout", "Faulty: split failed", BROKEN]),
    "broken splitter": ({"resampling": trial("Faulty", at="split")}, ["resampling", "Faulty: split failed", BROKEN]),
    "broken features, fit": ({"features": trial("Faulty", at="fit")}, ["features", "Faulty: fit failed", BROKEN]),
    "broken features, transform": ({"features": trial("Faulty", at="transform")}, ["features", "Faulty", BROKEN]),
    "broken model, fit": ({"model": trial("Faulty", at="fit")}, ["model", "Faulty: fit failed", BROKEN]),
    "broken model, predict": ({"model": trial("Faulty", at="predict")}, ["model", "Faulty: predict", BROKEN]),
    "broken metric": ({"metrics": [trial("Faulty", at="measure")]}, ["metric 'Faulty'", "broken on purpose"]),
    "broken report": ({"reports": [trial("Faulty", at="report")]}, ["reports", "Faulty: report failed", BROKEN]),
    "broken constructor of a data source": (
        {"data_source": trial("Faulty", at="constructor")},
        ["data_source", "Faulty", "broken on purpose"],
    ),
    "broken constructor of what is given services": (
        {"reports": [trial("Broken")]},
        ["reports", "Broken", "broken on purpose"],
    ),
    "a model with a message": ({"model": trial("Faulty", at="fit", kind="component")}, ["Faulty: told the user"]),
}


@pytest.fixture(scope="session")
def earlier(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A root that holds one good result, and in which runs fail."""
    data = shared_lab.project.path / "config" / "smoke" / "data"
    (data / "empty.csv").touch()
    (data / "header.csv").write_text("marker,age,ill\n")
    lab = shared_lab.at(tmp_path_factory.mktemp("earlier") / "result")
    lab.run({"reports": [{"type": "MetricsTable"}]}).ok()
    return lab


@pytest.mark.parametrize("case", IN_THE_RUN)
def test_a_fault_in_the_run_is_named_and_recorded_and_leaves_earlier_results_alone(earlier: Lab, case: str) -> None:
    changes, expected = IN_THE_RUN[case]
    good = earlier.root / "result_experiment_1"
    before = snapshot(good)
    outcome = earlier.run(changes)
    message = outcome.message()
    for words in [*expected, "It is recorded as FAILED; the traceback is in "]:
        assert words in message
    assert outcome.code == 1
    assert outcome.sacred["status"] == "FAILED"
    traceback = Path(message.rpartition("the traceback is in ")[2].splitlines()[0])
    assert "Traceback (most recent call last)" in (earlier.project.path / traceback).read_text()
    assert snapshot(good) == before


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_a_fault_in_another_thread_or_process_is_named_as_well(lab: Lab, runner: str) -> None:
    outcome = lab.run({"model": trial("Faulty", at="fit")}, "--runner", runner)
    assert "Faulty: fit failed" in outcome.message()
    assert outcome.sacred["status"] == "FAILED"


def test_half_of_an_output_never_counts_as_one(lab: Lab) -> None:
    """A model that cannot be pickled fails while it is written."""
    name = lab.write({**SMALL, "model": trial("Unpicklable")})
    outcome = lab.experiment(name)
    assert "Unpicklable" in outcome.message()
    assert outcome.sacred["status"] == "FAILED"
    assert not [name for name in outcome.json("log/checksums.json") if name.startswith("model/")]
    assert list(outcome.folder.rglob("*.tmp")) == []


def test_a_catalog_that_is_broken_is_one_message(own_lab: Lab) -> None:
    catalog = own_lab.project.path / "config" / "base" / "catalog.yml"
    catalog.write_text(catalog.read_text() + "\nmine:\n  type: no.such.Dataset\n")
    message = own_lab.run({"data_source": {"type": "CatalogEntry", "params": {"entry": "mine"}}}).message()
    assert "mine" in message
    assert "no.such.Dataset" in message


@pytest.mark.parametrize("modules", ['"sklearn"', "[1]"])
def test_a_wrong_allow_list_is_one_message(own_lab: Lab, modules: str) -> None:
    settings = own_lab.project.path / "pyproject.toml"
    text = settings.read_text()
    old = next(line for line in text.splitlines() if line.startswith("component_modules"))
    settings.write_text(text.replace(old, f"component_modules = {modules}"))
    message = own_lab.run().message()
    assert "pyproject.toml: tool.expfw.component_modules: expected a list of texts" in message
    assert not own_lab.root.exists()


def test_a_users_module_that_cannot_be_imported_is_one_message(own_lab: Lab) -> None:
    model = own_lab.project.path / "src" / "ml_experiments" / "components" / "model.py"
    model.write_text("import no_such_library\n")
    outcome = own_lab.run({"model": {"type": "MyModel"}})
    message = outcome.message()
    assert "no_such_library" in message
    assert "components.model" in message
    assert not own_lab.root.exists()


def test_the_message_is_the_same_in_the_notebooks_way(lab: Lab) -> None:
    """An error is an ordinary exception there; its text is the message."""
    from expfw.errors import ConfigurationError, Fault

    error = ConfigurationError("a", [Fault("a.json", "model", "is missing")])
    assert json.dumps(str(error)) == json.dumps(
        "experiment 'a' has 1 fault; nothing was run:\n  1. a.json: model: is missing"
    )


def test_a_hold_out_that_repeats_training_rows_is_refused(lab: Lab) -> None:
    """Copies of a row would stand on both sides of a fold."""
    message = lab.run({**SMALL, "holdout": {"type": "Bootstrap", "params": {"n_splits": 1}}}).message()
    assert "holdout Bootstrap repeats training rows" in message
    assert "a hold-out takes each row once" in message
