"""Verdicts on whole runs: what is called identical must be, and what the record says must agree with itself."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from runs.lab import PACKAGE, Lab
from runs.test_rerun import rerun

MODELS = '''
"""Models that answer alike, or do not."""

import os
import time
from pathlib import Path

import numpy as np


class Constant:
    """Predicts the first class."""

    def fit(self, X, y=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class Unsure(Constant):
    """Says with what no seed governs how sure it is."""

    def fit(self, X, y=None):
        self.share_ = 0.5 + np.random.default_rng().random() / 3
        return super().fit(X, y)

    def predict_proba(self, X):
        rest = (1 - self.share_) / (len(self.classes_) - 1)
        return np.tile([self.share_] + [rest] * (len(self.classes_) - 1), (len(X), 1))


class Timed(Constant):
    """Keeps the time of day."""

    def fit(self, X, y=None):
        self.time_ = time.time_ns()
        return super().fit(X, y)


class Slow(Constant):
    """A fold takes long enough to be scored at once."""

    def fit(self, X, y=None):
        time.sleep(1.05)
        return super().fit(X, y)


class Bootstrapped:
    """Accuracy of rows that are drawn with replacement."""

    def __call__(self, y_true, y_pred):
        rows = np.random.randint(0, len(y_true), len(y_true))
        return float((np.asarray(y_true)[rows] == np.asarray(y_pred)[rows]).mean())
'''


@pytest.fixture
def models(own_lab: Lab) -> Lab:
    """A lab with the models above."""
    (own_lab.project.path / "src" / PACKAGE / "models.py").write_text(MODELS)
    return own_lab


def model(name: str) -> dict[str, Any]:
    return {"type": f"{PACKAGE}.models.{name}"}


def kinds(said: dict[str, Any]) -> dict[str, str]:
    return {output["output"]: output["kind"] for output in said["outputs"]}


def test_a_final_model_that_is_as_sure_as_chance_has_it_is_different(models: Lab) -> None:
    models.run({"model": model("Unsure"), "holdout": None, "metrics": ["accuracy"]}).ok()
    outcome, said = rerun(models)
    assert (outcome.code, said["verdict"]) == (1, "different")
    assert kinds(said)["final_model"] == "different"


def test_models_that_predict_alike_and_hold_something_else_are_named(models: Lab) -> None:
    models.run({"model": model("Timed")}).ok()
    outcome, said = rerun(models)
    assert (outcome.code, said["verdict"]) == (0, "identical")
    assert "in what the models predict (fold_models and final_model)" in said["sentence"]


def test_a_page_that_is_gone_is_not_compared(models: Lab) -> None:
    first = models.run({"model": model("Constant"), "reports": [{"type": "MetricsTable"}]}).ok()
    shutil.rmtree(first.folder / "report")
    outcome, said = rerun(models)
    assert outcome.code == 0
    assert kinds(said)["report"] == "not compared"
    assert "as far as it could be compared" in said["sentence"]


def test_an_addition_that_was_altered_is_not_compared_and_named(models: Lab) -> None:
    first = models.run({"model": model("Constant"), "reports": [{"type": "MetricsTable"}]}).ok()
    section = next((first.folder / "report" / "sections").glob("*.json"))
    section.write_text(section.read_text().replace("Metrics per fold", "Metrics per bold"))
    outcome, said = rerun(models)
    report = next(output for output in said["outputs"] if output["output"] == "report")
    assert (outcome.code, report["kind"]) == (0, "not compared")
    assert section.name in report["where"]


@pytest.mark.slow
def test_sacreds_curve_is_that_of_the_record_when_a_metric_draws_random_numbers(models: Lab) -> None:
    outcome = models.run({"model": model("Slow"), "metrics": [model("Bootstrapped")]}).ok()
    recorded = outcome.metrics["validation"]["Bootstrapped"]["folds"]
    curve = outcome.json("log/sacred/metrics.json")["validation.Bootstrapped"]
    assert len([e for e in (outcome.folder / "log" / "events.jsonl").read_text().split("\n") if '"score"' in e]) > 0
    assert dict(zip(curve["steps"], curve["values"], strict=True)) == dict(enumerate(recorded))
