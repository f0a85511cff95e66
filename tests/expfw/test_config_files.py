"""Reading one experiment file: what it holds, or one fault with its place."""

from __future__ import annotations

import pytest

from expfw.config.files import Unreadable, kind, parse


@pytest.mark.parametrize("name", ["a.json", "a.yml", "a.yaml"])
def test_an_object_is_read_from_json_which_is_yaml_as_well(name: str) -> None:
    assert parse('{"tags": ["a"], "holdout": null, "n": 1.5}', name) == {"tags": ["a"], "holdout": None, "n": 1.5}


def test_yaml_is_read_with_its_kinds() -> None:
    text = "model:\n  type: A\n  params: {C: 1.0e-3, deep: yes, none: ~}\ntags: [x]\n"
    params = {"C": 0.001, "deep": True, "none": None}
    assert parse(text, "a.yml") == {"model": {"type": "A", "params": params}, "tags": ["x"]}


@pytest.mark.parametrize(
    ("text", "name", "where", "what"),
    [
        ('{"a": 1,}', "a.json", "line 1, column", "invalid JSON"),
        ('{\n "a": tru}', "a.json", "line 2, column 7", "invalid JSON"),
        ("", "a.json", "line 1, column 1", "invalid JSON"),
        ('{"a": {"b": 1, "b": 2}}', "a.json", "b", "duplicate key"),
        ("a: 1\na: 2", "a.yml", "line 2, column 1", "duplicate key 'a'"),
        ("b: {a: 1, a: 2}", "a.yml", "line 1, column 11", "duplicate key 'a'"),
        ("a: [1", "a.yml", "line 1", "invalid YAML"),
        ("1: a", "a.yml", "line 1, column 1", "key 1 is no string"),
        ("[]", "a.json", "", "holds a list where an object was expected"),
        ("3", "a.yml", "", "holds a number where an object was expected"),
        ("!!python/object/apply:os.system [ls]", "a.yml", "line 1", "invalid YAML"),
        ("[" * 100_000, "a.json", "", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_one_fault_with_its_place(text: str, name: str, where: str, what: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(text, name)
    fault = caught.value.fault
    assert fault.where == name
    assert fault.key.startswith(where)
    assert what in str(fault)


def test_a_value_is_named_by_its_kind_in_json() -> None:
    values: list[object] = [None, True, 1, 1.5, "a", [], {}]
    names = ["null", "a truth value", "a number", "a number", "a text", "a list", "an object"]
    assert [kind(value) for value in values] == names
