"""An experiment merged from its files: precedence, identity, and all faults of structure at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from expfw.config.experiment import Experiment, configuration_hash, load_experiment
from expfw.config.keys import KEYS
from expfw.errors import Fault

WHOLE = {"data_source": {"type": "A"}, "holdout": {"type": "H"}, "model": {"type": "M", "params": {"depth": 1}}}


def loaded(
    name: str = "a", base: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **files: Any
) -> Experiment:
    """An experiment from files given as objects."""
    texts = {f"config/experiments/{stem}.json": json.dumps(content) for stem, content in files.items()}
    return load_experiment(name, texts, texts.__getitem__, base=base or {}, params=params or {})


def faults(name: str = "a", **given: Any) -> list[Fault]:
    """What is wrong with an experiment."""
    return list(loaded(name, **given).faults)


def test_layers_come_in_their_order() -> None:
    experiment = loaded(
        base={"model": {"type": "M", "params": {"a": 0, "b": 0, "c": 0, "d": 0}}},
        params={"model": {"params": {"d": 3}}},
        a={"extends": "parent", "model": {"params": {"c": 2, "d": 2}}},
        parent={**WHOLE, "model": {"type": "M", "params": {"b": 1, "c": 1, "d": 1}}},
    )
    assert experiment.values["model"]["params"] == {"a": 0, "b": 1, "c": 2, "d": 3}
    origins = [experiment.origin("model", "params", name) for name in "abcd"]
    assert origins == ["config/base", "config/experiments/parent.json", "config/experiments/a.json", "--params"]


def test_what_no_layer_mentions_has_its_stand_in() -> None:
    values = loaded(a=WHOLE).values
    assert (values["preparer"], values["resampling"], values["features"]) == (None, None, None)
    assert (values["metrics"], values["reports"], values["defaults"]) == ([], [], {})


def test_extends_is_no_part_of_what_was_merged() -> None:
    assert "extends" not in loaded(a={"extends": "parent"}, parent=WHOLE).values


def test_only_what_is_computed_counts_for_identity() -> None:
    first = loaded(a={**WHOLE, "description": "one", "tags": ["x"]})
    second = loaded(a={**WHOLE, "published": {"test": 1}})
    other = loaded(a={**WHOLE, "metrics": ["accuracy"]})
    hashes = [configuration_hash(experiment.computed) for experiment in (first, second, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(len(digest) == 16 for digest in hashes)


def test_equal_configurations_have_one_hash_whatever_their_order() -> None:
    assert configuration_hash({"a": {"x": 1, "y": [1]}}) == configuration_hash({"a": {"y": [1], "x": 1}})
    assert configuration_hash({"a": 1}) != configuration_hash({"a": 1.5})


def test_an_unknown_experiment_names_the_nearest() -> None:
    (fault,) = faults("iris_forst", iris_forest=WHOLE)
    assert str(fault) == "config/experiments: there is no experiment 'iris_forst'; did you mean 'iris_forest'?"


def test_an_unknown_parent_names_the_file_that_asked() -> None:
    (fault,) = faults(a={"extends": "parnt"}, parent=WHOLE)
    assert (fault.where, fault.key) == ("config/experiments/a.json:1", "extends")


def test_a_circle_is_drawn() -> None:
    (fault,) = faults(a={"extends": "b"}, b={"extends": "c"}, c={"extends": "b"})
    assert "in a circle: a → b → c → b" in fault.what


def test_faults_of_all_files_are_told_together() -> None:
    found = faults(a={"extends": "parent", "modle": 1, "tags": "x"}, parent={**WHOLE, "metrics": "accuracy", "foo": 1})
    assert {(fault.where.rpartition("/")[2], fault.key) for fault in found} >= {
        ("a.json:1", "modle"),
        ("parent.json:1", "foo"),
        ("a.json:1", "tags"),
        ("parent.json:1", "metrics"),
    }


@pytest.mark.parametrize(
    ("changes", "key", "what"),
    [
        ({"model": None}, "model", "is missing"),
        ({"model": 3}, "model", "holds a number, expected an object"),
        ({"data_source": []}, "data_source", "holds a list, expected an object"),
        ({"metrics": {"type": "A"}}, "metrics", "holds an object, expected a list"),
        ({"reports": None}, "reports", "holds null, expected a list"),
        ({"defaults": 3}, "defaults", "holds a number, expected an object"),
        ({"holdout": None}, "resampling", "is null, and so is holdout"),
        ({"description": []}, "description", "holds a list, expected a text"),
        ({"$schema": {"PASSWORD": "a"}}, "$schema", "holds an object, expected a text"),
    ],
)
def test_a_misfit_is_named(changes: dict[str, Any], key: str, what: str) -> None:
    (fault,) = faults(a={**WHOLE, **changes})
    assert fault.key == key
    assert what in fault.what


@pytest.mark.parametrize("text", ["[]", '{"model": 1, "model": 2}', "{,}", ""])
def test_an_unreadable_file_is_the_only_fault(text: str) -> None:
    assert len(load_experiment("a", {"a.json": ""}, lambda where: text, base={}, params={}).faults) == 1


def test_a_sound_experiment_has_no_faults() -> None:
    assert faults(a=WHOLE) == []


def test_two_files_of_one_name_are_a_fault() -> None:
    files = {"config/experiments/a.json": json.dumps(WHOLE), "config/smoke/a.yml": "description: x"}
    found = load_experiment("a", files, files.__getitem__, base={}, params={}).faults
    assert "config/smoke/a.yml" in "".join(map(str, found))


def test_a_file_that_cannot_be_opened_is_a_fault() -> None:
    def read(where: str) -> str:
        raise PermissionError(13, "Permission denied")

    (fault,) = load_experiment("a", {"a.json": ""}, read, base={}, params={}).faults
    assert "Permission denied" in str(fault)


def test_the_place_of_a_value_has_its_line() -> None:
    text = json.dumps(WHOLE, indent=2)
    experiment = load_experiment("a", {"a.json": ""}, lambda where: text, base={}, params={"tags": []})
    line = 1 + next(number for number, words in enumerate(text.splitlines()) if "depth" in words)
    assert experiment.place("model", "params", "depth") == f"a.json:{line}"
    assert experiment.place("tags") == "--params"


def test_all_keys_are_known() -> None:
    assert len(KEYS) == len(set(KEYS)) == 20
