"""Default data sources: what they load, and what they say when they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro_datasets.pandas import CSVDataset  # type: ignore[import-untyped]

from expfw.components.data_source import CatalogEntry, CsvFile, ParquetFile, SklearnDataset
from expfw.errors import ComponentError
from expfw.interfaces import Data, DataSource

TABLE = pd.DataFrame({"age": [50, 60, 70], "city": ["Rome", "Bern", "Rome"], "patient": [1, 1, 2], "ill": [0, 1, 0]})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    TABLE.to_csv("data/visits.csv", index=False)
    TABLE.to_parquet("data/visits.parquet", index=False)
    return tmp_path


def catalog(content: object) -> DataCatalog:
    return DataCatalog({"visits": MemoryDataset(content)})


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("digits", (1797, 64), 10),
        ("breast_cancer", (569, 30), 2),
        ("diabetes", (442, 10), 214),
    ],
)
def test_a_bundled_data_set_is_loaded_as_a_table(name: Any, shape: tuple[int, int], classes: int) -> None:
    data = SklearnDataset(name).load()
    assert isinstance(data.X, pd.DataFrame)
    assert isinstance(data.y, pd.Series)
    assert (data.X.shape, data.y.nunique()) == (shape, classes)
    assert "target" not in data.X


def test_columns_of_a_bundled_data_set_are_taken_in_the_order_given() -> None:
    columns = ["petal width (cm)", "sepal length (cm)"]
    assert SklearnDataset("iris", columns=columns).load().X.columns.to_list() == columns


def test_an_unknown_bundled_data_set_gets_a_suggestion() -> None:
    with pytest.raises(ComponentError, match=r"no data set 'irsi'; did you mean 'iris'\?"):
        SklearnDataset("irsi").load()  # type: ignore[arg-type]


def test_an_unknown_column_gets_a_suggestion() -> None:
    with pytest.raises(ComponentError) as error:
        SklearnDataset("iris", columns=["petal lenght (cm)"]).load()
    assert str(error.value) == (
        "SklearnDataset 'iris': columns names a column 'petal lenght (cm)' that is not there; "
        "did you mean 'petal length (cm)'?"
    )


@pytest.mark.parametrize("source", [CsvFile, ParquetFile])
def test_a_file_is_cut_into_features_target_and_groups(project: Path, source: Any) -> None:
    path = f"data/visits.{'csv' if source is CsvFile else 'parquet'}"
    data = source(path, target="ill", groups="patient").load()
    assert data.X.columns.to_list() == ["age", "city"]
    assert (data.y.to_list(), data.groups.to_list()) == ([0, 1, 0], [1, 1, 2])


def test_csv_and_parquet_give_the_same_data(project: Path) -> None:
    csv, parquet = CsvFile("data/visits.csv", "ill").load(), ParquetFile("data/visits.parquet", "ill").load()
    pd.testing.assert_frame_equal(csv.X, parquet.X)


def test_without_a_target_the_data_are_unlabelled(project: Path) -> None:
    data = CsvFile("data/visits.csv", target=None).load()
    assert data.y is None
    assert list(data.X) == list(TABLE)


def test_separator_and_decimal_sign_are_the_users(project: Path) -> None:
    Path("data/euro.csv").write_text("a;b\n1,5;x\n2,5;y\n", encoding="utf-8")
    data = CsvFile("data/euro.csv", target="b", separator=";", decimal=",").load()
    assert data.X["a"].to_list() == [1.5, 2.5]


def test_a_wrong_separator_is_recognised(project: Path) -> None:
    Path("data/euro.csv").write_text("a;b\n1;x\n", encoding="utf-8")
    with pytest.raises(ComponentError, match=r"separator ',' gives a single column, 'a;b'; set separator to ';'"):
        CsvFile("data/euro.csv", target="b").load()


def test_a_missing_file_is_named_with_the_nearest_one(project: Path) -> None:
    with pytest.raises(ComponentError) as error:
        CsvFile("data/visit.csv", target="ill").load()
    assert str(error.value) == (
        f"CsvFile 'data/visit.csv': there is no such file in {project}; did you mean 'visits.csv'?"
    )


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("dta/visits.csv", "there is no folder 'dta' either"),
        ("empty/visits.csv", "the folder 'empty' holds no files"),
        ("s3://bucket/visits.csv", "a remote file needs an entry in the catalog and the data source 'CatalogEntry'"),
    ],
)
def test_a_missing_folder_and_a_remote_file_get_a_hint(project: Path, path: str, hint: str) -> None:
    (project / "empty").mkdir()
    with pytest.raises(ComponentError) as error:
        ParquetFile(path, target="ill").load()
    assert str(error.value).endswith(hint)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"target": "il"}, "target names a column 'il' that is not there; did you mean 'ill'?"),
        (
            {"target": "ill", "groups": "patiant"},
            "groups names a column 'patiant' that is not there; did you mean 'pat",
        ),
        ({"target": "ill", "columns": ["aeg"]}, "columns names a column 'aeg' that is not there; did you mean 'age'?"),
        ({"target": "ill", "columns": ["age", "ill"]}, "columns names 'ill', which is target or groups; take it out"),
        ({"target": "ill", "columns": []}, "no column is left to be a feature; columns are: age, city, patient, ill"),
    ],
)
def test_a_wrong_column_is_named(project: Path, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ComponentError) as error:
        CsvFile("data/visits.csv", **params).load()
    assert message in str(error.value)


@pytest.mark.parametrize("key", ["target", "groups"])
def test_missing_targets_and_groups_are_counted(project: Path, key: str) -> None:
    TABLE.assign(ill=[0, np.nan, np.nan]).to_csv("data/gaps.csv", index=False)
    params: dict[str, Any] = {"target": "ill"} if key == "target" else {"target": "age", "groups": "ill"}
    with pytest.raises(ComponentError, match=rf"{key} 'ill' is missing in 2 of 3 rows; complete or delete these rows"):
        CsvFile("data/gaps.csv", **params).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; it needs column names and rows"),
        (b"a,b\n", "there are no rows; nothing can be learnt from it"),
        (b"a,b\n1,2\n1,2,3,4\n", "the file could not be read: Error tokenizing data"),
        (b"a,b\n\xff,2\n", "the file could not be read: 'utf-8' codec can't decode"),
    ],
)
def test_an_unusable_file_says_why(project: Path, content: bytes, message: str) -> None:
    Path("data/bad.csv").write_bytes(content)
    with pytest.raises(ComponentError) as error:
        CsvFile("data/bad.csv", target="b").load()
    assert str(error.value).startswith(f"CsvFile 'data/bad.csv': {message}")


def test_a_file_that_is_no_parquet_says_so(project: Path) -> None:
    with pytest.raises(ComponentError, match=r"ParquetFile 'data/visits.csv': the file could not be read: "):
        ParquetFile("data/visits.csv", target="ill").load()


def test_a_catalog_entry_is_cut_like_a_file(project: Path) -> None:
    entries = DataCatalog({"visits": CSVDataset(filepath="data/visits.csv")})
    data = CatalogEntry("visits", target="ill", groups="patient", columns=["age"], catalog=entries).load()
    assert (data.X.columns.to_list(), data.y.to_list()) == (["age"], [0, 1, 0])


def test_a_catalog_entry_that_holds_data_is_taken_as_it_is() -> None:
    data = Data(X=["a text", "another"], y=[0, 1])
    entries = DataCatalog({"texts": MemoryDataset(data, copy_mode="assign")})
    assert CatalogEntry("texts", catalog=entries).load() is data


def test_column_names_that_are_numbers_become_text() -> None:
    data = CatalogEntry("visits", target="1", catalog=catalog(pd.DataFrame({0: [1.0], 1: [2.0]}))).load()
    assert (data.X.columns.to_list(), data.y.to_list()) == (["0"], [2.0])


@pytest.mark.parametrize(
    ("entry", "content", "message"),
    [
        ("visit", TABLE, "CatalogEntry 'visit': the catalog has no such entry; did you mean 'visits'?"),
        ("visits", np.eye(2), "CatalogEntry 'visits': it loads a ndarray; give it a dataset that loads a table"),
        (
            "visits",
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            "CatalogEntry 'visits': columns occur more than once: a; give each its own name",
        ),
    ],
)
def test_an_unusable_entry_says_why(entry: str, content: object, message: str) -> None:
    with pytest.raises(ComponentError) as error:
        CatalogEntry(entry, catalog=catalog(content)).load()
    assert str(error.value) == message


def test_an_entry_that_cannot_be_loaded_says_why(project: Path) -> None:
    entries = DataCatalog({"visits": CSVDataset(filepath="data/gone.csv")})
    with pytest.raises(ComponentError, match=r"(?s)CatalogEntry 'visits': it could not be loaded: .*gone\.csv"):
        CatalogEntry("visits", catalog=entries).load()


def test_loading_leaves_the_catalogs_table_unchanged() -> None:
    entries = DataCatalog({"visits": MemoryDataset(TABLE, copy_mode="assign")})
    before = TABLE.copy()
    data = CatalogEntry("visits", target="ill", catalog=entries).load()
    data.X.loc[:, "age"] = 0
    pd.testing.assert_frame_equal(TABLE, before)


@pytest.mark.parametrize("source", [SklearnDataset, CsvFile, ParquetFile, CatalogEntry])
def test_every_data_source_satisfies_the_interface(source: type) -> None:
    assert issubclass(source, DataSource)
