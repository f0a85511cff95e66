"""Planning: every fault of every component at once, services set apart, defaults where they fit."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

from expfw.config.experiment import load_experiment
from expfw.construct.blueprint import Blueprint
from expfw.construct.find import Components
from expfw.construct.plan import Plan, make_plan
from expfw.construct.signature import missing_methods, services_of
from expfw.errors import ConfigurationError
from expfw.interfaces import Metric, Model, Report, Splitter
from expfw.report.collector import ReportCollector
from expfw.services import ResultFolder, Timer

WHOLE: dict[str, Any] = {
    "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
    "holdout": {"type": "sklearn.model_selection.ShuffleSplit", "params": {"n_splits": 1}},
    "model": {"type": "sklearn.svm.SVC"},
}


class Serviced:
    """Asks for services."""

    def __init__(
        self, depth: int, logger: logging.Logger, timer: Timer | None, *, folder: ResultFolder, page: ReportCollector
    ) -> None:
        """Nothing."""


def plan(base: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """A plan of :data:`WHOLE` with changes."""
    import json

    text = json.dumps({**WHOLE, **changes})
    experiment = load_experiment("a", {"a.json": ""}, lambda where: text, base=base or {}, params={})
    return make_plan(experiment, Components("", ("sklearn",)))


def faults(**changes: Any) -> dict[str, str]:
    """Faults by key."""
    with pytest.raises(ConfigurationError) as caught:
        plan(**changes)
    return {fault.key: str(fault) for fault in caught.value.faults}


def sklearn(path: str, **params: Any) -> dict[str, Any]:
    """A component of scikit-learn."""
    return {"type": f"sklearn.{path}", "params": params}


def test_a_plan_holds_a_blueprint_for_each_key() -> None:
    components = plan(metrics=["accuracy", sklearn("metrics.fbeta_score", beta=2)]).components
    assert isinstance(components["model"], Blueprint)
    assert components["features"] is None
    metrics = components["metrics"]
    assert isinstance(metrics, list)
    assert metrics[0] == "accuracy"


def test_a_plan_can_be_sent_to_another_process() -> None:
    first = plan(metrics=["accuracy"], features=sklearn("preprocessing.StandardScaler"))
    assert pickle.loads(pickle.dumps(first)).config == first.config


def test_faults_of_all_components_come_together() -> None:
    found = faults(
        model=sklearn("svm.SVC", c=1),
        features={"type": "Nothing"},
        metrics=["acuracy"],
        reports=[{"type": "MetricsTable", "paramz": {}}],
    )
    assert set(found) == {"model.params.c", "features.type", "metrics.0", "reports.0.paramz"}


def test_defaults_go_where_a_parameter_waits_for_them() -> None:
    base = {"defaults": {"random_state": 7, "n_jobs": 2}}
    config = plan(
        base, features=sklearn("preprocessing.StandardScaler"), model=sklearn("svm.SVC", random_state=1)
    ).config
    assert config["holdout"]["params"] == {"n_splits": 1, "random_state": 7}
    assert config["model"]["params"] == {"random_state": 1}
    assert config["features"]["params"] == {}


def test_defaults_reach_nested_components() -> None:
    grid = sklearn("model_selection.GridSearchCV", estimator=sklearn("svm.SVC"), param_grid={"C": [1]})
    config = plan({"defaults": {"random_state": 7}}, model=grid).config
    assert config["model"]["params"]["estimator"]["params"] == {"random_state": 7}


def test_a_default_that_a_constructor_refuses_is_withheld() -> None:
    """KFold takes a seed only if it shuffles."""
    base = {"defaults": {"random_state": 7}}
    plain, shuffled = (
        plan(base, resampling=sklearn("model_selection.KFold", **params)).config["resampling"]["params"]
        for params in ({}, {"shuffle": True})
    )
    assert plain == {}
    assert shuffled == {"shuffle": True, "random_state": 7}


def test_the_hash_is_that_of_what_is_computed() -> None:
    base = {"defaults": {"random_state": 7}}
    written_out = plan(
        base,
        model=sklearn("svm.SVC", random_state=7),
        holdout=sklearn("model_selection.ShuffleSplit", n_splits=1, random_state=7),
    )
    assert plan(base).hash == written_out.hash
    assert plan({"defaults": {"random_state": 8}}).hash != plan(base).hash
    assert plan(base, description="x").hash == plan(base).hash
    assert plan(base, model=sklearn("svm.SVC", C=2)).hash != plan(base).hash


def test_services_are_found_by_their_type() -> None:
    assert services_of(Serviced) == {
        "logger": logging.Logger,
        "timer": Timer,
        "folder": ResultFolder,
        "page": ReportCollector,
    }
    assert services_of(logging.Logger) == {}
    assert services_of(len) == {}


@pytest.mark.parametrize(
    ("target", "interface", "missing"),
    [
        ("sklearn.svm.SVC", Model, []),
        ("sklearn.preprocessing.StandardScaler", Model, ["predict"]),
        ("sklearn.model_selection.KFold", Splitter, []),
        ("sklearn.svm.SVC", Metric, ["__call__"]),
        ("sklearn.metrics.accuracy_score", Metric, []),
        ("sklearn.metrics.accuracy_score", Report, ["report"]),
    ],
)
def test_missing_methods_are_those_of_the_interface(target: str, interface: type, missing: list[str]) -> None:
    assert missing_methods(Components("", ("sklearn",)).resolve(target), interface) == missing


def test_a_nested_component_is_any_object_with_a_type_and_nothing_else() -> None:
    config = plan(model=sklearn("svm.SVC", class_weight={"type": 1, "other": 2})).config
    assert config["model"]["params"]["class_weight"] == {"type": 1, "other": 2}
