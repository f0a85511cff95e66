"""Which files count as an experiment's inputs, and how they are noticed."""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro_datasets.pandas import CSVDataset  # type: ignore[import-untyped]

from expfw.components.data_source import CatalogEntry, CsvFile
from expfw.construct.blueprint import Blueprint
from expfw.run import observed
from expfw.run.events import EventLog, checksum
from expfw.run.inputs import Inputs, inputs, is_input, named_files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with data, where the process is at."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "pyproject.toml").write_text(
        "[tool.kedro]\npackage_name='a'\nproject_name='a'\nkedro_init_version='1'\n"
    )
    for name in ("a.csv", "b.csv", "c.csv"):
        (project / "data" / name).write_text(f"x,y\n1,{name}\n")
    monkeypatch.chdir(project)
    return project


def observer(project: Path, *planned: Any, node: str = "load", catalog: DataCatalog | None = None) -> Inputs:
    """An observer of a node."""
    return Inputs(EventLog(project / "events"), node, project / "result", planned, catalog or DataCatalog({}))


def noted(observer: Inputs) -> dict[str, Any]:
    """What it has noted by now."""
    observer.note()
    return inputs(observer.events)


def test_what_is_opened_is_an_input_with_its_checksum(project: Path) -> None:
    seen = observer(project)
    pd.read_csv("data/a.csv")
    (project / "data" / "b.csv").read_bytes()
    found = noted(seen)
    assert found["data/a.csv"] == {
        "sha256": checksum(project / "data" / "a.csv"),
        "size": (project / "data" / "a.csv").stat().st_size,
        "nodes": ["load"],
    }
    assert set(found) == {"data/a.csv", "data/b.csv"}


def test_threads_of_the_nodes_own_and_memory_maps_and_sqlite_are_seen(project: Path) -> None:
    np.save("data/array.npy", np.ones(3))
    with sqlite3.connect("data/base.sqlite") as base:
        base.execute("create table a (b int)")
    base.close()
    seen = observer(project)
    thread = threading.Thread(target=(project / "data" / "a.csv").read_text)
    thread.start()
    thread.join()
    np.load("data/array.npy", mmap_mode="r")
    sqlite3.connect("data/base.sqlite").close()
    assert set(noted(seen)) == {"data/a.csv", "data/array.npy", "data/base.sqlite"}


def test_what_a_component_wrote_itself_is_no_input(project: Path) -> None:
    seen = observer(project)
    (project / "data" / "scratch").write_text("x")
    (project / "data" / "scratch").read_text()
    assert noted(seen) == {}


def test_a_file_that_is_gone_or_a_folder_is_none(project: Path) -> None:
    (project / "data" / "gone").touch()
    seen = observer(project)
    (project / "data" / "gone").read_text()
    (project / "data" / "gone").unlink()
    for path in (project, project / "data", project / "data" / "never"):
        with pytest.raises(OSError, match=path.name):
            path.read_text()
    assert noted(seen) == {}


def test_nothing_is_noted_before_and_after(project: Path) -> None:
    (project / "data" / "a.csv").read_text()
    seen = observer(project)
    (project / "data" / "b.csv").read_text()
    seen.end()
    (project / "data" / "c.csv").read_text()
    assert set(noted(seen)) == {"data/b.csv"}
    assert not observed._active


def test_an_observation_that_nobody_holds_is_over(project: Path) -> None:
    """A thread of Kedro's runner ends without a word."""
    thread = threading.Thread(target=lambda: observer(project))
    thread.start()
    thread.join()
    assert not observed._active


def test_nodes_that_run_at_once_both_have_it(project: Path) -> None:
    """Wrongly to have a file is harmless, wrongly to miss one is not."""
    one, other = observer(project, node="evaluate"), observer(project, node="refit")
    (project / "data" / "a.csv").read_text()
    one.note()
    assert noted(other)["data/a.csv"]["nodes"] == ["evaluate", "refit"]


def test_a_file_that_changed_in_between_has_both_checksums(project: Path) -> None:
    seen = observer(project)
    path = project / "data" / "a.csv"
    path.read_text()
    first = noted(seen)["data/a.csv"]["sha256"]
    with observed.unobserved():  # as another process would
        path.write_text("x,y\n2,longer\n")
    path.read_text()
    entry = noted(seen)["data/a.csv"]
    assert (entry["sha256"], entry["also"]) == (first, [checksum(path)])


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("data/a.csv", True),
        ("config/smoke/data/smoke.csv", True),
        ("config/base/catalog.yml", False),
        ("config/local/key.pem", False),
        ("data/credentials.csv", False),
        ("src/mine/words.txt", True),
        ("src/mine/query.sql", False),
        ("src/mine.egg-info/entry_points.txt", False),
        ("result/result_experiment_1/data/raw_data.pkl", False),
        (".git/config", False),
        ("notebooks/a.py", False),
        ("/elsewhere/a.parquet", True),
        ("/proc/cpuinfo", False),
        (np.__file__, False),
        (str(Path(sys.prefix) / "lib" / "x.csv"), False),
    ],
)
def test_data_is_told_from_code_settings_and_system(project: Path, name: str, counts: bool) -> None:
    assert is_input(str(project / name), project, str(project / "result")) == counts


def test_a_file_that_a_parameter_names_counts_even_if_no_opening_is_seen(project: Path) -> None:
    """Parquet's reader opens its files without Python."""
    nested = Blueprint("Inner", CsvFile, {"paths": [{"one": "data/b.csv"}]})
    params = {"path": "data/a.csv", "target": "y", "inner": [nested], "text": "x" * 5000, "odd": "a\0b", "dot": "."}
    found = noted(observer(project, Blueprint("CsvFile", CsvFile, params), None, "accuracy"))
    assert set(found) == {"data/a.csv", "data/b.csv"}


def test_a_file_behind_a_catalog_entry_counts(project: Path) -> None:
    catalog = DataCatalog(
        {"flowers": CSVDataset(filepath="data/a.csv"), "remote": CSVDataset(filepath="memory://b.csv")}
    )
    for entry, expected in (("flowers", "a.csv"), ("remote", ""), ("no such entry", "")):
        plan = Blueprint("CatalogEntry", CatalogEntry, {"entry": entry}, {"catalog": DataCatalog})
        assert [Path(path).name for path in named_files([plan], project, catalog)] == ([expected] if expected else [])


def test_a_file_is_read_once_while_it_is_unchanged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def counted(path: Path) -> str:
        reads.append(path)
        return checksum(path)

    monkeypatch.setattr("expfw.run.inputs.checksum", counted)
    for _ in range(3):
        seen = observer(project)
        (project / "data" / "c.csv").read_text()
        seen.note()
    assert reads == [project / "data" / "c.csv"]
