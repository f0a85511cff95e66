"""Merging layers by precedence, with the origin of each value."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from expfw.config.merge import Merged

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=3))
LAYERS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=5),
    max_size=3,
)


def merged(*layers: dict[str, Any]) -> Merged:
    """Layers, called by their number."""
    result = Merged()
    for number, layer in enumerate(layers):
        result.lay(layer, str(number))
    return result


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Everything that is no object, and empty objects."""
    if isinstance(value, dict) and value:
        return {key: leaf for name, item in value.items() for key, leaf in leaves(item, (*path, name)).items()}
    return {path: value}


def test_objects_are_merged_and_everything_else_is_replaced() -> None:
    result = merged({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}, "d": None})
    assert result.values == {"a": {"b": 1, "c": [3]}, "d": None}


def test_another_type_drops_the_parameters_and_the_same_type_keeps_them() -> None:
    base = {"model": {"type": "A", "params": {"x": 1}}}
    assert merged(base, {"model": {"type": "B"}}).values["model"] == {"type": "B"}
    assert merged(base, {"model": {"type": "B", "params": {"y": 2}}}).values["model"]["params"] == {"y": 2}
    assert merged(base, {"model": {"type": "A", "params": {"y": 2}}}).values["model"]["params"] == {"x": 1, "y": 2}


def test_it_holds_for_a_nested_component_as_well() -> None:
    base = {"model": {"type": "Search", "params": {"estimator": {"type": "A", "params": {"x": 1}}, "cv": 2}}}
    result = merged(base, {"model": {"params": {"estimator": {"type": "B"}}}})
    assert result.values["model"]["params"] == {"estimator": {"type": "B"}, "cv": 2}


def test_positions_change_entries_of_a_list() -> None:
    base = {"reports": [{"type": "A", "params": {"x": 1}}, {"type": "B"}], "metrics": ["a", "b"]}
    result = merged(base, {"reports": {"0": {"params": {"y": 2}}, "1": {"type": "C"}}, "metrics": {"1": "c"}})
    assert result.values["reports"] == [{"type": "A", "params": {"x": 1, "y": 2}}, {"type": "C"}]
    assert result.values["metrics"] == ["a", "c"]


def test_null_and_an_object_replace_each_other() -> None:
    assert merged({"a": {"b": 1}}, {"a": None}).values == {"a": None}
    assert merged({"a": None}, {"a": {"b": 1}}).values == {"a": {"b": 1}}


def test_the_origin_of_a_value_is_the_layer_that_decided_it() -> None:
    result = merged({"model": {"type": "A", "params": {"x": 1, "y": 1}}}, {"model": {"params": {"y": 2}}})
    assert result.origin(("model", "params", "x")) == "0"
    assert result.origin(("model", "params", "y")) == "1"
    assert result.origin(("nowhere",)) == ""


def test_a_value_that_was_dropped_has_no_origin() -> None:
    result = merged({"model": {"type": "A", "params": {"x": 1}}}, {"model": {"type": "B"}})
    assert list(result.origins) == [("model", "type")]


def test_a_position_that_is_not_there_is_a_fault() -> None:
    result = merged({"a": [0]}, {"a": {"0": 1, "5": 1}})
    assert result.values == {"a": [1]}
    assert [(fault.where, fault.key) for fault in result.faults] == [("1", "a.5")]


def test_keys_that_are_no_positions_replace_a_list() -> None:
    assert merged({"a": [0]}, {"a": {"0": 1, "x": 2}}).values == {"a": {"0": 1, "x": 2}}
    assert merged({"a": [0]}, {"a": {}}).values == {"a": {}}


@given(LAYERS)
def test_one_layer_stays_as_it_is(layer: dict[str, Any]) -> None:
    assert merged(layer).values == layer


@given(LAYERS, LAYERS)
def test_every_leaf_has_an_origin_and_comes_from_there(first: dict[str, Any], second: dict[str, Any]) -> None:
    result = merged(first, second)
    for path, leaf in leaves(result.values).items():
        if path:
            layer: Any = (first, second)[int(result.origin(path))]
            for key in path:
                layer = layer[key]
            assert layer == leaf or leaf == {}


@given(LAYERS, LAYERS)
def test_merging_changes_no_layer(first: dict[str, Any], second: dict[str, Any]) -> None:
    before = repr((first, second))
    result = merged(first, second, first)
    result.lay({"a": {"a": "new"}}, "last")
    assert repr((first, second)) == before


@given(LAYERS, LAYERS)
def test_laying_the_same_layer_twice_changes_nothing_more(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert merged(first, second, second).values == merged(first, second).values
