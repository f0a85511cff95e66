"""How far two results are apart: any kind of value, and whole recorded folders."""

from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from expfw.interfaces import Data, Fold
from expfw.reproduce.content import gap
from expfw.reproduce.verdict import ORDER, compare_outputs
from expfw.run.events import SECTIONS, EventLog, checksum
from expfw.run.folder import ResultFolder
from expfw.workflow import workflow

FRAME = pd.DataFrame(
    {
        "a": [1.0, math.nan, 3.0],
        "b": pd.Categorical(["x", "y", "x"]),
        "c": pd.Series(["p", None, "q"], dtype=object),
        "d": pd.array([1, None, 3], dtype="Int64"),
        "e": pd.to_datetime(["2020-01-01", "NaT", "2020-01-03"]),
        "f": [True, False, True],
    }
)

OUTPUTS = sorted({output for node in workflow().nodes for output in node.outputs} - {"report"})

SWAPPED = pd.Categorical(["y", "x"], categories=["y", "x"])

VALUES: list[Any] = [
    FRAME,
    FRAME["b"],
    FRAME.index,
    Data(FRAME, FRAME["a"], np.array(["g", "h", "g"], dtype=object)),
    [Fold(np.arange(3), np.arange(2))],
    sparse.csr_matrix(np.eye(3)),
    sparse.csr_array(np.eye(3)),
    np.array(["x", "y"]),
    np.array([1 + 2j, math.nan]),
    np.array([], dtype=float),
    np.array([[1, 2], [3, 4]], dtype=object),
    ["a text", "another"],
    {"mean": None, "folds": [0.5, math.nan], "ok": True},
    10**40,
    math.inf,
    {"a set"},
    None,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_copy_is_identical(value: Any) -> None:
    assert gap(value, pickle.loads(pickle.dumps(value))).size == 0
    assert gap(value, copy.deepcopy(value)).size == 0


@pytest.mark.parametrize(
    ("a", "b", "size", "where"),
    [
        (FRAME, FRAME.assign(a=[1.0, math.nan, 3.5]), 0.5 / 3.5, "column a: 1 of 3 values"),
        (FRAME, FRAME.assign(a=[1.0, 2.0, 3.0]), math.inf, "column a: 1 of 3 values"),
        (FRAME, FRAME.assign(b=pd.Categorical(["x", "y", "y"])), math.inf, "column b: 1 of 3 values"),
        (FRAME, FRAME.assign(b=["x", "y", "x"]), math.inf, "column b: type"),
        (FRAME, FRAME.assign(b=pd.Categorical(["x", "y", "x"], categories=["y", "x"])), math.inf, "column b"),
        (FRAME, FRAME.assign(c=pd.Series(["p", None, "r"], dtype=object)), math.inf, "column c[2]"),
        (FRAME, FRAME.assign(e=pd.to_datetime(["2020-01-01", "NaT", "2020-01-04"])), math.inf, "column e: 1 of 3"),
        (FRAME, FRAME[["b", "a", "c", "d", "e", "f"]], math.inf, "the columns"),
        (FRAME, FRAME.iloc[:2], math.inf, "rows"),
        (FRAME, FRAME.set_axis([5, 6, 7]), math.inf, "the index"),
        (FRAME["a"], FRAME["a"].astype("float32"), math.inf, "type float64 became float32"),
        (np.array([0.0]), np.array([-0.0]), math.ulp(0.0), "1 of 1 values"),
        (np.array([math.inf]), np.array([-math.inf]), math.inf, "1 of 1 values"),
        (np.zeros(2), np.zeros(3), math.inf, "shape (2,) became (3,)"),
        (np.array([True]), np.array([False]), math.inf, "1 of 1 values"),
        (sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(np.eye(2)[::-1]), math.inf, "other places are filled"),
        (sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(np.eye(2) * 2), 0.5, "2 of 2 values"),
        ({"a": 1}, {"b": 1}, math.inf, "only one has a, b"),
        ([1, 2], [1, 2, 3], math.inf, "2 became 3"),
        ({"accuracy": 0.5}, {"accuracy": None}, math.inf, "accuracy: float became NoneType"),
        (True, 1, math.inf, "bool became int"),
        (10**40, 10**40 + 1, 1.0, ""),
        ([np.int64(2**53)], [np.int64(2**53 + 1)], 1.0, "[0]"),
        (np.array([4006381333931]), np.array([4006381333932]), 1.0, "1 of 1 values"),
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 2], mask=[False, False]), math.inf, "the mask"),
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 3], mask=[False, True]), 1.0, "1 of 2 values"),
        (pd.Series([1], name="a"), pd.Series([1], name="b"), math.inf, "the name"),
        (pd.Categorical(["x", "y"], categories=["x", "y"]), SWAPPED, math.inf, "the categories, or their order"),
        (0.0, -0.0, math.ulp(0.0), ""),
        (1000.0, 1001.0, 1 / 1001, ""),
        (0.001, 0.002, 0.001, ""),
        ({"a"}, {"b"}, math.inf, ""),
    ],
)
def test_a_difference_is_measured_and_placed(a: Any, b: Any, size: float, where: str) -> None:
    found = gap(a, b)
    assert found.size == pytest.approx(size)
    assert where in found.where
    assert gap(b, a).size == pytest.approx(size)


