"""Whether a run takes outputs of earlier experiments, and what its nodes' identities rest on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.project import settings

from expfw.construct.plan import Plan
from expfw.errors import did_you_mean
from expfw.reuse.basis import Basis, basis_of
from expfw.reuse.index import catch_up
from expfw.run.known import UnknownChoice

logger = logging.getLogger("expfw.reuse")

CHOICES: Mapping[str, bool] = {"on": True, "off": False, "true": True, "false": False}
"""Values of ``--params reuse=…``; YAML takes ``on`` and ``off`` for truth values."""


def is_wanted(choice: object) -> bool:
    """Whether outputs are taken, as ``--params reuse=…`` or the parameter files say it.

    Args:
        choice: the value.

    Raises:
        UnknownChoice: if it is none.

    Example:
        >>> is_wanted("on"), is_wanted("OFF"), is_wanted(False)
        (True, False, False)
    """
    word = str(choice).lower()
    if word not in CHOICES:
        hint = did_you_mean(word, ("on", "off"))
        raise UnknownChoice(f"--params: reuse: there is no '{choice}'; {hint}; nothing was run")
    return CHOICES[word]


def prepare(plan: Plan, project: Path, root: Path, environment: Mapping[str, Any], *, take: bool) -> Basis | None:
    """What the identities of a run's nodes rest on; None if it cannot be told, then nothing is reused.

    Args:
        plan: the experiment's plan.
        project: the project's folder.
        root: folder of all experiments.
        environment: what ``log/environment.json`` will hold.
        take: whether outputs are taken.
    """
    try:
        catch_up(root)
        return basis_of(plan, project, environment, take=take, hooks=settings.HOOKS)
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("nothing is reused: %s: %s", type(error).__name__, error)
        return None
