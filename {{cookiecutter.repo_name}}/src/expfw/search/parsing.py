"""The space of a search as it stands in an experiment file: read, with everything that is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from expfw.config.files import kind
from expfw.errors import did_you_mean
from expfw.search.space import Choices, Number, Parameter, Space

Problem = tuple[tuple[str, ...], str, str]
"""Where in the section something is wrong, what, and a hint."""

NUMBERS = ("low", "high", "step", "log")
"""Keys of a parameter that is a number."""


def parse_space(section: Any, problems: list[Problem], path: tuple[str, ...] = (), prefix: str = "") -> Space:
    """A space as it stands in an experiment file.

    Args:
        section: ``{key path: {"low", "high", "step", "log"} or {"choices": […]}}``.
        problems: what is wrong is added here.
        path: key path that those in ``section`` begin at.
        prefix: what the names of its parameters begin with.
    """
    if not isinstance(section, Mapping):
        problems.append(((), f"holds {kind(section)}, expected an object of key paths", ""))
        return Space()
    parameters = []
    for key, entry in section.items():
        full, name = (*path, *str(key).split(".")), f"{prefix}{key}"
        found: list[Problem] = []
        domain = _domain(entry, found, full, name)
        problems += [((str(key), *where), what, hint) for where, what, hint in found]
        if domain is not None:
            parameters.append(Parameter(full, name, domain))
    return Space(sorted(parameters, key=lambda parameter: len(parameter.path)))


def _domain(entry: Any, problems: list[Problem], path: tuple[str, ...], name: str) -> Number | Choices | None:
    if isinstance(entry, list):
        entry = {"choices": entry}
    if not isinstance(entry, Mapping):
        problems.append(((), f"holds {kind(entry)}", 'give {"low": …, "high": …} or {"choices": […]}'))
        return None
    valid = ("choices",) if "choices" in entry else NUMBERS
    unknown = [str(key) for key in entry if key not in valid]
    problems += [((key,), "unknown key", did_you_mean(key, (*NUMBERS, "choices"))) for key in unknown]
    if "choices" in entry:
        return _choices(entry["choices"], problems, path, name)
    return _number(entry, problems)


def _number(entry: Mapping[str, Any], problems: list[Problem]) -> Number | None:
    bounds = {key: entry.get(key) for key in ("low", "high")}
    for key, value in bounds.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            what = "is missing" if value is None else f"holds {kind(value)}, expected a number"
            problems.append(((key,), what, 'give {"low": …, "high": …} or {"choices": […]}'))
            return None
    log = entry.get("log", False)
    if not isinstance(log, bool):
        problems.append((("log",), f"holds {kind(log)}, expected true or false", ""))
        return None
    number = Number(entry["low"], entry["high"], entry.get("step"), log)
    trouble = _trouble(number)
    if trouble:
        problems.append(trouble)
        return None
    return number


def _trouble(number: Number) -> Problem | None:
    if number.low > number.high:
        return ("low",), f"is {number.low}, above high {number.high}", "exchange them"
    step = number.step
    if step is not None and (isinstance(step, bool) or not isinstance(step, int | float) or step <= 0):
        return ("step",), f"is {step!r}", "give a number above 0, or leave it out"
    if number.log and number.low <= 0:
        return ("low",), f"is {number.low}, and a logarithmic scale begins above 0", "raise it, or leave log out"
    if number.log and step is not None:
        return ("step",), "cannot go with log", "leave one of them out"
    return None


def _choices(options: Any, problems: list[Problem], path: tuple[str, ...], name: str) -> Choices | None:
    if not isinstance(options, list) or not options:
        what = "is empty" if options == [] else f"holds {kind(options)}"
        problems.append((("choices",), what, "give a list of values"))
        return None
    labels = _labels(options)
    values, inner = {}, {}
    for at, (label, option) in enumerate(zip(labels, options, strict=True)):
        if label in values:
            problems.append((("choices", str(at)), "stands there twice", "leave one out"))
        space = option.get("space") if isinstance(option, Mapping) else None
        values[label] = {key: value for key, value in option.items() if key != "space"} if space else option
        if space:
            found: list[Problem] = []
            inner[label] = parse_space(space, found, path, f"{name}[{label}].")
            problems += [(("choices", str(at), "space", *where), what, hint) for where, what, hint in found]
    return Choices(values, inner)


def _labels(options: Sequence[Any]) -> list[Any]:
    """What the options are called: themselves if Optuna can store them, else a short text.

    Options that differ have names that differ by ``==`` as well, by which Optuna tells them apart: where 1, true and
    1.0 come together, each is called by its JSON.

    Example:
        >>> _labels([None, 1, {"type": "sklearn.svm.SVC"}, {"type": "a.SVC"}, [1, 2], {"type": "b.A", "params": {}}])
        [None, 1, 'sklearn.svm.SVC', 'a.SVC', '[1, 2]', 'A']
        >>> _labels([1, True, "true", 2])
        ['1', 'true', '"true"', 2]
    """
    types = [str(option["type"]) for option in options if isinstance(option, Mapping) and "type" in option]
    short = Counter(name.rpartition(".")[2] for name in types)
    whole = Counter(types)
    labels = [_label(option, short, whole) for option in options]
    while ambiguous := {at for at, same in _grouped(labels, options) if len(same) > 1}:
        further = [_as_json(options[at]) if at in ambiguous else label for at, label in enumerate(labels)]
        labels = further if further != labels else [_as_json(option) for option in options]
    return labels


def _grouped(labels: Sequence[Any], options: Sequence[Any]) -> Iterator[tuple[int, set[str]]]:
    """The place of each option, and what the options are, as JSON, that have a name equal to its own."""
    by_label: dict[Any, set[str]] = {}
    for label, option in zip(labels, options, strict=True):
        by_label.setdefault(label, set()).add(_as_json(option))
    return ((at, by_label[label]) for at, label in enumerate(labels))


def _label(option: Any, short: Counter[str], whole: Counter[str]) -> Any:
    if option is None or isinstance(option, bool | int | float | str):
        return option
    if isinstance(option, Mapping) and "type" in option and whole[str(option["type"])] == 1:
        name = str(option["type"])
        last = name.rpartition(".")[2]
        return last if short[last] == 1 else name
    return _as_json(option)


def _as_json(option: Any) -> str:
    kept = {key: value for key, value in option.items() if key != "space"} if isinstance(option, Mapping) else option
    return json.dumps(kept, ensure_ascii=False, default=str)
