"""A comparison in words and as a page, from made records: nothing is lost, nothing is said that does not hold."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import end_of_band, last_dot
from rich.console import Console

from expfw.compare.comparison import Comparison, SettingRow
from expfw.compare.drawing import DotRow, dot_rows
from expfw.compare.metrics import compared_metrics
from expfw.compare.page import build_comparison, render_comparison, write_comparison
from expfw.compare.rows import DATA, Output, Rows
from expfw.compare.words import terminal
from expfw.interfaces import Fold
from expfw.intervals import summary
from expfw.record import ExperimentRecord
from expfw.report.page import is_drawing
from expfw.reproduce.changes import Changes

FOLDS = [Fold(np.setdiff1d(np.arange(50), part), part) for part in np.split(np.arange(50), 5)]
SAME = dict.fromkeys(DATA, Output("same"))


def record(
    number: int, name: str = "a", status: str = "COMPLETED", **metrics: Sequence[float | None]
) -> ExperimentRecord:
    validation = {key: recorded(values) for key, values in metrics.items()}
    shown: dict[str, dict[str, Any]] = {
        "validation": validation,
        "test": {key: values[0] for key, values in metrics.items()},
    }
    config: dict[str, Any] = {"metrics": list(metrics)}
    path = Path(f"/nowhere/result_experiment_{number}")
    return ExperimentRecord(number, name, status, config, shown, [], {}, None, None, path)


def recorded(values: Sequence[float | None]) -> dict[str, Any]:
    if None in values:
        return {"mean": None, "std": None, "ci95": None, "folds": list(values)}
    return dict(summary([value for value in values if value is not None], FOLDS))


def comparison(*records: ExperimentRecord, rows: Rows | None = None, **changed: Any) -> Comparison:
    beside = {other.id: rows or Rows(SAME, FOLDS) for other in records[1:]}
    metrics = tuple(compared_metrics(records[0], records[1:], beside))
    changes = {other.id: Changes(**changed) for other in records[1:]}
    settings = (SettingRow("model.type", tuple(f"m.M{each.id}" for each in records), ("a.json:1",) * len(records)),)
    return Comparison(records, changes, beside, settings, metrics)


def printed(found: Comparison, **options: bool) -> str:
    console = Console(file=io.StringIO(), width=1000)
    console.print(terminal(found, **options))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


ONE, TWO = [0.8, 0.82, 0.81, 0.79, 0.8], [0.9, 0.93, 0.9, 0.91, 0.89]


def test_a_greater_value_is_better_unless_it_is_an_error() -> None:
    found = comparison(record(1, accuracy=ONE, max_error=ONE), record(2, accuracy=TWO, max_error=TWO))
    told = printed(found)
    assert "accuracy, 2 against 1: better by 0.102, 95 % interval" in told
    assert "better on 5 and worse on 0 of 5 folds" in told
    assert "max_error, 2 against 1: worse by 0.102" in told
    assert "max_error ↓" in told
    assert found.as_json()["metrics"]["max_error"]["better"] == "lower"


@pytest.mark.parametrize(("metric", "within"), [("accuracy", True), ("own_score", False)])
def test_a_band_of_values_reaches_as_far_as_the_metric_can_go(metric: str, within: bool) -> None:
    high: dict[str, Any] = {metric: [0.9, 1.0, 1.0, 0.95, 1.0]}
    low: dict[str, Any] = {metric: [0.9, 0.9, 0.8, 0.9, 0.8]}
    drawn = build_comparison(comparison(record(1, **high), record(2, **low))).figures[0][1][-1].chart.svg
    assert (end_of_band(drawn) == pytest.approx(last_dot(drawn), abs=0.2)) == within


def test_no_verdict_is_told_without_the_size_of_the_effect() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        told = printed(comparison(record(1, r2=rng.random(5).tolist()), record(2, r2=rng.random(5).tolist())))
        sentence = next(line for line in told.splitlines() if "significant at 5 %" in line)
        assert re.search(r"(better|worse) by \d.*95 % interval [+-]\d.* to [+-]\d.*folds, p [=<] ", sentence)


def test_a_metric_without_a_value_on_a_fold_is_not_tested() -> None:
    found = comparison(record(1, r2=ONE), record(2, r2=[0.5, None, 0.4, 0.3, 0.2]))
    pair = found.metrics[0].pairs[0]
    assert (pair.result, pair.validation) == (None, None)
    assert pair.per_fold[1] is None
    assert "'r2' is not defined on 1 of 5 folds" in printed(found)
    assert is_drawing(build_comparison(found).figures[0][1][0].chart.svg)


def test_the_same_difference_on_each_fold_is_not_tested() -> None:
    found = comparison(record(1, r2=ONE), record(2, r2=[value + 0.1 for value in ONE]))
    assert "the same difference on every fold" in found.metrics[0].pairs[0].why_not


def test_types_of_one_name_are_told_with_their_modules() -> None:
    found = comparison(record(1, r2=ONE), record(2, r2=TWO))
    assert "M1" in printed(found)
    assert "m.M1" not in printed(found)


def test_what_is_other_stands_in_the_table_and_what_is_the_same_in_a_line() -> None:
    rows = Rows({**SAME, "folds": Output("other", "other folds")}, why_not="they have other folds")
    told = printed(comparison(record(1, r2=ONE), record(2, r2=TWO), rows=rows, packages={"numpy": ("1", "2")}))
    assert re.search(r"packages +numpy 1 → 2", told)
    assert re.search(r"folds +other", told)
    assert "the same: code, Python, platform, inputs, raw data, prepared data, development data, test data\n" in told


class Reader(HTMLParser):
    """Tags in order, and what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "path", "line", "rect", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "line", "rect", "circle", "polyline"):
            assert self.open.pop() == tag


