"""What it takes to run an experiment as it was: its packages as requirements, its code as a project."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from expfw.config.secrets import MARK
from expfw.errors import ExpfwError, RecordError
from expfw.reproduce.in_env import cannot_be_had
from expfw.reproduce.rebuild import cache_folder, environment_folder, find_python
from expfw.reproduce.requirements import Requirements, requirements
from expfw.reproduce.rerun import recorded_rerun
from expfw.reproduce.unpack import check_sources, unpack
from expfw.run.environment import collect
from expfw.run.events import checksum
from expfw.run.folder import ResultFolder
from expfw.run.sources import copy_sources, source_files

PYPROJECT = """
[project]
name = "My_Study"
version = "0.1.0"

[project.entry-points."study.readers"]
csv = "study.reading:read"
"""


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with code, configuration, data and what is private."""
    project = tmp_path / "project"
    files = {
        "pyproject.toml": PYPROJECT,
        "src/study/model.py": "then",
        "src/study/words.csv": "a,b",
        "config/base/catalog.yml": "{}",
        "config/local/credentials.yml": "x: y",
        "config/experiments/one.json": "{}",
        "config/experiments/other.json": "{}",
        "conf/logging.yml": "version: 1",
        "data/table.csv": "a,b",
        "notebooks/look.ipynb": "{}",
        ".git/HEAD": "ref",
    }
    write(project, files)
    return project


@pytest.fixture
def old(project: Path) -> ResultFolder:
    """An experiment of that project."""
    folder = ResultFolder(project / "result" / "result_experiment_1")
    folder.log.mkdir(parents=True)
    copy_sources(source_files(project, {"config/experiments/one.json"}), folder.log / "sources")
    return folder


def recorded(old: ResultFolder, **environment: Any) -> None:
    """Write the record of the experiment's environment."""
    (old.log / "environment.json").write_text(json.dumps({"python": "3.11.2", "packages": {}, **environment}))


