"""Lines of an experiment file's values, for messages and origins. JSON is read as the YAML that it nearly is."""

from __future__ import annotations

import functools

import yaml

Lines = dict[tuple[str, ...], int]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.lru_cache(maxsize=512)
def lines_of(text: str) -> Lines:
    r"""The line of each key path, counted from 1; empty for a text that YAML cannot read (a tab in JSON).

    Args:
        text: a JSON or YAML file.

    Example:
        >>> lines_of('{"model": {\n  "type": "A"\n}}')
        {('model',): 1, ('model', 'type'): 2}
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return {}
    lines: Lines = {}
    if root is not None:
        _walk(root, (), lines)
    return lines


def _walk(node: yaml.Node, path: tuple[str, ...], lines: Lines) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*path, str(key.value))] = key.start_mark.line + 1
            _walk(value, (*path, str(key.value)), lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            lines[(*path, str(position))] = value.start_mark.line + 1
            _walk(value, (*path, str(position)), lines)
