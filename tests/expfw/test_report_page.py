"""The page holds everything about one experiment, needs nothing else, and runs nothing that somebody put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expfw.components import reports
from expfw.interfaces import Data, Fold
from expfw.report.charts import Chart
from expfw.report.collector import Fragment, ReportCollector, read_fragments
from expfw.report.page import build_view, render_page
from expfw.results import Predictions, Results

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "link", "img", "br"}
EMPTY_FRAME = pd.DataFrame({"fold": [], "row": [], "y_pred": []})


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and whether all are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data} "

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def addresses(self) -> Iterator[str]:
        for _, attributes in self.elements:
            yield from (
                value or "" for name, value in attributes.items() if name in ("src", "href", "xlink:href", "action")
            )


def results_of(**changes: Any) -> Results:
    kind = pd.CategoricalDtype(["no", "yes"])
    codes = [0, 1, 1, 0, 1, 0]
    frame = pd.DataFrame({"fold": [0, 0, 0, 1, 1, 1], "row": range(6)})
    frame["y_true"] = frame["y_pred"] = pd.Categorical.from_codes(codes, dtype=kind)
    X = pd.DataFrame({"a": [1.0, None, 3.0, 4.0, 5.0, 6.0], "b": range(6)})
    values: dict[str, Any] = {
        "id": 12,
        "name": "demo",
        "config": {
            "description": "What is tried",
            "tags": ["first"],
            "model": {"type": "sklearn.svm.SVC", "params": {"C": 2.5}},
            "metrics": ["f1", "accuracy"],
        },
        "development_data": Data(X, np.array(["no", "yes", "yes", "no", "yes", "no"])),
        "test_data": Data(X.iloc[:2], np.array(["no", "yes"])),
        "folds": [Fold(np.arange(3), np.arange(3, 6)), Fold(np.arange(3, 6), np.arange(3))],
        "predictions": Predictions(frame),
        "test_predictions": Predictions(frame.iloc[:2]),
        "validation_metrics": {
            "accuracy": {"mean": 0.91234, "std": 0.0312, "ci95": [0.8712, 0.9534], "folds": [0.9, 0.92]},
            "f1": {"mean": 0.81234, "std": 0.0512, "ci95": [0.7712, 0.8534], "folds": [0.8, 0.82]},
        },
        "test_metrics": {"accuracy": 0.8888, "f1": 0.7777},
        "final_model": None,
        "timing": {"fit": 1.5, "predict": 0.25},
        "environment": {
            "python": "3.11.9",
            "packages": {"numpy": "2.0.1"},
            "git": {"commit": "abc123", "diff": "+secret\n-line"},
        },
    }
    return Results(**(values | changes))


def empty_results() -> Results:
    nothing = Data(np.zeros((0, 0)))
    return results_of(
        name="",
        config={},
        development_data=nothing,
        test_data=nothing,
        folds=[],
        predictions=Predictions(pd.DataFrame()),
        test_predictions=Predictions(pd.DataFrame()),
        validation_metrics={},
        test_metrics={},
        timing={},
        environment={},
    )


def page_of(results: Results, folder: Path = Path("no/folder"), **record: Any) -> str:
    return render_page(build_view(results, read_fragments(folder), record))


def fill(folder: Path, text: str = "text") -> None:
    for fold in (0, 1):
        collector = ReportCollector(folder, step="fit", component=text, order=5, fold=fold)
        collector.add_text(f"{text} {fold}", title=text)
    collector = ReportCollector(folder, step="report", component=text, order=9)
    collector.add_table([{text: text, "n": 1}], title=text, caption=text)
    collector.add_figure(f"<svg><text>{text}</text></svg>", title=text, caption=text, data=[{text: text}])
    collector.add_figure(Chart(f'<svg class="chart">{text}</svg>', text), title=text)


def test_the_page_is_well_formed_and_loads_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    for name in ("MetricsTable", "ConfusionMatrix", "FoldSpread", "TimingTable"):
        getattr(reports, name)(ReportCollector(tmp_path, step="report", component=name)).report(results_of())
    html = page_of(results_of(), tmp_path)
    page = Page(html)
    assert html.startswith("<!doctype html>")
    assert page.open == []
    assert all(address.startswith(("data:", "#")) for address in page.addresses())
    assert not re.search(r"@import|url\(", html)
    assert "script" not in page.tags()
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_a_policy_forbids_everything_but_inline_style_and_images() -> None:
    page = Page(page_of(results_of()))
    policy = next(part["content"] for tag, part in page.elements if tag == "meta" and "http-equiv" in part)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert ("html", {"lang": "en"}) in page.elements
    assert any(part.get("name") == "viewport" for tag, part in page.elements if tag == "meta")


def test_hostile_text_from_anywhere_is_shown_as_text(tmp_path: Path) -> None:
    fill(tmp_path, HOSTILE)
    X = pd.DataFrame({HOSTILE: [1.0, 2.0]})
    metric = {"mean": 0.5, "std": 0.1, "ci95": [0.4, 0.6], "folds": [0.4, 0.6]}
    results = results_of(
        name=HOSTILE,
        config={"description": HOSTILE, "tags": [HOSTILE], HOSTILE: {"type": HOSTILE, "params": {HOSTILE: HOSTILE}}},
        development_data=Data(X, np.array([HOSTILE, "b"], dtype=object)),
        validation_metrics={HOSTILE: metric},
        test_metrics={HOSTILE: 0.5},
        timing={HOSTILE: 1.0},
        environment={HOSTILE: HOSTILE, "packages": {HOSTILE: HOSTILE}},
    )
    frame = results.predictions.frame.copy()
    kind = pd.CategoricalDtype([HOSTILE, "b"])
    frame["y_true"] = frame["y_pred"] = pd.Categorical.from_codes([0, 1, 1, 0, 1, 0], dtype=kind)
    results = replace(results, predictions=Predictions(frame))
    for name in ("ConfusionMatrix", "FoldSpread", "MetricsTable"):
        getattr(reports, name)(ReportCollector(tmp_path, step="report", component=name)).report(results)
    html = page_of(results, tmp_path, started=HOSTILE, parents=[HOSTILE])
    page = Page(html)
    assert "<script" not in html
    assert page.open == []
    assert page.text.count(HOSTILE) > 20


@pytest.mark.parametrize(
    "svg",
    [
        "<svg onload='alert(1)'><script>alert(1)</script></svg>",
        '<svg class="chart" viewBox="0 0 1 1" role="img" xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>',
        '<svg class="chart" xmlns="http://www.w3.org/2000/svg"><g onclick="x"></g></svg>',
        '<svg class="chart" xmlns="http://www.w3.org/2000/svg"><a href="http://a.b/">x</a></svg>',
    ],
)
@pytest.mark.parametrize("kind", ["chart", "image"])
def test_a_drawing_that_is_not_ours_is_an_image_in_which_nothing_runs(tmp_path: Path, svg: str, kind: str) -> None:
    ReportCollector(tmp_path, step="report").add_figure(Chart(svg, "T") if kind == "chart" else svg, title="T")
    html = page_of(results_of(timing={}), tmp_path)
    assert {"script", "svg", "a"} & Page(html).tags() <= {"a"}
    assert all(address.startswith(("data:", "#")) for address in Page(html).addresses())
    assert '<img class="foreign" alt="T" src="data:image/svg+xml;base64,' in html


def test_our_charts_stand_in_the_page_itself(tmp_path: Path) -> None:
    reports.FoldSpread(ReportCollector(tmp_path, step="report")).report(results_of())
    assert '<svg class="chart"' in page_of(results_of(timing={}), tmp_path)


def test_a_page_without_any_result_is_valid() -> None:
    page = Page(page_of(empty_results()))
    assert page.open == []
    assert "Nothing was measured." in page.text


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    fill(tmp_path)
    assert page_of(results_of(), tmp_path).encode() == page_of(results_of(), tmp_path).encode()


def test_the_headline_is_the_first_configured_metric_as_recorded() -> None:
    view = build_view(results_of(), [], {})
    assert view.headline is not None
    assert (view.headline.name, view.headline.value, view.headline.test) == ("f1", "0.8123", "0.7777")
    assert view.headline.interval == "0.7712 to 0.8534"
    other = build_view(results_of(), [], {"main_metric": "accuracy"}).headline
    assert other is not None
    assert other.value == "0.9123"


def test_without_resampling_the_headline_is_the_test_value() -> None:
    html = page_of(results_of(folds=[], validation_metrics={}, predictions=Predictions(EMPTY_FRAME)))
    assert "0.7777" in html
    assert "on the test data" in html


def test_an_interval_that_is_unknown_is_not_shown() -> None:
    metric = {"mean": 0.5, "std": float("nan"), "ci95": [float("nan"), float("nan")], "folds": [0.5]}
    html = page_of(results_of(validation_metrics={"f1": metric}))
    assert "95 % interval nan" not in html
    assert "nan" not in Page(html).text.replace("nano", "")


def test_the_page_shows_configuration_data_environment_and_timing() -> None:
    text = re.sub(r"\s+", " ", Page(page_of(results_of(), started="2026-01-02 03:04", parents=[7])).text)
    for part in ("What is tried", "first", "sklearn.svm.SVC", "C = 2.5", '"C": 2.5', "abc123", "numpy", "2.0.1"):
        assert part in text, part
    for part in ("2 folds, each trained on 3 rows and validated on 3", "development 6 2 1", "yes 3 50.0 %", "1.5000 s"):
        assert part in text, part
    assert "2026-01-02 03:04" in text
    assert "experiment 7" in text
    assert "+secret" not in text


def test_additions_stand_in_the_order_reports_then_steps_with_their_folds(tmp_path: Path) -> None:
    fill(tmp_path)
    view = build_view(results_of(), read_fragments(tmp_path), {})
    assert [fragment.kind for fragment in view.reports] == ["table", "image", "chart"]
    assert [(step.title, [fold.title for fold in step.folds]) for step in view.steps] == [("Fit", ["Fold 1", "Fold 2"])]


def test_an_addition_that_can_not_be_read_is_a_sentence_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "00001-x.json").write_text("{")
    assert "The addition 00001-x.json could not be read" in Page(page_of(results_of(), tmp_path)).text


def test_regression_and_unlabelled_data_make_a_page_too() -> None:
    numbers = pd.DataFrame({"fold": 0, "row": range(3), "y_true": [1.0, 2.0, 4.5], "y_pred": [1.0, 2.0, 3.0]})
    data = Data(np.ones((3, 2)), np.array([1.0, 2.0, 4.5]))
    text = Page(
        page_of(results_of(predictions=Predictions(numbers), development_data=data, test_data=data.take([])))
    ).text
    assert "regression" in text
    assert "4.5000" in text
    groups = Predictions(numbers.drop(columns="y_true"))
    bare = results_of(predictions=groups, development_data=Data(["a", "b"]), test_data=Data([]))
    text = Page(page_of(bare)).text
    assert "unlabelled" in text
    assert "There is no target." in text


def test_the_page_of_a_huge_experiment_stays_small(tmp_path: Path) -> None:
    X = pd.DataFrame(np.zeros((10_000, 2_000)), columns=[f"column {number}" for number in range(2_000)])
    labels = np.arange(10_000).astype(str)
    fragments = [Fragment("text", body="x" * 90_000, step="fit", fold=fold) for fold in range(200)]
    results = results_of(
        development_data=Data(X, labels),
        config={"values": list(range(100_000))},
        environment={"packages": {f"package {number}": "1" for number in range(5_000)}},
        timing={f"node {number}": 1.0 for number in range(1_000)},
    )
    html = render_page(build_view(results, fragments, {}))
    assert len(html.encode()) < 3_000_000
    assert "further additions had no room here" in html
    assert "Missing values are estimated from 2,500 evenly spaced rows." in html


def test_text_that_is_no_valid_unicode_does_not_stop_the_page(tmp_path: Path) -> None:
    ReportCollector(tmp_path, step="report").add_text("half \ud800 of a pair")
    assert "half ? of a pair" in page_of(results_of(), tmp_path)
