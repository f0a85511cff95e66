"""The experimentation framework: a fixed workflow, interfaces for its steps, and everything around a run.

A project uses it; users neither edit it nor need to read it. Where to look:

| module | what is there |
|---|---|
| :mod:`expfw.workflow` | the ten nodes, on one screen |
| :mod:`expfw.interfaces` | what a component must be able to do |
| :mod:`expfw.services` | what a component's constructor can ask for |
| :mod:`expfw.components` | default components |
| :mod:`expfw.config` | experiment files, precedence, Kedro's config loader |
| :mod:`expfw.construct` | from a ``type`` to an instance |
| :mod:`expfw.run` | session, hooks, result folder, Sacred, environment |
| :mod:`expfw.report` | the report's page |
| :mod:`expfw.cli` | ``kedro experiment …`` |
| :mod:`expfw.search` | ``kedro experiment search``: trials, and which comes next |
| :mod:`expfw.parallel` | processes and clusters that folds and trials are handed to |
| :mod:`expfw.opening` | ``expfw.open_experiment(12)``, for notebooks, scripts and tests |
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from expfw.opening import OpenedExperiment, open_experiment
    from expfw.search.opening import open_study

__all__ = ["OpenedExperiment", "open_experiment", "open_study"]

_loaded = time.time_ns(), frozenset(sys.modules) - {__name__}
"""When the framework was imported, and what was in memory before; see :mod:`expfw.reuse.memory`."""


def __getattr__(name: str) -> Any:
    """Import what is asked for then: whoever imports one module of the framework need not load all of it."""
    if name in __all__:
        from expfw import opening
        from expfw.search import opening as studies

        return getattr(studies if name == "open_study" else opening, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
