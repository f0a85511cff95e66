"""An experiment's folder as a record, however much of it is there."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from expfw.record import ExperimentRecord, headline, number, read_record, read_records, with_spread
from expfw.run.folder import ResultFolder, take_folder

VALIDATION = {"accuracy": {"mean": 0.9, "std": 0.1, "ci95": [0.8, 1.0], "folds": [0.8, 1.0]}}


def stamp(seconds_ago: float) -> str:
    """Sacred's way to write a time: UTC, without saying so."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).replace(tzinfo=None).isoformat()


def written(root: Path, run: Any = None, sacred: Any = None, validation: Any = None, test: Any = None) -> ResultFolder:
    """A folder with some of its files."""
    folder = take_folder(root)
    (folder.log / "sacred").mkdir()
    for path, content in (
        (folder.log / "run.json", run),
        (folder.log / "sacred" / "run.json", sacred),
        (folder.report / "validation_metrics.json", validation),
        (folder.report / "test_metrics.json", test),
    ):
        if content is not None:
            path.write_text(json.dumps(content))
    return folder


def here(pid: int, created: float) -> dict[str, Any]:
    """A process of this machine."""
    return {"name": "a", "process": {"pid": pid, "created": created, "host": platform.node()}}


def test_a_whole_record(tmp_path: Path) -> None:
    sacred = {"status": "COMPLETED", "stop_time": "2024-01-01T12:00:00.5"}
    run = {"name": "iris", "started": "2024-01-01T11:00:00+00:00", "parents": [3]}
    record = read_record(written(tmp_path, run, sacred, VALIDATION, {"accuracy": 0.7}))
    assert (record.id, record.name, record.status, record.parents) == (1, "iris", "COMPLETED", [3])
    assert record.stopped == "2024-01-01T12:00:00.500000+00:00"
    assert record.metric("accuracy") == record.metric("validation.accuracy") == 0.9
    assert record.metric("test.accuracy") == 0.7
    assert record.metric("nothing") is None
    assert "error" not in record.as_json()


def test_an_empty_folder_is_a_record_too(tmp_path: Path) -> None:
    record = read_record(take_folder(tmp_path))
    assert (record.id, record.metrics) == (1, {"validation": {}, "test": {}})
    assert json.dumps(record.as_json())


def test_a_failed_run_gives_its_last_line(tmp_path: Path) -> None:
    trace = ["Traceback …\n", "ValueError: no\n"]
    record = read_record(written(tmp_path, {}, {"status": "FAILED", "fail_trace": trace}))
    assert record.as_json()["error"] == "ValueError: no"


def test_a_run_whose_process_lives_is_running(tmp_path: Path) -> None:
    created = psutil.Process().create_time()
    assert read_record(written(tmp_path, here(os.getpid(), created), {"status": "RUNNING"})).status == "RUNNING"


@pytest.mark.parametrize("older", [1000.0, -1000.0])
def test_another_process_with_the_same_number_is_not_that_run(tmp_path: Path, older: float) -> None:
    created = psutil.Process().create_time() - older
    assert read_record(written(tmp_path, here(os.getpid(), created), {"status": "RUNNING"})).status == "DEAD"


def test_a_run_whose_process_is_gone_is_dead(tmp_path: Path) -> None:
    assert read_record(written(tmp_path, here(2**22 - 1, 0.0), {"status": "RUNNING"})).status == "DEAD"


@pytest.mark.parametrize(("seconds", "status"), [(1, "RUNNING"), (55, "RUNNING"), (120, "DEAD")])
def test_on_another_machine_the_heartbeat_decides(tmp_path: Path, seconds: float, status: str) -> None:
    run = {"process": {"pid": 1, "created": 0.0, "host": "elsewhere"}}
    assert read_record(written(tmp_path, run, {"status": "RUNNING", "heartbeat": stamp(seconds)})).status == status


def test_a_run_that_just_begins_is_running(tmp_path: Path) -> None:
    """Between the taking of the number and Sacred's first word there is no record of Sacred's."""
    created = psutil.Process().create_time()
    assert read_record(written(tmp_path, here(os.getpid(), created))).status == "RUNNING"


def test_records_come_by_number(tmp_path: Path) -> None:
    for _ in range(11):
        written(tmp_path, {"name": "a"}, {"status": "COMPLETED"})
    assert [record.id for record in read_records(tmp_path)] == list(range(1, 12))
    assert read_records(tmp_path / "nowhere") == []


def test_figures_are_told_with_four_digits() -> None:
    assert [number(value) for value in (0.123456, 1.0, 123456.0, None, 0)] == ["0.1235", "1", "1.235e+05", "–", "0"]
    assert with_spread({"mean": None, "std": None}) == "–"


def test_the_headline_tells_every_metric() -> None:
    lines = headline({"validation": VALIDATION, "test": {"accuracy": 0.7, "f1": None}})
    assert lines == ["accuracy 0.9 ± 0.1 over 2 folds, test 0.7", "f1 test –"]


def test_a_torn_file_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    folder = written(tmp_path, {"name": "a"}, {"status": "COMPLETED"}, VALIDATION)
    (folder.report / "validation_metrics.json").write_text('{"accuracy": {"me')
    record = read_record(folder)
    assert isinstance(record, ExperimentRecord)
    assert record.metrics["validation"] == {}
