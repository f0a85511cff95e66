"""The project's source files, as each run keeps them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from expfw.run.sources import copy_sources, source_files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with sources and other things."""
    for name in (
        "pyproject.toml",
        "src/mine/__init__.py",
        "src/mine/model.py",
        "src/mine/query.sql",
        "src/mine/data.csv",
        "src/mine/__pycache__/model.py",
        "src/mine/.hidden/x.py",
        "src/mine.egg-info/x.py",
        "src/expfw/page.html.j2",
        "src/expfw/style.css",
        "notebooks/x.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


EXPECTED = [
    "pyproject.toml",
    "src/expfw/page.html.j2",
    "src/expfw/style.css",
    "src/mine/__init__.py",
    "src/mine/model.py",
    "src/mine/query.sql",
]


def test_sources_are_code_and_templates_and_nothing_else(project: Path) -> None:
    assert sorted(source.name for source in source_files(project)) == EXPECTED


def test_a_source_has_its_content_and_digest(project: Path) -> None:
    for source in source_files(project):
        content = (project / source.name).read_bytes()
        assert source.content == content
        assert source.digest == hashlib.md5(content).hexdigest()


def test_a_changed_source_is_read_again(project: Path) -> None:
    """Within one process, as in a notebook; also if neither its length nor the second differs."""
    model = project / "src" / "mine" / "model.py"
    source_files(project)
    model.write_text("x" * len("src/mine/model.py"))
    os.utime(model, ns=(1, model.stat().st_mtime_ns + 1))
    (source,) = [source for source in source_files(project) if source.name == "src/mine/model.py"]
    assert set(source.content) == {ord("x")}


def test_a_project_without_sources_has_none(tmp_path: Path) -> None:
    assert source_files(tmp_path) == []


def test_copies_lie_under_their_own_names(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies"
    copy_sources(source_files(project), target)
    copied = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    assert copied == EXPECTED
    assert (target / "src/mine/model.py").read_text() == "src/mine/model.py"
