"""What a search was given by ``--params`` and ``--env``: on record, and in the files that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expfw.config.experiment import Experiment
from expfw.config.keys import DESCRIPTIVE, KEYS
from expfw.config.merge import Merged
from expfw.config.secrets import redacted
from expfw.errors import ExpfwError
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.stored import withheld

LEFT_OUT = tuple(key for key in DESCRIPTIVE if key not in ("mute", "parallel"))
"""Keys that a written file has of its own."""


def check_given(name: str, params: Mapping[str, Any]) -> None:
    """Refuse ``--params`` that a search cannot be given.

    Args:
        name: the experiment that is searched.
        params: as ``--params`` gives them.

    Raises:
        ExpfwError: for another experiment, or a secret: the search goes on from its record, which holds none.
    """
    if params.get("experiment", name) != name:
        raise ExpfwError(
            f"--params: experiment is {params['experiment']!r}, and '{name}' is to be searched; leave it out"
        )
    secret = withheld(redacted(params))
    if secret:
        raise ExpfwError(
            f"--params: {secret[0]} is a secret; no record holds it, and a search goes on from its record: put it into "
            "config/local/credentials.yml; nothing was run"
        )


def on_record(folder: ResultFolder) -> tuple[dict[str, Any], str | None]:
    """The ``--params`` and the environment that a search was started with.

    Args:
        folder: the search's folder.
    """
    run = read_json(folder.log / "run.json", {})
    return dict(run.get("params") or {}), run.get("env")


def for_its_best(params: Mapping[str, Any]) -> dict[str, Any]:
    """Those ``--params`` that no experiment file can hold; its best configuration is run with them.

    Args:
        params: as ``--params`` gave them.

    Example:
        >>> for_its_best({"experiment": "a", "model": {"params": {"C": 1}}, "rows": "b.csv", "if_run": "fail"})
        {'rows': 'b.csv'}
    """
    return {key: value for key, value in params.items() if key not in (*KEYS, "experiment", "if_run")}


def settings_in_file(experiment: Experiment, params: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in an experiment file that extends a search's: its ``--params``, and over them a point of its space.

    Args:
        experiment: the configuration of the search, ``--params`` included.
        params: as ``--params`` gave them.
        layer: what the point changes.
    """
    merged = Merged()
    given = {key: value for key, value in params.items() if key in KEYS and key not in LEFT_OUT}
    merged.lay(_typed(given, experiment.values), "--params")
    merged.lay(layer, "search")
    return merged.values


def _typed(given: Any, whole: Any) -> Any:
    """``given`` with the type of each component that it changes: another type over it drops what is meant for this."""
    if not isinstance(given, Mapping) or not isinstance(whole, Mapping):
        return given
    kind = {"type": whole["type"]} if "type" in whole and "from_experiment" not in given else {}
    return {**kind, **{key: _typed(value, whole.get(key)) for key, value in given.items()}}


def how_to_run(name: str, folder: ResultFolder) -> str:
    """What a file of a search says of how to run it as it was tried; empty where its name is enough.

    Args:
        name: name of the experiment file.
        folder: the search's folder.
    """
    params, env = on_record(folder)
    rest = [f"{key}={value}" for key, value in _flat(for_its_best(params))]
    given = f"kedro run --params {','.join([f'experiment={name}', *rest])}" + (f" --env {env}" if env else "")
    return f"; run it by: {given}" if rest or env else ""


def _flat(params: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in params.items():
        inner = _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
        pairs += inner
    return pairs