def contents(folder: Path) -> dict[str, str]:
    """All files of a project with what they hold, links followed."""
    paths = (Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def unpacked(project: Path, old: ResultFolder, needed: Requirements | None = None) -> Path:
    """The experiment's project."""
    place = cache_folder(project) / "place"
    place.mkdir()
    unpack(project, old, place, needed or Requirements("3.11.2", ()))
    return place


def test_packages_become_requirements_and_what_cannot_be_had_is_named(old: ResultFolder) -> None:
    packages = {
        "numpy": "2.1.0",
        "my-study": "0.1.0 (editable)",
        "torch": "2.4.0+cpu",
        "from-git": "1.0 (commit abc)",
        "from-ssh": "1.0 (commit abc)",
        "from-git-long-ago": "1.0 (commit abc)",
        "mine": "2.0 (editable)",
        "from-folder": "3.0",
        "--index-url": "4.0",
    }
    origins = {
        "from-git": "git+https://example.org/a@abc",
        "from-ssh": "git+ssh://example.org/a@abc",
        "from-folder": "file:///home/me/folder",
    }
    recorded(old, packages=packages, package_origins=origins)
    needed = requirements(old)
    assert (needed.python, needed.series, needed.own) == ("3.11.2", "3.11", ("my-study", "0.1.0 (editable)"))
    assert needed.lines == (
        "numpy==2.1.0",
        "torch==2.4.0+cpu",
        "from-git @ git+https://example.org/a@abc",
        "from-ssh @ git+ssh://git@example.org/a@abc",
    )
    assert set(needed.left_out) == {"from-git-long-ago", "mine", "from-folder", "--index-url"}
    assert "file:///home/me/folder" in needed.left_out["from-folder"]


def test_without_packages_on_record_nothing_is_rebuilt(old: ResultFolder) -> None:
    with pytest.raises(RecordError, match=r"experiment 1 has no Python and packages on record.*rerun 1$"):
        requirements(old)


def test_the_code_is_that_of_then_and_the_rest_is_todays(project: Path, old: ResultFolder) -> None:
    before = contents(project)
    later = {"src/study/model.py": "now", "src/study/new.py": "new", "src/study/part/new.py": "new"}
    settings = {"config/base/catalog.yml": "now", "config/base/new.yml": "{}", "config/local/new.yml": "{}"}
    write(project, {**later, **settings, "data/new.csv": "c", "src/study/_inner/new.py": "new"})
    write(old.log / "untracked", {"notebooks/plan.md": "as it was"})
    place = unpacked(project, old)
    found = {name: text for name, text in contents(place).items() if not name.startswith("result/")}
    expected = {name: text for name, text in before.items() if not name.startswith((".git/", "result/"))}
    added = {"config/local/new.yml": "{}", "data/new.csv": "c"}
    assert found == {**expected, **added, "notebooks/plan.md": "as it was"}
    assert not (place / ".git").exists()
    assert {path.name for path in place.iterdir() if path.is_symlink()} == {"result", "data"}


def test_an_older_record_without_configuration_takes_that_of_today(project: Path, old: ResultFolder) -> None:
    for name in ("config", "conf"):
        for path in sorted((old.log / "sources" / name).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (old.log / "sources" / name).rmdir()
    write(project, {"config/base/catalog.yml": "now"})
    assert (unpacked(project, old) / "config" / "base" / "catalog.yml").read_text() == "now"


def test_an_installed_project_is_known_to_python_as_it_was(
    project: Path, old: ResultFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = unpacked(project, old, Requirements("3.11.2", (), own=("my-study", "0.1.0 (editable)")))
    monkeypatch.setattr(sys, "path", [str(place / "src")])
    assert collect(project).record["packages"] == {"my-study": "0.1.0 (editable)"}
    from importlib.metadata import entry_points

    (point,) = entry_points(group="study.readers")
    assert (point.name, point.value) == ("csv", "study.reading:read")


def test_code_that_held_a_secret_is_refused_by_name(project: Path, old: ResultFolder) -> None:
    write(old.log / "sources", {"src/study/model.py": f'key = "{MARK}"', "src/expfw/secrets.py": MARK})
    with pytest.raises(RecordError, match=r"experiment 1: src/study/model\.py held a secret") as caught:
        unpacked(project, old)
    assert "expfw" not in str(caught.value)


def test_a_setting_that_held_a_secret_is_that_of_today_if_nothing_else_in_it_changed(
    project: Path, old: ResultFolder
) -> None:
    write(project, {"config/base/catalog.yml": "a: {password: s3cr3t-words}"})
    copy_sources(source_files(project), old.log / "sources")
    assert MARK in (old.log / "sources" / "config" / "base" / "catalog.yml").read_text()
    assert (unpacked(project, old) / "config" / "base" / "catalog.yml").read_text() == "a: {password: s3cr3t-words}"
    write(project, {"config/base/catalog.yml": "b: {password: s3cr3t-words}"})
    with pytest.raises(RecordError, match=r"config/base/catalog\.yml held a secret"):
        check_sources(project, old)


def test_without_code_on_record_there_is_nothing_to_run(project: Path, old: ResultFolder) -> None:
    (old.log / "sources").rename(old.log / "gone")
    with pytest.raises(RecordError, match="experiment 1 has no code on record"):
        unpacked(project, old)


def test_an_environment_is_one_for_the_same_packages_and_git_does_not_see_it(project: Path) -> None:
    one, same, other = (
        environment_folder(project, Requirements("3.11.2", lines)) for lines in (("a==1",), ("a==1",), ("a==2",))
    )
    assert one == same != other
    assert one.is_relative_to(project / ".expfw")
    assert (project / ".expfw" / ".gitignore").read_text() == "*\n"


def test_a_python_that_nobody_has_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExpfwError, match=r"ran with Python 3\.99, and neither python3\.99 nor uv is on the PATH"):
        find_python("3.99", [])
    assert find_python(f"3.{sys.version_info.minor}", []) == sys.executable


def test_what_is_not_as_it_was_is_said(project: Path, old: ResultFolder) -> None:
    files = {name: {"sha256": checksum(project / "data" / "table.csv")} for name in ("data/table.csv", "data/gone.csv")}
    changed = {"config/base/catalog.yml": {"sha256": "sha256:00"}}
    (old.log / "inputs.json").write_text(json.dumps({**files, **changed}))
    recorded(old, **{**collect(project).record, "python": "3.11.999", "machine": "vax", "cpu_model": "Pentium"})
    said = list(cannot_be_had(project, old, Requirements("3.11.999", (), {"mine": "it was in a folder"})))
    assert any("ran elsewhere: machine vax → " in line and "cpu_model Pentium → " in line for line in said)
    assert "package mine is left out: it was in a folder" in said
    assert said[-1] == "data is that of today, and differs: data/gone.csv, config/base/catalog.yml"
    assert any("Python 3.11.999" in line for line in said) == (sys.version_info[:2] == (3, 11))


def test_where_all_is_as_it_was_nothing_is_said(project: Path, old: ResultFolder) -> None:
    recorded(old, **collect(project).record)
    assert list(cannot_be_had(project, old, requirements(old))) == []


def test_a_configuration_from_elsewhere_is_that_of_today_and_must_be_there(project: Path, old: ResultFolder) -> None:
    recorded(old, **collect(project).record)
    (old.log / "run.json").write_text(json.dumps({"conf_source": {"path": "other"}}))
    with pytest.raises(RecordError, match="the configuration in 'other', which is gone"):
        list(cannot_be_had(project, old, requirements(old)))
    (project / "other").mkdir()
    said = list(cannot_be_had(project, old, requirements(old)))
    assert said == [f"the configuration in '{project / 'other'}' is read as it is today"]


def test_a_verdict_of_an_older_framework_is_read(old: ResultFolder) -> None:
    gap = {"output": "predictions", "node": "predict", "kind": "different", "difference": 0.5, "where": "row 3"}
    content = {
        "rerun_of": 1,
        "id": 2,
        "verdict": "different",
        "tolerance": 1e-9,
        "sentence": "as it was put then",
        "outputs": [{**gap, "unknown": 1}],
        "changes": {"data": {"a.csv": ["x", "y"]}, "unknown": {}},
    }
    made = recorded_rerun(content)
    assert (made.same, made.in_env, made.verdict.outputs[0].difference) == (False, None, 0.5)
    assert "data (a.csv)" in made.reasons
    assert recorded_rerun(json.loads(json.dumps(made.as_json()))) == made
