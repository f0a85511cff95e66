"""What came of a search, in figures: the best, the front, and how its trials ended."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from searched import FOLDS, RANDOM, SPACE, broken_off, complete, failed, space_of

from expfw.index.direction import better_is_lower
from expfw.search.conduct import best_of
from expfw.search.section import Search
from expfw.search.summary import pareto_front, summary
from expfw.search.trials import DEFAULT, Ending, Trial

SEARCH = Search(space_of(SPACE), RANDOM, metrics=["accuracy"])
OWN = complete(0, [0.8, 0.82, 0.79, 0.81, 0.8], {}, study=DEFAULT, experiment=2)


def valued(number: int, *values: float) -> Trial:
    """A complete trial with these values."""
    return Trial("", number, {}, number + 3, ending=Ending("COMPLETE", values, [values[0]] * 5))


def test_a_search_in_figures() -> None:
    row = [0.9, 0.92, 0.88, 0.93, 0.9]
    trials = [
        complete(0, [0.7] * 5, {"model.params.C": 1.0}),
        complete(1, row, {"model.params.C": 2.0}),
        complete(2, row, {"model.params.C": 2.0}, same_as=1, experiment=4),
        broken_off(3, {}),
        failed(4, {}),
    ]
    told = summary(SEARCH, trials, OWN, FOLDS)
    assert told["metrics"] == ["accuracy"]
    assert (told["trials"], told["configurations"]) == (5, 4)
    assert told["states"] == {"COMPLETE": 3, "PRUNED": 1, "FAIL": 1}
    assert told["best"] == {"trial": 1, "experiment": 4, "values": [0.906], "point": {"model.params.C": 2.0}}
    assert told["front"] == [4]
    assert told["default"]["experiment"] == 2
    assert told["over_folds"]["of"] == 2
    assert json.loads(json.dumps(told)) == told


def test_among_equals_the_earliest_is_the_best() -> None:
    trials = [valued(0, 0.5), valued(1, 0.9), valued(2, 0.9)]
    best = best_of(trials, "accuracy")
    assert best is trials[1]
    assert pareto_front(SEARCH, trials) == [trials[1]]
    least = best_of(trials, "max_error")
    assert least is trials[0]


def test_without_a_complete_trial_there_is_no_best() -> None:
    assert best_of([broken_off(0, {}), failed(1, {})], "accuracy") is None
    assert pareto_front(SEARCH, [failed(0, {})]) == []


values = st.integers(0, 4).map(float)


@settings(max_examples=100, deadline=None)
@given(table=st.lists(st.tuples(values, values, values), min_size=1, max_size=12))
def test_the_front_are_those_that_no_other_one_excels(table: list[tuple[float, ...]]) -> None:
    search = replace(SEARCH, metrics=["accuracy", "max_error", "r2"])
    signs = [1.0 if better_is_lower(metric) else -1.0 for metric in search.metrics]
    trials = [valued(number, *row) for number, row in enumerate(table)]
    costs = [tuple(sign * value for sign, value in zip(signs, row, strict=True)) for row in table]

    def excelled(cost: tuple[float, ...]) -> bool:
        return any(other != cost and all(a <= b for a, b in zip(other, cost, strict=True)) for other in costs)

    front = pareto_front(search, trials)
    assert {costs[trial.number] for trial in front} == {cost for cost in costs if not excelled(cost)}
    assert [costs[trial.number] for trial in front] == sorted({costs[trial.number] for trial in front})
    assert all(trial.number == costs.index(costs[trial.number]) for trial in front)
    assert front[0].ending is not None
    assert front[0].ending.values[0] == max(row[0] for row in table)
