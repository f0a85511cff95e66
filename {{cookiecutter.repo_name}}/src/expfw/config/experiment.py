"""An experiment's configuration, merged from all layers: the values, and where each came from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from expfw.assignment import params_hint
from expfw.config.files import Unreadable, kind, parse
from expfw.config.keys import ABSENT, DESCRIPTIVE, KEYS, STEPS
from expfw.config.lines import lines_of
from expfw.config.merge import Merged
from expfw.config.secrets import redacted
from expfw.diagnostics.muting import mute_faults
from expfw.errors import Fault, did_you_mean

PARAMS = "--params"
"""Origin of a value that was given on the command line."""


@dataclass(frozen=True)
class Experiment:
    """What is to be run.

    Args:
        name: the experiment's name, that of its file.
        values: all keys of an experiment file, merged; keys that no layer mentions have their stand-in.
        merged: the same with the origin of each value.
        faults: what is wrong with its structure.
        own: the experiment's own file, as an origin; empty if there is none.
        texts: text of each file that was read, for the lines of values.
        without_params: the values before ``--params``, for hints.
        others: ``--params`` of the project's own: the catalog may read them (``${runtime_params:…}``).
        searching: whether it is its search that is run.

    Example:
        >>> files = {"a.json": '{"data_source": {"type": "A"}, "model": {"type": "B"}, "holdout": {"type": "C"}}'}
        >>> experiment = load_experiment("a", files, files.__getitem__, base={"model": {"type": "Z"}}, params={})
        >>> experiment.values["model"], experiment.merged.origin(("model",))
        ({'type': 'B'}, 'a.json')
    """

    name: str
    values: Mapping[str, Any]
    merged: Merged
    faults: tuple[Fault, ...] = ()
    own: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    without_params: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    searching: bool = False

    @property
    def computed(self) -> dict[str, Any]:
        """The part of the configuration that decides what is computed (no description, tags, …)."""
        return computed_part(self.values, searching=self.searching)

    @property
    def tests(self) -> bool:
        """Whether it ends with a test; if not, it is measured by resampling alone."""
        return self.values.get("test", True) is not False

    def origin(self, *path: str) -> str:
        """Where the value at a key path came from: a file, or ``--params``."""
        return self.merged.origin(path)

    def place(self, *path: str) -> str:
        """The same with the line where the file's format gives it, for example ``config/experiments/a.json:7``.

        A default that a component takes has the place of that default.
        """
        if path not in self.merged.origins and len(path) > 2 and path[-2] == "params":
            default = ("defaults", path[-1])
            path = default if default in self.merged.origins else path
        origin = self.merged.origin(path)
        lines = lines_of(self.texts[origin]) if origin in self.texts else {}
        line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)
        return origin if line is None else f"{origin}:{line}"


EXTENT = ("n_trials", "timeout")
"""Entries of a search that say how far it goes, and change nothing in what its trials are."""


def computed_part(values: Mapping[str, Any], *, searching: bool = False) -> dict[str, Any]:
    """The part of a configuration that decides what is computed.

    Args:
        values: the configuration.
        searching: whether its search is run, which is a part of it then.

    Example:
        >>> config = {"description": "a", "model": {"type": "B"}, "search": {"sampler": "grid", "n_trials": 5}}
        >>> computed_part(config), computed_part(config, searching=True)["search"]
        ({'model': {'type': 'B'}}, {'sampler': 'grid'})
    """
    kept = {key: value for key, value in values.items() if key not in DESCRIPTIVE}
    if searching and isinstance(values.get("search"), Mapping):
        kept["search"] = {key: value for key, value in values["search"].items() if key not in EXTENT}
    return kept


def configuration_hash(computed: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> str:
    """Identity of a resolved configuration: the first 16 digits of the SHA-256 of its canonical JSON.

    Args:
        computed: the configuration.
        others: ``--params`` of the project's own; a secret among them does not count, for no record holds it.

    Example:
        >>> configuration_hash({"a": 1, "b": 2}) == configuration_hash({"b": 2, "a": 1})
        True
        >>> configuration_hash({"a": 1}, {"rows": "a.csv"}) == configuration_hash({"a": 1}, {"rows": "b.csv"})
        False
    """
    if others:
        computed = {**computed, "--params": redacted(others)}
    text = json.dumps(computed, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_experiment(
    name: str,
    files: Mapping[str, Any],
    read: Callable[[str], str],
    *,
    base: Mapping[str, Any],
    params: Mapping[str, Any],
    base_origin: str = "config/base",
    asked_by: Fault = Fault("config/experiments", "", ""),  # noqa: B008 - it cannot be changed
) -> Experiment:
    """Read an experiment file and what it extends, and merge: base, the ``extends`` chain, the file, ``--params``.

    Args:
        name: name of the experiment.
        files: paths of all experiment files there are, as keys.
        read: gives the text of a file.
        base: the global defaults.
        params: values from the command line.
        base_origin: what to call the global defaults as an origin.
        asked_by: the place that names the experiment, for the fault of a name that is none.

    Returns:
        The experiment, with every fault of structure that was found.
    """
    merged, faults, texts = Merged(), list[Fault](), dict[str, str]()

    def remember(where: str) -> str:
        texts[where] = read(where)
        return texts[where]

    chain, whole = _chain(name, files, remember, faults, asked_by)
    merged.lay({key: value for key, value in base.items() if key in KEYS}, base_origin)
    for where, content in chain:
        left_out = ("extends",) if where == chain[-1][0] else ("extends", "published")  # a figure is its own file's
        merged.lay({key: value for key, value in content.items() if key in KEYS and key not in left_out}, where)
    without_params = merged.values
    merged.lay({key: value for key, value in params.items() if key in KEYS}, PARAMS)
    faults += merged.faults
    if whole:
        faults += _structure_faults(merged)
    located = tuple(with_params_hint(_with_line(fault, texts), merged.values, without_params, name) for fault in faults)
    own = chain[-1][0] if chain else ""
    return Experiment(name, {**ABSENT, **merged.values}, merged, located, own, texts, without_params)


def _chain(
    name: str, files: Mapping[str, Any], read: Callable[[str], str], faults: list[Fault], asked_by: Fault
) -> tuple[list[tuple[str, dict[str, Any]]], bool]:
    """The file of ``name`` and all that it extends, farthest ancestor first; and whether all of it could be read."""
    chain: list[tuple[str, dict[str, Any]]] = []
    wanted: Any = name
    while wanted is not None:
        if not isinstance(wanted, str):
            faults.append(
                Fault(asked_by.where, asked_by.key, f"holds {kind(wanted)}, expected the name of an experiment")
            )
            return chain[::-1], False
        where = _find(wanted, files)
        if where is None:
            faults.append(_unknown(wanted, files, asked_by))
            return chain[::-1], False
        twins = _named(wanted, files)[1:]
        if twins:
            faults.append(Fault(where, "", f"has the name of {', '.join(twins)} as well", "rename one of them"))
        if any(where == seen for seen, _ in chain):
            circle = " → ".join([*(_stem(seen) for seen, _ in chain), str(wanted)])
            faults.append(Fault(chain[-1][0], "extends", f"experiments extend each other in a circle: {circle}"))
            return chain[::-1], False
        content = _read(where, read, faults)
        if content is None:
            return chain[::-1], False
        faults += _unknown_keys(where, content)
        chain.append((where, content))
        wanted, asked_by = content.get("extends"), Fault(where, "extends", "")
    return chain[::-1], True


def _read(where: str, read: Callable[[str], str], faults: list[Fault]) -> dict[str, Any] | None:
    try:
        return parse(read(where), where)
    except Unreadable as error:
        faults.append(error.fault)
    except UnicodeDecodeError as error:
        faults.append(Fault(where, f"byte {error.start}", "is not UTF-8 text", "save it as UTF-8"))
    except OSError as error:
        faults.append(Fault(where, "", f"cannot be read: {error.strerror or error}"))
    return None


def _stem(where: str) -> str:
    return where.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _find(name: Any, files: Mapping[str, Any]) -> str | None:
    return next(iter(_named(name, files)), None)


def _named(name: Any, files: Mapping[str, Any]) -> list[str]:
    return [where for where in files if _stem(where) == str(name)]


def _unknown(name: Any, files: Mapping[str, Any], asked_by: Fault) -> Fault:
    known = [_stem(where) for where in files]
    hint = did_you_mean(str(name), known) or "there is no experiment file yet in config/experiments"
    if not name:
        return Fault(asked_by.where, asked_by.key, "no experiment is named", f"experiment=NAME; {hint}")
    if str(name).isdecimal():
        hint = f"a run takes the name of a file; a recorded experiment is run again by: kedro experiment rerun {name}"
    return Fault(asked_by.where, asked_by.key, f"there is no experiment '{name}'", hint)


def _unknown_keys(where: str, content: Mapping[str, Any]) -> list[Fault]:
    return [Fault(where, key, "unknown key", did_you_mean(key, KEYS)) for key in content if key not in KEYS]


def with_params_hint(fault: Fault, values: Mapping[str, Any], before: Mapping[str, Any], name: str) -> Fault:
    """A fault of ``--params`` with the way to say what ``--params`` cannot, if that is the trouble."""
    if fault.where != PARAMS or fault.hint:
        return fault
    path = fault.key.split(".")
    return replace(fault, hint=params_hint(_at(values, path), _at(before, path), key=fault.key, experiment=name))


def _at(value: Any, path: list[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _with_line(fault: Fault, texts: Mapping[str, str]) -> Fault:
    """A fault with the line of its key, where the file's format gives it."""
    line = lines_of(texts.get(fault.where, "")).get(tuple(fault.key.split(".")))
    return fault if line is None else replace(fault, where=f"{fault.where}:{line}")


