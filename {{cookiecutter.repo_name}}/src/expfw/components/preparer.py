"""Default components for the step ``preparer``: what is done to all rows alike before they are split.

None of them learns anything from the rows, none changes its input, and target and groups stay with their rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from expfw.errors import ComponentError, did_you_mean
from expfw.interfaces import Data, Preparer

_NO_CODE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`|\b\d+\.\d*""")
"""Parts of a query in which a dot is no attribute: texts, quoted column names, numbers."""

_ATTRIBUTES = (
    {"abs", "between", "isin", "isna", "notna", "round"}
    | {"str", "contains", "endswith", "fullmatch", "len", "lower", "match", "startswith", "strip", "upper"}
    | {"dt", "day", "hour", "minute", "month", "quarter", "weekday", "year"}
)
"""Methods and attributes of a column that a query may use; none of them reads, writes or runs anything."""


class DropMissing:
    """Drops rows with missing values.

    Args:
        columns: the features to look at; null looks at all.
        how: ``any`` drops a row that misses one of them, ``all`` only a row that misses all of them.

    Raises:
        ComponentError: if the features are no table, a column is not there, or no row is left.

    Example:
        >>> data = Data(pd.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]}), y=np.array([0, 1]))
        >>> DropMissing(columns=["a"]).prepare(data).y
        array([0])
    """

    def __init__(self, columns: list[str] | None = None, how: Literal["any", "all"] = "any") -> None:
        if how not in ("any", "all"):
            raise ComponentError(f"DropMissing: how is '{how}'; {did_you_mean(how, ('any', 'all'))}")
        self.columns = columns
        self.how = how

    def prepare(self, data: Data) -> Data:
        """The rows without missing values, in their order."""
        frame = _frame(self, data)
        missing = frame[_present(self, frame, self.columns)].isna()
        return _keep(self, data, ~(missing.any(axis=1) if self.how == "any" else missing.all(axis=1)))


class SelectColumns:
    """Takes only the named features, in this order.

    Args:
        columns: the features to take.

    Raises:
        ComponentError: if the features are no table, or a column is not there.

    Example:
        >>> SelectColumns(["b"]).prepare(Data(pd.DataFrame({"a": [1], "b": [2]}))).X.columns.to_list()
        ['b']
    """

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns

    def prepare(self, data: Data) -> Data:
        """All rows with the named features."""
        frame = _frame(self, data)
        return Data(frame[_present(self, frame, self.columns)], data.y, data.groups)


class DropColumns:
    """Takes all features but the named ones.

    Args:
        columns: the features to leave out.

    Raises:
        ComponentError: if the features are no table, or a column is not there.

    Example:
        >>> DropColumns(["b"]).prepare(Data(pd.DataFrame({"a": [1], "b": [2]}))).X.columns.to_list()
        ['a']
    """

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns

    def prepare(self, data: Data) -> Data:
        """All rows without the named features."""
        frame = _frame(self, data)
        return Data(frame.drop(columns=_present(self, frame, self.columns)), data.y, data.groups)


class FilterRows:
    """Takes the rows for which an expression holds.

    Args:
        query: a condition on the features in the language of :meth:`pandas.DataFrame.query`, for example
            ``age >= 18 and city.isin(['Rome', 'Bern'])``; a name with blanks stands in backticks. Since an
            experiment file must not run code, only harmless methods of a column may be called, and ``@`` is refused.

    Raises:
        ComponentError: if the features are no table, the condition cannot be evaluated, or no row is left.

    Example:
        >>> data = Data(pd.DataFrame({"age": [17, 18]}), y=np.array([0, 1]))
        >>> FilterRows("age >= 18").prepare(data).y
        array([1])
    """

    def __init__(self, query: str) -> None:
        code = _NO_CODE.sub("''", query)
        for sign in ("@", "\\", "\n"):
            if sign in code:
                raise ComponentError(
                    f"FilterRows: {sign!r} is not allowed in {query!r}; write values as such, on one line"
                )
        for name in re.findall(r"\.\s*(\w+)", code):
            if name not in _ATTRIBUTES:
                raise ComponentError(
                    f"FilterRows: '.{name}' is not allowed in {query!r}; {did_you_mean(name, _ATTRIBUTES, limit=40)}"
                )
        self.query = query

    def prepare(self, data: Data) -> Data:
        """The rows for which the condition holds, in their order."""
        return _keep(self, data, self._holds(_frame(self, data)))

    def _holds(self, frame: pd.DataFrame) -> Any:
        try:
            holds: Any = frame.eval(self.query, engine="python", local_dict={}, global_dict={})
        except Exception as error:  # pandas raises whatever its parser and its operators come upon
            names = ", ".join(map(str, frame.columns))
            raise ComponentError(f"FilterRows: {self.query!r} failed: {error}; columns are: {names}") from error
        if not isinstance(holds, pd.Series) or not pd.api.types.is_bool_dtype(holds.dtype):
            raise ComponentError(f"FilterRows: {self.query!r} is no condition on rows; compare a column with something")
        return holds.fillna(False)


class Chain:
    """Several preparers one after the other.

    Args:
        steps: the preparers, in the order in which they are applied.

    Example:
        >>> chain = Chain([DropMissing(), SelectColumns(["a"])])
        >>> chain.prepare(Data(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, None]}))).X.to_numpy()
        array([[1.]])
    """

    def __init__(self, steps: Sequence[Preparer]) -> None:
        self.steps = steps

    def prepare(self, data: Data) -> Data:
        """What the last step gives; without steps, ``data`` itself."""
        for step in self.steps:
            data = step.prepare(data)
        return data


def _frame(component: object, data: Data) -> pd.DataFrame:
    if isinstance(data.X, pd.DataFrame):
        return data.X
    name = type(component).__name__
    raise ComponentError(f"{name}: needs a table, but X is of type {type(data.X).__name__}; leave {name} out")


def _present(component: object, frame: pd.DataFrame, columns: list[str] | None) -> list[str]:
    """``columns``, or all of them; an error for the first that is not there."""
    for column in columns or ():
        if column not in frame.columns:
            raise ComponentError(
                f"{type(component).__name__}: columns names '{column}', which is not there; "
                f"{did_you_mean(column, map(str, frame.columns))}"
            )
    return list(frame.columns) if columns is None else columns


def _keep(component: object, data: Data, keep: pd.Series[bool]) -> Data:
    if not keep.any():
        raise ComponentError(f"{type(component).__name__}: none of the {len(data)} rows is left; loosen the condition")
    return data.take(np.flatnonzero(keep.to_numpy(dtype=bool)))
