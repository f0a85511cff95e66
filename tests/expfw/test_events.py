"""Events of a run: appended from many processes, read with a torn last line."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from expfw.run.events import EventLog, Timer, checksum, checksums, timing


def write(path: Path) -> None:
    """Append a hundred long events."""
    for number in range(100):
        EventLog(path).append("part", step="x", fold=number, part="y" * 3000, seconds=0.5)


def test_lines_of_many_processes_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(write, [path] * 8))
    assert len(EventLog(path).read("part")) == 800
    assert len([line for line in path.read_text().split("\n") if line]) == 800


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("saved", node="load")
    with log.path.open("a") as file:
        file.write('{"event": "saved", "no')
    assert [event["node"] for event in log.read("saved")] == ["load"]


def test_an_event_after_a_torn_line_is_not_lost_with_it(tmp_path: Path) -> None:
    """A killed run that is restarted appends to what it left."""
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_text('{"event": "saved", "no')
    log.append("saved", node="load")
    log.append("saved", node="fit")
    assert "fit" in [event["node"] for event in log.read("saved")]
    assert "load" in [event["node"] for event in log.read("saved")]


@pytest.mark.parametrize("line", ["null", "3", "[1, 2]", "{}", ""])
def test_a_line_that_is_no_event_is_left_out(tmp_path: Path, line: str) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.path.write_text(f"{line}\n")
    log.append("saved", node="load")
    assert len(log.read("saved")) == 1


def test_without_a_file_nothing_happened(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    assert timing(log) == {"nodes": {}, "folds": {}, "parts": []}
    assert checksums(log) == {}


def test_timing_takes_the_last_word_of_each_node_and_fold(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for seconds in (1.0, 2.0):
        log.append("saved", node="hold_out", output="x", seconds=seconds, files={"data/x": f"sha256:{seconds}"})
        log.append("fold", fold=0, seconds=seconds)
    log.append("part", step="model", fold=None, part="p", seconds=3.0)
    assert timing(log) == {
        "nodes": {"hold_out": 2.0},
        "folds": {"0": 2.0},
        "parts": [{"step": "model", "fold": None, "part": "p", "seconds": 3.0}],
    }
    assert checksums(log) == {"data/x": "sha256:2.0"}


def test_a_part_that_fails_is_measured_as_well(tmp_path: Path) -> None:
    timer = Timer(EventLog(tmp_path / "events.jsonl"), step="features", fold=3)
    with pytest.raises(ValueError, match="no"), timer("tokenise"):
        raise ValueError("no")
    (event,) = timer.events.read("part")
    assert (event["step"], event["fold"], event["part"]) == ("features", 3, "tokenise")


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * 1_000_000])
def test_a_checksum_is_that_of_the_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert checksum(tmp_path / "file") == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_any_character_can_be_in_an_event(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("part", part="größe \u2028 \x85 \n \"'")
    assert log.read("part")[0]["part"] == "größe \u2028 \x85 \n \"'"
