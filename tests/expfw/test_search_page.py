"""The page of a search, from made trials: what it tells, and that it survives whatever a search can hold."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from pages import Page
from searched import SPACE, broken_off, complete, drawn, failed, page_of, searched, space_of, view_of

from expfw.construct.blueprint import Blueprint
from expfw.report.search.drawings import Scale, points
from expfw.report.search.figures import setting_scale
from expfw.report.search.importance import importance
from expfw.report.search.page import render_search
from expfw.report.search.view import build_search
from expfw.search.section import Search
from expfw.search.trials import DEFAULT, Ending, Trial

NESTED = {
    "metrics": {"accuracy": {"mean": 0.85, "std": 0.1, "ci95": [0.7, 1.05], "folds": [0.8, 0.9]}},
    "chosen": [
        {"fold": 0, "trial": 3, "experiment": 40, "values": [0.95], "point": {"model.params.C": 0.5}},
        {"fold": 1, "trial": 1, "experiment": 50, "values": [0.97], "point": {"model.params.C": 0.25}},
    ],
}


def told(trials: list[Trial], **changes: Any) -> str:
    """The page's text with single spaces."""
    return re.sub(r"\s+", " ", Page(page_of(trials, **changes)).text)


def test_the_result_comes_first_with_the_number_of_configurations_and_a_warning() -> None:
    trials = [complete(0, [0.9, 0.92, 0.91, 0.9, 0.92], {}), complete(1, [0.7] * 4 + [0.6], {})]
    best = {"accuracy": {"mean": 0.91, "ci95": [0.88, 0.94], "folds": [0.9, 0.92, 0.91, 0.9, 0.92]}}
    main = view_of(trials, best=best, space={"a": [1]}).headline
    assert main is not None
    assert (main.name, main.value, main.basis, main.interval) == (
        "accuracy",
        "0.9100",
        "mean of 5 folds",
        "0.8800 to 0.9400",
    )
    assert "2 configurations were tried, and this is the best of them" in main.warning
    assert "its value flatters" in main.warning
    against = main.against[0]
    assert (against.what, against.value, against.difference, against.number) == (
        "the file's own values",
        "0.8000",
        "+0.1100",
        2,
    )


def test_a_clear_difference_is_called_one_and_a_small_one_chance() -> None:
    clear = [complete(0, [0.99, 0.98, 0.99, 0.985, 0.98], {})]
    assert "It is better than the file's own values by more than chance explains" in told(clear)
    assert "p = less than 0.001" in told(clear)
    small = [complete(0, [0.7, 0.9, 0.81, 0.85, 0.79], {})]
    assert "may well be chance" in told(small)
    many = [complete(number, [0.7, 0.9, 0.81, 0.85, 0.79 - number / 100], {"a": number}) for number in range(3)]
    assert "with Holm's correction for all 3 configurations" in told(many, space={"a": [0, 1, 2]})


def test_a_best_that_is_worse_than_the_files_own_is_called_worse() -> None:
    worse = [complete(0, [0.5, 0.51, 0.52, 0.5, 0.51], {})]
    assert "It is worse than the file's own values by more than chance explains" in told(worse)
    assert 'class="worse">−' in page_of(worse)


def test_of_an_error_less_is_better() -> None:
    trials = [
        complete(0, [0.9] * 4 + [0.8], {"model.params.C": 1.0}),
        complete(1, [0.2] * 4 + [0.1], {"model.params.C": 2.0}),
    ]
    view = view_of(trials, metrics=("max_error",))
    assert view.headline is not None
    assert view.headline.value == "0.1800"
    assert view.headline.against[0].verdict == "better"
    assert view.trials.metrics == ("max_error ↓",)
    assert [row.number for row in view.trials.rows] == [1, 0]


def test_why_nothing_can_be_tested_is_told() -> None:
    lost = Trial(DEFAULT, 0, {}, 2, ending=Ending("FAIL", error="ValueError: no"))
    page = told([complete(0, [0.9] * 5, {})], default=lost)
    assert "cannot be tested: the file's own values gave no result" in page


