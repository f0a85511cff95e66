"""Experiments as a list: order, columns, filters, and words that fit the terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from rich.cells import cell_len

from expfw.index import Row
from expfw.listing.columns import FIELDS, Known, ListingError, metric_names
from expfw.listing.filters import matching, parse
from expfw.listing.formats import as_csv, as_markdown, as_objects, data_columns
from expfw.listing.order import ordered
from expfw.listing.request import Request, listing
from expfw.listing.settings import differing, settings
from expfw.listing.table import default_columns, table_lines
from expfw.listing.telling import setting_keys, telling_settings


def row(number: int, name: str = "a", status: str = "COMPLETED", config: Any = None, **metrics: float) -> Row:
    """An experiment."""
    return measured(number, metrics, name, status, config)


def measured(
    number: int, metrics: Mapping[str, float], name: str = "a", status: str = "COMPLETED", config: Any = None
) -> Row:
    """An experiment with one figure for each metric, the same over folds and on the held-out rows."""
    validation = {key: {"mean": value, "std": 0.1, "folds": [value]} for key, value in metrics.items()}
    started = datetime(2024, 1, 1, 10, tzinfo=UTC) + timedelta(days=number)
    return Row(
        id=number,
        name=name,
        status=status,
        description="",
        tags=(),
        started=started.isoformat(),
        stopped=None,
        seconds=1.5,
        settings=settings({"data_source": {"type": "CsvFile", "params": {"path": "x.csv"}}, **(config or {})}),
        metrics={"validation": validation, "test": dict(metrics)},
        parents=(),
        folder=Path("result") / f"result_experiment_{number}",
    )


def model(type: str = "A", /, **params: Any) -> dict[str, Any]:
    """The configuration of a model."""
    return {"model": {"type": type, "params": params}}


def order(rows: list[Row], key: str | None) -> list[int]:
    """Numbers in the order of a key, given by ascending number as the index does."""
    rows = sorted(rows, key=lambda row: row.id)
    return [row.id for row in ordered(rows, key, Known(rows))]


def table(rows: list[Row], width: int | None = None, metric: str | None = None, colour: bool = False) -> list[str]:
    """The lines of the table, without columns being asked for."""
    return table_lines(rows, default_columns(metric, telling_settings(rows)), width, colour=colour)


def test_the_order_is_that_of_the_numbers() -> None:
    assert order([row(10), row(9), row(2)], None) == [2, 9, 10]
    assert order([row(10), row(9), row(2)], "id") == [2, 9, 10]
    assert order([row(10), row(9), row(2)], "-id") == [10, 9, 2]


def test_names_and_numbers_order_together() -> None:
    assert order([row(2, "b"), row(1, "b"), row(3, "a")], "name") == [3, 1, 2]
    assert order([row(2, "b"), row(1, "b"), row(3, "a")], "name,-id") == [3, 2, 1]


@pytest.mark.parametrize(
    ("metric", "best_first"),
    [
        ("accuracy", [2, 1]),
        ("r2", [2, 1]),
        ("neg_log_loss", [2, 1]),
        ("neg_mean_squared_error", [2, 1]),
        ("mean_squared_error", [1, 2]),
        ("log_loss", [1, 2]),
        ("NormalizedRootMeanSquaredError", [1, 2]),
    ],
)
def test_the_best_comes_first(metric: str, best_first: list[int]) -> None:
    worse, better = ({metric: value} for value in (0.1, 0.9))
    rows = [measured(1, worse), measured(2, better)]
    assert order(rows, metric) == best_first
    assert order(rows, f"test.{metric}") == best_first
    assert order(rows, f"-{metric}") == best_first[::-1]


@pytest.mark.parametrize(("key", "expected"), [("accuracy", [4, 3, 1, 2]), ("-accuracy", [3, 4, 1, 2])])
def test_those_without_the_metric_come_last_in_either_order(key: str, expected: list[int]) -> None:
    rows = [row(1), row(2, accuracy=float("nan")), row(3, accuracy=0.1), row(4, accuracy=0.9)]
    assert order(rows, key) == expected


def test_a_zero_is_a_figure() -> None:
    assert order([row(1, r2=-1.0), row(2, r2=0.0), row(3)], "r2") == [2, 1, 3]


def test_settings_of_several_kinds_can_be_sorted_by() -> None:
    rows = [row(at, config=model(C=value)) for at, value in enumerate(["x", 2, None, 1.5, [3], True], start=1)]
    assert order(rows, "model.params.C") == [6, 4, 2, 5, 1, 3]


def test_an_unknown_key_names_the_nearest() -> None:
    rows = [row(1, accuracy=1.0)]
    with pytest.raises(ListingError, match=r"cannot sort by 'acuracy'.*did you mean 'accuracy'\?"):
        ordered(rows, "acuracy", Known(rows))
    assert ordered([], "anything", Known([])) == []


def test_settings_leave_out_what_only_describes() -> None:
    config = {"description": "x", "tags": [], "reports": [], "defaults": {}, "model": {"type": "A", "params": {}}}
    assert settings(config) == {"model.type": "A", "model.params": {}}


def test_only_differing_settings_are_named() -> None:
    configurations = [settings(model(C=number, d=1)) for number in (1, 2)]
    assert differing(configurations) == ["model.params.C"]
    assert differing(configurations[:1]) == []
    rows = [row(number, config=model(C=number, d=1)) for number in (1, 2)]
    assert telling_settings(rows) == ["model.params.C"]
    assert telling_settings(rows[:1]) == []
    assert setting_keys(rows) == [*rows[0].settings]


@pytest.mark.parametrize("other", [1.0, True, "1", None, [1]])
def test_a_setting_of_another_kind_differs(other: Any) -> None:
    assert telling_settings([row(1, config=model(C=1)), row(2, config=model(C=other))]) == ["model.params.C"]


def test_what_tells_most_comes_first_and_seeds_last() -> None:
    rows = [row(n, config=model("AB"[n % 2], C=n % 3, d=n, random_state=n)) for n in range(6)]
    assert telling_settings(rows) == ["model.type", "model.params.d", "model.params.C", "model.params.random_state"]


def test_the_model_and_the_data_come_first_and_that_there_are_no_parameters_is_left_out() -> None:
    def config(n: int) -> dict[str, Any]:
        source = {"type": "CsvFile", "params": {"sep": ";", "path": f"{n}.csv"}}
        features = {"type": f"F{n}", "params": {} if n == 1 else {"scale": n}}
        return {"data_source": source, "features": features, "model": {"type": f"M{n}"}, "metrics": [n]}

    rows = [row(n, config=config(n)) for n in (1, 2)]
    keys = ["model.type", "data_source.params.path", "features.type", "features.params.scale", "metrics"]
    assert telling_settings(rows) == keys
    nothing = [row(1, config={"features": None}), row(2, config={"features": {"params": {}}})]
    assert telling_settings(nothing) == []


def test_experiments_without_settings_do_not_make_the_others_differ() -> None:
    bare = row(3)._replace(settings={})
    assert telling_settings([row(1, config=model(C=1)), row(2, config=model(C=1)), bare]) == []


def test_metrics_are_named_in_the_order_met() -> None:
    assert metric_names([row(1, b=1.0, a=1.0), row(2, c=1.0)]) == ["b", "a", "c"]


def test_a_column_that_no_experiment_has_names_the_nearest() -> None:
    rows = [row(1, config=model(C=1), accuracy=0.5)]
    with pytest.raises(ListingError, match=r"cannot show 'model\.params\.c'.*did you mean 'model\.params\.C'\?"):
        Known(rows).column("model.params.c", "cannot show")
    with pytest.raises(ListingError, match="did you mean 'started'"):
        Known(rows).column("startet", "cannot show")


def test_experiments_without_a_configuration_are_listed() -> None:
    """One that just begins, or was killed before it had one."""
    bare = Row(1, "?", "DEAD", "", (), None, None, None, {}, {"validation": {}, "test": {}}, (), Path("result"))
    assert "DEAD" in table([bare])[1]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_line_is_no_longer_than_the_terminal_and_words_stay_whole(width: int) -> None:
    config = model("sklearn.ensemble.RandomForestClassifier")
    rows = [row(n, "breast_cancer_logistic", "INTERRUPTED", config, accuracy=0.95) for n in (1, 12)]
    said = table(rows, width)
    assert max(map(len, said)) <= width
    assert [line.split()[0] for line in said[:3]] == ["N", "1", "12"]
    assert "\n".join(said).count("breast_cancer_logistic") == 2
    assert "\n".join(said).count("INTERRUPTED") == 2


@pytest.mark.parametrize("width", [1, 10, 20, 40])
def test_even_on_the_narrowest_terminal_the_number_is_whole(width: int) -> None:
    lines = table([row(n, "breast_cancer_logistic", accuracy=0.95) for n in (1, 123456)], width)
    assert lines[2].startswith("123456")


def test_what_does_not_fit_is_named() -> None:
    rows = [row(n, config=model(**{f"parameter_{at}": n for at in range(9)}), accuracy=0.9) for n in (1, 2)]
    lines = table(rows, 80)
    assert lines[-1].startswith("not shown: started")
    assert not any(line.startswith("not shown") for line in table(rows))


def test_wide_letters_take_two_columns() -> None:
    assert max(map(cell_len, table([row(1, "実験" * 9, accuracy=0.9)], 40))) <= 40


def test_square_brackets_are_no_markup() -> None:
    said = "\n".join(table([row(1, "[red]a[/red]", config=model("[/]")), row(2)]))
    assert "[red]a[/red]" in said


def test_what_a_terminal_takes_for_a_command_is_not_printed() -> None:
    said = "\n".join(table([row(1, "a\x1b[2Jb\nc\u202ed", config=model("x\ty")), row(2)]))
    assert len(said.splitlines()) == 3
    assert not {"\x1b", "\u202e", "\t"} & set(said)


def test_colours_are_only_there_when_asked_for() -> None:
    rows = [row(1), row(2, status="FAILED")]
    plain, coloured = table(rows), table(rows, colour=True)
    assert "\x1b" not in "\n".join(plain)
    assert [click.unstyle(line).rstrip() for line in coloured] == plain
    assert click.style("FAILED", fg="red")[:5] in coloured[2]


NOW = datetime(2024, 1, 10, 11, tzinfo=UTC)

SOME = [
    row(1, "first", config=model("sklearn.ensemble.RandomForestClassifier", depth=4), accuracy=0.95)._replace(
        tags=("baseline", "iris")
    ),
    row(2, "second", "FAILED", model("my.Forest", depth=None))._replace(error="ValueError: no", findings=("EX101",)),
    row(3, "third", config=model("sklearn.svm.SVC", depth=8.0, kernel="rbf", on=True), accuracy=0.85)._replace(
        parents=(1,), seconds=100.0
    ),
    row(4, "FOURTH", "INTERRUPTED", model("SVC", grid=[4, 8]))._replace(started=None),
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("model.type=*Forest*", [1, 2]),
        ("model.type=*forest*", [1, 2]),
        ("model.type=RandomForestClassifier", [1]),
        ("model.type=sklearn.svm.SVC", [3]),
        ("model.type=SVC", [3, 4]),
        ("model.type!=SVC", [1, 2]),
        ("model.type~sklearn", [1, 3]),
        ("accuracy>0.9", [1]),
        ("accuracy>=0.85", [1, 3]),
        ("accuracy<0.9", [3]),
        ("test.accuracy<=0.85", [3]),
        ("accuracy=0.950", [1]),
        ("accuracy!=0.95", [2, 3, 4]),
        ("status=FAILED", [2]),
        ("status = failed", [2]),
        ("status!=COMPLETED", [2, 4]),
        ("tag:baseline", [1]),
        ("tag:base*", [1]),
        ("tags=iris", [1]),
        ("finding:EX101", [2]),
        ("parent:1", [3]),
        ("since:7d", [3]),
        ("since:2024-01-04", [3]),
        ("until:2024-01-03", [1]),
        ("started<2024-01-04", [1, 2]),
        ("seconds>60", [3]),
        ("id<=2", [1, 2]),
        ("name=fourth", [4]),
        ("name~R", [1, 3, 4]),
        ("name=[ft]*", [1, 3, 4]),
        ("error~valueerror", [2]),
        ("model.params.depth=null", [2]),
        ("model.params.depth>4", [3]),
        ("model.params.depth=8", [3]),
        ("model.params.on=true", [3]),
        ("model.params.grid=[4, 8]", [4]),
        ("model.params.kernel=rbf", [3]),
    ],
)
def test_a_filter_lists_what_fits_and_nothing_else(expression: str, expected: list[int]) -> None:
    holds = parse(expression, Known(SOME), NOW)
    assert [one.id for one in SOME if holds(one)] == expected


def test_several_filters_all_have_to_hold() -> None:
    assert [one.id for one in matching(SOME, ["model.type=*Forest*", "status=COMPLETED"], Known(SOME))] == [1]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("forest", r"cannot filter by 'forest': it is not NAME, one of = != .*'accuracy>0\.9', with the quotes"),
        ("acuracy>0.9", "cannot filter by 'acuracy': no experiment has it; did you mean 'accuracy'"),
        ("status=FAILD", "there is no status 'FAILD'; did you mean 'FAILED'"),
        ("accuracy>high", "'high' is no number, and > compares numbers; for texts there are =, != and ~"),
        ("since:soon", "'soon' is no time; valid are spans such as 30m, 12h, 7d, 2w, and dates such as 2026-05-01"),
        ("since:99999999d", "is no time"),
        ("tags:iris", "there is no 'tags:'; did you mean 'tag'"),
    ],
)
def test_a_filter_that_means_nothing_is_told(expression: str, message: str) -> None:
    with pytest.raises(ListingError, match=message):
        matching(SOME, [expression], Known(SOME))


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ListingError) as caught:
        matching(SOME, ["forest", "since:soon"], Known(SOME))
    assert len(caught.value.message.splitlines()) == 2


def test_csv_has_every_figure_in_full() -> None:
    rows = [*SOME, row(5, 'with "quotes", and\nlines', accuracy=1 / 3)._replace(tags=("a,b",))]
    columns = data_columns(rows, telling_settings(rows))
    read = list(csv.DictReader(io.StringIO(as_csv(rows, columns))))
    assert [int(one["id"]) for one in read] == [1, 2, 3, 4, 5]
    assert float(read[4]["validation.accuracy"]) == 1 / 3
    assert read[4]["name"] == 'with "quotes", and\nlines'
    assert (read[0]["tags"], json.loads(read[4]["tags"])) == ("baseline,iris", ["a,b"])
    assert json.loads(read[3]["model.params.grid"]) == [4, 8]
    assert read[0]["model.type"] == "sklearn.ensemble.RandomForestClassifier"
    assert read[1]["test.accuracy"] == ""


def test_chosen_columns_are_objects_for_programs() -> None:
    known = Known(SOME)
    columns = [known.column(key, "") for key in ("id", "accuracy", "tags", "path", "model.params.grid")]
    path = str(Path("result") / "result_experiment_4")
    assert as_objects(SOME[3:], columns) == [
        {"id": 4, "accuracy": None, "tags": [], "path": path, "model.params.grid": [4, 8]}
    ]


def test_markdown_is_a_table_whatever_is_in_it() -> None:
    rows = [row(1, "a|b\n<script>", accuracy=0.5), row(2)]
    lines = as_markdown(rows, default_columns(None, [])).splitlines()
    assert len(lines) == 4
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert "a\\|b &lt;script&gt;" in lines[2]


def test_without_experiments_nothing_can_be_named_wrongly(tmp_path: Path) -> None:
    found = listing(tmp_path, Request(columns="anything", sort="anything", where=["anything=1"]))
    assert (found.rows, found.total) == ([], 0)


def test_each_field_can_be_shown_of_each_experiment() -> None:
    for column in FIELDS.values():
        assert all(isinstance(column.text(one), str) for one in SOME)
