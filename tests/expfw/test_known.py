"""Whether a configuration was run already: quick, and right whatever happened to the file that makes it quick."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from expfw.run import known
from expfw.run.known import INDEX, UnknownChoice, already_run, known_hashes, numbers_of, runs_of

ACCURACY = {"accuracy": {"mean": 0.9, "std": 0.1, "folds": [0.8, 1.0]}}


def record(root: Path, number: int, value: str | None, status: str = "COMPLETED") -> Path:
    """An experiment's folder with as much in it as is asked for."""
    folder = root / f"result_experiment_{number}"
    (folder / "log" / "sacred").mkdir(parents=True)
    (folder / "report").mkdir()
    if value is not None:
        write(folder / "log" / "run.json", {"id": number, "name": "forest", "hash": value})
    sacred = {"status": status, "fail_trace": ["Traceback\n", "ValueError: no\n"] if status == "FAILED" else None}
    write(folder / "log" / "sacred" / "run.json", sacred)
    if status == "COMPLETED":
        write(folder / "report" / "validation_metrics.json", ACCURACY)
    return folder


def write(path: Path, content: Any) -> None:
    """Write JSON."""
    path.write_text(json.dumps(content), encoding="utf-8")


def test_runs_of_a_configuration_are_found_completed_ones_first(tmp_path: Path) -> None:
    for number, value, status in [(1, "a1", "COMPLETED"), (2, "b2", "COMPLETED"), (3, "a1", "FAILED")]:
        record(tmp_path, number, value, status)
    record(tmp_path, 10, "a1")
    assert [run.id for run in runs_of(tmp_path, "a1")] == [10, 1, 3]
    assert numbers_of(tmp_path, "a1") == [1, 3, 10]
    assert runs_of(tmp_path, "c3") == []


def test_without_any_experiment_nothing_is_created(tmp_path: Path) -> None:
    assert numbers_of(tmp_path / "result", "a1") == []
    assert numbers_of(tmp_path, "a1") == []
    assert list(tmp_path.iterdir()) == []


def test_an_experiment_that_was_added_or_removed_is_noticed(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        record(tmp_path, number, "a1")
    assert numbers_of(tmp_path, "a1") == [1, 2, 3]
    record(tmp_path, 7, "a1")
    assert numbers_of(tmp_path, "a1") == [1, 2, 3, 7]
    shutil.rmtree(tmp_path / "result_experiment_2")
    assert numbers_of(tmp_path, "a1") == [1, 3, 7]


def test_a_number_may_be_given_out_again(tmp_path: Path) -> None:
    record(tmp_path, 1, "a1")
    assert numbers_of(tmp_path, "a1") == [1]
    shutil.rmtree(tmp_path / "result_experiment_1")
    assert numbers_of(tmp_path, "b2") == []  # as each run asks before it takes its number
    record(tmp_path, 1, "b2")
    assert numbers_of(tmp_path, "b2") == [1]


def test_a_run_that_has_just_begun_is_looked_at_again(tmp_path: Path) -> None:
    folder = record(tmp_path, 1, None)
    assert known_hashes(tmp_path) == {}
    write(folder / "log" / "run.json", {"hash": "a1"})
    assert known_hashes(tmp_path) == {1: "a1"}


def test_a_record_without_a_hash_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = record(tmp_path, 1, None)
    write(folder / "log" / "run.json", {"id": 1})
    assert known_hashes(tmp_path) == {}
    monkeypatch.setattr(known, "_read_hash", lambda root, number: pytest.fail("read twice"))
    assert known_hashes(tmp_path) == {}


@pytest.mark.parametrize(
    "damage",
    ["", "\n1:a1;\n2:b", "1:a", "1:a12:b2;\n", "\x00\xff{}", "99:a1;\n"],
    ids=["emptied", "torn", "torn at once", "two lines in one", "bytes", "of no folder"],
)
def test_a_damaged_index_mends_itself(tmp_path: Path, damage: str) -> None:
    record(tmp_path, 1, "a1")
    record(tmp_path, 2, "b2")
    known_hashes(tmp_path)
    (tmp_path / INDEX).write_text(damage, encoding="latin-1")
    assert (numbers_of(tmp_path, "a1"), numbers_of(tmp_path, "b2")) == ([1], [2])
    (tmp_path / INDEX).unlink()
    assert (numbers_of(tmp_path, "a1"), numbers_of(tmp_path, "b2")) == ([1], [2])


def told(root: Path, value: str) -> list[int]:
    """The number that a run would tell."""
    decision = already_run(root, value)
    return [decision.record.id] if decision.record else []


@pytest.mark.parametrize("ask", [numbers_of, told])
def test_the_folder_is_believed_not_the_index(tmp_path: Path, ask: Callable[[Path, str], list[int]]) -> None:
    record(tmp_path, 1, "b2")
    record(tmp_path, 2, "a1")
    (tmp_path / INDEX).write_text("1:b2;\n2:b2;\n", encoding="ascii")
    assert ask(tmp_path, "b2") == [1]
    assert known_hashes(tmp_path) == {1: "b2", 2: "a1"}


def test_a_torn_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    for number, value in [(1, "a1"), (2, "b2"), (11, "c3")]:
        record(tmp_path, number, value)
    (tmp_path / INDEX).write_text("11:c3;\n1", encoding="ascii")  # killed while it wrote "1:a1;"
    for _ in range(2):
        assert known_hashes(tmp_path) == {1: "a1", 2: "b2", 11: "c3"}


def test_a_folder_that_cannot_be_written_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, 1, "a1")

    def refuse(*args: object) -> int:
        raise PermissionError

    monkeypatch.setattr("os.open", refuse)
    assert numbers_of(tmp_path, "a1") == [1]
    assert not (tmp_path / INDEX).exists()


