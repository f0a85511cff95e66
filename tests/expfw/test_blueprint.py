"""A blueprint builds a component again and again, with what is nested in it and what it is given."""

from __future__ import annotations

import functools
import logging
import pickle
from typing import Any

import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import fbeta_score
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from expfw.construct.blueprint import Blueprint


class Model:
    """Keeps what it is given."""

    def __init__(self, grid: dict[str, list[int]], logger: logging.Logger | None = None) -> None:
        self.grid, self.logger = grid, logger


TREE = Blueprint("sklearn.tree.DecisionTreeClassifier", DecisionTreeClassifier, {"max_depth": 2})


def test_each_build_is_a_new_object_with_new_nested_objects() -> None:
    blueprint = Blueprint("V", VotingClassifier, {"estimators": [["tree", TREE], ["svc", Blueprint("S", SVC, {})]]})
    first, second = blueprint.build(), blueprint.build()
    assert first is not second
    assert first.estimators[0][1] is not second.estimators[0][1]
    assert [type(estimator) for _, estimator in first.estimators] == [DecisionTreeClassifier, SVC]
    assert first.estimators[0][1].max_depth == 2


def test_what_a_component_does_to_its_parameters_does_not_reach_the_next_one() -> None:
    blueprint = Blueprint("M", Model, {"grid": {"a": [1]}})
    blueprint.build().grid["a"].append(2)
    blueprint.build().grid["b"] = []
    assert blueprint.build().grid == {"a": [1]}
    assert blueprint.describe() == {"type": "M", "params": {"grid": {"a": [1]}}}


def test_a_function_is_given_its_parameters() -> None:
    built = Blueprint("f", fbeta_score, {"beta": 2}).build()
    assert isinstance(built, functools.partial)
    assert built([0, 1], [0, 1]) == 1.0
    assert Blueprint("f", fbeta_score, {}).build() is fbeta_score


def test_services_are_asked_for_by_type() -> None:
    asked: list[type] = []

    def inject(service: type, component: Blueprint) -> Any:
        assert component.type == "M"
        asked.append(service)
        return logging.getLogger("given")

    built = Blueprint("M", Model, {"grid": {}}, {"logger": logging.Logger}).build(inject)
    assert asked == [logging.Logger]
    assert built.logger.name == "given"


def test_without_services_a_component_can_still_be_tried() -> None:
    assert Blueprint("M", Model, {"grid": {}}, {"logger": logging.Logger}).build().logger is None


def test_it_describes_itself_as_configured() -> None:
    blueprint = Blueprint("G", Model, {"grid": [TREE], "more": {"deep": TREE}})
    tree = {"type": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 2}}
    assert blueprint.describe() == {"type": "G", "params": {"grid": [tree], "more": {"deep": tree}}}


def test_it_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(TREE)).build().max_depth == 2


def test_a_constructor_that_refuses_raises_its_own_error() -> None:
    with pytest.raises(TypeError):
        Blueprint("S", SVC, {"c": 1}).build()
