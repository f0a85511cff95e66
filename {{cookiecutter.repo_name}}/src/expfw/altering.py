"""A new experiment by altering an old one: its file says no more than what differs, and is checked before written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from expfw.assignment import OPTION, typed
from expfw.config.keys import KEYS
from expfw.config.loader import KEDRO_NAMES
from expfw.config.merge import Merged
from expfw.construct.plan import Plan
from expfw.errors import ConfigurationError, ExpfwError, Fault
from expfw.originals import WIDTH, Origin, Workbench, named, place, recorded, same, written

SCHEMA = "../experiment.schema.json"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"\d[\d_]*(e-?\d+)?", re.IGNORECASE)


class NotWritten(ConfigurationError):
    """The new experiment would have faults; no file was written.

    Args:
        experiment: its name.
        faults: every fault that was found, at least one.
    """

    def __init__(self, experiment: str, faults: Sequence[Fault]) -> None:
        super().__init__(experiment, faults)
        message = self.message.replace("nothing was run", "nothing was written", 1)
        ExpfwError.__init__(self, message)


@dataclass(frozen=True)
class Draft:
    """A new experiment, checked and not written yet.

    Args:
        name: its name.
        content: what its file will hold.
        plan: its plan.
        project: the project's folder.
        notes: what the user must know about it.
    """

    name: str
    content: Mapping[str, Any]
    plan: Plan
    project: Path
    notes: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Path of the file, relative to the project."""
        return place(self.name)

    @property
    def text(self) -> str:
        """What the file will hold."""
        return written(self.content) + "\n"

    def write(self) -> Path:
        """Write the file; never over another.

        Raises:
            ExpfwError: if it is there by now, or cannot be written.
        """
        path = self.project / self.where
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(self.text)
        except FileExistsError as error:
            raise taken(self.name, self.where) from error
        except OSError as error:
            raise ExpfwError(f"'{self.where}' cannot be written: {error.strerror or error}") from error
        return path


def draft(bench: Workbench, name: str, source: str, layer: Mapping[str, Any], faults: Iterable[Fault] = ()) -> Draft:
    """Make a new experiment from an old one.

    Args:
        bench: the project's experiments.
        name: the new experiment's name.
        source: number of a recorded experiment, or name of an experiment.
        layer: what is to differ, as an experiment file would say it.
        faults: what is wrong already; reported with whatever else is found.

    Raises:
        ExpfwError: if the name cannot be had.
        RecordError: if there is no such experiment.
        NotWritten: with every fault that the new experiment would have.
    """
    check_name(bench, name)
    origin = recorded(bench, name, int(source)) if source.isdecimal() else named(bench, source)
    found = [*faults, *position_faults(origin.values, layer)]
    if found:
        raise NotWritten(name, found)
    content, notes = content_of(origin, layer)
    try:
        plan = bench.plan(bench.load(name, text=written(content)))
    except ConfigurationError as error:
        raise NotWritten(name, [_relabelled(fault, name, layer, origin) for fault in error.faults]) from error
    return Draft(name, content, plan, bench.project, (*origin.notes, *notes))


def check_name(bench: Workbench, name: str) -> None:
    """Check that a name can be that of a new experiment.

    Raises:
        ExpfwError: if it cannot; the message says why.
    """
    if not _NAME.fullmatch(name):
        raise ExpfwError(f"'{name}' cannot be an experiment's name; use letters, digits, '_' and '-'")
    kedros = next((word for word in KEDRO_NAMES if name.startswith(word)), None)
    if kedros:
        raise ExpfwError(
            f"'{name}' cannot be an experiment's name: Kedro reads files that begin with '{kedros}' itself"
        )
    if _NUMBER.fullmatch(name) or not isinstance(yaml.safe_load(name), str | date):
        raise ExpfwError(
            f"'{name}' cannot be an experiment's name: 'kedro run --params experiment={name}' would not take it for a "
            f"text; 'x_{name}' can"
        )
    for other, where in bench.names.items():
        if other.lower() == name.lower():
            raise taken(other, where)


