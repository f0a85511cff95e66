"""The section ``search`` of an experiment file: what it may say, and what is told of one that cannot be."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from expfw.config.experiment import load_experiment
from expfw.construct.blueprint import Blueprint
from expfw.construct.find import Components
from expfw.construct.plan import Plan, make_plan
from expfw.errors import ConfigurationError
from expfw.search.section import BATCH, Search, search_of, varied

COMPONENTS = Components("", ("sklearn",))

WHOLE: dict[str, Any] = {
    "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
    "resampling": {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 3}},
    "model": {"type": "sklearn.svm.SVC"},
    "metrics": ["accuracy", "f1_macro"],
}
SECTION: dict[str, Any] = {"space": {"model.params.C": {"low": 0.1, "high": 10.0}}, "n_trials": 5}


def plan(search: Any = SECTION, **changes: Any) -> Plan:
    """A plan of :data:`WHOLE` with a search and changes."""
    text = json.dumps({**WHOLE, "search": search, **changes})
    experiment = load_experiment("a", {"a.json": ""}, lambda where: text, base={}, params={})
    return make_plan(experiment, COMPONENTS)


def searched(**section: Any) -> Search:
    """The search of :data:`SECTION` with changes."""
    return search_of(plan({**SECTION, **section}), COMPONENTS)


def faults(search: Any, **changes: Any) -> dict[str, str]:
    """Faults by key."""
    with pytest.raises(ConfigurationError) as caught:
        search_of(plan(search, **changes), COMPONENTS)
    return {fault.key: str(fault) for fault in caught.value.faults}


def test_a_section_says_little_and_the_rest_follows() -> None:
    search = searched()
    assert isinstance(search.sampler, Blueprint)
    assert search.sampler.type == "optuna.samplers.RandomSampler"
    assert (search.metrics, search.n_trials, search.timeout) == (("accuracy",), 5, None)
    assert (search.batch, search.pruner, search.nested, search.keep_models) == (BATCH, None, None, False)
    assert pickle.loads(pickle.dumps(search)) == search


@pytest.mark.parametrize(
    ("section", "learns"),
    [
        ({}, False),
        ({"sampler": "QMCSampler"}, False),
        ({"sampler": "TPESampler"}, True),
        ({"sampler": {"type": "optuna.samplers.TPESampler", "params": {"n_startup_trials": 3}}}, True),
        ({"pruner": "MedianPruner"}, True),
        ({"sampler": "grid", "space": {"model.params.C": [1.0, 2.0]}}, False),
    ],
)
def test_a_search_learns_if_results_decide_what_comes(section: dict[str, Any], learns: bool) -> None:
    assert searched(**section).learns is learns


@pytest.mark.filterwarnings("error")
def test_an_experimental_sampler_is_taken_without_a_warning() -> None:
    assert searched(sampler="QMCSampler").sampler


def test_a_grid_needs_no_number_of_trials() -> None:
    search = search_of(plan({"space": {"model.params.C": [1.0, 2.0]}, "sampler": "grid"}), COMPONENTS)
    assert search.is_grid
    assert search.n_trials is None


def test_a_time_limit_is_enough() -> None:
    assert search_of(plan({"space": SECTION["space"], "timeout": 60}), COMPONENTS).timeout == 60


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [
        ({"spcae": {}}, "search.spcae", "unknown key; did you mean 'space'?"),
        ({"space": None}, "search.space", "is missing; name at least one setting to vary"),
        ({"space": {}}, "search.space", "is empty; name at least one setting to vary"),
        ({"space": {"model.params.C": 3}}, "search.space.model.params.C", "holds a number"),
        (
            {"space": {"modle.params.C": [1]}},
            "search.space.modle.params.C",
            "there is no key 'modle'; did you mean 'model'?",
        ),
        ({"space": {"holdout": [None]}}, "search.space.holdout", "holdout cannot vary: the hold-out must be the same"),
        ({"space": {"metrics": [["r2"]]}}, "search.space.metrics", "metrics cannot vary: trials are compared by them"),
        ({"space": {"test": [True, False]}}, "search.space.test", "no trial reads the hold-out"),
        ({"space": {"tags": [["a"]]}}, "search.space.tags", "it changes nothing in what is computed"),
        ({"space": {"model.params.D": [1]}}, "search.space.model.params.D", "D"),
        ({"space": {"model.params.C": [1.0, -1.0]}}, "search.space.model.params.C", "-1.0"),
        ({"sampler": 3}, "search.sampler", "holds a number; give grid, random, or a sampler of Optuna's"),
        ({"sampler": "TPESamler"}, "search.sampler.type", "did you mean 'TPESampler'?"),
        (
            {"sampler": {"type": "TPESampler", "params": {"sede": 1}}},
            "search.sampler.params.sede",
            "did you mean 'seed'?",
        ),
        ({"sampler": "grid"}, "search.space.model.params.C", "cannot be counted, which a grid needs"),
        ({"pruner": ["MedianPruner"]}, "search.pruner", "holds a list; give a pruner of Optuna's"),
        ({"pruner": "MedianPrunner"}, "search.pruner.type", "did you mean 'MedianPruner'?"),
        (
            {"pruner": "MedianPruner", "metric": ["accuracy", "f1_macro"]},
            "search.pruner",
            "cannot go with several metrics",
        ),
        ({"n_trials": 0}, "search.n_trials", "is 0; give a whole number above 0"),
        ({"n_trials": 2.5}, "search.n_trials", "is 2.5; give a whole number above 0"),
        ({"n_trials": True}, "search.n_trials", "is True; give a whole number above 0"),
        ({"n_trials": None}, "search.n_trials", "is missing; say how many trials there shall be, or give a timeout"),
        ({"timeout": "1h"}, "search.timeout", "is '1h'; give a number of seconds above 0"),
        ({"batch": -1}, "search.batch", "is -1; give a whole number above 0"),
        (
            {"metric": "acuracy"},
            "search.metric",
            "'acuracy' is none of the experiment's metrics; did you mean 'accuracy'?",
        ),
        ({"metric": []}, "search.metric", "names no metric"),
        ({"keep_models": "yes"}, "search.keep_models", "holds a text; give true or false"),
        ({"nested": 3}, "search.nested", "holds a number; give a splitter"),
        ({"nested": {"type": "sklearn.model_selection.KFlod"}}, "search.nested.type", "did you mean"),
    ],
)
def test_what_is_wrong_with_a_section_is_told_with_its_place(section: dict[str, Any], key: str, words: str) -> None:
    found = faults({**SECTION, **section})
    assert words in found[key], found


def test_all_faults_are_told_at_once() -> None:
    found = faults({"space": {"holdout": [None]}, "sampler": 3, "n_trials": 0, "metric": "r3"})
    assert set(found) >= {"search.space.holdout", "search.sampler", "search.n_trials", "search.metric"}


def test_a_section_that_is_no_object_is_told() -> None:
    assert "holds a list, expected an object" in faults([1])["search"]


def test_a_search_needs_resampling() -> None:
    found = faults(
        SECTION, resampling=None, holdout={"type": "sklearn.model_selection.ShuffleSplit", "params": {"n_splits": 1}}
    )
    assert "trials are compared by their folds, never by the hold-out" in found["resampling"]


def test_a_file_without_a_search_is_told_what_to_write() -> None:
    assert 'is missing; add "search":' in faults(None)["search"]


def test_a_fault_of_a_chosen_component_is_told_of_the_choice_that_makes_it() -> None:
    models = [
        {"type": "sklearn.svm.SVC", "space": {"params.C": [1.0]}},
        {"type": "sklearn.tree.DecisionTreeClassifier", "space": {"params.max_dept": [1, 2]}},
    ]
    found = faults({**SECTION, "space": {"model": {"choices": models}}})
    assert any("max_dept" in key and "max_depth" in told for key, told in found.items()), found


def test_a_trial_has_the_configuration_with_its_values_and_no_search() -> None:
    whole = plan().experiment
    trial = varied(whole, {"model": {"params": {"C": 2.0}}}, "trial 3")
    assert trial.values["model"] == {"type": "sklearn.svm.SVC", "params": {"C": 2.0}}
    assert trial.values["search"] is None
    assert "params" not in whole.values["model"]
    assert whole.values["search"] == SECTION
