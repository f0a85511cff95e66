"""The course of a study: the same sequence whatever runs at once, and after any interruption."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searched import RANDOM, SPACE, space_of

from expfw.construct.blueprint import Blueprint
from expfw.errors import ExpfwError
from expfw.run.folder import ResultFolder
from expfw.search.course import Course, sampler_of
from expfw.search.section import Search
from expfw.search.trials import Account, Ending, Trial, is_search

TPE = Blueprint("optuna.samplers.TPESampler", optuna.samplers.TPESampler, {"n_startup_trials": 3})
NSGA = Blueprint("optuna.samplers.NSGAIISampler", optuna.samplers.NSGAIISampler, {"population_size": 4})

MODELS = {
    "model": {
        "choices": [
            {"type": "a.SVC", "space": {"params.C": {"low": 0.1, "high": 9.0, "log": True}}},
            {"type": "a.Tree", "space": {"params.depth": {"low": 1, "high": 9}}},
        ]
    }
}


def learning(**changes: Any) -> Search:
    """A search whose sampler learns."""
    return replace(Search(space_of(SPACE), TPE, metrics=["accuracy"], batch=4), **changes)


def ending_of(point: dict[str, Any], metrics: int = 1) -> Ending:
    """How a trial with these values ends: a function of them alone; some fail, some are broken off."""
    chance = random.Random(str(sorted(point.items(), key=str)))
    fate = chance.random()
    folds = [chance.random() for _ in range(3)]
    if fate < 0.1:
        return Ending("FAIL", (), folds[:1], 0.1, "ValueError: no")
    if fate < 0.3 and metrics == 1:
        return Ending("PRUNED", (), folds[:2], 0.1)
    return Ending("COMPLETE", [sum(folds) / 3, *(chance.random() for _ in range(metrics - 1))], folds, 0.1)


def conducted(
    search: Search,
    count: int,
    *,
    width: int = 1,
    chance: random.Random,
    stop: int | None = None,
    trials: Sequence[Trial] = (),
) -> list[Trial]:
    """So many trials, ``width`` at a time, ending in any order; broken off when ``stop`` have ended.

    Args:
        search: what is searched.
        count: how many trials.
        width: how many run at once.
        chance: which ends next.
        stop: after how many endings to stop as a killed process does.
        trials: what is on record from before.
    """
    course, known = Course(search, seed=7), {trial.number: trial for trial in trials}
    course.replay(trials)
    running = [trial for trial in trials if trial.ending is None]
    ended = 0
    while True:
        while len(running) < width and course.may_ask() and course.asked < count:
            number = course.asked
            trial = Trial("", number, course.ask(), number + 3)
            known[number] = trial
            running.append(trial)
        if not running or ended == stop:
            break
        trial = running.pop(chance.randrange(len(running)))
        ending = ending_of(dict(trial.point), len(search.metrics))
        known[trial.number] = replace(trial, ending=ending)
        course.note(trial.number, ending)
        ended += 1
    return [known[number] for number in sorted(known)]


SEARCHES = {
    "tpe": learning(),
    "tpe in batches of 3": learning(batch=3),
    "tpe over components": learning(space=space_of(MODELS)),
    "several metrics": learning(sampler=NSGA, metrics=["accuracy", "f1"]),
    "pruned": learning(
        pruner=Blueprint("optuna.pruners.MedianPruner", optuna.pruners.MedianPruner, {}), sampler=RANDOM
    ),
    "random": Search(space_of(SPACE), RANDOM, metrics=["accuracy"]),
    "grid": Search(
        space_of({"a": [1, 2, 3], "b": {"low": 0.0, "high": 1.0, "step": 0.25}}), "grid", metrics=["accuracy"]
    ),
}


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(SEARCHES)), width=st.integers(1, 6), seed=st.integers(0, 1000), count=st.integers(1, 15)
)
def test_the_sequence_is_the_same_whatever_runs_at_once_and_ends_first(
    kind: str, width: int, seed: int, count: int
) -> None:
    search = SEARCHES[kind]
    serial = conducted(search, count, chance=random.Random(0))
    assert conducted(search, count, width=width, chance=random.Random(seed)) == serial
    assert len(serial) == count


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(SEARCHES)),
    stops=st.lists(st.integers(0, 6), max_size=4),
    widths=st.lists(st.integers(1, 4), min_size=5, max_size=5),
    seed=st.integers(0, 1000),
)
def test_a_study_that_was_interrupted_goes_on_as_if_it_had_not_been(
    kind: str, stops: list[int], widths: list[int], seed: int
) -> None:
    search, chance = SEARCHES[kind], random.Random(seed)
    trials: list[Trial] = []
    for stop, width in zip(stops, widths, strict=False):
        trials = conducted(search, 14, width=width, chance=chance, stop=stop, trials=trials)
    resumed = conducted(search, 14, width=widths[-1], chance=chance, trials=trials)
    assert resumed == conducted(search, 14, chance=random.Random(0))


def test_a_study_is_extended_as_if_it_had_been_longer_from_the_beginning() -> None:
    for search in SEARCHES.values():
        first = conducted(search, 6, chance=random.Random(1))
        longer = conducted(search, 13, chance=random.Random(2), trials=first)
        assert longer == conducted(search, 13, chance=random.Random(3))


def test_a_sampler_that_learns_waits_for_its_batch() -> None:
    course = Course(learning(batch=2), seed=1)
    asked = []
    while course.may_ask():
        asked.append(course.ask())
    assert len(asked) == 2
    assert course.note(1, Ending("COMPLETE", [0.5], [0.5])) == []
    assert not course.may_ask()
    assert course.note(0, Ending("FAIL")) == [0, 1]
    assert course.may_ask()


def test_what_is_left_of_a_batch_is_told_at_the_end() -> None:
    course = Course(learning(batch=4), seed=1)
    for _ in range(3):
        course.ask()
    assert [course.note(number, Ending("COMPLETE", [0.5], [0.5])) for number in range(3)] == [[], [], []]
    assert course.finish() == [0, 1, 2]
    assert course.told == 3


def test_a_sampler_that_does_not_learn_is_asked_as_often_as_wanted() -> None:
    course = Course(SEARCHES["random"], seed=1)
    assert len([course.ask() for _ in range(50) if course.may_ask()]) == 50


def test_a_grid_ends_with_its_last_point() -> None:
    search = SEARCHES["grid"]
    course = Course(search, seed=1)
    points = []
    while course.may_ask():
        points.append(course.ask())
    assert points == list(search.space.grid())
    assert course.size == 15
    assert Course(replace(search, n_trials=4), seed=1).size == 4


def test_a_learning_sampler_is_told_the_results() -> None:
    course = Course(learning(batch=1), seed=1)
    values = []
    for number in range(40):
        point = course.ask()
        values.append(abs(point["model.params.degree"] - 5) + 1.0)
        course.note(number, Ending("COMPLETE", [-values[-1]], [-values[-1]]))
    assert sum(values[20:]) < sum(values[:20])
    assert course.study.best_value == -min(values)


def test_of_an_error_less_is_better_for_the_sampler() -> None:
    assert Course(learning(metrics=["max_error"]), 1).study.direction.name == "MINIMIZE"
    directions = Course(learning(metrics=["accuracy", "max_error"]), 1).study.directions
    assert [one.name for one in directions] == ["MAXIMIZE", "MINIMIZE"]


@pytest.mark.parametrize(
    "changed",
    [
        {"space": space_of({**SPACE, "model.params.degree": {"low": 1, "high": 8}})},
        {"space": space_of({key: value for key, value in SPACE.items() if key != "model.params.degree"})},
        {"sampler": RANDOM, "batch": 2},
    ],
    ids=["bound", "setting", "sampler"],
)
def test_a_search_that_was_changed_since_is_refused(changed: dict[str, Any]) -> None:
    trials = conducted(learning(), 12, chance=random.Random(0))
    with pytest.raises(ExpfwError, match=r"trial \d+ of this search was .* changed since; begin a new search"):
        Course(replace(learning(), **changed), seed=7).replay(trials)
    with pytest.raises(ExpfwError, match="changed since"):
        Course(learning(), seed=8).replay(trials)


def test_the_seed_is_the_runs_unless_the_file_says_another() -> None:
    space = SEARCHES["random"]
    points = [Course(space, seed).ask() for seed in (1, 1, 2)]
    assert points[0] == points[1] != points[2]
    own = replace(space, sampler=Blueprint(RANDOM.type, RANDOM.target, {"seed": 5}))
    assert Course(own, 1).ask() == Course(own, 2).ask()
    brute = Blueprint("optuna.samplers.BruteForceSampler", optuna.samplers.BruteForceSampler, {})
    assert isinstance(sampler_of(replace(space, sampler=brute), 3), optuna.samplers.BruteForceSampler)


def account(path: Path) -> Account:
    """The account of a search that begins."""
    folder = ResultFolder(path / "result_experiment_1")
    folder.log.mkdir(parents=True)
    return Account(folder)


def test_an_account_gives_back_what_was_noted(tmp_path: Path) -> None:
    noted = account(tmp_path)
    assert not is_search(noted.folder)
    noted.begin()
    assert is_search(noted.folder)
    trials = [
        Trial("", 0, {"a": None, "b": 0.1}, 3, "x", ending=Ending("COMPLETE", [0.1 + 0.2], [0.3, None], 1.5)),
        Trial("", 1, {"a": "é"}, 3, "x", same_as=0, ending=Ending("FAIL", [], [], error="no")),
        Trial("", 2, {}, 4, "y"),
        Trial("outer_0", 0, {}, 5, "z", ending=Ending("PRUNED", [], [0.5])),
    ]
    for trial in reversed(trials):
        noted.asked(trial)
    for trial in trials:
        if trial.ending is not None:
            noted.ended(trial.study, trial.number, trial.ending)
    assert noted.read() == trials[:3]
    assert noted.read("outer_0") == trials[3:]
    assert noted.all() == trials


def test_half_a_line_of_an_account_does_not_count(tmp_path: Path) -> None:
    noted = account(tmp_path)
    noted.asked(Trial("", 0, {}, 3))
    noted.ended("", 0, Ending("COMPLETE", [0.5], [0.5]))
    path = noted.folder.log / "trials.jsonl"
    whole = path.read_bytes()
    for end in range(1, len(whole)):
        path.write_bytes(whole[:end])
        assert len(noted.read()) <= 1
        noted.asked(Trial("", 1, {}, 4))
        assert [trial.number for trial in noted.read()][-1] == 1
