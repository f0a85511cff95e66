"""What the page of an experiment costs, beside reading its predictions and writing a plain table.

Times are printed, never asserted; the size is: a page is to be mailed.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import pytest
from pages import results_of
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

from expfw.components import reports
from expfw.interfaces import Data, Fold
from expfw.report.collector import ReportCollector, read_fragments
from expfw.report.page import build_view, render_page
from expfw.results import Predictions, Results

ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))
LIMIT = 3_000_000
STAGES = ("predictions read", "plain table", "reports", "view", "HTML")
PLAIN = jinja2.Template("<table>{% for a, b in rows %}<tr><td>{{ a }}</td><td>{{ b }}</td></tr>{% endfor %}</table>")
REPORTS = (
    "MetricsTable",
    "FoldSpread",
    "ConfusionMatrix",
    "RocCurve",
    "CalibrationCurve",
    "PredictionVsTruth",
    "Residuals",
)

pytestmark = pytest.mark.benchmark


@dataclass(frozen=True)
class Cost:
    """Median milliseconds of each stage, and the page's size in bytes."""

    stages: Mapping[str, float]
    size: int


def classified(X: pd.DataFrame, codes: np.ndarray, labels: list[str], folds: list[Fold]) -> Results:
    """Results with probabilities; the last fifth of the rows is the test part as well."""
    random = np.random.default_rng(0)
    chances = random.dirichlet(np.ones(len(labels)), len(X))
    kind = pd.CategoricalDtype(labels)
    frame = pd.DataFrame({"fold": np.arange(len(X)) % len(folds), "row": np.arange(len(X))})
    frame["y_true"] = pd.Categorical.from_codes(codes, dtype=kind)
    frame["y_pred"] = pd.Categorical.from_codes(chances.argmax(axis=1), dtype=kind)
    for at, label in enumerate(labels):
        frame[f"proba_{label}"] = chances[:, at]
    y, tail = np.array(labels)[codes], slice(-len(X) // 5, None)
    return results_of(
        development_data=Data(X, y),
        test_data=Data(X.iloc[tail], y[tail]),
        folds=folds,
        predictions=Predictions(frame),
        test_predictions=Predictions(frame.iloc[tail]),
    )


def iris() -> Results:
    """A run on iris, as the shipped experiments are."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    split = StratifiedKFold(5, shuffle=True, random_state=42).split(X, y)
    return classified(X, y.to_numpy(), ["setosa", "versicolor", "virginica"], [Fold(*parts) for parts in split])


def large(rows: int, columns: int, classes: int = 2) -> Results:
    """A run on numbers."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(rows, columns)), columns=[f"column {at}" for at in range(columns)])
    at = np.arange(rows)
    folds = [Fold(at[at % 5 != fold], at[at % 5 == fold]) for fold in range(5)]
    return classified(X, random.integers(0, classes, rows), [f"class {n}" for n in range(classes)], folds)


def regression(rows: int) -> Results:
    """A run with a target of numbers."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(rows, 10)), columns=[f"column {at}" for at in range(10)])
    y, at = random.normal(size=rows), np.arange(rows)
    frame = pd.DataFrame({"fold": at % 5, "row": at, "y_true": y, "y_pred": 0.9 * y})
    folds = [Fold(at[at % 5 != fold], at[at % 5 == fold]) for fold in range(5)]
    nothing = Predictions(frame.iloc[:0])
    return results_of(
        development_data=Data(X, y),
        test_data=Data(X.iloc[:0], y[:0]),
        folds=folds,
        predictions=Predictions(frame),
        test_predictions=nothing,
    )


CASES: dict[str, tuple[Callable[[], Results], int]] = {
    "iris": (iris, 5 * ROUNDS),
    "2,000 rows x 2,000 columns": (lambda: large(2_000, 2_000), 3 * ROUNDS),
    "2,000,000 rows x 20 columns, 2 classes": (lambda: large(2_000_000, 20), min(ROUNDS, 3)),
    "2,000,000 rows x 10 columns, numbers": (lambda: regression(2_000_000), min(ROUNDS, 3)),
}


class Stopwatch:
    """Collects the milliseconds of each stage, over several rounds."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the time of what is done within."""
        started = time.perf_counter()
        yield
        self.taken.setdefault(name, []).append((time.perf_counter() - started) * 1000)

    def medians(self) -> dict[str, float]:
        """The median of each stage; the first round, which imports what it needs, is left out."""
        return {stage: statistics.median(values[1:]) for stage, values in self.taken.items()}


def measured(results: Results, rounds: int, folder: Path) -> Cost:
    """The cost of a page, and of the two things to compare it with."""
    kept, html, watch = folder / "predictions.pkl", "", Stopwatch()
    results.predictions.frame.to_pickle(kept)
    for at in range(rounds + 1):
        sections = folder / f"sections_{at}"
        with watch.stage("predictions read"):
            pd.read_pickle(kept)
        with watch.stage("plain table"):
            PLAIN.render(rows=[(row, row / 7) for row in range(200)])
        with watch.stage("reports"):
            add_reports(results, sections)
        with watch.stage("view"):
            view = build_view(results, read_fragments(sections), {})
        with watch.stage("HTML"):
            html = render_page(view)
    return Cost(watch.medians(), len(html.encode()))


def add_reports(results: Results, folder: Path) -> None:
    """Run the reports that every experiment gets."""
    for order, name in enumerate(REPORTS):
        collector = ReportCollector(folder, step="report", component=name, order=order)
        getattr(reports, name)(collector).report(results)


def test_cost_of_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = [f"{'':40}" + "".join(f"{stage:>18}" for stage in STAGES) + f"{'page':>12}{'peak memory':>14}"]
    for number, (name, (make, rounds)) in enumerate(CASES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        cost = measured(make(), rounds, folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures = "".join(f"{cost.stages[stage]:15.2f} ms" for stage in STAGES)
        lines.append(f"{name:40}{figures}{cost.size / 1000:9.0f} kB{peak:10.0f} MiB")
        assert cost.size < LIMIT
    with capsys.disabled():
        print("\n\nthe page of an experiment (memory: the process's peak so far, data included)", *lines, sep="\n")
