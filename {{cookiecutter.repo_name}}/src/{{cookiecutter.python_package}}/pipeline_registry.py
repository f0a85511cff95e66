"""The project's pipelines: the experiment's fixed workflow, and any of your own beside it."""

from kedro.pipeline import Pipeline

from expfw.workflow import workflow


def register_pipelines() -> dict[str, Pipeline]:
    """Pipelines by name; ``__default__`` is what ``kedro run`` runs as an experiment."""
    return {"__default__": workflow()}
