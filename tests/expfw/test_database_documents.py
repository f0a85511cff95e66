"""What goes to the team's database, read from a folder: whole, bounded, and never an error."""

from __future__ import annotations

import json
import os
import random
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import psutil
import pytest
from services.folders import CONFIG, CURVE, ENTRY, STARTED, make_experiment, running, write

from expfw.database.documents import RunState, has_ended, identity, read_state
from expfw.database.fields import MAX_METRICS, MAX_OUTPUT, MAX_VALUES
from expfw.database.files import digest_of
from expfw.database.mark import Mark, read_mark, remove_mark, write_mark
from expfw.database.storable import shortened, size, storable
from expfw.run.folder import ResultFolder

LIMIT = 16 * 1024 * 1024
"""Bytes of the largest document that MongoDB takes."""

THIS = psutil.Process()
HERE = {"pid": THIS.pid, "created": THIS.create_time(), "host": os.uname().nodename}


def encoded(state: RunState) -> int:
    """Bytes of the largest document of a state; fails if there is anything that MongoDB does not take."""
    return max(len(bson.encode(document)) for document in (state.document, *map(vars, state.metrics)))


def names(state: RunState) -> set[str]:
    return {file.name for file in state.artifacts}


def note(state: RunState) -> str:
    return "\n".join(state.document["expfw"]["notes"])


def test_a_document_has_the_fields_of_sacreds_observer(tmp_path: Path) -> None:
    state = read_state(make_experiment(tmp_path, 3, fail_trace=["Traceback\n", "ValueError: x\n"]))
    document = state.document
    assert document["experiment"]["name"] == "tree"
    assert document["start_time"] == datetime.fromisoformat(STARTED)
    assert document["config"] == {**CONFIG, "seed": 1}
    assert document["result"] == {"test": {"accuracy": 0.75}, "validation": {"accuracy": 0.8}}
    assert document["captured_out"] == "it began\n"
    assert document["fail_trace"] == ["Traceback\n", "ValueError: x\n"]
    assert document["expfw"]["uuid"] == state.uuid
    assert document["expfw"]["local_id"] == 3
    assert document["expfw"]["notes"] == []
    same = {"format", "command", "host", "status", "heartbeat", "stop_time", "meta", "resources", "info"}
    assert same <= document.keys()


def test_main_metrics_come_right_after_name_and_host_and_the_description_is_the_comment(tmp_path: Path) -> None:
    document = read_state(make_experiment(tmp_path)).document
    assert list(document)[:5] == ["experiment", "host", "validation_accuracy", "test_accuracy", "status"]
    assert (document["validation_accuracy"], document["meta"]["comment"]) == (0.8, "A tree")


def test_artifacts_are_the_record_and_the_report_and_never_data_or_models(tmp_path: Path) -> None:
    state = read_state(make_experiment(tmp_path, files={"report/own/table.csv": "a\n", "log/traceback.txt": "T"}))
    assert names(state) == set(
        """
        checksums.json config.json environment.json experiment.log figure-01-a-figure.svg origin.json own-table.csv
        report.html run.json test_metrics.json timing.json traceback.txt validation_metrics.json
        """.split()
    )
    assert [file.name for file in state.sources] == ["src/a.py"]


def test_files_that_would_have_one_name_get_two(tmp_path: Path) -> None:
    state = read_state(
        make_experiment(tmp_path, files={"report/config.json": "{}", "report/a/b": "", "report/a-b": ""})
    )
    assert len(names(state)) == len(state.artifacts)
    assert {"config.json", "report-config.json"} <= names(state)


def test_a_chart_stands_without_the_page_that_gives_it_its_colours(tmp_path: Path) -> None:
    (figure,) = (file for file in read_state(make_experiment(tmp_path)).artifacts if file.name.endswith(".svg"))
    assert figure.content.startswith(b'<svg viewBox="0 0 1 1" xmlns="http://www.w3.org/2000/svg"><style>')