def test_every_node_has_its_place_in_the_order() -> None:
    assert set(ORDER) == {node.name for node in workflow().nodes}


def experiment(root: Path, number: int, **outputs: Any) -> ResultFolder:
    """A folder with outputs in JSON, recorded as a run records them."""
    folder = ResultFolder(root / f"result_experiment_{number}")
    folder.log.mkdir(parents=True)
    folder.report.mkdir()
    (folder.log / "config.json").write_text(json.dumps({"metrics": ["accuracy", {"type": "Own"}]}))
    for output, value in outputs.items():
        path = folder.report / f"{output}.json"
        path.write_text(json.dumps(value))
        EventLog(folder.log / "events.jsonl").append(
            "saved", node="evaluate", output=output, seconds=0, files={f"report/{path.name}": checksum(path)}
        )
    return folder


def test_the_node_that_begins_it_is_named_with_its_components(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, validation_metrics={"accuracy": 0.5}, test_metrics={})
    two = experiment(tmp_path, 2, validation_metrics={"accuracy": 0.75}, test_metrics={})
    verdict = compare_outputs(one, two)
    assert (verdict.kind, verdict.node, verdict.components) == (
        "different",
        "evaluate",
        ("metrics accuracy", "metrics Own"),
    )
    assert verdict.largest is not None
    assert (verdict.largest.output, verdict.largest.difference) == ("validation_metrics", 0.25)
    assert compare_outputs(one, two, tolerance=0.3).kind == "equal within tolerance"
    assert compare_outputs(one, one).kind == "identical"


def test_what_only_one_of_them_has_is_not_compared(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, validation_metrics={})
    two = experiment(tmp_path, 2, validation_metrics={}, test_metrics={})
    verdict = compare_outputs(one, two)
    assert [output.output for output in verdict.not_compared] == ["test_metrics"]
    assert "experiment 1 has no test_metrics" in verdict.not_compared[0].where


def test_an_altered_file_is_not_compared_even_if_it_now_says_the_same(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, validation_metrics={"a": 1}, test_metrics={})
    two = experiment(tmp_path, 2, validation_metrics={"a": 2}, test_metrics={})
    (one.report / "validation_metrics.json").write_text('{"a": 2}')
    verdict = compare_outputs(one, two)
    assert [output.output for output in verdict.not_compared] == ["validation_metrics"]
    assert "was altered" in verdict.not_compared[0].where


def test_no_node_is_blamed_for_inputs_that_could_not_be_compared(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, predictions=[1], validation_metrics={"a": 1})
    two = experiment(tmp_path, 2, predictions=[1], validation_metrics={"a": 2})
    assert compare_outputs(one, two).node == "evaluate"
    (one.report / "predictions.json").unlink()
    verdict = compare_outputs(one, two)
    assert (verdict.kind, verdict.node, verdict.components) == ("different", None, ())


def added(folder: ResultFolder, fragment: dict[str, Any]) -> None:
    """Put one addition on an experiment's page, with its checksum on record."""
    folder.sections.mkdir()
    path = folder.sections / "1.json"
    path.write_text(json.dumps({"caption": "", "table": None, "step": "report", **fragment}))
    page = folder.report / "index.html"
    page.write_text("page")
    events = EventLog(folder.log / "events.jsonl")
    events.append("saved", node="report", output="report", files={"report/index.html": checksum(page)})
    events.append("added", output=SECTIONS, files={"report/sections/1.json": checksum(path)})


CURVE = {"kind": "chart", "title": "c", "table": {"columns": ["a"], "rows": [[0.5], ["area 0.750"]], "total": 2}}


@pytest.mark.parametrize(
    ("metric", "tolerance", "kind"),
    [(0.5, 1e-3, "different"), (0.5 + 1e-6, 1e-3, "equal within tolerance"), (0.5 + 1e-6, 1e-9, "different")],
)
def test_a_drawing_is_compared_by_the_numbers_behind_it_where_these_may_differ(
    tmp_path: Path, metric: float, tolerance: float, kind: str
) -> None:
    one = experiment(tmp_path, 1, test_metrics={"accuracy": 0.5})
    two = experiment(tmp_path, 2, test_metrics={"accuracy": metric})
    added(one, {**CURVE, "body": '<svg><path d="M 1.20 3"/></svg>'})
    added(two, {**CURVE, "body": '<svg><path d="M 1.21 3"/></svg>'})
    assert compare_outputs(one, two, tolerance).kind == kind


def test_pages_are_compared_by_what_components_added(tmp_path: Path) -> None:
    one, two = (experiment(tmp_path, number, test_metrics={}) for number in (1, 2))
    for folder, body in ((one, "b"), (two, "c")):
        added(folder, {"kind": "text", "title": "t", "body": body})
    verdict = compare_outputs(one, two)
    assert (verdict.kind, verdict.node) == ("different", "report")
    assert "body" in verdict.outputs[-1].where


def test_nothing_left_to_compare_with_is_an_error(tmp_path: Path) -> None:
    one, two = (experiment(tmp_path, n, **{key: {} for key in OUTPUTS}) for n in (1, 2))
    for output in OUTPUTS:
        (one.report / f"{output}.json").unlink()
    verdict = compare_outputs(one, two)
    assert {output.output for output in verdict.outputs} - {"report"} == {o.output for o in verdict.not_compared}
    assert verdict.kind == "not compared"