def test_the_test_and_the_nested_search_stand_beside_the_flattering_value() -> None:
    found = searched(drawn(12), told={"nested": NESTED, "tested": 99}, tested={"accuracy": 0.75}, pages=frozenset({99}))
    html = render_search(build_search(found))
    view = build_search(found)
    assert view.headline is not None
    assert [other.what for other in view.headline.against][1:] == ["on the test data", "the whole procedure, nested"]
    assert "which no trial has read, or the nested value" in view.headline.warning
    assert '<a href="../../result_experiment_99/report/index.html">on the test data</a>' in html
    assert [(one.fold, one.inner, one.outer, one.settings) for one in view.nested] == [
        (1, "0.9500", "0.8000", "C = 0.5"),
        (2, "0.9700", "0.9000", "C = 0.25"),
    ]
    assert "95 % interval 0.7000 to 1.0000" in view.nested_words


def test_the_table_has_each_trial_with_a_way_to_its_experiment() -> None:
    point = {"model.params.C": 0.5, "model.params.degree": 2, "features.params.scaling": None}
    twin = complete(4, [0.9] * 5, point, experiment=3, same_as=0)
    trials = [complete(0, [0.9] * 5, point), broken_off(1, point), failed(2, point), Trial("", 3, point, 6), twin]
    view = view_of(trials, pages=frozenset({3}))
    rows = {row.number: row for row in view.trials.rows}
    assert [row.number for row in view.trials.rows] == [0, 4, 1, 2, 3]
    assert [rows[at].state for at in range(4)] == [
        "complete, chosen",
        "broken off after 2 folds",
        "failed",
        "not ended",
    ]
    assert rows[0].href == "../../result_experiment_3/report/index.html"
    assert rows[1].href == "../../result_experiment_4/"
    assert rows[2].note == "ValueError: no"
    assert rows[4].note == "the same as trial 0"
    assert [at for at, row in rows.items() if row.chosen] == [0]
    assert rows[0].settings == ("0.5", "2", "null")
    assert dict(view.facts)["Trials"] == "5 (2 complete, 1 broken off, 1 failed, 1 not ended)"
    assert dict(view.facts)["Configurations"] == "4"


def test_the_best_configuration_stands_beside_the_files_own() -> None:
    point = {"model.params.C": 0.5, "features.params.scaling": "minmax"}
    rows = view_of([complete(0, [0.9] * 5, point)]).settings
    assert [(row.name, row.full, row.best, row.own) for row in rows] == [
        ("C", "model.params.C", "0.5", "2.5"),
        ("scaling", "features.params.scaling", "minmax", ""),
    ]
    assert "config/experiments/demo_best_1.json" in told([complete(0, [0.9] * 5, point)])


def test_each_figure_says_what_to_look_for_and_has_its_numbers() -> None:
    view = view_of(drawn(40, metrics=2), metrics=("accuracy", "f1"))
    drawings = [*view.course, *view.over, *view.front, view.folds]
    assert [figure.title for figure in drawings if figure is not None] == [
        "Best so far",
        "Which settings matter",
        "accuracy over C",
        *[f"accuracy over {name}" for name in [row[0] for row in view.trials.settings][1:]],
        "accuracy over C and degree",
        "f1 against accuracy",
        "How steady the choice is",
    ]
    for figure in drawings:
        assert figure is not None
        assert len(figure.caption) > 60
        assert figure.table.rows
        assert "<desc>" in figure.body or figure is view.folds


def test_the_best_so_far_never_gets_worse() -> None:
    chart = view_of(drawn(30)).course[0]
    path = re.search(r'<path class="s2 line" d="M[\d.]+ ([\d.]+)([^"]*)"', chart.body)
    assert path is not None
    heights = [float(path[1]), *map(float, re.findall(r"V([\d.]+)", path[2]))]
    assert heights == sorted(heights, reverse=True)
    assert len(chart.table.rows) == 30


def test_the_setting_that_matters_comes_first() -> None:
    found = importance(searched(drawn(60)))
    assert next(iter(found.shares)) == "model.params.C"
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert importance(searched(drawn(60))) == found
    assert view_of(drawn(60)).trials.settings[0][0] == "C"


