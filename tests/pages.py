"""Results of an experiment that was never run, its page, and the page as a browser would take it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from expfw.interfaces import Data, Fold
from expfw.report.collector import read_fragments
from expfw.report.page import build_view, render_page
from expfw.results import Predictions, Results

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and whether all are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data} "

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def addresses(self) -> Iterator[str]:
        for _, attributes in self.elements:
            yield from (
                value or "" for name, value in attributes.items() if name in ("src", "href", "xlink:href", "action")
            )


def results_of(**changes: Any) -> Results:
    kind = pd.CategoricalDtype(["no", "yes"])
    codes = [0, 1, 1, 0, 1, 0]
    frame = pd.DataFrame({"fold": [0, 0, 0, 1, 1, 1], "row": range(6)})
    frame["y_true"] = frame["y_pred"] = pd.Categorical.from_codes(codes, dtype=kind)
    X = pd.DataFrame({"a": [1.0, None, 3.0, 4.0, 5.0, 6.0], "b": range(6)})
    values: dict[str, Any] = {
        "id": 12,
        "name": "demo",
        "config": {
            "description": "What is tried",
            "tags": ["first"],
            "model": {"type": "sklearn.svm.SVC", "params": {"C": 2.5}},
            "metrics": ["f1", "accuracy"],
        },
        "development_data": Data(X, np.array(["no", "yes", "yes", "no", "yes", "no"])),
        "test_data": Data(X.iloc[:2], np.array(["no", "yes"])),
        "folds": [Fold(np.arange(3), np.arange(3, 6)), Fold(np.arange(3, 6), np.arange(3))],
        "predictions": Predictions(frame),
        "test_predictions": Predictions(frame.iloc[:2]),
        "validation_metrics": {
            "accuracy": {"mean": 0.91234, "std": 0.0312, "ci95": [0.8712, 0.9534], "folds": [0.9, 0.92]},
            "f1": {"mean": 0.81234, "std": 0.0512, "ci95": [0.7712, 0.8534], "folds": [0.8, 0.82]},
        },
        "test_metrics": {"accuracy": 0.8888, "f1": 0.7777},
        "final_model": None,
        "timing": {"fit": 1.5, "predict": 0.25},
        "environment": {
            "python": "3.11.9",
            "packages": {"numpy": "2.0.1"},
            "git": {"commit": "abc123", "diff": "+secret\n-line"},
        },
    }
    return Results(**(values | changes))


def empty_results() -> Results:
    nothing = Data(np.zeros((0, 0)))
    return results_of(
        name="",
        config={},
        development_data=nothing,
        test_data=nothing,
        folds=[],
        predictions=Predictions(pd.DataFrame()),
        test_predictions=Predictions(pd.DataFrame()),
        validation_metrics={},
        test_metrics={},
        timing={},
        environment={},
    )


def page_of(results: Results, folder: Path = Path("no/folder"), **record: Any) -> str:
    return render_page(build_view(results, read_fragments(folder), record))


def end_of_band(svg: str) -> float:
    """Where the first band of a drawing ends, from the left."""
    left, width = re.findall(r'<rect class="[^"]*band" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)[0]
    return float(left) + float(width)


def last_dot(svg: str) -> float:
    """Where the dot farthest to the right lies."""
    return max(map(float, re.findall(r'<circle[^>]* cx="([\d.]+)"', svg)))
