"""The nearest experiments: which they are, what differs, what came out, on 80 columns."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from expfw.similar import differences, nearest, neighbours_table, surroundings

FOREST: dict[str, Any] = {
    "description": "A forest",
    "defaults": {"random_state": 42},
    "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
    "preparer": None,
    "features": {"type": "TabularFeatures", "params": {}},
    "model": {"type": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 200, "max_depth": None}},
    "metrics": ["accuracy", "f1_macro"],
}


def forest(**params: Any) -> dict[str, Any]:
    """The forest with other parameters."""
    return {**FOREST, "model": {**FOREST["model"], "params": {**FOREST["model"]["params"], **params}}}


def run(
    root: Path, number: int, config: dict[str, Any], value: str, status: str = "COMPLETED", name: str = "forest"
) -> None:
    """Leave an experiment's record."""
    folder = root / f"result_experiment_{number}"
    for part in ("log/sacred", "report"):
        (folder / part).mkdir(parents=True)
    files: dict[str, Any] = {
        "log/run.json": {"name": name, "hash": value},
        "log/config.json": config,
        "log/sacred/run.json": {"status": status},
    }
    if status == "COMPLETED":
        files["report/validation_metrics.json"] = {"accuracy": {"mean": 0.95, "std": 0.035, "folds": [0.9, 1.0]}}
        files["report/test_metrics.json"] = {"accuracy": 0.9}
    for path, content in files.items():
        (folder / path).write_text(json.dumps(content), encoding="utf-8")


def test_the_nearest_come_first_the_newest_of_equals(tmp_path: Path) -> None:
    run(tmp_path, 1, forest(n_estimators=10, max_depth=2), "a")
    run(tmp_path, 2, forest(n_estimators=10), "b")
    run(tmp_path, 3, forest(n_estimators=20), "c")
    found = nearest(FOREST, tmp_path)
    assert [neighbour.record.id for neighbour in found] == [3, 2, 1]
    assert found[0].differs == {"model.params.n_estimators": (200, 20)}
    assert len(nearest(FOREST, tmp_path, most=2)) == 2


def test_a_configuration_is_listed_once_by_its_newest_result(tmp_path: Path) -> None:
    run(tmp_path, 1, FOREST, "a")
    run(tmp_path, 2, FOREST, "a")
    run(tmp_path, 3, FOREST, "a", "FAILED")
    (only,) = nearest(FOREST, tmp_path)
    assert (only.record.id, only.alike, only.differs) == (2, 2, {})


def test_what_only_describes_is_no_difference() -> None:
    assert differences(FOREST, {**FOREST, "description": "x", "tags": ["y"], "reports": [], "defaults": {}}) == {}
    bare = {**FOREST, "features": {"type": "TabularFeatures"}}
    assert differences(FOREST, bare) == {}


def test_values_of_every_kind_are_compared_as_json() -> None:
    there = {**forest(n_estimators=200.0, max_depth=[1]), "metrics": ["accuracy"], "preparer": {"type": "Chain"}}
    assert differences(FOREST, there) == {
        "model.params.n_estimators": (200, 200.0),
        "model.params.max_depth": (None, [1]),
        "metrics": (["accuracy", "f1_macro"], ["accuracy"]),
        "preparer.type": (None, "Chain"),
    }


def test_as_json(tmp_path: Path) -> None:
    run(tmp_path, 4, forest(max_depth=[1]), "a")
    run(tmp_path, 5, FOREST, "b")
    told = surroundings(FOREST, "b", tmp_path).as_json()
    assert told["already_run"] == [5]
    metrics = {
        "validation": {"accuracy": {"mean": 0.95, "std": 0.035, "folds": [0.9, 1.0]}},
        "test": {"accuracy": 0.9},
    }
    assert told["nearest"] == [
        {"id": 5, "name": "forest", "status": "COMPLETED", "differs": {}, "metrics": metrics},
        {
            "id": 4,
            "name": "forest",
            "status": "COMPLETED",
            "differs": {"model.params.max_depth": [None, [1]]},
            "metrics": metrics,
        },
    ]
    json.dumps(told)


def printed(what: Any, width: int = 80) -> str:
    """What stands on a terminal."""
    console = Console(file=io.StringIO(), width=width)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_table_fits_the_terminal(tmp_path: Path, width: int) -> None:
    run(tmp_path, 1234, forest(max_depth=list(range(40)), min_weight_fraction_leaf=0.1), "a", name="a_long_name_" * 4)
    run(tmp_path, 1235, {**FOREST, "metrics": ["accuracy"] * 20}, "b", "FAILED")
    run(tmp_path, 1236, {"data_source": {"type": "Csv"}}, "c")
    text = printed(surroundings(FOREST, "a", tmp_path).table(), width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    if width == 200:
        for words in ("accuracy 0.95 ± 0.035", "test 0.9", "FAILED", "metrics [", "→", " more"):
            assert words in text


def test_the_verdict(tmp_path: Path) -> None:
    assert "No experiment has been run yet." in printed(surroundings(FOREST, "a", tmp_path).table())
    run(tmp_path, 1, FOREST, "a")
    assert "Not run yet; 1 experiment so far." in printed(surroundings(FOREST, "b", tmp_path).table())
    text = printed(surroundings(FOREST, "a", tmp_path).table())
    assert "This very configuration has been run already: experiment 1." in text
    assert "no setting" in text
    for number in range(2, 9):
        run(tmp_path, number, FOREST, "a")
    text = printed(surroundings(FOREST, "a", tmp_path).table())
    assert "experiments … 4, 5, 6, 7, 8." in text
    assert "forest (and 7 alike)" in text


def test_the_table_is_quiet_on_odd_records(tmp_path: Path) -> None:
    run(tmp_path, 1, FOREST, "a")
    (tmp_path / "result_experiment_1" / "log" / "config.json").write_text("{", encoding="utf-8")
    (tmp_path / "result_experiment_1" / "report" / "validation_metrics.json").unlink()
    run(tmp_path, 2, forest(n_estimators=1), "b")
    for part in ("validation", "test"):
        (tmp_path / "result_experiment_2" / "report" / f"{part}_metrics.json").unlink()
    text = printed(neighbours_table(nearest(FOREST, tmp_path)))
    assert "accuracy 0.9 (test)" in text
    assert "–" in text
