"""The experiments that come with a project: they run, they reproduce what was published, they are told in one shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs.lab import Lab

from baking import PROJECT

FILES = sorted((PROJECT / "config" / "experiments").glob("*.json"))
PUBLISHED = [file for file in FILES if "published" in json.loads(file.read_text(encoding="utf-8"))]
QUICK = "model.params.n_estimators=20"
KEYS = {"id", "name", "status", "config", "metrics", "parents", "timing", "started", "stopped", "path"}
NODES = "load prepare hold_out resample fit predict evaluate refit test report".split()


def stem(file: Path) -> str:
    """A file's name."""
    return file.stem


@pytest.mark.parametrize("file", FILES, ids=stem)
def test_a_shipped_experiment_runs_and_is_shown_in_the_shape_that_is_promised(lab: Lab, file: Path) -> None:
    forest = file.stem.endswith("forest")
    outcome = lab.experiment(file.stem, params=QUICK if forest else "").ok()
    shown = json.loads(lab.kedro("experiment", "show", "1", "--format", "json").ok().out)
    content = json.loads(file.read_text(encoding="utf-8"))
    assert set(shown) >= KEYS
    assert (shown["id"], shown["name"], shown["status"], shown["parents"]) == (1, file.stem, "COMPLETED", [])
    assert shown["metrics"] == outcome.metrics
    assert shown["config"] == outcome.json("log/config.json")
    assert shown["config"]["description"] == content["description"]
    assert shown["path"] == str(outcome.folder)
    assert shown["started"] < shown["stopped"]
    assert set(shown["timing"]["nodes"]) == set(NODES)
    check_metrics(shown)
    check_diagnostics(shown["diagnostics"])


def check_diagnostics(found: dict[str, Any]) -> None:
    """The checks raise no alarm, and none of them breaks."""
    assert [finding for finding in found["findings"] if finding["muted"] is None] == []
    assert [skipped for skipped in found["skipped"] if "Error" in skipped["why"]] == []


def check_metrics(shown: dict[str, Any]) -> None:
    """The shape of the metrics, and that each part is there."""
    config, metrics = shown["config"], shown["metrics"]
    assert set(metrics) == {"validation", "test"}
    assert bool(metrics["validation"]) == (config["resampling"] is not None)
    assert bool(metrics["test"]) == (config["holdout"] is not None)
    for values in metrics["validation"].values():
        assert {"mean", "std", "ci95", "folds"} <= set(values)
        assert values["ci95"][0] <= values["mean"] <= values["ci95"][1]
        assert len(values["folds"]) == config["resampling"]["params"]["n_splits"]
    assert all(isinstance(value, float) for value in metrics["test"].values())
    assert set(shown["timing"]["folds"]) == {str(i) for i in range(len(next(iter(folds_of(metrics)), [])))}


def folds_of(metrics: dict[str, Any]) -> list[list[float]]:
    """The values of each metric, fold by fold."""
    return [values["folds"] for values in metrics["validation"].values()]


def test_two_experiments_carry_published_figures() -> None:
    assert [file.stem for file in PUBLISHED] == ["iris_svm_cv", "iris_svm_holdout"]


@pytest.mark.parametrize("file", PUBLISHED, ids=stem)
def test_a_published_figure_is_reproduced(lab: Lab, file: Path) -> None:
    published = json.loads(file.read_text(encoding="utf-8"))["published"]
    metrics = lab.experiment(file.stem).ok().metrics
    figures = 0
    for name, expected in published.get("validation", {}).items():
        assert metrics["validation"][name]["mean"] == pytest.approx(expected["mean"], abs=5e-5)
        assert metrics["validation"][name]["folds"] == pytest.approx(expected["folds"], abs=5e-5)
        figures += 1
    for name, expected in published.get("test", {}).items():
        assert metrics["test"][name] == pytest.approx(expected, abs=5e-5)
        figures += 1
    assert figures > 0


def test_the_default_experiment_is_as_good_as_it_was(lab: Lab) -> None:
    """In full, with its 200 trees."""
    metrics = lab.kedro("run").ok().metrics
    assert metrics["validation"]["accuracy"]["mean"] == pytest.approx(0.95, abs=0.03)
