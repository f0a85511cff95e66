"""Default components for the step ``data_source``: where the rows come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
from kedro.io import DataCatalog, DatasetError
from kedro.utils import find_kedro_project

from expfw.errors import ComponentError, did_you_mean
from expfw.interfaces import Data

BundledName = Literal["breast_cancer", "diabetes", "digits", "iris", "wine"]


class SklearnDataset:
    """A data set that comes with scikit-learn: nothing is downloaded.

    Args:
        name: ``iris``, ``wine``, ``digits`` and ``breast_cancer`` are classifications, ``diabetes`` is a regression.
        columns: the features to take, in this order; null takes all.

    Raises:
        ComponentError: if there is no such data set or no such column.

    Example:
        >>> data = SklearnDataset("iris", columns=["petal length (cm)"]).load()
        >>> data.X.shape, data.y.nunique()
        ((150, 1), 3)
    """

    def __init__(self, name: BundledName, columns: list[str] | None = None) -> None:
        self.name = name
        self.columns = columns

    def load(self) -> Data:
        """Load the rows; ``y`` holds scikit-learn's class numbers, or the measured values of a regression."""
        from sklearn import datasets

        if self.name not in get_args(BundledName):
            nearest = did_you_mean(self.name, get_args(BundledName))
            raise ComponentError(f"SklearnDataset: there is no data set '{self.name}'; {nearest}")
        bunch = getattr(datasets, f"load_{self.name}")(as_frame=True)
        return _cut(bunch.frame, f"SklearnDataset '{self.name}'", target="target", columns=self.columns)


class CsvFile:
    """A text file with one row per line and the column names in its first line.

    Args:
        path: the file; a relative path starts at the project's folder.
        target: column to predict; null for unlabelled data.
        groups: column that says which rows belong together, for splitters such as ``GroupKFold``; it is no feature.
        columns: the features to take, in this order; null takes all that are neither target nor groups.
        separator: what stands between two values, for example ``;`` or a tabulator.
        decimal: the decimal sign.
        encoding: the file's character encoding.

    Raises:
        ComponentError: if the file, a column or a target is missing, or the file cannot be read or has no rows.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "flowers.csv"
        ...     pd.DataFrame({"width": [1.5, 2.5], "species": ["setosa", "virginica"]}).to_csv(file, index=False)
        ...     data = CsvFile(str(file), target="species").load()
        >>> data.X.columns.to_list(), data.y.to_list()
        (['width'], ['setosa', 'virginica'])
    """

    def __init__(
        self,
        path: str,
        target: str | None,
        groups: str | None = None,
        columns: list[str] | None = None,
        separator: str = ",",
        decimal: str = ".",
        encoding: str = "utf-8",
    ) -> None:
        self.path = path
        self.target = target
        self.groups = groups
        self.columns = columns
        self.separator = separator
        self.decimal = decimal
        self.encoding = encoding

    def load(self) -> Data:
        """Read the whole file."""
        where = f"CsvFile '{self.path}'"
        frame = _read(where, self.path, self._table)
        self._check_separator(where, frame)
        return _cut(frame, where, target=self.target, groups=self.groups, columns=self.columns)

    def _table(self, path: Path) -> pd.DataFrame:
        return pd.read_csv(path, sep=self.separator, decimal=self.decimal, encoding=self.encoding)

    def _check_separator(self, where: str, frame: pd.DataFrame) -> None:
        header = str(frame.columns[0])
        other = next((sign for sign in ",;\t|" if sign in header), None)
        if frame.shape[1] == 1 and other:
            raise ComponentError(
                f"{where}: separator {self.separator!r} gives a single column, '{header}'; set separator to {other!r}"
            )


class ParquetFile:
    """A Parquet file.

    Args:
        path: the file; a relative path starts at the project's folder.
        target: column to predict; null for unlabelled data.
        groups: column that says which rows belong together, for splitters such as ``GroupKFold``; it is no feature.
        columns: the features to take, in this order; null takes all that are neither target nor groups.

    Raises:
        ComponentError: if the file, a column or a target is missing, or the file cannot be read or has no rows.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "visits.parquet"
        ...     pd.DataFrame({"age": [50, 60], "patient": ["a", "b"]}).to_parquet(file)
        ...     data = ParquetFile(str(file), target=None, groups="patient").load()
        >>> data.X.columns.to_list(), data.groups.to_list(), data.y
        (['age'], ['a', 'b'], None)
    """

    def __init__(
        self,
        path: str,
        target: str | None,
        groups: str | None = None,
        columns: list[str] | None = None,
    ) -> None:
        self.path = path
        self.target = target
        self.groups = groups
        self.columns = columns

    def load(self) -> Data:
        """Read the whole file."""
        where = f"ParquetFile '{self.path}'"
        frame = _read(where, self.path, pd.read_parquet)
        return _cut(frame, where, target=self.target, groups=self.groups, columns=self.columns)