def _structure_faults(merged: Merged) -> list[Fault]:
    values = merged.values
    faults = [fault for key in STEPS for fault in _step_faults(key, merged)]
    faults += [
        Fault(merged.origin(path), ".".join(path), f"is {value}, which is no number in JSON", "give a finite number")
        for path, value in _infinite(values, ())
    ]
    if not isinstance(values.get("defaults", {}), Mapping):
        faults.append(_misfit(merged, "defaults", "an object"))
    for key, expected in (("$schema", str), ("description", str), ("tags", list)):
        if not isinstance(values.get(key, expected()), expected):
            faults.append(_misfit(merged, key, kind(expected())))
    faults += [
        Fault(merged.origin(path) or merged.origin(path[:1]), ".".join(path), what, hint)
        for path, what, hint in mute_faults(values.get("mute", []))
    ]
    faults += _test_faults(merged)
    if values.get("holdout") is None and values.get("resampling") is None:
        hint = "configure one of them, or both: without a hold-out and without resampling nothing would be measured"
        faults.append(
            Fault(merged.origin(("resampling",)) or "experiment", "resampling", "is null, and so is holdout", hint)
        )
    return faults


def _test_faults(merged: Merged) -> list[Fault]:
    test = merged.values.get("test", True)
    if not isinstance(test, bool):
        return [_misfit(merged, "test", "true or false")]
    if not test and merged.values.get("resampling") is None:
        what, hint = (
            "is false, and resampling is null: nothing would be measured",
            "set test to true, or give resampling",
        )
        return [Fault(merged.origin(("test",)), "test", what, hint)]
    return []


def _infinite(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    """Infinities and not-a-number: they run, but no record in JSON could say what ran."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    elif isinstance(value, Mapping | list):
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in entries:
            yield from _infinite(item, (*path, str(key)))


def _step_faults(key: str, merged: Merged) -> list[Fault]:
    step, value = STEPS[key], merged.values.get(key, ABSENT.get(key))
    if step.several:
        return [] if isinstance(value, list) else [_misfit(merged, key, "a list")]
    if value is None and not step.nullable:
        hint = f'add "{key}": {{"type": …}}'
        return [Fault(merged.origin((key,)) or "experiment", key, "is missing", hint)]
    if value is None or isinstance(value, Mapping):
        return []
    return [_misfit(merged, key, 'an object {"type": …, "params": {…}}')]


def _misfit(merged: Merged, key: str, expected: str) -> Fault:
    return Fault(merged.origin((key,)), key, f"holds {kind(merged.values[key])}, expected {expected}")
