"""Checking the value of a parameter before anything is built: against scikit-learn's constraints or the type hint."""

from __future__ import annotations

import functools
import inspect
import json
import re
import typing
from collections.abc import Mapping
from typing import Any, get_args

from expfw.construct.find import Target
from expfw.errors import did_you_mean


class WrongValue(Exception):
    """A parameter's value is of the wrong kind, or out of range.

    Args:
        expected: what the value must be.
        value: what was given.
    """

    def __init__(self, expected: str, value: Any) -> None:
        super().__init__(f"must be {expected}; got {shown(value)}")
        choices = re.findall(r"'([^']*)'", expected) if isinstance(value, str) else []
        near = did_you_mean(value, choices) if choices else ""
        self.hint = near if near.startswith("did you mean") else ""


def checked_value(target: Target, name: str, value: Any) -> Any:
    """The value as the constructor takes it: what was given, with a tuple for a list where only a tuple will do.

    Args:
        target: the class or function that has the parameter.
        name: name of the parameter.
        value: the configured value, JSON's own kinds.

    Raises:
        WrongValue: if neither scikit-learn's own constraint on the parameter nor its type hint admits the value.

    Example:
        >>> from sklearn.svm import SVC
        >>> checked_value(SVC, "C", 2)
        2
        >>> checked_value(SVC, "C", -1)
        Traceback (most recent call last):
        expfw.construct.values.WrongValue: must be a float in the range (0.0, inf]; got -1
        >>> def split(test_size: float, columns: tuple[str, ...] = ()) -> None: ...
        >>> checked_value(split, "columns", ["a", "b"])
        ('a', 'b')
    """
    constraints = constraints_of(target)
    if name in constraints:
        return _constrained(constraints, name, value)
    hint = hints_of(target).get(name, Any)
    return value if hint is Any else _hinted(hint, value)


def constraints_of(target: Target) -> Mapping[str, Any]:
    """scikit-learn's constraints on the parameters of one of its classes or functions; empty for anything else."""
    for attribute in ("_parameter_constraints", "_skl_parameter_constraints"):
        constraints = getattr(target, attribute, None)
        if isinstance(constraints, Mapping):
            return constraints
    return {}


def hints_of(target: Target) -> dict[str, Any]:
    """Type hints of a constructor's or function's parameters; empty where they cannot be resolved."""
    function = target.__init__ if inspect.isclass(target) else target
    try:
        return typing.get_type_hints(function)
    except Exception:
        return {}


def _constrained(constraints: Mapping[str, Any], name: str, value: Any) -> Any:
    from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

    candidates = [value, tuple(value)] if isinstance(value, list) else [value]
    for candidate in candidates:
        try:
            validate_parameter_constraints(dict(constraints), {name: candidate}, caller_name="")
        except InvalidParameterError as error:
            problem = str(error)
        else:
            return candidate
    expected = problem.partition(" must be ")[2].rpartition(". Got ")[0]
    raise WrongValue(" ".join(expected.split()), value)


def _hinted(hint: Any, value: Any) -> Any:
    from pydantic import ValidationError

    adapter = _adapter(hint)
    if adapter is None:
        return value
    try:
        converted = adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise WrongValue(_expected(error, hint), value) from error
    return value if converted == value else converted


@functools.lru_cache(maxsize=1024)
def _adapter_of(hint: Any) -> Any:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        return TypeAdapter(hint)
    except (PydanticUserError, TypeError, NameError):
        return None  # a type that JSON has no values for


def _adapter(hint: Any) -> Any:
    try:
        return _adapter_of(hint)
    except TypeError:
        return None  # an unhashable hint


EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "none_required": "null",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""Pydantic's kinds of errors in JSON's words."""


def _expected(error: Any, hint: Any) -> str:
    """What pydantic would have taken, in words; the alternatives of a union joined, each once."""
    if type(None) in get_args(hint):
        return f"{_expected(error, None)} or null"
    found = [EXPECTED.get(item["type"]) or str(item["msg"]).removeprefix("Input should be ") for item in error.errors()]
    return " or ".join(dict.fromkeys(found))


def shown(value: Any) -> str:
    """A value in JSON for a message, cut off when long.

    Example:
        >>> shown({"a": None}), shown("x" * 100)[-3:]
        ('{"a": null}', 'xx…')
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
