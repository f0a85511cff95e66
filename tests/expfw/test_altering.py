"""A new experiment from an old one: the file says what differs, gives exactly that, and is sound when it is written."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from expfw.altering import Draft, NotWritten, draft
from expfw.assignment import params_hint, read_assignments
from expfw.errors import ExpfwError, Fault, RecordError
from expfw.originals import Workbench
from expfw.run.files import write_json

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver")  # a call of Kedro's own

BASE = "experiment: tree\ndefaults: {random_state: 42}\nreports: [{type: MetricsTable}]\n"
TREE: dict[str, Any] = {
    "description": "A tree",
    "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
    "holdout": {"type": "sklearn.model_selection.ShuffleSplit", "params": {"n_splits": 1, "test_size": 0.2}},
    "resampling": {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 3, "shuffle": True}},
    "features": {"type": "TabularFeatures"},
    "model": {"type": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3, "min_samples_leaf": 2}},
    "metrics": ["accuracy", "f1_macro"],
}
LINEAR = {"extends": "tree", "features": None, "model": {"type": "sklearn.linear_model.LogisticRegression"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two experiments."""
    for folder in ("base", "local", "experiments", "smoke"):
        (tmp_path / "config" / folder).mkdir(parents=True)
    (tmp_path / "config" / "base" / "parameters.yml").write_text(BASE, encoding="utf-8")
    save(tmp_path, "tree", TREE)
    save(tmp_path, "linear", LINEAR)
    return tmp_path


def save(project: Path, name: str, content: Mapping[str, Any]) -> None:
    """Write an experiment file."""
    write_json(project / "config" / "experiments" / f"{name}.json", content)


def alter(project: Path, source: str, *assignments: str, name: str = "new") -> Draft:
    """What ``experiment new`` would write."""
    faults: list[Fault] = []
    layer = read_assignments(assignments, faults)
    return draft(Workbench(project, ""), name, source, layer, faults)


def said(made: Draft) -> dict[str, Any]:
    """What a draft says beside what every new file says."""
    content = json.loads(made.text)
    assert content.pop("$schema") == "../experiment.schema.json"
    return dict(content)


def refused(project: Path, source: str, *assignments: str, name: str = "new") -> list[str]:
    """The faults that keep a file from being written."""
    with pytest.raises(NotWritten) as caught:
        alter(project, source, *assignments, name=name)
    assert "nothing was written" in str(caught.value)
    assert caught.value.exit_code == 2
    return [str(fault) for fault in caught.value.faults]


def record(project: Path, name: str, params: Mapping[str, Any] | None = None, number: int = 1) -> dict[str, Any]:
    """What a run leaves of its configuration."""
    bench = Workbench(project, "")
    plan = bench.plan(bench.load(name, params))
    log = project / "result" / f"result_experiment_{number}" / "log"
    log.mkdir(parents=True)
    write_json(log / "config.json", plan.config)
    write_json(log / "origin.json", plan.origins)
    write_json(log / "run.json", {"name": name, "hash": plan.hash, "params": {"experiment": name, **(params or {})}})
    return plan.config


def test_the_file_says_only_what_differs(project: Path) -> None:
    made = alter(project, "tree", "model.params.max_depth=5", "features=null", 'description="Deep"', 'metrics.1="r2"')
    assert said(made) == {
        "description": "Deep",
        "extends": "tree",
        "features": None,
        "model": {"params": {"max_depth": 5}},
        "metrics": ["accuracy", "r2"],
    }
    assert list(json.loads(made.text)) == ["$schema", "description", "extends", "features", "model", "metrics"]


def test_what_is_set_to_what_it_is_already_is_left_out(project: Path) -> None:
    made = alter(project, "tree", "model.params.max_depth=3", 'metrics=["accuracy", "f1_macro"]', "preparer=null")
    assert said(made) == {"extends": "tree"}


def test_equal_numbers_of_two_kinds_are_two_values(project: Path) -> None:
    assert said(alter(project, "tree", "model.params.min_samples_leaf=0.5"))["model"] == {
        "params": {"min_samples_leaf": 0.5}
    }
    save(project, "ridge", {**TREE, "model": {"type": "sklearn.linear_model.RidgeClassifier", "params": {"alpha": 1}}})
    assert said(alter(project, "ridge", "model.params.alpha=1.0"))["model"] == {"params": {"alpha": 1.0}}


def test_another_type_drops_the_inherited_parameters_in_whatever_order_it_is_set(project: Path) -> None:
    parts = ['model.type="sklearn.svm.SVC"', "model.params.C=2"]
    for order in (parts, parts[::-1]):
        made = alter(project, "tree", *order)
        assert said(made) == {"extends": "tree", "model": {"type": "sklearn.svm.SVC", "params": {"C": 2}}}
        assert list(said(made)["model"]) == ["type", "params"]
        assert made.plan.config["model"]["params"] == {"C": 2, "random_state": 42}


