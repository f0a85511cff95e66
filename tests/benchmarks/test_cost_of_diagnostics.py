"""What the checks for silent bugs cost a run. Printed, never asserted."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from diagnosed import checked, made
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit

from expfw.interfaces import Data
from expfw.results import Results

ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))
METRICS = ["accuracy", "f1_macro", "neg_log_loss"]

pytestmark = pytest.mark.benchmark


class Sign(BaseEstimator):  # type: ignore[misc]
    """A classifier that costs nothing: whether the first column is above 0."""

    def fit(self, X: Any, y: Any) -> Sign:
        """Note the classes."""
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X: Any) -> Any:
        """The first column's sign."""
        return (np.asarray(X.iloc[:, 0]) > 0).astype(int)


def iris(model: Any) -> Results:
    """A run on iris, as the shipped experiments are."""
    data = Data(*load_iris(return_X_y=True, as_frame=True))
    split = StratifiedShuffleSplit(1, test_size=0.2, random_state=42)
    return made(data, model, METRICS, StratifiedKFold(5, shuffle=True, random_state=42), split)


def large(rows: int, columns: int) -> Results:
    """A run on numbers, and a few columns of categories."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(rows, columns))).rename(columns="c{}".format)
    for at in range(1, columns, 5):
        X[f"c{at}"] = random.integers(0, 50, rows)
    X["c1"] = X["c1"].map(str).astype("category")
    y = (X["c0"].to_numpy() + random.normal(size=rows) > 0).astype(int)
    split = ShuffleSplit(1, test_size=0.2, random_state=42)
    return made(Data(X, y), Sign(), ["accuracy"], KFold(5, shuffle=True, random_state=42), split)


CASES: dict[str, tuple[Callable[[], Results], int]] = {
    "iris, logistic regression, 3 metrics": (lambda: iris(LogisticRegression(max_iter=1000)), 5 * ROUNDS),
    "iris, forest of 200 trees, 3 metrics": (lambda: iris(RandomForestClassifier(200, random_state=0)), 5 * ROUNDS),
    "2,000 rows x 2,000 columns": (lambda: large(2_000, 2_000), ROUNDS),
    "2,000,000 rows x 20 columns": (lambda: large(2_000_000, 20), min(ROUNDS, 3)),
}


def test_cost_of_diagnostics(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for name, (run, rounds) in CASES.items():
        results = run()
        checked(results, METRICS[:1])  # the first imports what it needs
        measured = []
        for _ in range(rounds):
            started = time.perf_counter()
            checked(results, METRICS if "iris" in name else METRICS[:1])
            measured.append((time.perf_counter() - started) * 1000)
        lines.append(f"{name:40} {statistics.median(measured):8.1f} ms ({min(measured):.1f} to {max(measured):.1f})")
    with capsys.disabled():
        print("\n\nchecks for silent bugs, all together", *lines, sep="\n")
