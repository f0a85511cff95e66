"""The parts of reuse: links between files, the index, what was observed of a node, and how it is examined."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog

from expfw.errors import RecordError
from expfw.reuse.choice import is_wanted
from expfw.reuse.decision import decide, decided, reusable
from expfw.reuse.earlier import Account, Unfit, examine
from expfw.reuse.identity import Identity
from expfw.reuse.index import INDEX, TRIED, catch_up, known, remember
from expfw.reuse.linked import Linked, draft_of, link_file
from expfw.reuse.nodes import check_taken
from expfw.run.events import EventLog, checksum
from expfw.run.folder import ResultFolder
from expfw.run.inputs import Inputs
from expfw.run.known import UnknownChoice
from expfw.run.observed import unobserved


def test_a_linked_file_has_the_content_and_takes_its_name_at_once(tmp_path: Path) -> None:
    source, target = tmp_path / "one.pkl", tmp_path / "folder" / "two.pkl"
    source.write_bytes(b"content" * 1000)
    target.parent.mkdir()
    target.write_bytes(b"old")
    draft = draft_of(target)
    assert link_file(source, draft) in ("reflink", "hard link")
    assert target.read_bytes() == b"old"
    Linked(draft, checksum(source)).become(target)
    assert target.read_bytes() == source.read_bytes()
    assert list(target.parent.iterdir()) == [target]
    source.unlink()
    assert target.read_bytes() == b"content" * 1000


def test_another_file_system_gets_a_copy(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    source, target = tmp_path / "one", other / f"expfw_test_{os.getpid()}"
    source.write_text("content")
    try:
        assert link_file(source, target) == "copy"
        assert target.read_text() == "content"
    finally:
        target.unlink(missing_ok=True)


def test_a_missing_source_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        link_file(tmp_path / "none", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_what_was_altered_between_taking_and_saving_is_refused(tmp_path: Path) -> None:
    link = Linked(tmp_path / "x", "sha256:aa")
    check_taken(link, {"data/x": "sha256:aa"})
    check_taken({3: link}, {"data/x": "sha256:aa"})
    check_taken("anything that was computed", {"data/x": "sha256:bb"})
    for data in (link, {3: link}):
        with pytest.raises(RecordError, match="data/x is not what was taken"):
            check_taken(data, {"data/x": "sha256:bb"})


def test_a_decision_is_for_one_node_and_one_thread() -> None:
    @reusable
    def node(x: int) -> Any:
        return x

    taken = [Linked(Path("a"), "d")]
    decide(taken)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(node(1)))
    thread.start()
    thread.join()
    assert found == [1]
    assert (node(2), node(3)) == (taken[0], 3)
    decide([*taken, *taken])
    assert node(1) == (taken[0], taken[0])
    assert decided() is None


def test_the_index_gives_the_newest_first_and_no_more_than_are_worth_trying(tmp_path: Path) -> None:
    for number in range(1, 3 * TRIED):
        remember(tmp_path, number, ["ab12"])
    assert list(known(tmp_path, "ab12")) == list(range(3 * TRIED - 1, 2 * TRIED - 1, -1))
    assert list(known(tmp_path, "ab13")) == []


def test_the_index_is_made_again_from_the_records(tmp_path: Path) -> None:
    for number, identity in [(1, "ab12"), (2, "cd34"), (3, None)]:
        folder = ResultFolder(tmp_path / f"result_experiment_{number}")
        folder.log.mkdir(parents=True)
        EventLog(folder.log / "events.jsonl").append("identity", node="load", identity=identity)
    for _ in range(2):
        catch_up(tmp_path)
        assert (list(known(tmp_path, "ab12")), list(known(tmp_path, "cd34"))) == ([1], [2])
        shutil.rmtree(tmp_path / INDEX)


def test_torn_lines_name_nothing_and_spoil_nothing(tmp_path: Path) -> None:
    remember(tmp_path, 1, ["ab12"])
    with (tmp_path / INDEX / "ab").open("ab") as file:
        file.write(b"ab12:77")
    remember(tmp_path, 2, ["ab12"])
    assert list(known(tmp_path, "ab12")) == [2, 1]


def test_an_index_that_cannot_be_written_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text("a file in its place")
    remember(tmp_path, 1, ["ab12"])
    catch_up(tmp_path)
    assert list(known(tmp_path, "ab12")) == []


@pytest.mark.parametrize("choice", ["of", None, 3, "yes"])
def test_an_unknown_choice_is_refused(choice: object) -> None:
    with pytest.raises(UnknownChoice, match=f"reuse: there is no '{choice}'; .*nothing was run"):
        is_wanted(choice)


def touched(project: Path, work: Any) -> list[dict[str, Any]]:
    """What was noted while something was done."""
    events = EventLog(project / "result" / "events")
    events.path.parent.mkdir(exist_ok=True)
    seen = Inputs(events, "load", project / "result", [], DataCatalog({}), project / "result" / "own", project)
    work()
    seen.note()
    seen.end()
    return events.read("touched", "read")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with data that have been there for a while."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x")
    (tmp_path / "config" / "local").mkdir(parents=True)
    (tmp_path / "config" / "local" / "key").write_text("x")
    monkeypatch.chdir(tmp_path)
    threading.Event().wait(0.05)
    return tmp_path


def refused(project: Path, seen: list[dict[str, Any]], **known: Any) -> str:
    """Why it is not taken; nothing if it is."""
    try:
        examine(Account(1, {}, seen), Identity("ab", **known), ResultFolder(project / "result_experiment_1"), project)
    except Unfit as problem:
        return str(problem)
    return ""


def test_files_must_be_what_they_were(project: Path) -> None:
    file = project / "data" / "a.csv"
    seen = touched(project, file.read_text)
    assert refused(project, seen, reads=True) == ""
    assert refused(project, seen) == "a component read files, and does not say reusable = True"
    status = file.stat()
    file.write_text("y")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert refused(project, seen, reads=True) == "data/a.csv has changed"
    file.unlink()
    assert refused(project, seen, reads=True) == "data/a.csv has changed"


def test_a_file_that_was_not_there_must_not_be_there(project: Path) -> None:
    def look() -> None:
        with pytest.raises(FileNotFoundError):
            (project / "data" / "b.csv").read_text()

    seen = touched(project, look)
    assert refused(project, seen, reads=True) == ""
    (project / "data" / "b.csv").write_text("")
    assert refused(project, seen, reads=True) == "data/b.csv has changed"


def test_folders_must_have_the_same_names(project: Path) -> None:
    seen = touched(project, lambda: list((project / "data").glob("*")))
    assert refused(project, seen, reads=True) == ""
    assert refused(project, seen) != ""
    (project / "data" / "b.csv").write_text("")
    assert refused(project, seen, reads=True) == "the folder data has changed"


def test_a_file_that_changed_while_it_was_read_is_never_known(project: Path) -> None:
    def replace() -> None:
        (project / "data" / "a.csv").read_text()
        (project / "data" / "new").write_text("y")
        (project / "data" / "new").replace(project / "data" / "a.csv")

    assert "data/a.csv changed meanwhile" in refused(project, touched(project, replace), reads=True, leaves=True)


def test_no_checksum_of_a_private_file_is_recorded(project: Path) -> None:
    seen = touched(project, (project / "config" / "local" / "key").read_text)
    assert "config/local/key was read" in refused(project, seen, reads=True, leaves=True)
    assert checksum(project / "config" / "local" / "key") not in str(seen)


def test_outside_of_the_process_nothing_is_known_but_on_its_word(project: Path) -> None:
    import socket

    def connect() -> None:
        with socket.socket() as own, pytest.raises(ConnectionRefusedError):
            own.connect(("127.0.0.1", 1))

    seen = touched(project, connect)
    assert refused(project, seen, reads=True) == "it depended on socket.connect"
    assert refused(project, seen, reads=True, leaves=True) == ""


def test_what_the_framework_does_itself_in_another_thread_is_not_the_nodes(project: Path) -> None:
    def other() -> None:
        with unobserved():
            (project / "data" / "a.csv").read_text()

    def work() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert refused(project, touched(project, work)) == ""


def test_what_was_not_observed_is_not_taken(project: Path) -> None:
    assert refused(project, [], reads=True, leaves=True) == "it was not observed"