def test_another_type_has_all_its_parameters_in_the_file(project: Path) -> None:
    made = alter(
        project, "tree", 'model={"type": "sklearn.ensemble.RandomForestClassifier", "params": {"max_depth": 3}}'
    )
    assert said(made) == {
        "extends": "tree",
        "model": {"type": "sklearn.ensemble.RandomForestClassifier", "params": {"max_depth": 3}},
    }


def test_the_file_gives_the_configuration_that_was_checked(project: Path) -> None:
    made = alter(project, "linear", "model.params.C=0.1", 'metrics=["accuracy"]', "defaults.n_jobs=1")
    made.write()
    bench = Workbench(project, "")
    assert bench.plan(bench.load("new")).config == made.plan.config
    assert made.plan.config["model"]["params"] == {"C": 0.1, "random_state": 42, "n_jobs": 1}


def test_nested_objects_lists_and_null_are_values(project: Path) -> None:
    search = {
        "type": "sklearn.model_selection.GridSearchCV",
        "params": {"estimator": {"type": "sklearn.svm.SVC"}, "param_grid": {"C": [0.1, 1]}, "scoring": None},
    }
    made = alter(
        project,
        "tree",
        f"model={json.dumps(search)}",
        "model.params.cv=2",
        'data_source.params.columns=["petal width (cm)"]',
    )
    assert said(made)["model"]["params"] == {**search["params"], "cv": 2}  # type: ignore[dict-item]
    assert made.plan.config["data_source"]["params"] == {"name": "iris", "columns": ["petal width (cm)"]}


def test_an_entry_of_a_list_is_changed_by_its_position(project: Path) -> None:
    reports = [{"type": "MetricsTable"}, {"type": "CalibrationCurve", "params": {"n_bins": 5}}]
    save(project, "reported", {**TREE, "reports": reports})
    made = alter(project, "reported", "reports.1.params.n_bins=10")
    assert said(made)["reports"] == [reports[0], {"type": "CalibrationCurve", "params": {"n_bins": 10}}]


def test_a_position_that_is_not_there_is_refused_with_the_list_to_type(project: Path) -> None:
    (fault,) = refused(project, "tree", 'metrics.2="r2"')
    assert fault.startswith("--set: metrics.2: the list has no position '2': it has the positions 0 to 1;")
    assert fault.endswith("""--set 'metrics=["accuracy", "f1_macro"]'""")
    (fault,) = refused(project, "tree", 'metrics.first="r2"')
    assert "no position 'first'" in fault


VALUES = {
    "SVC": """a text needs its double quotes: --set 'k="SVC"'""",
    "two words": """a text needs its double quotes: --set 'k="two words"'""",
    "it's": """a text needs its double quotes: --set 'k="it'"'"'s"'""",
    "None": "type --set k=null",
    "True": "type --set k=true",
    "['a', 1]": """type --set 'k=["a", 1]'""",
    "[accuracy,f1]": """type --set 'k=["accuracy", "f1"]'""",
    "{'type': 'A'}": """type --set 'k={"type": "A"}'""",
    "{type:A}": "single quotes around the whole keep the double quotes within: --set 'metrics=",
    "": "null is --set k=null, an empty text --set 'k=\"\"'",
    ".5": "type --set k=0.5",
}


@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_is_no_json_is_answered_with_what_to_type(value: str) -> None:
    faults: list[Fault] = []
    assert read_assignments([f"k={value}"], faults) == {}
    (fault,) = faults
    assert f"{value or 'nothing'} is no JSON" in str(fault)
    assert VALUES[value] in str(fault)


@pytest.mark.parametrize("value", ["SVC", "it's", "None", "['a']", 'a$b `c` "d" \\'])
def test_what_is_shown_can_be_typed(value: str) -> None:
    faults: list[Fault] = []
    read_assignments([f"k={value}"], faults)
    option, assignment = shlex.split(faults[0].hint[faults[0].hint.index("--set") :])
    assert option == "--set"
    faults.clear()
    assert "k" in read_assignments([assignment], faults)
    assert faults == []


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        (["features"], "--set: 'features' is no KEY=JSON; as in --set 'metrics="),
        (["=3"], "'=3' is no KEY=JSON"),
        (["model..type=3"], "the key 'model..type' has an empty part"),
        (["a=1", "a=1"], "a: is given twice"),
        (["a=1", "a.b=1"], "a.b: is given twice"),
        (["a.b=1", "a=null"], "a: is given twice"),
        (['a={"b": {"c": 1}}', "a.b.c=2"], "a.b.c: is given twice"),
        (["a=[1]", "a.0=2"], "a.0: is given twice"),
        (["a=NaN"], "NaN is no JSON; a configuration holds finite numbers only"),
        (['a={"b": 1, "b": 2}'], "'b' stands twice in one object"),
        (['extends="tree"'], "extends: cannot be set; what it extends is said by --from"),
        (['published={"a": 1}'], "published: cannot be set"),
    ],
)
def test_an_assignment_that_makes_no_sense_is_refused(assignments: list[str], expected: str) -> None:
    faults: list[Fault] = []
    read_assignments(assignments, faults)
    (fault,) = faults
    assert expected in str(fault)


