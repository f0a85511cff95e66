"""What Kedro-Viz shows for a step: which implementation runs, with which parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kedro.pipeline.preview_contract import TextPreview


def preview(keys: Sequence[str]) -> TextPreview:
    """The components of a node as JSON, for Kedro-Viz's panel.

    Args:
        keys: the node's keys in the experiment file.
    """
    from expfw.config.loader import ExperimentConfigLoader
    from expfw.errors import ExpfwError
    from expfw.run.project import plan_of

    loader = ExperimentConfigLoader.current
    if loader is None:
        return TextPreview("No experiment has been read in this process.")
    try:
        config = plan_of(loader).config
    except ExpfwError as error:
        return TextPreview(str(error))
    shown = {"experiment": loader.experiment.name, **{key: config[key] for key in keys}}
    return TextPreview(json.dumps(shown, indent=2, ensure_ascii=False, default=str), meta={"language": "json"})