class CatalogEntry:
    """An entry of the project's Kedro catalog: SQL, S3, Excel and whatever else has a Kedro dataset.

    Args:
        entry: name of the entry in ``catalog.yml``.
        target: column to predict; null for unlabelled data.
        groups: column that says which rows belong together, for splitters such as ``GroupKFold``; it is no feature.
        columns: the features to take, in this order; null takes all that are neither target nor groups.
        catalog: the project's catalog, passed by the framework.

    Raises:
        ComponentError: if there is no such entry, it cannot be loaded, it holds no table, or a column is missing.

    Example:
        >>> from kedro.io import MemoryDataset
        >>> catalog = DataCatalog({"visits": MemoryDataset(pd.DataFrame({"age": [50, 60], "ill": [True, False]}))})
        >>> CatalogEntry("visits", target="ill", catalog=catalog).load().y.to_list()
        [True, False]
    """

    def __init__(
        self,
        entry: str,
        target: str | None = None,
        groups: str | None = None,
        columns: list[str] | None = None,
        *,
        catalog: DataCatalog,
    ) -> None:
        self.entry = entry
        self.target = target
        self.groups = groups
        self.columns = columns
        self.catalog = catalog

    def load(self) -> Data:
        """Load the entry; a table is cut into features, target and groups, a ``Data`` object is taken as it is."""
        where = f"CatalogEntry '{self.entry}'"
        content = self._content(where)
        if isinstance(content, Data):
            return content
        if hasattr(content, "to_pandas"):
            content = content.to_pandas()
        if not isinstance(content, pd.DataFrame):
            raise ComponentError(f"{where}: it loads a {type(content).__name__}; give it a dataset that loads a table")
        return _cut(content, where, target=self.target, groups=self.groups, columns=self.columns)

    def _content(self, where: str) -> Any:
        if self.entry not in self.catalog:
            entries = [name for name in self.catalog.keys() if not name.startswith(("param", "expfw_"))]  # noqa: SIM118
            raise ComponentError(f"{where}: the catalog has no such entry; {did_you_mean(self.entry, entries)}")
        try:
            return self.catalog.load(self.entry)
        except DatasetError as error:
            raise ComponentError(f"{where}: it could not be loaded: {error}") from error


def _read(where: str, path: str, reader: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """The table in a file; every fault as a :class:`ComponentError`."""
    file = _project() / path
    if not file.is_file():
        raise ComponentError(f"{where}: there is no such file in {_project()}; {_nearest_file(path)}")
    try:
        return reader(file)
    except pd.errors.EmptyDataError as error:
        raise ComponentError(f"{where}: the file is empty; it needs column names and rows") from error
    except (OSError, ValueError, LookupError) as error:
        encoded = isinstance(error, UnicodeError)
        hint = '; it is in another encoding: set the parameter encoding, for example to "latin-1"' if encoded else ""
        raise ComponentError(f"{where}: the file could not be read: {error}{hint}") from error


def _project() -> Path:
    """The project's folder, also where a command is given in a folder below it."""
    return find_kedro_project(Path.cwd()) or Path.cwd()


def _nearest_file(path: str) -> str:
    """What to write instead of the path of a file that does not exist."""
    shown, folder = Path(path).parent, (_project() / path).parent
    if "://" in path:
        return "a remote file needs an entry in the catalog and the data source 'CatalogEntry'"
    if not folder.is_dir():
        return f"there is no folder '{shown}' either"
    files = [file.name for file in folder.iterdir() if file.is_file()]
    return did_you_mean(Path(path).name, files) or f"the folder '{shown}' holds no files"


def _cut(
    frame: pd.DataFrame,
    where: str,
    *,
    target: str | None = None,
    groups: str | None = None,
    columns: list[str] | None = None,
) -> Data:
    """Features, target and groups of a table; column names become text."""
    frame = frame.rename(columns=str)
    if frame.empty:
        raise ComponentError(f"{where}: there are no rows; nothing can be learnt from it")
    if not frame.columns.is_unique:
        twice = ", ".join(sorted(set(frame.columns[frame.columns.duplicated()])))
        raise ComponentError(f"{where}: columns occur more than once: {twice}; give each its own name")
    y = _complete(where, frame, "target", target)
    members = _complete(where, frame, "groups", groups)
    return Data(frame[_features(where, frame, {target, groups}, columns)], y, members)


def _features(where: str, frame: pd.DataFrame, taken: set[str | None], columns: list[str] | None) -> list[str]:
    """Names of the feature columns; ``taken`` are those that are target or groups."""
    names = [name for name in frame.columns if name not in taken] if columns is None else columns
    for name in names:
        _check_column(where, frame, "columns", name)
        if name in taken:
            raise ComponentError(f"{where}: columns names '{name}', which is target or groups; take it out of columns")
    if not names:
        raise ComponentError(f"{where}: no column is left to be a feature; columns are: {', '.join(frame.columns)}")
    return names


def _complete(where: str, frame: pd.DataFrame, key: str, name: str | None) -> pd.Series[Any] | None:
    """A column that must have a value in each row."""
    if name is None:
        return None
    _check_column(where, frame, key, name)
    missing = int(frame[name].isna().sum())
    if missing:
        raise ComponentError(
            f"{where}: {key} '{name}' is missing in {missing} of {len(frame)} rows; complete or delete these rows first"
        )
    return frame[name]


def _check_column(where: str, frame: pd.DataFrame, key: str, name: str) -> None:
    if name not in frame.columns:
        nearest = did_you_mean(name, frame.columns)
        raise ComponentError(f"{where}: {key} names a column '{name}' that is not there; {nearest}")
