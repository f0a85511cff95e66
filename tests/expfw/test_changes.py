"""What changed between two experiments, as their records tell it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

from expfw.interfaces import Data
from expfw.reproduce.changes import Changes, changes
from expfw.run.events import EventLog, checksum
from expfw.run.folder import ResultFolder

ENVIRONMENT = {
    "python": "3.11.9",
    "implementation": "CPython",
    "platform": "Linux-5",
    "host": "here",
    "cpu_count": 4,
    "variables": {"OMP_NUM_THREADS": "1"},
    "packages": {"numpy": "1.26.4", "gone": "1.0"},
    "git": {"commit": "abc"},
}


def experiment(root: Path, number: int, sources: dict[str, str], **logs: Any) -> ResultFolder:
    folder = ResultFolder(root / f"result_experiment_{number}")
    for name, text in sources.items():
        path = folder.log / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.log.mkdir(parents=True, exist_ok=True)
    for name, value in {"environment": ENVIRONMENT, "config": {}, **logs}.items():
        (folder.log / f"{name}.json").write_text(json.dumps(value))
    return folder


def test_equal_records_have_no_changes(tmp_path: Path) -> None:
    one, two = (experiment(tmp_path, number, {"src/a.py": "1\n"}) for number in (1, 2))
    assert not changes(one, two)
    assert changes(one, two).phrases() == []


def test_another_host_or_commit_is_no_change_in_itself(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, {})
    two = experiment(tmp_path, 2, {}, environment={**ENVIRONMENT, "host": "there", "git": None})
    assert not changes(one, two)


def test_code_is_told_as_a_diff_per_file(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, {"src/a.py": "x = 1\n", "src/old.py": "o\n", "src/same.py": "s\n"})
    two = experiment(tmp_path, 2, {"src/a.py": "x = 2", "src/new.py": "n\n", "src/same.py": "s\n"})
    code = changes(one, two).code
    assert code["src/a.py"] == "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    assert "+++ /dev/null" in code["src/old.py"]
    assert "--- /dev/null" in code["src/new.py"]
    assert list(code) == ["src/a.py", "src/new.py", "src/old.py"]


def test_configuration_files_count_where_both_recorded_them_and_a_rerun_reads_them(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, {"src/a.py": "", "config/base/catalog.yml": "a", "config/experiments/a.json": "{}"})
    two = experiment(tmp_path, 2, {"src/a.py": "", "config/base/catalog.yml": "b", "config/experiments/a.json": "[]"})
    none = experiment(tmp_path, 3, {"src/a.py": ""})
    assert list(changes(one, two).code) == ["config/base/catalog.yml"]
    assert not changes(none, two)


def test_packages_python_platform_and_variables(tmp_path: Path) -> None:
    now = {
        **ENVIRONMENT,
        "python": "3.12.1",
        "cpu_count": 8,
        "variables": {"MKL_NUM_THREADS": "2"},
        "packages": {"numpy": "2.0.0", "new": "1.0"},
        "a key of later versions": 1,
    }
    found = changes(experiment(tmp_path, 1, {}), experiment(tmp_path, 2, {}, environment=now))
    assert found.packages == {"numpy": ("1.26.4", "2.0.0"), "gone": ("1.0", None), "new": (None, "1.0")}
    assert found.python == ("CPython 3.11.9", "CPython 3.12.1")
    assert found.platform == {"cpu_count": (4, 8), "OMP_NUM_THREADS": ("1", None), "MKL_NUM_THREADS": (None, "2")}
    assert found.phrases()[0] == "packages (gone 1.0 → –, new – → 1.0, numpy 1.26.4 → 2.0.0)"


def test_thread_pools_are_told_by_library(tmp_path: Path) -> None:
    pool = {"prefix": "libblas", "version": "0.3", "num_threads": 1, "architecture": "Zen"}
    other = {**pool, "prefix": "libgomp"}
    one = experiment(tmp_path, 1, {}, environment={**ENVIRONMENT, "thread_pools": [pool]})
    two = experiment(tmp_path, 2, {}, environment={**ENVIRONMENT, "thread_pools": [{**pool, "num_threads": 2}, other]})
    assert changes(one, two).platform == {"threads of libblas 0.3": ("1 Zen", "2 Zen")}


def test_what_a_data_source_made_of_its_file_counts_without_checksums_of_inputs(tmp_path: Path) -> None:
    config = {"data_source": {"type": "CsvFile", "params": {"path": "a.csv", "target": "y"}}}
    one, two, three = (experiment(tmp_path, number, {}, config=config) for number in (1, 2, 3))
    for folder, value in ((one, 1), (two, 2), (three, 2)):
        path = folder.path / "data" / "raw_data.pkl"
        path.parent.mkdir()
        path.write_bytes(pickle.dumps(Data([value])))
        files = {"data/raw_data.pkl": checksum(path)}
        EventLog(folder.log / "events.jsonl").append("saved", node="load", output="raw_data", seconds=0, files=files)
    assert list(changes(one, two).data) == ["what CsvFile loads from a.csv"]
    assert not changes(two, three)


def test_inputs_with_other_checksums(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, {}, inputs={"a.csv": {"sha256": "1", "size": 3}, "b.csv": {"sha256": "1"}})
    two = experiment(tmp_path, 2, {}, inputs={"a.csv": {"sha256": "2", "size": 3}, "b.csv": {"sha256": "1"}})
    assert changes(one, two).data == {"a.csv": ("1", "2")}
    assert changes(one, two).phrases() == ["data (a.csv)"]


def test_the_configuration(tmp_path: Path) -> None:
    one = experiment(tmp_path, 1, {}, config={"model": {"type": "A", "params": {"depth": 1}}, "tags": ["x"]})
    two = experiment(tmp_path, 2, {}, config={"model": {"type": "A", "params": {"depth": 2}}, "tags": ["y"]})
    assert changes(one, two).configuration == {"model.params.depth": (1, 2)}


def test_many_are_counted() -> None:
    assert Changes(data=dict.fromkeys("abcdef", ("1", "2"))).phrases() == ["data (a, b, c, d, 2 more)"]