def taken(name: str, where: str) -> ExpfwError:
    """The message about a name that is in use."""
    return ExpfwError(f"there is an experiment '{name}' already, in {where}; choose another name, or edit that file")


def content_of(origin: Origin, layer: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What a new file must hold: ``extends`` and the differences, or all of it where that would not give the same.

    Args:
        origin: what the experiment is made from.
        layer: what is to differ.

    Returns:
        The content, keys in the order of the workflow, and notes for the user.

    Example:
        >>> forest = {"model": {"type": "Forest", "params": {"depth": 2}}, "features": {"type": "F"}}
        >>> origin = Origin("forest.json", "forest", forest, forest)
        >>> content_of(origin, {"model": {"type": "Linear", "params": {"C": 1}}})[0]["model"]
        {'type': 'Linear', 'params': {'C': 1}}
        >>> content_of(origin, {"model": {"params": {"depth": 2, "leaf": 1}}})[0]["model"]
        {'params': {'leaf': 1}}
    """
    wanted = laid(origin.values, layer)
    extends, notes = origin.extends, list[str]()
    content = difference(origin.inherited, wanted)
    if not same(laid(origin.inherited, content), wanted):
        extends, content = None, {key: value for key, value in wanted.items() if key != "published"}
        notes.append("all of the configuration is written out: what is left away cannot be said by 'extends'")
    content = {**content, "$schema": SCHEMA, **({"extends": extends} if extends else {})}
    return {key: content[key] for key in (*KEYS, *(key for key in content if key not in KEYS)) if key in content}, notes


def laid(under: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with a layer over it, by the rules of experiment files."""
    merged = Merged(dict(under))
    merged.lay(layer, "")
    return merged.values


def difference(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The least layer that makes ``over`` of ``under``. A list is given whole; another ``type`` with all its params."""
    if "type" in under and "type" in over and under["type"] != over["type"]:
        under = {key: value for key, value in under.items() if key != "params"}
    layer: dict[str, Any] = {}
    for key, value in over.items():
        if key not in under or not isinstance(value, Mapping) or not isinstance(under[key], Mapping):
            if key not in under or not same(under[key], value):
                layer[key] = value
        elif inner := difference(under[key], value):
            layer[key] = inner
    return layer


def position_faults(values: Any, layer: Any, path: tuple[str, ...] = ()) -> Iterator[Fault]:
    """Positions in ``layer`` that the lists in ``values`` do not have."""
    if not isinstance(layer, Mapping) or not layer:
        return
    if isinstance(values, list):
        wrong = [key for key in layer if not (key.isdecimal() and int(key) < len(values))]
        yield from (_no_position(values, key, path) for key in wrong)
        values = {str(i): item for i, item in enumerate(values)} if not wrong else {}
    if isinstance(values, Mapping):
        for key, item in layer.items():
            yield from position_faults(values.get(key), item, (*path, key))


def _no_position(values: list[Any], key: str, path: tuple[str, ...]) -> Fault:
    there = f"it has the positions 0 to {len(values) - 1}" if values else "it is empty"
    whole = typed(".".join(path), values)
    hint = f"to add an entry give the whole list{f', as in {whole}' if len(whole) <= WIDTH else ''}"
    return Fault(OPTION, ".".join((*path, key)), f"the list has no position '{key}': {there}", hint)


def _relabelled(fault: Fault, name: str, layer: Mapping[str, Any], origin: Origin) -> Fault:
    """A fault in the file that was not written, said of what the user did write."""
    if fault.where.partition(":")[0] not in (place(name), f"experiment {name}"):
        return fault
    return replace(fault, where=OPTION if _touches(layer, fault.key.split(".")) else origin.label)


def _touches(layer: Any, path: Sequence[str]) -> bool:
    """Whether a layer says something at a path, around it or below it."""
    if not isinstance(layer, Mapping) or not path:
        return True
    return path[0] in layer and _touches(layer[path[0]], path[1:])