def test_the_page_is_sound_and_holds_everything() -> None:
    code = {"src/x.py": "--- a/src/x.py\n+++ b/src/x.py\n@@ -1 +1 @@\n-a = '</pre><script>'\n+a = 2\n"}
    found = comparison(record(1, r2=ONE), record(2, "<b>", r2=TWO), record(3, r2=ONE[::-1]), code=code)
    page = render_comparison(build_comparison(found, {1: "result_experiment_1/report/index.html"}))
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert "<script" not in page
    assert "&lt;b&gt;" in page
    assert "Experiments 1, 2 and 3 compared" in page
    tags = [tag for tag, _ in reader.seen]
    assert tags.count("figure") == tags.count("figcaption") == tags.count("svg") == 2
    assert all("scope" in attrs for tag, attrs in reader.seen if tag == "th")
    ids = {attrs["id"] for _, attrs in reader.seen if "id" in attrs}
    named = {attrs["aria-labelledby"] for _, attrs in reader.seen if "aria-labelledby" in attrs}
    assert named <= ids
    assert {attrs["href"] for tag, attrs in reader.seen if tag == "a"} <= {f"#{each}" for each in ids} | {
        "result_experiment_1/report/index.html"
    }


def test_many_metrics_and_folds_stay_a_page_of_sensible_size() -> None:
    rng = np.random.default_rng(0)
    folds = [Fold(np.setdiff1d(np.arange(500), [at]), np.array([at])) for at in range(500)]
    many = [record(number, **{f"metric_{at}": rng.random(500).tolist() for at in range(20)}) for number in range(1, 9)]
    page = render_comparison(build_comparison(comparison(*many, rows=Rows(SAME, folds))))
    assert "8 more metrics are in the table above, not drawn." in page
    assert len(page.encode()) < 3_000_000


def test_experiments_without_any_metric_give_a_page_without_drawings(tmp_path: Path) -> None:
    found = comparison(record(1), record(2, status="FAILED"))
    path = write_comparison(found, tmp_path)
    assert path == tmp_path / "comparison_1_2.html"
    page = path.read_text(encoding="utf-8")
    assert "None of the experiments has a metric." in page
    assert "Experiment 2 is FAILED." in page
    assert "<svg" not in page
    assert "metrics: none was measured" in printed(found)


@pytest.mark.parametrize("values", [[], [None], [0.5], [float("inf"), 1.0], [1e-300, 1e300]])
def test_any_values_give_a_drawing_of_our_own_kind(values: list[float | None]) -> None:
    rows = [DotRow("<&>", values, None), DotRow("b", values, 0.5, (float("nan"), 1.0), 9)]
    chart = dot_rows(rows, title="T", x_label="x", description="", zero=True)
    assert is_drawing(chart.svg)


def test_more_rows_than_a_drawing_has_room_for_are_told() -> None:
    chart = dot_rows([DotRow(str(at), [1.0], 1.0) for at in range(40)], title="T", x_label="x", description="")
    assert chart.note == "The first 30 of 40 rows are drawn."
    assert chart.svg.count("<circle") == 30
