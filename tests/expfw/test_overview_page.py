"""The page of all experiments: what stands in it, and that nothing that somebody put into it can run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser.experiments import hostile, made_rows, with_reports

from expfw.errors import RecordError
from expfw.index import Row
from expfw.report.overview import render_overview, write_overview
from expfw.report.overview.best import best_by_data
from expfw.report.overview.columns import Column, columns_of, data_names

HOSTILE = "</script><img src=x onerror=alert(1)><!--\"'& \u2028"


class Page(HTMLParser):
    """The elements of a page, the contents of its scripts, and its text without them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += f"{data} "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(rows: list[Row], root: Path) -> Page:
    return Page(render_overview(rows, root, root / "overview.html"))


def columns(page: Page) -> dict[str, dict[str, Any]]:
    """The columns by key, with their values unpacked."""
    data = json.loads(page.scripts[0])
    return {column["key"]: {**column, "values": unpacked(column, data["count"])} for column in data["columns"]}


def unpacked(column: dict[str, Any], count: int) -> list[Any]:
    if "values" in column:
        return list(column["values"])
    return [None if code < 0 else column["levels"][code] for code in column.get("codes", [0] * count)]


def test_the_page_holds_every_value_of_every_experiment(tmp_path: Path) -> None:
    rows = made_rows(40, tmp_path)
    told = columns(page_of(rows, tmp_path))
    assert told["id"]["values"] == [row.id for row in rows]
    assert told["status"]["values"] == [row.status for row in rows]
    assert told["accuracy"]["values"] == [row.metric("accuracy") for row in rows]
    assert told["test.accuracy"]["values"] == [row.metric("test.accuracy") for row in rows]
    assert told["model.params.C"]["values"] == [row.settings.get("model.params.C") for row in rows]
    assert told["tags"]["values"] == [list(row.tags) or None for row in rows]
    spread = [row.metrics["validation"].get("accuracy", {}).get("std") for row in rows]
    assert told["accuracy"]["spread"] == spread


def test_settings_that_differ_are_shown_and_others_can_be_chosen(tmp_path: Path) -> None:
    told = columns(page_of(made_rows(40, tmp_path), tmp_path))
    settings = {key: column for key, column in told.items() if column["group"] == "setting"}
    assert settings["model.type"]["shown"]
    assert settings["features.params.scale"]["shown"]
    assert "shown" not in settings["resampling.params.n_splits"]
    assert sum(column.get("shown", False) for column in settings.values()) <= 6


def test_an_absent_setting_is_told_from_one_that_is_null(tmp_path: Path) -> None:
    first, second = made_rows(2, tmp_path)
    rows = [first._replace(settings={"holdout": None}), second._replace(settings={})]
    assert columns(page_of(rows, tmp_path))["holdout"]["values"] == ["null", None]


def test_values_that_are_equal_in_python_only_are_kept_apart() -> None:
    column = Column("a", "a", "text", "setting", [1, True, 1.0, "1", None, 1, True, 1.0, "1", None])
    described = column.as_json()
    assert [repr(level) for level in described["levels"]] == ["1", "True", "1.0", "'1'"]
    assert described["codes"] == [0, 1, 2, 3, -1, 0, 1, 2, 3, -1]


def test_a_number_that_is_none_does_not_break_the_page(tmp_path: Path) -> None:
    row = made_rows(1, tmp_path)[0]
    metrics: dict[str, dict[str, Any]] = {
        "validation": {"r2": {"mean": float("nan"), "std": None, "folds": []}},
        "test": {"r2": float("inf")},
    }
    odd = row._replace(metrics=metrics, seconds=None, started=None, settings={"a": float("inf")})
    told = columns(page_of([odd], tmp_path))
    assert told["r2"]["values"] == [None]
    assert told["a"]["values"] == ["inf"]


def test_data_are_named_by_their_rows_not_by_their_source(tmp_path: Path) -> None:
    rows = [row._replace(settings={"data_source.params.name": "iris"}) for row in made_rows(3, tmp_path)]
    rows = [row._replace(data=digest) for row, digest in zip(rows, ("a", "b", None), strict=True)]
    assert columns(page_of(rows, tmp_path))["data"]["values"] == ["iris", "iris #2", None]


