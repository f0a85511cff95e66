"""The keys of an experiment file: which there are, which may be null, and what stands there when nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from expfw import interfaces


@dataclass(frozen=True)
class Step:
    """One key that holds a component, or a list of them.

    Args:
        key: the key in the experiment file.
        interface: what the component must satisfy.
        module: module of default components, in ``expfw.components`` and in the user's ``components``.
        nullable: whether null is allowed.
        several: whether the key holds a list of components.
    """

    key: str
    interface: type
    module: str
    nullable: bool = False
    several: bool = False


STEPS: Mapping[str, Step] = {
    step.key: step
    for step in (
        Step("data_source", interfaces.DataSource, "data_source"),
        Step("preparer", interfaces.Preparer, "preparer", nullable=True),
        Step("holdout", interfaces.Splitter, "splitter", nullable=True),
        Step("resampling", interfaces.Splitter, "splitter", nullable=True),
        Step("features", interfaces.Features, "features", nullable=True),
        Step("model", interfaces.Model, "model"),
        Step("early_stopping", interfaces.Splitter, "splitter", nullable=True),
        Step("metrics", interfaces.Metric, "metrics", several=True),
        Step("reports", interfaces.Report, "reports", several=True),
    )
}
"""The keys that hold components, in the order of the workflow."""

DESCRIPTIVE = ("$schema", "description", "tags", "extends", "published", "mute", "selection", "search", "parallel")
"""Keys that say something about the experiment and change nothing in what a run computes."""

KEYS = (*DESCRIPTIVE, "defaults", *STEPS, "test")
"""All keys of an experiment file."""

ABSENT: Mapping[str, Any] = {
    "defaults": {},
    "preparer": None,
    "holdout": None,
    "resampling": None,
    "features": None,
    "early_stopping": None,
    "metrics": [],
    "reports": [],
    "test": True,
    "search": None,
    "selection": None,
    "parallel": None,
}
"""What stands at a key that no layer mentions."""

UNSAID: Mapping[str, Any] = {"early_stopping": None, "test": True, "search": None, "selection": None, "parallel": None}
"""Values that a resolved configuration leaves out, so that it stays what it was before there was such a key."""
