"""Additions to the page reach it from wherever they are made, in order, and none is lost or doubled."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from expfw.errors import ComponentError
from expfw.report.charts import bars
from expfw.report.collector import ReportCollector, read_fragments


def add_from_process(collector: ReportCollector, number: int) -> None:
    for part in range(3):
        collector.add_text(f"process {number}, part {part}")


def bodies(folder: Path) -> list[str]:
    return [fragment.body for fragment in read_fragments(folder)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_nothing_is_lost_when_processes_share_a_collector(tmp_path: Path, method: str) -> None:
    collector = ReportCollector(tmp_path / "sections", step="fit", component="Model")
    context: Any = multiprocessing.get_context(method)
    processes = [context.Process(target=add_from_process, args=(collector, number)) for number in range(3)]
    for process in processes:
        process.start()
    collector.add_text("parent")
    for process in processes:
        process.join(60)
    expected = {f"process {number}, part {part}" for number in range(3) for part in range(3)} | {"parent"}
    assert sorted(bodies(tmp_path / "sections")) == sorted(expected)


def test_nothing_is_lost_when_loky_workers_share_a_collector(tmp_path: Path) -> None:
    collector = ReportCollector(tmp_path, step="fit")
    joblib.Parallel(n_jobs=2)(joblib.delayed(add_from_process)(collector, number) for number in range(6))
    assert len(set(bodies(tmp_path))) == len(bodies(tmp_path)) == 18


def test_nothing_is_lost_when_threads_share_a_collector(tmp_path: Path) -> None:
    collector = ReportCollector(tmp_path, step="fit")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: collector.add_text(str(number)), range(200)))
    assert sorted(map(int, bodies(tmp_path))) == list(range(200))


def test_additions_are_read_by_order_then_step_then_fold_then_number(tmp_path: Path) -> None:
    for order, step, fold in [(7, "report", None), (5, "fit", 10), (5, "fit", 2), (5, "fit", None)]:
        collector = ReportCollector(tmp_path, step=step, order=order, fold=fold)
        for number in range(2):
            collector.add_text(f"{step} {fold} {number}")
    assert bodies(tmp_path) == [
        *("fit None 0", "fit None 1", "fit 2 0", "fit 2 1", "fit 10 0", "fit 10 1"),
        *("report None 0", "report None 1"),
    ]


def test_a_restarted_step_replaces_its_earlier_additions(tmp_path: Path) -> None:
    for attempt in ("first", "second"):
        collector = ReportCollector(tmp_path, step="fit", component="Model", fold=1)
        collector.add_text(attempt)
        pickle.loads(pickle.dumps(collector)).add_text(f"{attempt}, in a worker")
    assert bodies(tmp_path) == ["second", "second, in a worker"]


def test_components_whose_names_look_alike_in_a_file_name_stay_apart(tmp_path: Path) -> None:
    for name in ("a/b", "a.b", "../a", "a" * 300, "a" * 301):
        ReportCollector(tmp_path, step="fit", component=name).add_text(name)
    assert sorted(bodies(tmp_path)) == sorted(("a/b", "a.b", "../a", "a" * 300, "a" * 301))
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path}


def test_a_torn_addition_is_one_sentence_and_the_others_stay(tmp_path: Path) -> None:
    collector = ReportCollector(tmp_path, step="fit")
    collector.add_text("whole")
    collector.add_text("torn")
    torn = sorted(tmp_path.glob("*.json"))[1]
    torn.write_text(torn.read_text()[:40])
    (tmp_path / "99999-list.json").write_text(json.dumps(["not", "an", "addition"]))
    whole, first, second = read_fragments(tmp_path)
    assert whole.body == "whole"
    assert first.kind == second.kind == "fault"
    assert torn.name in first.body
    assert "could not be read" in first.body


def test_an_unfinished_draft_is_no_addition(tmp_path: Path) -> None:
    (tmp_path / ".00000-fit-000000--00000.json.1-2").write_text("{")
    assert read_fragments(tmp_path) == []


def test_a_failed_write_leaves_the_earlier_addition_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ReportCollector(tmp_path, step="fit").add_text("first")

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        ReportCollector(tmp_path, step="fit").add_text("second")
    assert bodies(tmp_path) == ["first"]


def test_a_frame_keeps_numbers_missing_values_and_a_meaningful_index(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"n": [1, 2], "x": [0.5, None], "when": [pd.Timestamp("2020-01-01"), pd.NaT]}, index=["a", "b"]
    )
    ReportCollector(tmp_path, step="fit").add_table(frame, title="T")
    table = read_fragments(tmp_path)[0].table
    assert table.columns == ("", "n", "x", "when")
    assert table.rows == (("a", 1, 0.5, "2020-01-01 00:00:00"), ("b", 2, None, None))


def test_a_large_table_is_cut_and_says_so(tmp_path: Path) -> None:
    frame = pd.DataFrame({f"c{number}": range(1000) for number in range(60)})
    ReportCollector(tmp_path, step="fit").add_table(frame, title="T")
    table = read_fragments(tmp_path)[0].table
    assert (len(table.rows), len(table.columns)) == (200, 50)
    assert table.note == "The first 200 of 1,000 rows. The first 50 of 60 columns."


def test_a_chart_brings_the_numbers_behind_it(tmp_path: Path) -> None:
    ReportCollector(tmp_path, step="fit").add_figure(bars({"a": 1.5}, title="B"), title="B", caption="Look.")
    fragment = read_fragments(tmp_path)[0]
    assert (fragment.kind, fragment.caption, fragment.table.rows) == ("chart", "Look.", (("a", 1.5),))


def test_a_matplotlib_figure_is_kept_as_the_same_svg_each_time_with_its_text_as_text(tmp_path: Path) -> None:
    figure_module = pytest.importorskip("matplotlib.figure")
    found = []
    for _ in range(2):
        figure = figure_module.Figure()
        figure.subplots().set_title("written as text")
        ReportCollector(tmp_path, step="fit").add_figure(figure, title="F")
        found += read_fragments(tmp_path)
    assert found[0] == found[1]
    assert found[0].kind == "image"
    assert found[0].body.startswith("<svg")
    assert "written as text" in found[0].body


@pytest.mark.parametrize(("figure", "given"), [(3, "a int"), ("<p>no drawing</p>", "text without <svg")])
def test_what_is_no_figure_is_refused_with_what_would_be_one(tmp_path: Path, figure: object, given: str) -> None:
    with pytest.raises(ComponentError, match=rf"figure 'F': {given}.*give a Chart"):
        ReportCollector(tmp_path, step="fit").add_figure(figure, title="F")


def test_a_huge_drawing_is_refused_with_its_size(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="1,000,011 characters, 1,000,000 are allowed"):
        ReportCollector(tmp_path, step="fit").add_figure("<svg>" + "x" * 1_000_000 + "</svg>", title="F")
