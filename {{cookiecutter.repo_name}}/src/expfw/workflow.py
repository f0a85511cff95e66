"""The fixed workflow: ten nodes, what they take, what they give.

An experiment changes what runs in the nodes, never the graph.
``fit`` and ``refit`` have no input that holds a test row. ``params:…`` inputs name the component of a step: before a
node runs, :class:`expfw.run.hooks.ExperimentHooks` puts the component itself in their place.
"""

from __future__ import annotations

from functools import partial

from kedro.pipeline import Node, Pipeline

from expfw import steps
from expfw.run.preview import preview


def workflow() -> Pipeline:
    """The workflow of every experiment.

    Example:
        >>> [node.name for node in workflow().nodes][:3]
        ['load', 'prepare', 'hold_out']
    """
    return Pipeline(
        [
            _node("load", ["params:data_source"], "raw_data"),
            _node("prepare", ["raw_data", "params:preparer"], "prepared_data"),
            _node("hold_out", ["prepared_data", "params:holdout"], ["development_data", "test_data"]),
            _node("resample", ["development_data", "params:resampling"], "folds"),
            _node("fit", ["development_data", "folds", "params:features", "params:model"], "fold_models"),
            _node("predict", ["fold_models", "development_data", "folds"], "predictions"),
            _node("refit", ["development_data", "params:features", "params:model"], "final_model"),
            _node(
                "evaluate",
                ["predictions", "folds", "development_data", "final_model", "params:metrics"],
                "validation_metrics",
            ),
            _node("test", ["final_model", "test_data", "params:metrics"], ["test_predictions", "test_metrics"]),
            _node("report", [*EVERYTHING, "params:reports"], ["diagnostics", "report"]),
        ]
    )


EVERYTHING = [
    "development_data",
    "test_data",
    "folds",
    "predictions",
    "validation_metrics",
    "final_model",
    "test_predictions",
    "test_metrics",
]
"""What the report is made from."""


def _node(name: str, inputs: list[str], outputs: str | list[str]) -> Node:
    keys = tuple(entry.removeprefix("params:") for entry in inputs if entry.startswith("params:"))
    return Node(getattr(steps, name), inputs, outputs, name=name, preview_fn=partial(preview, keys) if keys else None)