def test_all_faults_are_told_at_once_and_nothing_is_written(project: Path) -> None:
    files = sorted(project.rglob("*"))
    faults = refused(project, "tree", "modle=1", "model.params.max_dept=1", 'features.type="TabularFeature"')
    assert sorted(fault.split(";")[0] for fault in faults) == [
        "--set: features.type: unknown type 'TabularFeature'",
        "--set: model.params.max_dept: sklearn.tree.DecisionTreeClassifier has no such parameter",
        "--set: modle: unknown key",
    ]
    assert len(refused(project, "tree", "metrics.7=1", "model=SVC", "a")) == 3
    assert sorted(project.rglob("*")) == files


def test_a_fault_of_the_old_file_is_told_of_the_old_file(project: Path) -> None:
    save(project, "broken", {**TREE, "tags": 3})
    (fault,) = refused(project, "broken", "features=null")
    assert fault.startswith("config/experiments/broken.json")
    assert "tags: holds a number" in fault


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a b", "use letters, digits, '_' and '-'"),
        ("../a", "use letters, digits, '_' and '-'"),
        ("größe", "use letters, digits, '_' and '-'"),
        ("-a", "use letters, digits, '_' and '-'"),
        ("", "use letters, digits, '_' and '-'"),
        ("catalog_forest", "Kedro reads files that begin with 'catalog' itself"),
        ("parameters", "Kedro reads files that begin with 'parameters' itself"),
        ("12", "would not take it for a text; 'x_12' can"),
        ("1e3", "would not take it for a text"),
        ("true", "would not take it for a text"),
        ("null", "would not take it for a text"),
        ("tree", "there is an experiment 'tree' already, in config/experiments/tree.json; choose another name"),
        ("Tree", "there is an experiment 'tree' already"),
        ("tiny", "there is an experiment 'tiny' already, in config/smoke/tiny.yml"),
    ],
)
def test_a_name_that_cannot_be_had_is_refused(project: Path, name: str, expected: str) -> None:
    (project / "config" / "smoke" / "tiny.yml").write_text("extends: tree", encoding="utf-8")
    with pytest.raises(ExpfwError, match=r"already|cannot be an experiment's name") as caught:
        alter(project, "tree", name=name)
    assert expected in str(caught.value)


@pytest.mark.parametrize("name", ["iris_wide", "a-b", "2024-01-01", "x1e3", "3folds", "_", "inf"])
def test_other_names_are_names(project: Path, name: str) -> None:
    assert alter(project, "tree", name=name).write().name == f"{name}.json"


def test_a_file_that_appeared_meanwhile_is_not_overwritten(project: Path) -> None:
    made = alter(project, "tree")
    save(project, "new", {"extends": "linear"})
    with pytest.raises(ExpfwError, match="there is an experiment 'new' already"):
        made.write()
    assert json.loads((project / "config/experiments/new.json").read_text())["extends"] == "linear"


def test_an_unknown_origin_is_told_with_the_nearest(project: Path) -> None:
    with pytest.raises(RecordError, match="there is no experiment 'tre'; did you mean 'tree'"):
        alter(project, "tre")
    with pytest.raises(RecordError, match="there is no experiment 7"):
        alter(project, "7")
    (project / "result" / "result_experiment_7" / "log").mkdir(parents=True)
    with pytest.raises(RecordError, match="experiment 7 has no configuration on record"):
        alter(project, "7")


def test_a_number_means_what_was_run_params_included(project: Path) -> None:
    record(project, "linear", {"model": {"params": {"C": 0.5}}, "metrics": {"1": "roc_auc_ovr"}})
    made = alter(project, "1", "model.params.max_iter=500")
    assert said(made) == {
        "extends": "linear",
        "model": {"params": {"C": 0.5, "max_iter": 500}},
        "metrics": ["accuracy", "roc_auc_ovr"],
    }
    assert made.notes == ()


def test_a_type_that_was_given_as_a_param_and_another_one_now(project: Path) -> None:
    record(project, "tree", {"model": {"type": "sklearn.svm.SVC", "params": {"C": 0.5}}})
    assert said(alter(project, "1", "model.params.gamma=1"))["model"] == {
        "type": "sklearn.svm.SVC",
        "params": {"C": 0.5, "gamma": 1},
    }
    made = alter(project, "1", 'model.type="sklearn.tree.DecisionTreeClassifier"')
    assert made.plan.config["model"]["params"] == {"random_state": 42}  # not the file's max_depth
    assert "extends" not in said(made)
    assert "cannot be said by 'extends'" in made.notes[0]