@pytest.mark.parametrize(
    ("trials", "space", "why"),
    [
        (drawn(3), SPACE, "it takes 10 complete trials or more, and there are 3"),
        (
            [complete(n, [0.5] * 5, {"a": n % 2, "b": n}) for n in range(12)],
            {"a": [0, 1], "b": list(range(12))},
            "the same value",
        ),
        (
            drawn(12, {"a": {"low": 0.1, "high": 1.0}}),
            {"a": {"low": 0.1, "high": 1.0}},
            "fewer than two settings count in every trial",
        ),
    ],
)
def test_where_importance_cannot_be_computed_a_sentence_says_why(trials: list[Trial], space: Any, why: str) -> None:
    view = view_of(trials, space=space)
    assert [figure.title for figure in view.course] == ["Best so far"]
    assert any(note.startswith("Which settings matter cannot be said:") and why in note for note in view.notes)


def test_a_setting_that_counts_only_sometimes_is_drawn_where_it_counts() -> None:
    models = [{"type": "a.SVC", "space": {"params.C": {"low": 0.1, "high": 9.0, "log": True}}}, {"type": "a.Tree"}]
    space = {"model": {"choices": models}, "defaults.n_jobs": {"low": 1, "high": 9}}
    trials = []
    for number in range(24):
        inner = {"model[SVC].params.C": 0.1 + number / 10} if number % 2 else {}
        point = {"model": "SVC" if number % 2 else "Tree", **inner, "defaults.n_jobs": 1 + number % 9}
        trials.append(complete(number, [0.5 + number / 100] * 4 + [0.6], point))
    view = view_of(trials, space=space)
    assert "Left out, for they do not count in every trial: C." in view.course[1].caption
    by_title = {figure.title: figure for figure in view.over}
    assert len(by_title["accuracy over C"].table.rows) == 12
    assert {row[0] for row in by_title["accuracy over model"].table.rows} == {"SVC", "Tree"}


def test_a_best_at_the_border_of_the_space_is_told() -> None:
    trials = [complete(0, [0.9] * 5, {"model.params.C": 99.0}), complete(1, [0.8] * 5, {"model.params.C": 0.5})]
    captions = [figure.caption for figure in view_of(trials).over]
    assert "near the upper bound of the space: a wider one may hold better values" in captions[0]


def test_values_that_are_far_worse_do_not_squeeze_the_others() -> None:
    chart = points(
        [*((n, 0.9 + n / 100) for n in range(10)), (10, -80.0)],
        [],
        title="A",
        scales=(Scale("n"), Scale("r2", lower=False)),
    )
    assert chart.note == "1 trial is far worse and drawn at the edge."
    assert "-80" not in chart.svg
    assert chart.table.rows[-1] == (10, -80.0)


def test_each_choice_has_a_place_of_its_own() -> None:
    parameter = space_of({"a": [1, None, 1.5, "1", False]}).parameters[0]
    scale, place = setting_scale(parameter, "a")
    labels = list(parameter.domain.options)  # type: ignore[union-attr]
    assert scale.choices is not None
    assert len(scale.choices) == len(labels)
    assert [place(complete(0, [1.0], {"a": label})) for label in labels] == list(range(len(labels)))


def test_two_thousand_trials_make_a_page_below_three_megabytes() -> None:
    trials = drawn(1800, metrics=3)
    trials += [failed(number, trials[0].point, "ValueError: " + "x" * 500) for number in range(1800, 1900)]
    trials += [broken_off(number, trials[0].point) for number in range(1900, 2000)]
    page = page_of(trials, metrics=("accuracy", "f1", "r2"))
    assert len(page.encode()) < 3_000_000
    assert page.count("<tr") > 2000


@pytest.mark.parametrize("kind", ["failed", "broken_off", "none"])
def test_a_search_without_a_complete_trial_has_a_page_that_says_why(kind: str) -> None:
    made = {"failed": failed, "broken_off": broken_off}
    trials = [made[kind](number, {"model.params.C": 1.0}) for number in range(3)] if kind in made else []
    view = view_of(trials)
    assert view.headline is None
    assert (
        view.empty
        == {
            "failed": "None of 3 trials is complete. Trial 0 failed with: ValueError: no",
            "broken_off": "None of 3 trials is complete.",
            "none": "No trial was begun yet.",
        }[kind]
    )
    assert view.empty in told(trials)
    assert (view.course, view.over, view.folds) == ((), (), None)