def test_data_of_trials_are_told_from_those_that_were_tested_on_too(tmp_path: Path) -> None:
    settings = {"data_source.params.name": "iris"}
    tested, search, trial = (row._replace(settings=settings) for row in made_rows(3, tmp_path))
    best = {"metric": "accuracy", "value": 0.9, "experiment": 3, "configurations": 1}
    rows = [tested._replace(data="a"), search._replace(data="b", search=best), trial._replace(data="b")]
    assert data_names(rows) == ["iris", "iris, no test", "iris, no test"]


def test_the_best_is_found_among_experiments_on_the_same_data(tmp_path: Path) -> None:
    rows = made_rows(200, tmp_path)
    best = {item.data: item for item in best_by_data(rows)}
    for data, metric, choose in (("iris", "accuracy", max), ("diabetes", "root_mean_squared_error", min)):
        done = [row for row in rows if row.data == f"digest-of-{data}" and row.status == "COMPLETED"]
        assert best[data].value == choose(row.metric(metric) or 0.0 for row in done)
        assert best[data].count == len(done)


def test_without_javascript_the_newest_hundred_are_a_table(tmp_path: Path) -> None:
    page = page_of(made_rows(250, tmp_path), tmp_path)
    assert len(page.all("tr")) == 101
    assert "the newest 100 of 250 experiments" in page.text
    assert re.search(r"\b250\b.*\b151\b", page.text, re.DOTALL)


def test_reports_are_linked_relative_to_the_page_and_only_if_they_are_there(tmp_path: Path) -> None:
    root = tmp_path / "my results"
    rows = made_rows(3, root)
    next(with_reports(rows))
    output = tmp_path / "docs" / "all.html"
    write_overview(rows, root, output)
    page = Page(output.read_text(encoding="utf-8"))
    links = {a["href"] for a in page.all("a")} - {"#experiments"}
    assert links == {"../my%20results/result_experiment_1/report/index.html"}
    assert json.loads(page.scripts[0])["report"] == [1, 0, 0]


def test_what_somebody_wrote_stays_text(tmp_path: Path) -> None:
    rows = [hostile(row, HOSTILE) for row in made_rows(3, tmp_path)]
    page = page_of(rows, tmp_path)
    assert page.all("img") == []
    assert len(page.all("script")) == 2
    assert columns(page)["name"]["values"] == [HOSTILE] * 3
    assert HOSTILE in page.text


def test_only_the_pages_own_script_may_run_and_nothing_is_loaded(tmp_path: Path) -> None:
    page = page_of(made_rows(3, tmp_path), tmp_path)
    policy = next(meta["content"] or "" for meta in page.all("meta") if meta.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy
    assert not any("src" in attributes for _, attributes in page.elements)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_a_project_without_experiments_gets_a_page_that_says_how_to_start(tmp_path: Path) -> None:
    page = page_of([], tmp_path)
    assert "No experiments yet" in page.text
    assert "kedro run" in page.text
    assert page.scripts == []


def test_an_unreadable_experiment_stands_there_too(tmp_path: Path) -> None:
    row = made_rows(1, tmp_path)[0]
    unread = Row(
        *(2, "?", "?", "", (), None, None, None, {}, {"validation": {}, "test": {}}, (), row.path),
        error="the record cannot be read",
    )
    told = columns(page_of([row, unread], tmp_path))
    assert told["status"]["values"][1] == "?"
    assert told["error"]["values"][1] == "the record cannot be read"


def test_a_page_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"overview cannot be written to .*file/overview\.html: .*--output"):
        write_overview([], tmp_path, tmp_path / "file" / "overview.html")


def test_a_page_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "overview.html"
    write_overview(made_rows(3, tmp_path), tmp_path, output)
    before = output.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(RecordError, match="No space left"):
        write_overview([], tmp_path, output)
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["overview.html"]


@pytest.mark.parametrize("name", ["overview.js", "overview_rows.js", "overview_table.js", "overview_charts.js"])
def test_the_script_is_small_and_never_makes_code_or_html_of_text(name: str) -> None:
    import expfw.report.overview as package

    text = (Path(package.__file__).parents[1] / "templates" / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    assert re.findall(r"\beval\b|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", text) == []
    assert re.findall(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon", text) == []


def test_columns_come_in_the_order_of_the_table(tmp_path: Path) -> None:
    keys = [column.key for column in columns_of(made_rows(40, tmp_path))]
    order = ["id", "name", "status", "accuracy", "test.accuracy", "model.type", "findings", "error"]
    assert [key for key in keys if key in order] == order
