"""Copies of files whose checksum is compared before they are read."""

from __future__ import annotations

import pickle
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from expfw.errors import RecordError
from expfw.run import copied as module
from expfw.run.copied import copied
from expfw.run.events import checksum
from expfw.run.folder import ResultFolder
from expfw.run.recorded import opened

LARGE = 3 * module.CHUNK + 17


@pytest.fixture(params=["in memory", "in a file"])
def large(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of several chunks, whose copy is held in memory or in a file."""
    if request.param == "in a file":
        monkeypatch.setattr(module, "IN_MEMORY", 10)
    path = tmp_path / "result_experiment_1" / "large.pkl"
    path.parent.mkdir()
    path.write_bytes(pickle.dumps("x" * LARGE))
    return path


def test_a_copy_is_the_file(large: Path) -> None:
    with copied(large) as (file, found):
        assert file.read() == large.read_bytes()
        assert found == checksum(large)


def test_what_was_compared_is_read_though_the_file_is_overwritten_in_place(large: Path) -> None:
    with opened(ResultFolder(large.parent), large.name, checksum(large)) as file:
        with large.open("r+b") as same:
            same.write(pickle.dumps("y" * LARGE))
        assert pickle.load(file) == "x" * LARGE


def test_an_altered_file_is_not_opened(large: Path) -> None:
    digest = checksum(large)
    with large.open("ab") as file:
        file.write(b"more")
    with (
        pytest.raises(RecordError, match="was altered after it was written"),
        opened(ResultFolder(large.parent), large.name, digest),
    ):
        pytest.fail("it was opened")


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file can be made larger than a chunk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (module.CHUNK, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_for_a_copy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    path = tmp_path / "large"
    path.write_bytes(b"x" * LARGE)
    request.getfixturevalue("little_room")
    with pytest.raises(RecordError, match=r"there is no room for one in .*set TMPDIR"), copied(path):
        pytest.fail("it was copied")
