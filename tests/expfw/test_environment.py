"""What a run ran with: packages as their metadata say, git in all its states."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path

import pytest

from expfw.run.environment import collect, git_state, packages, start_collecting


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *someone, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a.py").write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_packages_have_the_versions_of_their_metadata() -> None:
    found = packages()
    for distribution in importlib.metadata.distributions():
        name = distribution.name.lower().replace("_", "-")
        recorded = found.get(name, found.get(name.replace(".", "-")))
        assert recorded is not None, name
        assert recorded.split(" ")[0] == distribution.version, name


def test_a_package_from_a_folder_or_a_repository_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (
        ("one-1.0", {"dir_info": {"editable": True}, "url": "file:///x"}),
        ("two-2.0", {"vcs_info": {"commit_id": "abc", "vcs": "git"}, "url": "https://user:secret@example.org"}),
        ("three-3.0", {"url": "https://user:secret@example.org/three.whl", "archive_info": {}}),
    ):
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "direct_url.json").write_text(json.dumps(content))
    monkeypatch.syspath_prepend(str(tmp_path))
    found = packages()
    assert (found["one"], found["two"], found["three"]) == ("1.0 (editable)", "2.0 (commit abc)", "3.0")


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    state = git_state(repository)
    assert state is not None
    assert (len(state["commit"]), state["branch"], state["dirty"]) == (40, "main", False)
    assert (state["untracked"], state["diff"]) == ([], "")


def test_changes_are_in_the_diff_and_new_files_in_the_list(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "größe und maß.py").touch()
    state = git_state(repository)
    assert state is not None
    assert state["dirty"]
    assert "-a = 1\n+a = 2" in state["diff"]
    assert state["untracked"] == ["größe und maß.py"]


def test_only_the_project_counts_in_a_larger_repository(repository: Path) -> None:
    project = repository / "project"
    project.mkdir()
    (project / "b.py").write_text("b = 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    (repository / "a.py").write_text("a = 3\n")
    state = git_state(project)
    assert state is not None
    assert not state["dirty"]
    (project / "new.py").touch()
    state = git_state(project)
    assert state is not None
    assert [Path(name).name for name in state["untracked"]] == ["new.py"]


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a.py").touch()
    state = git_state(tmp_path)
    assert state is not None
    assert (state["commit"], state["dirty"], state["untracked"], state["diff"]) == (None, True, ["a.py"], "")


def test_a_detached_head_has_a_commit_and_no_branch(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--detach")
    state = git_state(repository)
    assert state is not None
    assert (len(state["commit"]), state["branch"]) == (40, "(detached)")


def test_a_name_with_a_space_at_its_end_is_no_problem(repository: Path) -> None:
    (repository / "a.py").unlink()
    (repository / "binary").write_bytes(b"\xff\x00")
    git(repository, "add", ".")
    assert git_state(repository)["dirty"]  # type: ignore[index]


def test_the_state_is_not_changed_by_looking(repository: Path) -> None:
    index = (repository / ".git" / "index").read_bytes()
    (repository / "a.py").touch()
    git_state(repository)
    assert (repository / ".git" / "index").read_bytes() == index


def test_outside_of_git_and_without_git_there_is_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) is None


def test_it_is_collected_beside_other_work(tmp_path: Path) -> None:
    collected = start_collecting(tmp_path).result(timeout=60)
    assert collected == collect(tmp_path)
    assert (collected["python"], collected["host"]) == (platform.python_version(), platform.node())


def test_only_named_variables_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("DATABASE_PASSWORD", "hidden")
    collected = collect(tmp_path)
    assert collected["variables"]["OMP_NUM_THREADS"] == "3"
    assert "hidden" not in json.dumps(collected)
