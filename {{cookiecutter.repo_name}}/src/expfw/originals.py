"""Old experiments, as what a new one is made from: a file as it stands, or a record as it was run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from expfw.check import project_loader
from expfw.config.experiment import Experiment, load_experiment
from expfw.config.keys import DESCRIPTIVE, KEYS
from expfw.config.loader import ExperimentConfigLoader
from expfw.construct.find import project_components
from expfw.construct.plan import Plan, make_plan
from expfw.errors import ConfigurationError, RecordError, did_you_mean
from expfw.run.files import plain, read_json
from expfw.run.folder import ResultFolder, find_folder, result_root
from expfw.similar import differences, shown

FOLDER = "config/experiments"
WIDTH = 120
"""Columns up to which an object stays on one line of a file."""


@dataclass(frozen=True)
class Workbench:
    """A project's experiment files, read as they are or with one more that is not written yet.

    Args:
        project: the project's folder.
        package: the user's package.
    """

    project: Path
    package: str

    @cached_property
    def loader(self) -> ExperimentConfigLoader:
        """The project's configuration, without a run."""
        return project_loader(self.project)

    @cached_property
    def files(self) -> dict[str, str]:
        """All experiment files: path relative to the project → path."""
        return self.loader.experiment_files

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of all experiments, with their files."""
        return {PurePosixPath(where).stem: where for where in reversed(self.files)}

    @cached_property
    def base(self) -> dict[str, Any]:
        """The global defaults."""
        return {key: value for key, value in self.loader.base_parameters().items() if key in KEYS}

    def load(self, name: str, params: Mapping[str, Any] | None = None, text: str | None = None) -> Experiment:
        """An experiment's configuration, from ``text`` instead of its file if that is given."""
        drafts = {} if text is None else {place(name): text}
        return load_experiment(
            name, {**drafts, **self.files}, lambda where: self.read(where, drafts), base=self.base, params=params or {}
        )

    def read(self, where: str, drafts: Mapping[str, str]) -> str:
        """The text of a file, or of one that is not written yet."""
        return drafts[where] if where in drafts else Path(self.files[where]).read_bytes().decode()

    def plan(self, experiment: Experiment) -> Plan:
        """The plan of an experiment; see :func:`expfw.construct.plan.make_plan`."""
        return make_plan(experiment, project_components(self.project, self.package))

    def config(self, experiment: Experiment) -> dict[str, Any] | None:
        """What an experiment computes, as a record would hold it; None if it has faults."""
        try:
            return computed(self.plan(experiment).config)
        except ConfigurationError:
            return None


@dataclass(frozen=True)
class Origin:
    """What a new experiment is made from.

    Args:
        label: what to call it in messages.
        extends: the experiment whose file the new one extends; None for a file that stands by itself.
        inherited: what a file gets by that.
        values: the configuration to alter.
        notes: what the user must know about it.
    """

    label: str
    extends: str | None
    inherited: Mapping[str, Any]
    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def named(bench: Workbench, name: str) -> Origin:
    """An experiment as its file says it now.

    Raises:
        RecordError: if there is none.
    """
    if name not in bench.names:
        hint = did_you_mean(name, bench.names)
        raise RecordError(
            f"--from: there is no experiment '{name}'; {hint}; a recorded experiment is named by its number"
        )
    values = bench.load(name).values
    return Origin(bench.names[name], name, values, values)


def recorded(bench: Workbench, name: str, number: int) -> Origin:
    """Experiment ``number`` as it was run: by its file and ``--params`` where these still give the same, else in full.

    Raises:
        RecordError: if it does not exist, or its record holds no configuration.
    """
    folder = find_folder(result_root(bench.project), number)
    config, run = (read_json(folder.log / file) for file in ("config.json", "run.json"))
    if not isinstance(config, dict) or not isinstance(run, dict):
        raise RecordError(f"experiment {number} has no configuration on record ({folder.log}); take another, or a name")
    old, params = str(run.get("name")), run.get("params") or {}
    label = f"experiment {number}"
    if old not in bench.names:
        return _in_full(bench, name, folder, config, f"there is no experiment '{old}' in {FOLDER} any more")
    altered = bench.load(old, params)
    now = bench.config(altered)
    if now is not None and same(now, computed(config)):
        return Origin(label, old, bench.load(old).values, altered.values)
    why = "has faults by now" if now is None else f"gives something else by now ({_summary(config, now)})"
    return _in_full(bench, name, folder, config, f"{bench.names[old]} {why}")


