"""The page holds everything about one experiment, needs nothing else, and runs nothing that somebody put into it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import Page, empty_results, page_of, results_of

from expfw.components import reports
from expfw.interfaces import Data
from expfw.report.charts import Chart
from expfw.report.collector import Fragment, ReportCollector, read_fragments
from expfw.report.page import build_view, render_page
from expfw.results import Predictions

HOSTILE = "<script>alert(1)</script>\"'&"
EMPTY_FRAME = pd.DataFrame({"fold": [], "row": [], "y_pred": []})


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
    found = dict.fromkeys(("code", "name", "sentence", "how", "advice"), HOSTILE) | {"link": "javascript:alert(1)"}
    baseline = {"type": HOSTILE, "validation": {HOSTILE: {"mean": 0.1}}}
    skipped = [{"code": HOSTILE, "why": HOSTILE}]
    findings = [found, found | {"muted": HOSTILE, "link": f"https://a.b/{HOSTILE}"}]
    results = replace(results, diagnostics={"findings": findings, "skipped": skipped, "baseline": baseline})
    html = page_of(
        results,
        tmp_path,
        started=HOSTILE,
        parents=[HOSTILE],
        rerun_of=HOSTILE,
        restarts=[{"started": HOSTILE, "changed": [HOSTILE], "finished_nodes": [HOSTILE]}],
        origins={f"{HOSTILE}.type": HOSTILE, f"{HOSTILE}.params.{HOSTILE}": f"--params {HOSTILE}"},
        reused={HOSTILE: 3},
        best={"id": 3, "name": HOSTILE, "values": {HOSTILE: 0.7}},
        timing={"folds": {"0": 1.0, "1": 2.0}, "parts": [{"step": HOSTILE, "part": HOSTILE, "seconds": 1.0}]},
    )
    page = Page(html)
    assert "<script" not in html
    assert page.open == []
    assert page.text.count(HOSTILE) > 40
    assert not any(address.startswith("javascript") for address in page.addresses())
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


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
    before = Page(page_of(results_of()))
    ReportCollector(tmp_path, step="report").add_figure(Chart(svg, "T") if kind == "chart" else svg, title="T")
    html = page_of(results_of(), tmp_path)
    page = Page(html)
    assert "script" not in page.tags()
    assert Counter(tag for tag, _ in page.elements) - Counter(tag for tag, _ in before.elements) == Counter(
        ["article", "figure", "h3", "img", "div"]
    )
    assert all(address.startswith(("data:", "#")) for address in page.addresses())
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
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
    for part in ("What is tried", "first", "model sklearn.svm.SVC", "C 2.5", '"C": 2.5', "abc123", "numpy", "2.0.1"):
        assert part in text, part
    for part in ("2 folds, each trained on 3 rows and validated on 3", "development 6 2 1", "yes 3 50.0 %", "1.5000 s"):
        assert part in text, part
    assert "2026-01-02 03:04" in text
    assert "experiment 7" in text
    assert "+secret" not in text


def test_additions_stand_in_the_order_reports_then_steps_with_their_folds(tmp_path: Path) -> None:
    fill(tmp_path)
    view = build_view(results_of(), read_fragments(tmp_path), {})
    assert [fragment.kind for fragment in view.additions.reports] == ["table", "image", "chart"]
    steps = [(step.title, [fold.title for fold in step.folds]) for step in view.additions.steps]
    assert steps == [("Fit", ["Fold 1", "Fold 2"])]
    text = Page(render_page(view)).text
    places = [text.index(part) for part in ("Results ", "From the components", "Fold 1", "text 0", "Fold 2", "text 1")]
    assert places == sorted(places)


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