@pytest.mark.parametrize("change", ["file", "parent", "gone"])
def test_a_record_whose_file_has_changed_is_written_out_in_full(project: Path, change: str) -> None:
    then = record(project, "linear", {"model": {"params": {"C": 0.5}}})
    if change == "file":
        save(project, "linear", {**LINEAR, "features": {"type": "TabularFeatures"}})
    elif change == "parent":
        save(project, "tree", {**TREE, "metrics": ["accuracy"]})
    else:
        (project / "config" / "experiments" / "linear.json").unlink()
    made = alter(project, "1", "model.params.max_iter=500")
    told = {"file": "features.type – → TabularFeatures", "parent": "metrics", "gone": "there is no experiment 'linear'"}
    assert "all of experiment 1's configuration is written out" in made.notes[0]
    assert told[change] in made.notes[0]
    content = said(made)
    assert "extends" not in content
    assert content["model"]["params"] == {"C": 0.5, "max_iter": 500}  # no seed written out: it stands in the defaults
    assert content["defaults"] == {"random_state": 42}
    now = dict(made.plan.config)
    assert now["model"]["params"].pop("max_iter") == 500
    assert {**now, "$schema": 0} == {**then, "$schema": 0}


def test_the_seed_of_a_record_that_is_written_out_reaches_all_components(project: Path) -> None:
    record(project, "tree", {"resampling": {"params": {"random_state": 42}}})
    (project / "config" / "experiments" / "tree.json").unlink()
    made = alter(project, "1", "defaults.random_state=3")
    seeds = {key: made.plan.config[key]["params"]["random_state"] for key in ("holdout", "resampling", "model")}
    assert seeds == {"holdout": 3, "resampling": 42, "model": 3}  # what was given explicitly stays


def test_changed_global_defaults_are_noticed(project: Path) -> None:
    then = record(project, "tree")
    parameters = project / "config" / "base" / "parameters.yml"
    parameters.write_text(BASE.replace("42", "1"), encoding="utf-8")
    made = alter(project, "1")
    assert said(made)["defaults"] == {"random_state": 42}
    assert made.plan.config["model"] == then["model"]
    parameters.write_text(BASE.replace("42", "42, max_features: 2"), encoding="utf-8")
    made = alter(project, "1")
    assert "it is not the same, for config/base has changed (model.params.max_features – → 2)" in made.notes[1]


def test_a_default_that_nobody_takes_is_no_hindrance(project: Path) -> None:
    majority = {**TREE, "holdout": None, "model": {"type": "MajorityOrMean"}, "features": None}
    save(project, "majority", {**majority, "resampling": {"type": "sklearn.model_selection.LeaveOneOut"}})
    then = record(project, "majority")
    (project / "config" / "experiments" / "majority.json").unlink()
    made = alter(project, "1")
    assert {**made.plan.config, "$schema": 0} == {**then, "$schema": 0}


def test_published_figures_stay_with_their_experiment(project: Path) -> None:
    save(project, "famous", {**TREE, "published": {"source": "a book"}})
    record(project, "famous")
    (project / "config" / "experiments" / "famous.json").unlink()
    assert "published" not in said(alter(project, "1"))


def test_a_long_value_is_broken_as_people_do_it(project: Path) -> None:
    made = alter(project, "tree", "model.params.max_depth=5", f"tags={json.dumps(['a-rather-long-tag'] * 8)}")
    lines = made.text.splitlines()
    assert '  "model": {"params": {"max_depth": 5}}' in lines
    assert lines.count('    "a-rather-long-tag",') == 7
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize(
    ("given", "current", "expected"),
    [
        ("accuracy", ["r2"], """--from tree --set 'k=["accuracy"]'"""),
        ("[accuracy", ["r2"], """--set 'k=["r2"]'"""),
        ("[1,2]", 3, "--set 'k=[1, 2]'"),
        (3, {"type": "A"}, """--set 'k={"type": "A"}'"""),
        ("None", {"type": "A"}, "null is written --params k=null"),
    ],
)
def test_params_that_need_a_file_say_so(given: Any, current: Any, expected: str) -> None:
    hint = params_hint(given, current, key="k", experiment="tree")
    assert expected in hint


@pytest.mark.parametrize(("given", "current"), [(3, 4), ("a", "b"), (["a"], ["b"]), (None, ["a"]), ("a", None)])
def test_other_params_need_no_hint(given: Any, current: Any) -> None:
    assert (params_hint(given, current) == "") is (given is not None)
