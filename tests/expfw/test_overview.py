"""Experiments as tables: order, columns, and words that fit the terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from expfw.errors import RecordError
from expfw.overview import detail, differing, metric_names, overview_table, settings, sorted_records
from expfw.record import ExperimentRecord


def record(
    id: int, name: str = "a", status: str = "COMPLETED", config: Any = None, **metrics: float
) -> ExperimentRecord:
    """A record of an experiment."""
    return measured(id, metrics, name, status, config)


def measured(
    id: int, metrics: Mapping[str, float], name: str = "a", status: str = "COMPLETED", config: Any = None
) -> ExperimentRecord:
    """A record with one figure for each metric, the same over folds and on the held-out rows."""
    validation = {key: {"mean": value, "std": 0.1, "folds": [value]} for key, value in metrics.items()}
    return ExperimentRecord(
        id=id,
        name=name,
        status=status,
        config={"data_source": {"type": "CsvFile", "params": {"path": "x.csv"}}, **(config or {})},
        metrics={"validation": validation, "test": dict(metrics)},
        parents=[],
        timing={"nodes": {"fit": 1.5}},
        started="2024-01-01T10:00:00+00:00",
        stopped=None,
        path=Path("result") / f"result_experiment_{id}",
    )


def text(renderable: Any, width: int = 200) -> str:
    """What is printed on a terminal of a width."""
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def order(records: list[ExperimentRecord], key: str | None) -> list[int]:
    """Numbers in the order of a key."""
    return [record.id for record in sorted_records(records, key)]


def test_the_order_is_that_of_the_numbers() -> None:
    assert order([record(10), record(9), record(2)], None) == [2, 9, 10]
    assert order([record(10), record(9), record(2)], "id") == [2, 9, 10]


def test_names_and_numbers_order_together() -> None:
    assert order([record(2, "b"), record(1, "b"), record(3, "a")], "name") == [3, 1, 2]


@pytest.mark.parametrize(
    ("metric", "best_first"),
    [
        ("accuracy", [2, 1]),
        ("r2", [2, 1]),
        ("neg_log_loss", [2, 1]),
        ("neg_mean_squared_error", [2, 1]),
        ("mean_squared_error", [1, 2]),
        ("log_loss", [1, 2]),
        ("NormalizedRootMeanSquaredError", [1, 2]),
    ],
)
def test_the_best_comes_first(metric: str, best_first: list[int]) -> None:
    worse, better = ({metric: value} for value in (0.1, 0.9))
    assert order([measured(1, worse), measured(2, better)], metric) == best_first


def test_those_without_the_metric_come_last() -> None:
    assert order([record(1), record(2, accuracy=0.1), record(3, accuracy=0.9)], "accuracy") == [3, 2, 1]


def test_a_zero_is_a_figure() -> None:
    assert order([record(1, r2=-1.0), record(2, r2=0.0), record(3)], "r2") == [2, 1, 3]


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(RecordError, match=r"cannot sort by 'acuracy'.*did you mean 'accuracy'\?"):
        sorted_records([record(1, accuracy=1.0)], "acuracy")
    assert sorted_records([], "anything") == []


def test_settings_leave_out_what_only_describes() -> None:
    config = {"description": "x", "tags": [], "reports": [], "defaults": {}, "model": {"type": "A", "params": {}}}
    assert settings(config) == {"model.type": "A", "model.params": {}}


def test_only_differing_settings_are_named() -> None:
    records = [record(n, config={"model": {"type": "A", "params": {"C": n, "d": 1}}}) for n in (1, 2)]
    assert differing(records) == ["model.params.C"]
    assert differing(records[:1]) == []


def test_metrics_are_named_in_the_order_met() -> None:
    assert metric_names([record(1, b=1.0, a=1.0), record(2, c=1.0)]) == ["b", "a", "c"]


def test_without_experiments_it_says_how_to_start() -> None:
    assert "start one with 'kedro run'" in text(overview_table([], Path("result")))


def test_a_column_that_no_experiment_has_names_the_nearest() -> None:
    records = [record(1, config={"model": {"type": "A", "params": {"C": 1}}})]
    with pytest.raises(RecordError, match=r"no experiment has the setting 'model\.params\.c'; did you mean"):
        overview_table(records, Path("result"), ["model.params.c"])


def test_experiments_without_a_configuration_are_listed() -> None:
    """One that just begins, or was killed before it had one."""
    bare = ExperimentRecord(1, "?", "DEAD", {}, {"validation": {}, "test": {}}, [], {}, None, None, Path("result"))
    assert "DEAD" in text(overview_table([bare], Path("result")))
    assert "DEAD" in text(detail(bare))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_line_is_no_longer_than_the_terminal_and_words_stay_whole(width: int) -> None:
    config = {"model": {"type": "sklearn.ensemble.RandomForestClassifier"}}
    records = [record(n, "breast_cancer_logistic", "INTERRUPTED", config, accuracy=0.95) for n in (1, 12)]
    said = text(overview_table(records, Path("result"), width=width), width)
    assert max(map(len, said.splitlines())) <= width
    assert [line.split()[0] for line in said.splitlines()] == ["N", "1", "12"]
    assert said.count("breast_cancer_logistic") == 2
    assert said.count("INTERRUPTED") == 2


def test_square_brackets_are_no_markup() -> None:
    said = text(overview_table([record(1, "[red]a[/red]", config={"model": {"type": "[/]"}})], Path("result")))
    assert "[red]a[/red]" in said


def test_the_detail_tells_error_results_settings_and_times() -> None:
    said = text(detail(record(3, "b", accuracy=0.9)))
    for words in ("experiment 3 · b · COMPLETED", "accuracy 0.9 ± 0.1", "data_source.params.path", "x.csv", "1.500"):
        assert words in said
