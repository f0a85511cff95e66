"""Experiment files, mutated at random: never a traceback, never a key that is silently ignored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baking import PROJECT
from expfw.config.experiment import load_experiment
from expfw.config.leaves import leaves
from expfw.construct.find import Components
from expfw.construct.plan import make_plan
from expfw.errors import ConfigurationError

FILES = {
    f"config/{path.parent.name}/{path.name}": path.read_text(encoding="utf-8")
    for folder in ("experiments", "smoke")
    for path in sorted((PROJECT / "config" / folder).glob("*.json"))
    if path.name != "my_first.json"  # needs the user's package
}
BASE = {"defaults": {"random_state": 42}, "reports": [{"type": "MetricsTable"}]}
WORDS = [
    "type",
    "params",
    "model",
    "extends",
    "from_experiment",
    "n_splits",
    "random_state",
    "C",
    "estimator",
    "$schema",
    "0",
    "",
]
TYPES = """
    SVC sklearn.svm.SVC sklearn.svm os.system sklearn.utils.os.system builtins.eval functools.partial TabularFeatures
    SklearnDataset sklearn.model_selection.KFold sklearn..svm . .. expfw.cli.commands sklearn.metrics.f1_score iris _x
    sklearn.model_selection.GridSearchCV sklearn.__builtins__.eval
""".split()

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 300), st.floats(), st.sampled_from(WORDS + TYPES), st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
operations = st.sampled_from(["set", "delete", "rename", "add", "wrap"])
words = st.text(max_size=8) | st.sampled_from(WORDS)
mutations = st.lists(st.tuples(st.integers(0, 10_000), operations, words, values), min_size=1, max_size=3)


def containers(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a document, as its container and key."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(entries):
        yield value, key
        yield from containers(item)


def mutated(document: dict[str, Any], changes: list[tuple[int, str, str, Any]]) -> dict[str, Any]:
    document = deepcopy(document)
    for at, operation, word, value in changes:
        places = list(containers(document))
        if not places:
            return document
        container, key = places[at % len(places)]
        if operation == "set":
            container[key] = value
        elif operation == "wrap":
            container[key] = {word: container[key]}
        elif isinstance(container, dict) and operation == "rename":
            container[word] = container.pop(key)
        elif isinstance(container, dict) and operation == "add":
            container[word] = value
        else:
            del container[key]
    return document


def check(text: str, name: str) -> None:
    """Plan a file: it gives a plan that holds every value of the file, or faults, each with a place and a sentence."""
    where = f"config/experiments/{name}.json"
    files = {**FILES, where: text}
    experiment = load_experiment(name, files, files.__getitem__, base=BASE, params={})
    try:
        plan = make_plan(experiment, Components("", ("sklearn",)))
    except ConfigurationError as refused:
        error: ConfigurationError | None = refused
    else:
        error = None
    if error is not None:
        assert error.faults
        assert all(fault.where and fault.what for fault in error.faults)
        assert "Traceback" not in str(error)
    else:
        content = {key: value for key, value in json.loads(text).items() if key != "extends"}
        ignored = held(content, plan.config)
        assert not ignored, f"silently ignored: {ignored}"


def held(given: Any, config: dict[str, Any]) -> list[str]:
    """Key paths of the file whose values are not in the resolved configuration."""
    resolved = {path: json.dumps(value) for path, value in leaves(json.loads(json.dumps(config)))}
    return [
        ".".join(path)
        for path, value in leaves(given)
        if value not in ({}, [])
        and resolved.get(path) != json.dumps(value)
        and not as_number(value, resolved.get(path))
    ]


def as_number(value: Any, text: str | None) -> bool:
    return isinstance(value, int | float) and text is not None and json.loads(text) == value


def examples(number: int) -> int:
    return int(os.environ.get("EXPFW_FUZZ_EXAMPLES", number))


@settings(max_examples=examples(400), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(FILES)), mutations)
def test_a_mutated_file_is_refused_in_words_or_understood_as_a_whole(
    where: str, changes: list[tuple[int, str, str, Any]]
) -> None:
    document = mutated(json.loads(FILES[where]), changes)
    check(json.dumps(document), "mutant")


@settings(max_examples=examples(200), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(FILES)), st.integers(0, 2000), st.integers(0, 40), st.text(max_size=10))
def test_a_file_with_its_text_damaged_is_refused_in_words(where: str, start: int, length: int, garbage: str) -> None:
    text = FILES[where]
    start %= len(text)
    damaged = text[:start] + garbage + text[start + length :]
    try:
        json.loads(damaged)
    except (ValueError, RecursionError):
        name = Path(where).stem
        files = {**FILES, where: damaged}
        experiment = load_experiment(name, files, files.__getitem__, base=BASE, params={})
        assert experiment.faults
        with pytest.raises(ConfigurationError):
            make_plan(experiment, Components("", ("sklearn",)))
