"""Compiled templates: kept as Python keeps compiled modules, and never in the place of what they are not."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from expfw.report.compiled import CompiledTemplates


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Templates in a folder of their own, in a process that keeps what it compiles."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "page.html").write_text("<b>{{ text }}</b>")
    return tmp_path


def rendered(folder: Path, *, autoescape: bool = True) -> str:
    """The page as a fresh process would write it."""
    loader, cache = jinja2.FileSystemLoader(folder), CompiledTemplates(folder)
    environment = jinja2.Environment(loader=loader, autoescape=autoescape, bytecode_cache=cache)
    return environment.get_template("page.html").render(text="<i>")


def kept(folder: Path) -> list[Path]:
    """Compiled templates that lie there."""
    return sorted((folder / "__pycache__").glob("*"))


def test_a_template_is_compiled_once(folder: Path) -> None:
    """Each time that one is compiled, it is kept as a new file."""
    assert rendered(folder) == "<b>&lt;i&gt;</b>"
    (compiled,) = kept(folder)
    before = compiled.stat()
    assert rendered(folder) == "<b>&lt;i&gt;</b>"
    assert (compiled.stat().st_ino, compiled.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_changed_template_is_compiled_again(folder: Path) -> None:
    rendered(folder)
    (folder / "page.html").write_text("<u>{{ text }}</u>")
    assert rendered(folder) == "<u>&lt;i&gt;</u>"


def test_one_that_was_compiled_without_escaping_is_not_taken_for_one_with(folder: Path) -> None:
    assert rendered(folder, autoescape=False) == "<b><i></b>"
    assert rendered(folder) == "<b>&lt;i&gt;</b>"


@pytest.mark.parametrize("length", [0, 1, 10, 20, 40, 60, -1])
def test_a_torn_one_is_compiled_again(folder: Path, length: int) -> None:
    rendered(folder)
    (compiled,) = kept(folder)
    compiled.write_bytes(compiled.read_bytes()[:length])
    assert rendered(folder) == "<b>&lt;i&gt;</b>"


def test_nothing_is_kept_where_python_keeps_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(folder) == "<b>&lt;i&gt;</b>"
    assert kept(folder) == []


def test_a_folder_that_takes_nothing_is_no_fault(folder: Path) -> None:
    (folder / "__pycache__").write_text("a file, in which no file can be made")
    assert rendered(folder) == "<b>&lt;i&gt;</b>"


def test_they_lie_where_python_is_told_to_keep_what_it_compiles(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(sys, "pycache_prefix", str(elsewhere))
    rendered(folder)
    assert not (folder / "__pycache__").exists()
    assert [path for path in elsewhere.rglob("*") if path.is_file()]