def _in_full(bench: Workbench, name: str, folder: ResultFolder, config: Mapping[str, Any], why: str) -> Origin:
    """The recorded configuration in a shape that gives the very same again."""
    values = {key: config[key] for key in KEYS if key in config and key not in ("$schema", "extends", "published")}
    values.setdefault("defaults", {})
    lean = without_applied(values, values["defaults"], read_json(folder.log / "origin.json", {}))
    leaner = {**lean, "defaults": _apart(values["defaults"], bench.base.get("defaults", {}))}
    notes = [f"all of experiment {folder.id}'s configuration is written out: {why}"]
    for candidate in (lean, leaner, values):
        now = bench.config(bench.load(name, text=written(candidate)))
        if now is not None and same(now, computed(config)):
            break
    else:
        now = bench.config(bench.load(name, text=written(lean)))
        candidate = lean
        if now is not None:
            notes.append(f"and yet it is not the same, for config/base has changed ({_summary(config, now)})")
    return Origin(f"experiment {folder.id}", None, {}, candidate, tuple(notes))


def _apart(values: Mapping[str, Any], base: Any) -> dict[str, Any]:
    return {k: v for k, v in values.items() if not isinstance(base, Mapping) or k not in base or not same(v, base[k])}


def without_applied(
    value: Any, defaults: Mapping[str, Any], origins: Mapping[str, str], path: tuple[str, ...] = ()
) -> Any:
    """A recorded configuration without the parameters that came from ``defaults``, which will be applied again.

    So a seed that is set in the new experiment reaches every component, as it did in the old one.

    Args:
        value: the configuration, or part of it.
        defaults: the global defaults of the run.
        origins: for each key path where its value came from.
        path: where in the configuration ``value`` stands.

    Example:
        >>> config = {"model": {"type": "A", "params": {"seed": 42, "depth": 2}}, "metrics": ["r2"]}
        >>> without_applied(config, {"seed": 42}, {"model.params.depth": "a.json:3"})
        {'model': {'type': 'A', 'params': {'depth': 2}}, 'metrics': ['r2']}
    """
    if isinstance(value, list):
        return [without_applied(item, defaults, origins, (*path, str(i))) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    kept = {key: without_applied(item, defaults, origins, (*path, key)) for key, item in value.items()}
    if "type" not in kept or not isinstance(kept.get("params"), dict):
        return kept
    params = {k: v for k, v in kept.pop("params").items() if not _applied(k, v, defaults, origins, path)}
    return {**kept, "params": params} if params else kept


def _applied(
    key: str, value: Any, defaults: Mapping[str, Any], origins: Mapping[str, str], path: tuple[str, ...]
) -> bool:
    """Whether a parameter came from the defaults: it equals one, and nobody gave it anywhere else."""
    given = origins.get(".".join((*path, "params", key)))
    return key in defaults and same(value, defaults[key]) and given in (None, origins.get(f"defaults.{key}"))


def _summary(config: Mapping[str, Any], now: Mapping[str, Any], most: int = 2) -> str:
    """What differs between a record and the present, in a few words."""
    lines = [f"{key} {shown(key, then)} → {shown(key, new)}" for key, (then, new) in differences(config, now).items()]
    more = [f"{len(lines) - most} more"] if len(lines) > most else []
    return ", ".join([*lines[:most], *more]) or "reports or defaults"


def place(name: str) -> str:
    """Path of a new experiment's file, relative to the project."""
    return f"{FOLDER}/{name}.json"


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: ``1``, ``1.0`` and ``true`` are three."""
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def computed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that decides what is computed, as a record holds it."""
    return {key: plain(value) for key, value in config.items() if key not in DESCRIPTIVE}


def written(value: Any, indent: int = 0, used: int = WIDTH) -> str:
    """JSON as the experiment files that come with a project have it: what fits on a line stands on one.

    Args:
        value: what to write.
        indent: columns by which it is indented.
        used: columns of the line that are taken.

    Example:
        >>> print(written({"model": {"type": "A", "params": {"depth": 2}}, "metrics": ["r2"]}))
        {
          "model": {"type": "A", "params": {"depth": 2}},
          "metrics": ["r2"]
        }
    """
    line = json.dumps(value, ensure_ascii=False, default=str)
    if not value or not isinstance(value, list | Mapping) or used + len(line) < WIDTH:
        return line
    pad, inner = " " * indent, indent + 2
    if isinstance(value, list):
        items = [written(item, inner, inner) for item in value]
    else:
        heads = {key: f"{json.dumps(key, ensure_ascii=False)}: " for key in value}
        items = [heads[key] + written(item, inner, inner + len(heads[key])) for key, item in value.items()]
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    return f"{opening}\n" + ",\n".join(f"{pad}  {item}" for item in items) + f"\n{pad}{closing}"
