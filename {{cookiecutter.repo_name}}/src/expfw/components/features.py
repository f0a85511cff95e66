"""Default components for the step ``features``: from raw columns to the numbers that a model takes.

scikit-learn's transformers are components as they stand, for example ``sklearn.preprocessing.StandardScaler``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from expfw.errors import ComponentError, did_you_mean

Kind = Literal["number", "yes_no", "category"]

_KINDS: Mapping[str, Kind] = {
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "boolean": "yes_no",
    "string": "category",
    "categorical": "category",
    "empty": "category",
}
"""What :func:`pandas.api.types.infer_dtype` says of a column, and how it is treated."""


class _InputError(ComponentError, ValueError):
    """Rows that features cannot be made from; a ``ValueError`` too, as scikit-learn's own tools expect one."""


class TabularFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Makes a matrix of numbers from a table of numbers, yes/no values and categories.

    Numbers: missing ones are filled in, then they are scaled. Yes/no: 1 and 0, missing ones filled in with the more
    frequent. Categories (text, categorical columns): missing ones filled in with the most frequent, then encoded; a
    category that was not seen in training never fails (all zeros, or -1; it counts as rare if there is a column for
    those). The order of the output is: numbers, yes/no, categories. A column of dates is refused, for how to make
    numbers from it depends on what it means.

    Args:
        numeric_imputation: what fills in a missing number, learnt from the training rows.
        scaling: ``standard`` to mean 0 and standard deviation 1, ``minmax`` to 0 … 1, ``robust`` to median 0 and
            interquartile range 1; null leaves numbers as they are (for trees).
        encoding: ``onehot`` gives one column per category, named ``column=category``; ``ordinal`` gives one column with
            the category's number in alphabetical order.
        max_categories: keep at most so many categories per column, the rarest together as one; null keeps all.

    Raises:
        ComponentError: if the input is no table or matrix, lacks a column that was there in training, or a column holds
            dates, infinity or mixed kinds of values.

    Example:
        >>> table = pd.DataFrame({"age": [20.0, None, 40.0], "city": ["Rome", "Bern", "Rome"]})
        >>> features = TabularFeatures(scaling=None).fit(table)
        >>> features.get_feature_names_out().tolist()
        ['age', 'city=Bern', 'city=Rome']
        >>> features.transform(table)
        array([[20.,  0.,  1.],
               [30.,  1.,  0.],
               [40.,  0.,  1.]])
    """

    def __init__(
        self,
        numeric_imputation: Literal["median", "mean", "most_frequent"] = "median",
        scaling: Literal["standard", "minmax", "robust"] | None = "standard",
        encoding: Literal["onehot", "ordinal"] = "onehot",
        max_categories: int | None = None,
    ) -> None:
        self.numeric_imputation = numeric_imputation
        self.scaling = scaling
        self.encoding = encoding
        self.max_categories = max_categories

    def fit(self, X: Any, y: Any = None) -> TabularFeatures:
        """Learn fillings, scales and categories from training rows, shape ``(n_rows, n_columns)``."""
        from sklearn.compose import ColumnTransformer

        table = _table(X)
        validate_data(self, X, skip_check_array=True)
        kinds = {name: _kind(name, table[name]) for name in table.columns}
        self.kinds_ = kinds
        blocks = [
            (kind, block, [name for name in table.columns if kinds[name] == kind])
            for kind, block in (("number", self._numbers()), ("yes_no", _yes_no()), ("category", self._categories()))
        ]
        self.columns_ = ColumnTransformer(
            [block for block in blocks if block[2]], verbose_feature_names_out=False, sparse_threshold=0
        )
        self.columns_.fit(_tidy(table, kinds))
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Numbers, shape ``(n_rows, n_features_out)``, dense, for rows with the columns seen in ``fit``."""
        check_is_fitted(self)
        table = _table(X)
        try:
            validate_data(self, X, skip_check_array=True, reset=False)
        except ValueError as error:
            raise _InputError(f"TabularFeatures: {error}") from error
        table = table.set_axis(list(self.kinds_), axis=1)
        return np.asarray(self.columns_.transform(_tidy(table, self.kinds_)), dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the output columns, shape ``(n_features_out,)``; ``x0``, ``x1``, … where the input had no names."""
        check_is_fitted(self)
        return np.asarray(self.columns_.get_feature_names_out(), dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Missing values and text are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _numbers(self) -> Any:
        from sklearn import preprocessing
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline

        scalers = {"standard": "StandardScaler", "minmax": "MinMaxScaler", "robust": "RobustScaler"}
        if self.scaling is not None:
            _check_choice("scaling", self.scaling, scalers)
        scaler = getattr(preprocessing, scalers[self.scaling])() if self.scaling else "passthrough"
        return make_pipeline(SimpleImputer(strategy=self.numeric_imputation, keep_empty_features=True), scaler)

    def _categories(self) -> Any:
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

        rare = self.max_categories
        encoders = {
            "onehot": OneHotEncoder(
                handle_unknown="infrequent_if_exist",
                max_categories=rare,
                sparse_output=False,
                feature_name_combiner=_name_of_category,
            ),
            "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=rare),
        }
        _check_choice("encoding", self.encoding, encoders)
        return make_pipeline(SimpleImputer(strategy="most_frequent", keep_empty_features=True), encoders[self.encoding])


def _check_choice(parameter: str, given: str, valid: Collection[str]) -> None:
    if given not in valid:
        raise ComponentError(f"TabularFeatures: {parameter} is '{given}'; {did_you_mean(given, valid)}")


def _name_of_category(column: str, category: Any) -> str:
    return f"{column}={category}"


def _yes_no() -> Any:
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="most_frequent", keep_empty_features=True)


def _table(X: Any) -> pd.DataFrame:
    """The input as a table with text as column names."""
    table = X.rename(columns=str) if isinstance(X, pd.DataFrame) else _table_of_array(X)
    if not table.columns.is_unique:
        twice = ", ".join(sorted(set(table.columns[table.columns.duplicated()])))
        raise _InputError(f"TabularFeatures: columns occur more than once: {twice}; give each its own name")
    if table.empty:
        raise _InputError(f"TabularFeatures: the input has shape {table.shape}; it needs rows and columns")
    return table


def _table_of_array(X: Any) -> pd.DataFrame:
    if hasattr(X, "toarray"):
        raise _InputError(
            "TabularFeatures: the input is a sparse matrix; "
            "use 'sklearn.preprocessing.MaxAbsScaler', or set features to null"
        )
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.ndim != 2 or array.dtype.kind not in "biufOUS":
        raise _InputError(
            f"TabularFeatures: needs a table or a matrix of shape (rows, columns), was given {_described(X)}; "
            "use a transformer for this kind of data, or set features to null"
        )
    return pd.DataFrame(array, columns=[f"x{number}" for number in range(array.shape[1])]).infer_objects()


def _described(X: Any) -> str:
    shape = getattr(X, "shape", None)
    return f"a {type(X).__name__} of {getattr(X, 'dtype', '')} with shape {shape}" if shape else f"a {type(X).__name__}"


def _kind(name: str, column: pd.Series[Any]) -> Kind:
    """How a column is treated, from what it holds."""
    values = types.infer_dtype(column, skipna=True)
    if values in _KINDS:
        return _KINDS[values]
    if values.startswith(("date", "time", "period")):
        raise _InputError(
            f"TabularFeatures: column '{name}' holds dates or times ({column.dtype}); "
            "make numbers from it in a preparer (its year, days since …), or leave it out with 'DropColumns'"
        )
    raise _InputError(
        f"TabularFeatures: column '{name}' holds values of kind '{values}' ({column.dtype}), neither numbers nor text "
        "alone; convert it in a preparer, or leave it out with 'DropColumns'"
    )


def _tidy(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The table with numbers and yes/no as float64, categories as objects, and one kind of missing value."""
    convert = {"number": _as_number, "yes_no": _as_number, "category": _as_category}
    return pd.DataFrame({name: convert[kind](name, table[name]) for name, kind in kinds.items()})


def _as_number(name: str, column: pd.Series[Any]) -> NDArray[np.float64]:
    try:
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise _InputError(
            f"TabularFeatures: column '{name}' held numbers in training, but now something else: {error}"
        ) from error
    if np.isinf(numbers).any():
        raise _InputError(f"TabularFeatures: column '{name}' holds infinity; make it a number or a missing value first")
    return numbers


def _as_category(_name: str, column: pd.Series[Any]) -> NDArray[np.object_]:
    return column.astype(object).where(column.notna(), np.nan).to_numpy(dtype=object)