def test_many_may_ask_at_once(tmp_path: Path) -> None:
    for number in range(1, 41):
        record(tmp_path, number, f"a{number % 2}")
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(numbers_of(tmp_path, "a1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(1, 41, 2))] * 8
    assert numbers_of(tmp_path, "a0") == list(range(2, 41, 2))


def test_among_thousands_it_is_told_without_reading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 2001):
        log = tmp_path / f"result_experiment_{number}" / "log"
        log.mkdir(parents=True)
        write(log / "run.json", {"name": "many", "hash": f"{number:x}"})
    known_hashes(tmp_path)
    reads: list[int] = []

    def counted(root: Path, number: int) -> str:
        reads.append(number)
        return f"{number:x}"

    monkeypatch.setattr(known, "_read_hash", counted)
    begin = time.perf_counter()
    assert numbers_of(tmp_path, "7d0") == [2000]
    print(f"2,000 experiments: {1000 * (time.perf_counter() - begin):.1f} ms")  # noqa: T201
    assert reads == [2000]


def test_a_new_configuration_is_run_without_a_word(tmp_path: Path) -> None:
    record(tmp_path, 1, "a1")
    assert already_run(tmp_path, "b2").action == "run"
    assert already_run(tmp_path, "b2").message == ""


@pytest.mark.parametrize(
    ("choice", "action", "end"),
    [
        ("again", "run", "; it is run again"),
        ("skip", "skip", "; nothing is run (if_run=skip), code and data were not compared"),
        ("fail", "fail", "; nothing was run (if_run=fail); change a setting, or leave if_run out to run it again"),
    ],
)
def test_a_configuration_that_was_run_is_told_with_its_result(
    tmp_path: Path, choice: str, action: str, end: str
) -> None:
    record(tmp_path, 1, "a1")
    record(tmp_path, 2, "a1", "FAILED")
    decision = already_run(tmp_path, "a1", choice)
    expected = "experiment 1 (forest) ran this very configuration already: accuracy 0.9 ± 0.1 over 2 folds"
    assert (decision.action, decision.message) == (action, expected + end)
    assert decision.record is not None
    assert "\n" not in decision.message


@pytest.mark.parametrize("choice", ["again", "skip", "fail"])
def test_a_run_without_a_result_stands_for_none(tmp_path: Path, choice: str) -> None:
    record(tmp_path, 1, "a1", "FAILED")
    decision = already_run(tmp_path, "a1", choice)
    assert decision.action == "run"
    assert decision.message == (
        "experiment 1 (forest) has this very configuration and no result, FAILED: ValueError: no; "
        "to go on with it instead: kedro experiment restart 1"
    )


@pytest.mark.parametrize("choice", ["skp", None, True, 3])
def test_an_unknown_choice_is_refused(tmp_path: Path, choice: object) -> None:
    with pytest.raises(UnknownChoice, match=f"if_run: there is no '{choice}'; .*nothing was run") as caught:
        already_run(tmp_path, "a1", choice)
    assert caught.value.exit_code == 2
