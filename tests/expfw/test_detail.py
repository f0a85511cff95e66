"""One experiment on the terminal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from expfw.detail import detail
from expfw.record import ExperimentRecord


def text(record: ExperimentRecord) -> str:
    """What is printed on a wide terminal."""
    printed = io.StringIO()
    Console(file=printed, width=200).print(detail(record))
    return printed.getvalue()


def record(**changes: Any) -> ExperimentRecord:
    """A record of an experiment."""
    given: dict[str, Any] = {
        "id": 3,
        "name": "b",
        "status": "COMPLETED",
        "config": {"data_source": {"type": "CsvFile", "params": {"path": "x.csv"}}},
        "metrics": {"validation": {"accuracy": {"mean": 0.9, "std": 0.1, "folds": [0.9]}}, "test": {"accuracy": 0.9}},
        "parents": [],
        "timing": {"nodes": {"fit": 1.5}},
        "started": "2024-01-01T10:00:00+00:00",
        "stopped": None,
        "path": Path("result") / "result_experiment_3",
    }
    return ExperimentRecord(**{**given, **changes})


def test_it_tells_results_settings_and_times() -> None:
    said = text(record())
    for words in ("experiment 3 · b · COMPLETED", "accuracy 0.9 ± 0.1", "data_source.params.path", "x.csv", "1.500"):
        assert words in said


def test_it_tells_the_error() -> None:
    assert "ValueError: no" in text(record(status="FAILED", error="ValueError: no"))


def test_one_without_a_configuration_is_shown() -> None:
    """One that just begins, or was killed before it had one."""
    nothing: dict[str, Any] = {"validation": {}, "test": {}}
    assert "DEAD" in text(record(status="DEAD", config={}, metrics=nothing, timing={}, started=None))


def test_square_brackets_are_no_markup() -> None:
    assert "[red]a[/red]" in text(record(name="[red]a[/red]"))
