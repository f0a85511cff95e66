"""What each part of the page says: the result before all else, where settings came from, what the data are like."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pages import Page, page_of, results_of

from expfw.components import reports
from expfw.interfaces import Data
from expfw.report.collector import ReportCollector
from expfw.report.configuration import arrange
from expfw.report.course import seconds
from expfw.report.page import build_view
from expfw.report.result import Headline, headline, metrics_table
from expfw.report.summary import summarise
from expfw.results import Predictions, Results

BEST = {"id": 9, "name": "earlier", "values": {"f1": 0.9}}
BASELINE = {"type": "sklearn.dummy.DummyClassifier", "validation": {"f1": {"mean": 0.4}}, "test": {"f1": 0.3}}
ERROR = {"mean": 2.0, "std": 0.1, "ci95": [1.8, 2.2], "folds": [1.9, 2.1]}


def compared(**changes: Any) -> Results:
    return results_of(**({"diagnostics": {"baseline": BASELINE, "findings": []}} | changes))


def head_of(results: Results, **record: Any) -> Headline:
    found = headline(results, record)
    assert found is not None
    return found


def words(html: str) -> str:
    return re.sub(r"\s+", " ", Page(html).text)


def test_the_result_comes_first_then_its_settings_data_metrics_times_and_origin(tmp_path: Path) -> None:
    reports.ConfusionMatrix(ReportCollector(tmp_path, step="report")).report(results_of())
    html = page_of(compared(), tmp_path, best=BEST)
    parts = ["result", "findings", "configuration", "data", "results", "timing", "environment", "lineage"]
    assert re.findall(r'<(?:section|p) id="([a-z]+)"', html) == parts
    linked = [name for name in re.findall(r'<a href="#([a-z]+)"', html) if name != "result"]
    assert linked == parts[1:]
    assert html.index("0.8123") < html.index("Confusion matrix")


def test_the_result_is_set_against_baseline_and_best_earlier_experiment() -> None:
    head = head_of(compared(), best=BEST)
    assert [(other.what, other.value, other.difference, other.verdict) for other in head.against] == [
        ("baseline", "0.4000", "+0.4123", "better"),
        ("experiment 9", "0.9000", "−0.0877", "worse"),
    ]
    assert head.chart is not None
    assert [row[:2] for row in head.chart.table.rows] == [
        ("this experiment", 0.81234),
        ("test rows", 0.7777),
        ("baseline", 0.4),
        ("experiment 9", 0.9),
    ]
    assert head.command == "kedro experiment compare 9 12"
    html = page_of(compared(), best=BEST)
    assert 'href="../../result_experiment_9/report/index.html"' in html


def test_without_resampling_the_test_value_is_set_against_the_baseline_on_test_rows() -> None:
    empty = Predictions(pd.DataFrame({"fold": [], "row": [], "y_pred": []}))
    head = head_of(compared(folds=[], validation_metrics={}, predictions=empty))
    assert [(other.value, other.verdict) for other in head.against] == [("0.3000", "better")]
    assert head.command == ""


def test_of_an_error_the_smaller_one_is_better() -> None:
    baseline = {"type": "DummyRegressor", "validation": {"max_error": {"mean": 3.0}}}
    results = compared(
        validation_metrics={"max_error": ERROR},
        test_metrics={},
        config={"metrics": ["max_error"]},
        diagnostics={"baseline": baseline},
    )
    head = head_of(results)
    assert [(other.difference, other.verdict) for other in head.against] == [("−1.0000", "better")]
    assert "Smaller values are better." in head.notes


def test_an_interval_beyond_what_the_metric_can_be_is_cut_and_said_to_be() -> None:
    metric = {"mean": 0.96, "std": 0.1, "ci95": [0.85, 1.07], "folds": [0.92, 1.0]}
    head = head_of(results_of(validation_metrics={"f1": metric}))
    assert head.interval == "0.8500 to 1.0000"
    assert head.notes == ("The interval is recorded as 0.8500 to 1.0700, and shown as far as f1 can go: 0 to 1.",)


def test_a_fold_of_zero_does_not_hide_that_values_are_out_of_range() -> None:
    metric = {"mean": -0.5, "std": 0.1, "ci95": [-1.0, 0.1], "folds": [0.0, -1.0]}
    assert head_of(results_of(validation_metrics={"f1": metric})).interval == "-1.0000 to 0.1000"


def test_a_metric_that_could_not_be_measured_has_no_comparison() -> None:
    metric = {"mean": None, "std": None, "ci95": [None, None], "folds": [None, 0.5]}
    head = head_of(compared(validation_metrics={"f1": metric}), best=BEST)
    assert (head.value, head.interval, head.against, head.chart) == ("–", "", (), None)


def test_all_metrics_stand_beside_those_of_baseline_training_and_best_experiment() -> None:
    diagnostics = {"baseline": BASELINE, "training": {"f1": 0.99}}
    table = metrics_table(compared(diagnostics=diagnostics), {"best": BEST})
    assert table.columns == (
        *("metric", "mean", "95 % interval", "std", "test", "training", "baseline"),
        "experiment 9",
    )
    assert dict(zip(table.columns, table.rows[1], strict=True)) == {
        "metric": "f1",
        "mean": 0.81234,
        "95 % interval": "0.7712 to 0.8534",
        "std": 0.0512,
        "test": 0.7777,
        "training": 0.99,
        "baseline": 0.4,
        "experiment 9": 0.9,
    }
    assert metrics_table(results_of(), {}).columns == ("metric", "mean", "95 % interval", "std", "test")


def test_each_setting_says_where_it_came_from_and_which_are_the_experiments_own() -> None:
    config = {
        "defaults": {"random_state": 1},
        "model": {"type": "sklearn.svm.SVC", "params": {"C": 2.5, "nested": {"a": [1]}}},
        "holdout": None,
        "data_source": {"from_experiment": 3},
        "metrics": ["f1", {"type": "a.b.Cost", "params": {"price": 2}}],
    }
    origins = {
        "defaults.random_state": "config/base/parameters.yml:9",
        "model.type": "config/experiments/demo.json:4",
        "model.params.C": "--params",
        "metrics.0": "config/experiments/parent.json:7",
    }
    lines = {line.name: line for line in arrange(config, origins, "demo").settings}
    assert {name: (line.value, line.origin, line.own) for name, line in lines.items()} == {
        "defaults": ("", "", False),
        "random_state": ("1", "parameters.yml:9", False),
        "model": ("sklearn.svm.SVC", "demo.json:4", True),
        "C": ("2.5", "--params", True),
        "nested.a": ("[1]", "", False),
        "holdout": ("none", "", False),
        "data_source": ("from experiment 3", "", False),
        "metrics": ("f1, Cost(price=2)", "parent.json:7", False),
    }
    text = words(page_of(results_of(config=config), origins=origins))
    assert "C 2.5 --params" in text
    assert "model sklearn.svm.SVC demo.json:4" in text


def test_data_are_summed_up_split_by_split_and_column_by_column() -> None:
    frame = pd.DataFrame(
        {
            "age": [1.0, None, 3.0, 5.0],
            "town": pd.Categorical(["a", "b", "a", None]),
            "day": pd.to_datetime(["2026-01-01", "2026-01-02", "", "2026-01-04"]),
            "same": 7,
        }
    )
    splits = {"development": Data(frame, np.array([0, 0, 1, 1])), "test": Data(frame.iloc[:2], np.array([0, 1]))}
    summary = summarise(splits, [], classes=True)
    assert summary.splits.rows == (("development", 4, 4, 3), ("test", 2, 4, 1))
    assert summary.columns.columns == ("column", "type", "missing, development", "missing, test", "values")
    assert summary.columns.rows == (
        ("age", "float64", "1 (25.0 %)", "1 (50.0 %)", "1.0000 to 5.0000, mean 3.0000"),
        ("town", "category", "1 (25.0 %)", 0, "2 different: a, b"),
        ("day", str(frame["day"].dtype), "1 (25.0 %)", 0, "2026-01-01 00:00:00 to 2026-01-04 00:00:00"),
        ("same", "int64", 0, 0, "always 7.0000"),
    )
    assert summary.drawing is not None
    assert summary.drawing.table.columns == ("class", "development", "share", "test", "share")
    assert summary.drawing.table.rows == ((0, 2, "50.0 %", 1, "50.0 %"), (1, 2, "50.0 %", 1, "50.0 %"))


def test_of_many_columns_those_with_the_most_missing_values_are_shown() -> None:
    values = np.zeros((10, 2_000))
    values[:4, 1_234] = np.nan
    summary = summarise({"development": Data(pd.DataFrame(values), np.zeros(10))}, [], classes=False)
    assert len(summary.columns.rows) == 30
    assert {row[0]: row[2] for row in summary.columns.rows}["1234"] == "4 (40.0 %)"
    assert summary.columns.note == "30 of 2,000 columns with the most missing values."


def test_of_very_many_classes_the_most_frequent_are_shown_with_their_share_of_all_rows() -> None:
    y = np.array([*["often"] * 1_000, *(f"label {at}" for at in range(9_000))])
    drawing = summarise({"development": Data(np.zeros((10_000, 1)), y)}, [], classes=True).drawing
    assert drawing is not None
    assert drawing.table.rows[0] == ("often", 1_000, "10.0 %")
    assert drawing.table.note == "Evenly spaced: 50 of 9,001 rows."
    assert "The 12 most frequent of 9,001 classes are drawn." in drawing.caption


@pytest.mark.parametrize("classes", [True, False])
def test_the_target_is_shown_as_classes_or_as_numbers(classes: bool) -> None:
    y = np.array([1, 1, 2, 5])
    summary = summarise({"development": Data(np.zeros((4, 1)), y)}, [], classes=classes)
    assert summary.drawing is not None
    if classes:
        assert summary.drawing.table.rows == ((1, 2, "50.0 %"), (2, 1, "25.0 %"), (5, 1, "25.0 %"))
        assert summary.target.rows == ()
    else:
        assert len(summary.drawing.table.rows) == 20
        assert summary.target.rows[0][:2] == ("development", 2.25)


def test_times_are_drawn_for_nodes_and_folds_with_the_numbers_behind_them() -> None:
    timing = {"folds": {"0": 0.4, "1": 0.6}, "parts": [{"step": "model", "part": "read", "seconds": 0.1}] * 2}
    nodes, folds, parts = seconds({"load": 1.0, "fit": 3.0}, timing, {"load": 7})
    assert nodes.table.rows == (("load", 1.0), ("fit", 3.0))
    assert "begin with fit: it took 75% of it. Reused, not computed: load." in nodes.caption
    assert folds.table.rows == (("fold 1", 0.4), ("fold 2", 0.6))
    assert parts.table.rows == (("model", "read", 2, 0.2, 0.1),)


def test_lineage_names_parents_reruns_reuse_and_restarts() -> None:
    restart = {"started": "2026-01-02T03:04:05", "finished_nodes": ["load"], "changed": ["code"]}
    text = words(page_of(results_of(), parents=[7], rerun_of=4, reused={"fit": 3}, restarts=[restart]))
    for part in (
        "Built on experiment 7 as its configuration says",
        "Rerun of experiment 4",
        "Outputs reused experiment 3 fit",
        "Taken up again 2026-01-02 03:04 UTC; finished before: load; with --force, although changed: code",
    ):
        assert part in text, part
    assert "no parent, no reuse, no restart" in words(page_of(results_of()))


def test_each_figure_says_what_to_look_for_and_brings_its_numbers(tmp_path: Path) -> None:
    for name in ("FoldSpread", "ConfusionMatrix"):
        getattr(reports, name)(ReportCollector(tmp_path, step="report", component=name)).report(results_of())
    html = page_of(compared(), tmp_path, best=BEST, timing={"folds": {"0": 1.0, "1": 2.0}})
    figures = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(figures) >= 6
    for figure in figures:
        assert re.search(r'<svg class="chart"[^>]* role="img"[^>]*><title>[^<]+</title>', figure), figure[:200]
        assert re.search(r"<figcaption[^>]*>[^<]{20,}</figcaption>", figure), figure[-300:]
    assert html.count('<details class="numbers">') == len(figures)


def test_a_table_says_which_columns_are_numbers_by_their_known_cells() -> None:
    html = page_of(compared(), best=BEST)
    row = re.search(r'<tr role="row"><td class="" role="rowheader"[^>]*>accuracy.*?</tr>', html)
    assert row is not None
    assert re.search(r'<td class="number" role="cell" data-name="baseline">–</td>', row[0])


def test_the_task_of_an_experiment_without_folds_is_that_of_its_test_predictions() -> None:
    empty = Predictions(pd.DataFrame({"fold": [], "row": [], "y_true": [], "y_pred": []}))
    facts = dict(build_view(results_of(predictions=empty, folds=[], validation_metrics={}), [], {}).facts)
    assert facts["Task"] == "classification"
    assert facts["Took"] == "1.75 s"