def test_a_single_trial_and_a_grid_have_a_page() -> None:
    assert "Only one configuration was tried, so there was nothing to choose." in told(
        [complete(0, [0.9] * 5, {"a": 1})], space={"a": [1]}
    )
    space = {"a": [1, 2], "b": ["x", "y"]}
    grid = Search(space_of(space), "grid", metrics=["accuracy"])
    trials = [complete(n, [0.9, 0.8, 0.7, 0.6, 0.5 + n / 10], point) for n, point in enumerate(space_of(space).grid())]
    view = view_of(trials, search=grid)
    assert dict(view.facts)["Sampler"] == "grid"
    assert len(view.over) == 2


def test_folds_without_a_value_do_not_stop_the_page() -> None:
    trials = [complete(0, [None, 0.9, 0.8, 0.9, 0.8], {"a": 1}), complete(1, [0.7, 0.9, 0.8, 0.9, 0.8], {"a": 2})]
    view = view_of(trials, space={"a": [1, 2]})
    assert view.folds is None
    assert view.headline is not None


def test_a_front_marks_the_trials_that_none_excels() -> None:
    trials = [complete(n, [0.5 + n / 10] * 5, {"a": n}, 0.9 - n / 10) for n in range(3)]
    trials.append(complete(3, [0.4] * 5, {"a": 3}, 0.1))
    front = view_of(trials, metrics=("accuracy", "f1"), space={"a": [0, 1, 2, 3]}).front[0]
    assert front.body.count("<title>front</title>") == 2
    assert front.body.count("<title>the best in accuracy</title>") == 1
    rows = view_of(trials, metrics=("accuracy", "f1"), space={"a": [0, 1, 2, 3]}).trials.rows
    assert [row.state for row in rows] == ["complete, chosen", *["complete, on the front"] * 2, "complete"]


HOSTILE = '</script><img src=x onerror="alert(1)">&\'"'


def test_hostile_names_and_values_are_text() -> None:
    space = {f"model.params.{HOSTILE}": [HOSTILE, "b"], "model": {"choices": [{"type": HOSTILE}]}}
    points_of = [{f"model.params.{HOSTILE}": label, "model": "b"} for label in (HOSTILE, "b")]
    labels = space_of(space)
    models = next(p for p in labels.parameters if p.name == "model").domain.values()
    assert models is not None
    trials = [
        complete(n, [0.9, 0.8, 0.7, 0.6, n / 10], {**point, "model": models[0]}) for n, point in enumerate(points_of)
    ]
    trials.append(failed(2, trials[0].point, HOSTILE))
    html = page_of(trials, space=space, name=HOSTILE, config={"description": HOSTILE, "tags": [HOSTILE]})
    page = Page(html)
    assert page.open == []
    assert not page.tags() & {"script", "img", "iframe", "object"}
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert HOSTILE in page.text


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = Page(page_of(drawn(20)))
    assert page.open == []
    assert "script" not in page.tags()
    assert all(address.startswith(("#", "data:", "../../result_experiment_")) for address in page.addresses())


def test_many_settings_are_limited_and_the_page_says_so() -> None:
    space = {f"model.params.p{number}": {"low": 0.1, "high": 1.0} for number in range(15)}
    view = view_of(drawn(20, space), space=space)
    assert "7 more settings are in the table of trials, not drawn." in view.notes
    assert view.trials.notes == ("12 of 15 settings are shown; the others are in the experiments.",)


def test_a_sampler_and_a_pruner_are_named() -> None:
    search = Search(space_of(SPACE), Blueprint("optuna.samplers.TPESampler", object, {}), metrics=["accuracy"])
    search = replace(search, pruner=Blueprint("optuna.pruners.MedianPruner", object, {}))
    facts = dict(view_of(drawn(2), search=search).facts)
    assert (facts["Sampler"], facts["Pruner"]) == ("TPESampler", "MedianPruner")
