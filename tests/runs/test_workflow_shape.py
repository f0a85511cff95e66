"""The fixed workflow: which node takes and gives what."""

from __future__ import annotations

import pytest

from baking import PROJECT
from expfw.workflow import EVERYTHING, workflow

TOPOLOGY = {
    "load": ({"params:data_source"}, ["raw_data"]),
    "prepare": ({"raw_data", "params:preparer"}, ["prepared_data"]),
    "hold_out": ({"prepared_data", "params:holdout"}, ["development_data", "test_data"]),
    "resample": ({"development_data", "params:resampling"}, ["folds"]),
    "fit": ({"development_data", "folds", "params:features", "params:model"}, ["fold_models"]),
    "predict": ({"fold_models", "development_data", "folds"}, ["predictions"]),
    "evaluate": (
        {"predictions", "folds", "development_data", "final_model", "params:metrics"},
        ["validation_metrics"],
    ),
    "refit": ({"development_data", "params:features", "params:model"}, ["final_model"]),
    "test": ({"final_model", "test_data", "params:metrics"}, ["test_predictions", "test_metrics"]),
    "report": ({*EVERYTHING, "params:reports"}, ["diagnostics", "report"]),
}


@pytest.mark.parametrize("name", TOPOLOGY)
def test_a_node_takes_and_gives_what_it_should(name: str) -> None:
    (node,) = [node for node in workflow().nodes if node.name == name]
    assert (set(node.inputs), node.outputs) == TOPOLOGY[name]


def test_there_are_ten_nodes() -> None:
    assert {node.name for node in workflow().nodes} == set(TOPOLOGY)
    assert len(workflow().nodes) == 10


@pytest.mark.parametrize("name", ["fit", "refit"])
def test_no_test_row_can_reach_a_fit(name: str) -> None:
    """Not even through other nodes: what a fit is made from excludes the held-out rows."""
    made_from = workflow().to_nodes(name).all_outputs() - {"test_data"}
    (node,) = [node for node in workflow().nodes if node.name == name]
    assert "test_data" not in node.inputs
    assert {entry for entry in node.inputs if not entry.startswith("params:")} <= made_from


def test_it_fits_on_one_screen() -> None:
    lines = (PROJECT / "src" / "expfw" / "workflow.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 70


def test_it_never_changes() -> None:
    """Whatever is configured: the function takes no argument."""
    assert workflow() == workflow() or workflow().describe() == workflow().describe()
