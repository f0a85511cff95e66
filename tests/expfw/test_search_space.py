"""The space of a search: read from a file with all faults told, laid into a configuration, gone through as a grid."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searched import RANDOM, space_of

from expfw.errors import ExpfwError
from expfw.search.course import Course, new_study, quiet_optuna
from expfw.search.journal import storage_of
from expfw.search.parsing import parse_space
from expfw.search.pruning import frozen_trial
from expfw.search.section import Search
from expfw.search.space import Choices, Number, Space
from expfw.search.trials import Trial

MODELS: dict[str, Any] = {
    "model": {
        "choices": [
            {
                "type": "sklearn.svm.SVC",
                "params": {"tol": 0.1},
                "space": {"params.C": [1, 2], "params.gamma": {"low": 1, "high": 3}},
            },
            {"type": "sklearn.tree.DecisionTreeClassifier"},
        ]
    },
    "features": [None, {"type": "TabularFeatures"}],
}


def problems_of(section: Any) -> list[tuple[str, str]]:
    """Where something is wrong, and what, with its hint."""
    problems: list[Any] = []
    parse_space(section, problems)
    return [(".".join(where), f"{what}; {hint}") for where, what, hint in problems]


@pytest.mark.parametrize(
    ("entry", "where", "words"),
    [
        (3, "C", 'holds a number; give {"low": …, "high": …} or {"choices": […]}'),
        ({"low": 1}, "C.high", "is missing; give"),
        ({"low": "1", "high": 2}, "C.low", "holds a text, expected a number"),
        ({"low": True, "high": 2}, "C.low", "expected a number"),
        ({"low": 3, "high": 2}, "C.low", "is 3, above high 2; exchange them"),
        ({"low": 1, "high": 2, "step": 0}, "C.step", "is 0; give a number above 0, or leave it out"),
        ({"low": 1, "high": 2, "step": "a"}, "C.step", "is 'a'; give a number above 0"),
        ({"low": 0, "high": 2, "log": True}, "C.low", "is 0, and a logarithmic scale begins above 0; raise it"),
        ({"low": 1, "high": 9, "log": True, "step": 2}, "C.step", "cannot go with log; leave one of them out"),
        ({"low": 1, "high": 9, "log": "yes"}, "C.log", "holds a text, expected true or false"),
        ({"low": 1, "hihg": 2}, "C.hihg", "unknown key; did you mean 'high'?"),
        ({"choices": []}, "C.choices", "is empty; give a list of values"),
        ([], "C.choices", "is empty; give a list of values"),
        ({"choices": 3}, "C.choices", "holds a number; give a list of values"),
        ({"choices": [1, 2, 1]}, "C.choices.2", "stands there twice; leave one out"),
        ({"choices": [1, True, 1]}, "C.choices.2", "stands there twice; leave one out"),
        ({"choices": [1], "low": 2}, "C.low", "unknown key"),
        (
            {"choices": [{"type": "a.B", "space": 3}]},
            "C.choices.0.space",
            "holds a number, expected an object of key paths",
        ),
        (
            {"choices": [{"type": "a.B", "space": {"params.x": {"low": 2, "high": 1}}}]},
            "C.choices.0.space.params.x.low",
            "is 2, above high 1",
        ),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_with_its_place(entry: Any, where: str, words: str) -> None:
    found = dict(problems_of({"C": entry}))
    assert words in found[where]


def test_all_problems_are_told_at_once() -> None:
    found = problems_of({"a": 1, "b": {"low": 2, "high": 1}, "c": {"choices": []}})
    assert [where for where, _ in found] == ["a", "b.low", "c.choices"]


def test_a_space_that_is_no_object_is_told() -> None:
    assert problems_of([1]) == [("", "holds a list, expected an object of key paths; ")]


def test_numbers_are_whole_where_all_that_bounds_them_is() -> None:
    assert Number(1, 9).whole
    assert not Number(1, 9.0).whole
    assert not Number(1, 9, step=0.5).whole
    assert Number(1, 9, step=3).values() == [1, 4, 7]
    assert Number(0.1, 0.7, step=0.2).values() == [0.1, 0.3, 0.5, 0.7]
    assert Number(0.1, 0.7).values() is None


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ([None, True, 2, 2.5, "a"], [None, True, 2, 2.5, "a"]),
        ([{"type": "a.SVC"}, {"type": "b.Tree"}], ["SVC", "Tree"]),
        ([{"type": "a.SVC"}, {"type": "b.SVC"}], ["a.SVC", "b.SVC"]),
        (
            [{"type": "a.B", "params": {"x": 1}}, {"type": "a.B"}],
            ['{"type": "a.B", "params": {"x": 1}}', '{"type": "a.B"}'],
        ),
        ([[1, 2], {"é": 1}], ["[1, 2]", '{"é": 1}']),
        ([1, True, 3], ["1", "true", 3]),
        ([0, False, 0.0, "0"], ["0", "false", "0.0", '"0"']),
        ([1, True, "true", "1"], ["1", "true", '"true"', '"1"']),
        ([[1], [True]], ["[1]", "[true]"]),
        (["SVC", {"type": "a.SVC"}], ['"SVC"', '{"type": "a.SVC"}']),
    ],
)
def test_a_choice_is_called_by_the_shortest_name_that_is_its_own(options: list[Any], labels: list[Any]) -> None:
    domain = space_of({"key": options}).parameters[0].domain
    assert isinstance(domain, Choices)
    assert list(domain.options) == labels
    assert list(domain.options.values()) == options


def test_a_whole_component_brings_its_own_space_and_drops_that_of_the_others() -> None:
    space = space_of(MODELS)
    assert [parameter.name for parameter in space.all()] == [
        "model",
        "model[SVC].params.C",
        "model[SVC].params.gamma",
        "features",
    ]
    point = {"model": "SVC", "model[SVC].params.C": 2, "model[SVC].params.gamma": 3, "features": None}
    assert space.layer(point) == {
        "model": {"type": "sklearn.svm.SVC", "params": {"tol": 0.1, "C": 2, "gamma": 3}},
        "features": None,
    }
    assert space.layer({"model": "DecisionTreeClassifier", "features": "TabularFeatures"}) == {
        "model": {"type": "sklearn.tree.DecisionTreeClassifier"},
        "features": {"type": "TabularFeatures"},
    }


def test_a_setting_within_a_component_that_varies_as_well_is_laid_over_it() -> None:
    space = space_of({"model.params.C": [5], "model": {"choices": [{"type": "a.B", "params": {"C": 1, "D": 2}}]}})
    assert space.layer({"model.params.C": 5, "model": "B"}) == {"model": {"type": "a.B", "params": {"C": 5, "D": 2}}}


def test_a_layer_shares_nothing_with_the_space() -> None:
    space = space_of(MODELS)
    point = {"model": "SVC", "model[SVC].params.C": 2, "model[SVC].params.gamma": 3, "features": None}
    space.layer(point)["model"]["params"]["tol"] = 99
    assert space.layer(point)["model"]["params"]["tol"] == 0.1


def test_a_grid_has_each_point_once_in_the_order_of_the_file() -> None:
    points = list(space_of(MODELS).grid())
    assert len(points) == 2 * (2 * 3 + 1)
    assert points[:3] == [
        {"model": "SVC", "model[SVC].params.C": 1, "model[SVC].params.gamma": 1, "features": None},
        {"model": "SVC", "model[SVC].params.C": 1, "model[SVC].params.gamma": 1, "features": "TabularFeatures"},
        {"model": "SVC", "model[SVC].params.C": 1, "model[SVC].params.gamma": 2, "features": None},
    ]
    assert len({tuple(sorted(point.items(), key=str)) for point in points}) == len(points)
    assert list(Space().grid()) == [{}]


def test_a_grid_of_what_cannot_be_counted_names_it() -> None:
    with pytest.raises(ValueError, match=r"model\.params\.C"):
        list(space_of({"features": [None], "model.params.C": {"low": 0.1, "high": 1.0}}).grid())


def test_the_corners_hold_each_bound_and_each_choice() -> None:
    space = space_of({**MODELS, "defaults.random_state": {"low": 1, "high": 5}})
    corners = list(space.corners())
    for parameter in space.all():
        domain = parameter.domain
        wanted = list(domain.options) if isinstance(domain, Choices) else [domain.low, domain.high]
        assert {point[parameter.name] for point in corners if parameter.name in point} == set(wanted)
    assert len(corners) < 20


numbers = st.one_of(
    st.tuples(st.integers(1, 20), st.integers(0, 20), st.sampled_from([None, 1, 3])).map(
        lambda drawn: {"low": drawn[0], "high": drawn[0] + drawn[1], **({"step": drawn[2]} if drawn[2] else {})}
    ),
    st.tuples(st.floats(0.001, 10), st.floats(0.001, 10), st.booleans()).map(
        lambda drawn: {"low": drawn[0], "high": drawn[0] + drawn[1], "log": drawn[2]}
    ),
)
choices = st.lists(st.one_of(st.none(), st.integers(2, 9), st.text(max_size=5)), min_size=1, max_size=4, unique=True)
components = (
    st.lists(st.sampled_from(["a.B", "a.C", "b.D"]), min_size=1, unique=True)
    .flatmap(
        lambda types: st.tuples(
            *(
                st.tuples(st.just(name), st.dictionaries(st.sampled_from(["params.x", "params.y"]), numbers))
                for name in types
            )
        )
    )
    .map(lambda drawn: {"choices": [{"type": name, **({"space": inner} if inner else {})} for name, inner in drawn]})
)
spaces = st.dictionaries(st.sampled_from(["p", "q.r", "q.s", "m"]), st.one_of(numbers, choices, components), min_size=1)


@pytest.mark.filterwarnings("error")
@settings(max_examples=60, deadline=None)
@given(section=spaces, seed=st.integers(0, 100))
def test_whatever_a_sampler_draws_is_a_point_that_can_be_laid_and_kept(section: dict[str, Any], seed: int) -> None:
    space = space_of(section)
    with quiet_optuna():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        trial = study.ask()
        point = space.suggest(trial)
    assert set(space.distributions(point)) == set(point) == set(trial.params)
    for name, distribution in space.distributions(point).items():
        assert distribution._contains(distribution.to_internal_repr(point[name]))
    laid = space.layer(point)
    for path, value in itertools.islice(space.settings(point), len(space.parameters)):
        held: Any = laid
        for key in path:
            held = held[key]
        if not isinstance(value, dict):
            assert held == value


TWINS = [0, 1, False, True, 0.0, 1.0, -0.0, None, "0", "1", "true", "1.0", "null", '"1"', [1], [True], {"type": "a.B"}]


@settings(max_examples=100, deadline=None)
@given(
    options=st.lists(st.sampled_from(TWINS), min_size=1, unique_by=json.dumps),
    seed=st.integers(0, 100),
)
def test_values_that_python_takes_for_equal_are_told_apart_everywhere(options: list[Any], seed: int) -> None:
    space = space_of({"key": options})
    grid = Search(space, "grid", metrics=["accuracy"])
    drawn = Search(space, RANDOM, metrics=["accuracy"])
    course = Course(grid, seed)
    points = [course.ask() for _ in options]
    assert [exact(space.layer(point)["key"]) for point in points] == list(map(exact, options))
    kept = [json.loads(json.dumps(point)) for point in points]
    assert [exact(space.layer(point)["key"]) for point in kept] == list(map(exact, options))
    Course(grid, seed).replay([Trial("", number, point, number) for number, point in enumerate(kept)])
    assert {exact(space.layer(point)["key"]) for point in space.corners()} == set(map(exact, options))
    with tempfile.TemporaryDirectory() as folder, quiet_optuna():
        study = new_study(drawn, storage_of(Path(folder) / "study.journal"), "search", seed)
        for number, point in enumerate(points):
            study.add_trial(frozen_trial(space, Trial("", number, point, number), "COMPLETE", (), [0.5]))
        again = optuna.load_study(study_name="search", storage=storage_of(Path(folder) / "study.journal"))
        assert [exact(space.layer(trial.params)["key"]) for trial in again.trials] == list(map(exact, options))
    assert exact(space.layer(Course(drawn, seed).ask())["key"]) in map(exact, options)


def test_a_search_does_not_go_on_where_true_has_taken_the_place_of_1() -> None:
    trial = Trial("", 0, {"key": 1}, 2)
    with pytest.raises(ExpfwError, match="begin a new search"):
        Course(Search(space_of({"key": [True, 2]}), "grid", metrics=["accuracy"]), 0).replay([trial])


def exact(value: Any) -> str:
    """A value as JSON has it, in which 1, 1.0 and true are three."""
    return json.dumps(value)