def test_while_a_run_goes_on_what_grows_all_along_is_left_to_its_end(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    running(folder, HERE)
    state = read_state(folder)
    assert not state.ended
    assert not has_ended(folder)
    assert "config.json" in names(state)
    assert "experiment.log" not in names(state)
    assert "stop_time" not in state.document


def test_a_killed_run_has_ended_and_is_running_with_an_old_heartbeat_for_those_who_know_no_dead(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    running(folder, {**HERE, "created": 0})
    state = read_state(folder)
    assert state.ended
    assert state.document["status"] == "RUNNING"
    assert state.document["heartbeat"].isoformat() < "2026-03-02"
    assert state.document["expfw"]["status"] == "DEAD"
    assert "experiment.log" in names(state)


def test_a_run_that_was_killed_before_its_record_began_is_told_of_too(tmp_path: Path) -> None:
    state = read_state(make_experiment(tmp_path, files={"log/sacred/run.json": None, "log/sacred/config.json": None}))
    assert state.document["experiment"]["name"] == "tree"
    assert state.document["start_time"] == state.document["heartbeat"] == datetime.fromisoformat(STARTED)
    assert state.document["config"] == CONFIG


@pytest.mark.slow
def test_a_configuration_of_20_megabytes_is_shortened_and_whole_among_the_artifacts(tmp_path: Path) -> None:
    config = {**CONFIG, "model": {"type": "a.Tree", "params": {"depth": 3, "table": list(range(3_000_000))}}}
    folder = make_experiment(tmp_path, files={"log/sacred/config.json": config, "log/config.json": config})
    state = read_state(folder)
    assert encoded(state) < LIMIT
    assert state.document["config"]["model"]["params"]["depth"] == 3
    assert state.document["config"]["model"]["params"]["table"][:2] == [0, 1]
    assert "the configuration is shortened; the whole is in the artifact config.json" in note(state)
    assert "config.json" in names(state)


@pytest.mark.parametrize("count", [100_000, 300_000])
def test_a_curve_of_many_values_keeps_its_first_and_its_last(tmp_path: Path, count: int) -> None:
    curve = {
        "steps": list(range(count)),
        "values": [step / 7 for step in range(count)],
        "timestamps": [STARTED] * count,
    }
    state = read_state(make_experiment(tmp_path, files={"log/sacred/metrics.json": {"loss": curve}}))
    (metric,) = state.metrics
    assert len(metric.values) == min(count, MAX_VALUES)
    assert (metric.steps[0], metric.steps[-1]) == (0, count - 1)
    assert metric.values == [step / 7 for step in metric.steps]
    assert encoded(state) < LIMIT
    assert ("metrics.json" in names(state)) == (count > MAX_VALUES)
    assert ("some metrics are thinned out" in note(state)) == (count > MAX_VALUES)


def test_very_many_metrics_fit_into_the_list_of_them(tmp_path: Path) -> None:
    curves = {f"validation.metric number {number} {'x' * 900}": CURVE for number in range(MAX_METRICS + 1000)}
    state = read_state(make_experiment(tmp_path, files={"log/sacred/metrics.json": curves}))
    assert len(state.metrics) == MAX_METRICS
    assert sum(len(metric.name) for metric in state.metrics) + encoded(state) < LIMIT / 2
    assert "metrics.json" in names(state)


def test_a_curve_is_sorted_by_step_and_holds_numbers_or_a_word(tmp_path: Path) -> None:
    curve = {"steps": [2, 0, 1], "values": [2**70, "a" * 100, float("nan")], "timestamps": [STARTED, "x", None]}
    (metric,) = read_state(make_experiment(tmp_path, files={"log/sacred/metrics.json": {"m": curve}})).metrics
    assert metric.steps == [0, 1, 2]
    assert metric.values[0] == "a" * 20
    assert metric.values[2] == str(2**70)[:20]
    bson.encode(vars(metric))


@pytest.mark.slow
def test_30_megabytes_of_output_keep_their_end_and_are_whole_among_the_artifacts(tmp_path: Path) -> None:
    text = "".join(f"line {number:020d}\n" for number in range(1_150_000))
    state = read_state(make_experiment(tmp_path, files={"log/sacred/cout.txt": text}))
    kept = state.document["captured_out"]
    assert len(text) > 29_000_000
    assert kept.endswith("line 00000000000001149999\n")
    assert MAX_OUTPUT <= len(kept) < MAX_OUTPUT + 200
    assert "the whole is in the artifact cout.txt" in kept
    assert "cout.txt" in names(state)


@pytest.mark.parametrize(
    "entry",
    [
        {"result": {f"test.{number}": "x" * 1000 for number in range(50_000)}},
        {"result": ["x" * 50_000_000]},
        {"fail_trace": ["x" * 1000 + "\n"] * 50_000},
        {"host": {"hostname": "x" * 20_000_000}},
        {"experiment": {"name": "x" * 20_000_000, "dependencies": ["y" * 100] * 300_000}},
        {"meta": {"a": {"b": ["y" * 100] * 300_000}}, "command": "x" * 20_000_000},
    ],
    ids="-".join,
)
def test_no_field_outgrows_a_document(tmp_path: Path, entry: dict[str, Any]) -> None:
    state = read_state(make_experiment(tmp_path, **entry))
    assert encoded(state) < LIMIT / 4
    if "fail_trace" in entry:
        assert state.document["fail_trace"][-1] == "x" * 1000 + "\n"


def test_binary_rubbish_in_the_output_is_kept_as_far_as_it_is_text(tmp_path: Path) -> None:
    rubbish = random.Random(1).randbytes(3_000_000)
    state = read_state(make_experiment(tmp_path, files={"log/sacred/cout.txt": b"a\0b\xff" + rubbish}))
    assert encoded(state) < LIMIT / 2


JSON_FILES = """
log/run.json log/sacred/run.json log/sacred/config.json log/sacred/metrics.json log/database.json
report/validation_metrics.json report/sections/a.json
""".split()
RUBBISH = {
    "empty": b"",
    "torn": b'{"a": [1, 2',
    "binary": bytes(range(256)),
    "list": b"[1]",
    "number": b"3",
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 500 + b"1" + b"}" * 500,
    "long number": b'{"a": 1' + b"0" * 3000 + b"}",
    "half a character": rb'{"a\ud800": "\udc00", "name": "\ud800", "uuid": "\ud800", "status": "\ud800"}',
    "names of fields": b'{"$a": 1, "a.b": 2, "": 3, "\\u0000": 4, "steps": 5}',
    "wrong kinds": json.dumps(
        dict.fromkeys((*ENTRY, "id", "uuid", "process", "name", "started", "parents", "accuracy", "kind", "body"), 5)
    ).encode(),
    "wrong kinds inside": json.dumps(
        {key: {"a": [None]} for key in (*ENTRY, "id", "uuid", "process", "started", "accuracy", "title", "body")}
    ).encode(),
    "wrong process": json.dumps({"process": {**HERE, "pid": "x", "created": None}}).encode(),
    "wrong times": b'{"start_time": "yesterday", "heartbeat": "9999-12-31T23:59:59-23:00", "stop_time": []}',
    "curves": b'{"a": {"steps": [1, "x", null], "values": [[], {}, 1e999], "timestamps": [3, null, "x"]}, "b": []}',
}


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_whatever_a_file_holds_there_is_a_document(tmp_path: Path, name: str, rubbish: bytes) -> None:
    folder = make_experiment(tmp_path, files={name: rubbish})
    state = read_state(folder)
    assert encoded(state) < LIMIT
    assert state.ended or name in ("log/run.json", "log/sacred/run.json")
    read_mark(folder)


def test_a_folder_without_a_file_in_it_has_a_document(tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path / "result_experiment_1")
    assert encoded(read_state(folder)) < LIMIT
    folder.path.mkdir()
    assert encoded(read_state(folder)) < LIMIT


def test_what_is_no_file_is_no_artifact(tmp_path: Path) -> None:
    """A pipe would be waited for without end, and a link to a folder followed in circles."""
    folder = make_experiment(tmp_path)
    os.mkfifo(folder.report / "pipe")
    (folder.report / "circle").symlink_to(folder.report)
    (folder.report / "nowhere").symlink_to(tmp_path / "nothing")
    assert {name for name in names(read_state(folder)) if name in ("pipe", "nowhere") or "circle" in name} == set()


def test_the_digest_tells_of_a_change_and_of_nothing_else(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    before = digest_of(folder)
    write_mark(folder, Mark(1, "here", "d", complete=True))
    write(folder.log / "children.jsonl", "{}")
    write(folder.data / "more.pkl", b"x")
    assert digest_of(folder) == before
    for name in (
        "log/sacred/cout.txt",
        "log/sacred/metrics.json",
        "report/index.html",
        "report/new.csv",
        "log/run.json",
    ):
        changed = shutil.copytree(folder.path, tmp_path / name.replace("/", "_") / folder.path.name)
        assert digest_of(ResultFolder(changed)) == before
        write(changed / name, "something else")
        assert digest_of(ResultFolder(changed)) != before


def test_an_experiment_from_before_identities_has_one_that_stays(tmp_path: Path) -> None:
    old = make_experiment(tmp_path / "a", 1, uuid=None)
    other = make_experiment(tmp_path / "b", 2, uuid=None)
    moved = shutil.copytree(old.path, tmp_path / "c" / "result_experiment_9")
    assert identity(old)[0] == identity(ResultFolder(moved))[0] != identity(other)[0]
    assert identity(ResultFolder(moved))[1] == 1
    bare = [make_experiment(tmp_path / "d", number, files={"log/run.json": {"name": "tree"}}) for number in (1, 2)]
    assert identity(bare[0])[0] != identity(bare[1])[0]


def test_a_mark_is_read_as_it_was_written_and_can_be_taken_away(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path)
    assert read_mark(folder) is None
    mark = Mark(7, "mongodb://host/team", "abc", complete=True)
    write_mark(folder, mark)
    assert read_mark(folder) == mark
    remove_mark(folder)
    remove_mark(folder)
    assert read_mark(folder) is None


def test_values_are_storable_whatever_their_depth_and_size() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": [deep]}
    value = {"a.b": {"$c": 2**64}, "d\0": -(2**63), "e": [True, None, 1e999], "deep": deep, "": "\ud800", "=": 10**5000}
    assert bson.decode(bson.encode(storable(value)))["a．b"] == {"＄c": str(2**64)}


@pytest.mark.parametrize("limit", [0, 1, 100, 1000, 10_000, 100_000])
@pytest.mark.parametrize(
    "value",
    [
        "x" * 200_000,
        list(range(50_000)),
        [["x" * 1000] * 10] * 30,
        {str(number): number for number in range(30_000)},
        {"small": 1, "large": "x" * 200_000, "list": ["y" * 500] * 500},
        {"a": {"b": {"c": {"d": ["x" * 100_000, 1]}}}, "k" * 5000: 1},
    ],
    ids=["text", "numbers", "lists", "many", "uneven", "deep"],
)
def test_what_is_shortened_has_about_the_size_that_is_wanted(value: Any, limit: int) -> None:
    assert size(shortened(value, limit)) <= 1.2 * limit + 200


def test_of_uneven_entries_the_small_ones_stay_whole() -> None:
    short = shortened({"large": "x" * 100_000, "small": [1, 2], "other": {"a": 1}}, 1000)
    assert list(short) == ["large", "small", "other"]
    assert (short["small"], short["other"]) == ([1, 2], {"a": 1})
    assert "characters are left out here" in short["large"]
