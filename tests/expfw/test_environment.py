"""What a run ran with: packages as their metadata say, git in all its states."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from expfw.config.secrets import MARK, Secrets, known
from expfw.run.environment import collect, cpu_model, package_origins, packages, start_collecting, thread_pools
from expfw.run.repository import MAX_UNTRACKED_FILE, git_state


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


def test_a_package_that_came_from_no_index_has_its_address_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = {"commit_id": "abc", "vcs": "git"}
    for name, content in (
        ("one-1.0", {"dir_info": {"editable": True}, "url": "file:///x"}),
        ("two-2.0", {"vcs_info": control, "url": "https://user:secret@example.org/two?token=secret"}),
        ("three-3.0", {"url": "https://user:secret@example.org/three.whl", "archive_info": {}}),
        ("four_4-4.0", {"dir_info": {}, "url": "file:///x/four"}),
        ("five-5.0", {"vcs_info": control, "url": "ssh://git@example.org/five", "subdirectory": "part"}),
    ):
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "direct_url.json").write_text(json.dumps(content))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert package_origins() == {
        "five": "git+ssh://example.org/five@abc#subdirectory=part",
        "four-4": "file:///x/four",
        "three": "https://example.org/three.whl",
        "two": "git+https://example.org/two@abc",
    }


def recorded(project: Path) -> dict[str, Any]:
    """What the record says of a project in git."""
    record = git_state(project).record
    assert record is not None
    return record


def test_a_clean_tree_is_its_commit(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    state = recorded(repository)
    assert (len(state["commit"]), state["branch"], state["shallow"], state["dirty"]) == (40, "main", False, False)
    assert (state["untracked"], state["diff"], state["left_out"]) == ([], None, [])
    log = tmp_path_factory.mktemp("log")
    git_state(repository).keep(log)
    assert not list(log.rglob("*.*"))


def test_changes_are_in_the_diff_and_new_files_in_the_list(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "größe und maß.py").write_text("x")
    state = git_state(repository)
    assert b"-a = 1\n+a = 2" in state.diff
    assert recorded(repository)["dirty"]
    assert (recorded(repository)["diff"], recorded(repository)["untracked"]) == ("git.diff", ["größe und maß.py"])
    assert [(source.name, source.content) for source in state.untracked] == [("größe und maß.py", b"x")]


def restored(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree again, from a clone at its commit and the kept diff."""
    log, clone = tmp_path_factory.mktemp("log"), tmp_path_factory.mktemp("clone")
    git_state(repository).keep(log)
    git(clone, "clone", "--quiet", str(repository), ".")
    git(clone, "apply", "--whitespace=nowarn", str(log / "git.diff"))
    return clone


def test_the_diff_restores_any_bytes_whatever_the_settings(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for setting in ("diff.noprefix", "diff.mnemonicPrefix"):
        git(repository, "config", setting, "true")
    git(repository, "config", "diff.context", "0")
    (repository / "b.py").write_bytes(b"# caf\xe9\r\n" * 20)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    contents = {"b.py": b"# caf\xe9\r\n" * 9 + b"# th\xe9 \t\r\n" * 9, "a.py": b"\x00\xff binary", "c.py": b"new"}
    for name, content in contents.items():
        (repository / name).write_bytes(content)
    git(repository, "add", "c.py")
    clone = restored(repository, tmp_path_factory)
    assert {name: (clone / name).read_bytes() for name in contents} == contents


def test_a_renamed_file_is_a_change_and_no_untracked_one(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(repository, "mv", "a.py", "b.py")
    assert (recorded(repository)["dirty"], recorded(repository)["untracked"]) == (True, [])
    clone = restored(repository, tmp_path_factory)
    assert ((clone / "b.py").exists(), (clone / "a.py").exists()) == (True, False)


def test_a_file_too_large_for_the_diff_is_left_out_whole_and_named(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expfw.run.repository.MAX_DIFF", 1000)
    (repository / "a.py").write_text("a = 2\n" * 1000)
    (repository / "b.py").write_text("b = 2\n")
    git(repository, "add", ".")
    assert [entry.split(":")[0] for entry in recorded(repository)["left_out"]] == ["a/a.py b/a.py"]
    clone = restored(repository, tmp_path_factory)
    assert ((clone / "a.py").read_text(), (clone / "b.py").read_text()) == ("a = 1\n", "b = 2\n")


def test_secrets_are_in_neither_diff_nor_copies(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    log = tmp_path_factory.mktemp("log")
    for name in ("a.py", "new.py", "new.yml"):
        (repository / name).write_text("token: s3cr3t-word\n")
    for name in ("credentials.yml", "config/local/x.py", "config/local/tracked.py", ".env", "result/x.py"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("hidden by place")
    git(repository, "add", "config/local/tracked.py")
    with known(Secrets.of(["s3cr3t-word"])):
        git_state(repository).keep(log)
    kept = {path.relative_to(log).as_posix(): path.read_bytes() for path in log.rglob("*") if path.is_file()}
    assert set(kept) == {"git.diff", "untracked/new.py", "untracked/new.yml"}
    assert not [name for name, content in kept.items() if b"s3cr3t" in content or b"hidden by place" in content]


@pytest.mark.parametrize("known_value", ["nothing-of-it", "14401440"])
def test_what_settings_call_a_secret_is_not_in_the_diff_and_the_rest_still_applies(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, known_value: str
) -> None:
    """Another experiment's key, another environment's: no run knows their values."""
    before = {
        "config/prod/parameters.yml": "a: 1\nx_token: b3fore-1\n" + "b: 2\n" * 9 + "c: 1\n",
        "config/experiments/other.json": '{\n  "api_key": "k3y-stays",\n  "a": 1\n}\n',
        "config/base/catalog.yml": "a:\n  type: mine.clinic.Visits\n  credentials: clinic\n",
        "deploy.sh": "echo 1\n",
        "secrets.toml": "a = 1\n",
    }
    after = {
        "config/prod/parameters.yml": "a: 1\nx_token: aft3r-1\n" + "b: 2\n" * 9 + "c: 2\n",
        "config/experiments/other.json": '{\n  "api_key": "k3y-stays",\n  "a": 2\n}\n',
        "config/base/catalog.yml": "b:\na:\n  type: mine.clinic.Visits\n  credentials: clinic\n",
        "deploy.sh": "echo 2\nexport API_TOKEN=sh3ll-1\ncurl https://me:p4ss-1@host\n",
        "secrets.toml": "a = 2\nb = 'pl4in'\n",
        "a.py": "a = 2  # 14401440\n",
        "nested.yml": "tokens:\n  - password: |\n      t0p-secret-of-a-long-line\n",
    }
    for name, content in before.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(content)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    for name, content in after.items():
        (repository / name).write_text(content)
    git(repository, "add", "--intent-to-add", ".")
    log, clone = tmp_path_factory.mktemp("log"), tmp_path_factory.mktemp("clone")
    with known(Secrets.of([known_value])):
        git_state(repository).keep(log)
    diff = (log / "git.diff").read_text()
    secrets = ("b3fore-1", "aft3r-1", "k3y-stays", "sh3ll-1", "p4ss-1", "pl4in", "t0p-secret")
    assert [secret for secret in secrets if secret in diff] == []
    assert "14401440" not in diff or known_value != "14401440"
    assert f"-x_token: {MARK}\n+x_token: {MARK}" in diff
    git(clone, "clone", "--quiet", str(repository), ".")
    hit = ["--exclude", "config/prod/*", "--exclude", "config/experiments/*"]
    git(clone, "apply", *hit, str(log / "git.diff"))
    untouched = ["config/base/catalog.yml", *(["a.py"] if known_value != "14401440" else [])]
    assert [name for name in untouched if (clone / name).read_text() != after[name]] == []


def test_digits_that_are_a_secret_spoil_no_checksum_of_a_diff(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (repository / "a.py").write_bytes(b"\x00\xff binary" * 99)
    diff = git_state(repository).diff.decode()
    digits = sorted(set(re.findall(r"(?<!\d)\d{2,}(?!\d)", diff)))
    assert digits
    with known(Secrets(tuple(digits))):
        clone = restored(repository, tmp_path_factory)
    assert (clone / "a.py").read_bytes() == (repository / "a.py").read_bytes()


def test_untracked_texts_lose_what_their_keys_call_a_secret(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("log")
    texts = {
        "deploy.sh": "export API_TOKEN=t0ken\necho $API_TOKEN",
        "setup.cfg": "[db]\npassword = t0ken two\nname = x",
        "notes.md": "the password: t0ken",
        "a.toml": 'password = """\nt0ken-of-many-characters\n"""\n',
        "a.json": '{"password": "t0ken", "n": 3}',
        "more.py": "api_key: str = 't0ken-x'\nkey = fetch(token=other)\n",
        "secrets.toml": "a = 1",
        "Secret/plain.txt": "b",
        ".env.txt": "c",
        "secret_santa.py": "draw()\n",
    }
    for name, text in texts.items():
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(text)
    git_state(repository).keep(log)
    folder = log / "untracked"
    kept = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}
    assert set(kept) == set(texts) - {"secrets.toml", "Secret/plain.txt", ".env.txt"}
    assert [name for name, text in kept.items() if "t0ken" in text] == []
    assert kept["deploy.sh"] == f"export API_TOKEN={MARK}\necho $API_TOKEN"
    assert kept["a.json"] == f'{{"password": "{MARK}", "n": 3}}'
    assert kept["more.py"] == f"api_key: str = '{MARK}'\nkey = fetch(token=other)\n"
    assert kept["secret_santa.py"] == texts["secret_santa.py"]


def test_what_is_too_large_is_not_copied_and_data_never_is(repository: Path) -> None:
    for name, size in (("large.py", MAX_UNTRACKED_FILE + 1), ("small.ipynb", 5), ("data.csv", 5), ("src/a.py", 5)):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_bytes(b"x" * size)
    (repository / "link.py").symlink_to("large.py")
    state = git_state(repository)
    assert [source.name for source in state.untracked] == ["small.ipynb"]
    assert recorded(repository)["left_out"] == ["large.py", "link.py"]
    assert recorded(repository)["untracked"] == ["data.csv", "large.py", "link.py", "small.ipynb", "src/a.py"]


def test_no_more_than_some_are_copied(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("expfw.run.repository.MAX_UNTRACKED", 2)
    for number in range(3):
        (repository / f"n{number}.py").touch()
    assert (len(git_state(repository).untracked), recorded(repository)["left_out"]) == (2, ["n2.py"])


def test_only_the_project_counts_in_a_larger_repository(repository: Path) -> None:
    project = repository / "project"
    project.mkdir()
    (project / "b.py").write_text("b = 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    (repository / "a.py").write_text("a = 3\n")
    assert not recorded(project)["dirty"]
    (project / "new.py").touch()
    assert recorded(project)["untracked"] == ["new.py"]
    assert [source.name for source in git_state(project).untracked] == ["new.py"]


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a.py").touch()
    state = recorded(tmp_path)
    assert (state["commit"], state["dirty"], state["untracked"], state["diff"]) == (None, True, ["a.py"], None)
    assert (state["branch"], state["shallow"]) == ("main", False)


def test_before_the_first_commit_what_was_added_is_in_the_diff(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.py").write_text("a = 1\n")
    git(tmp_path, "add", ".")
    (tmp_path / "a.py").write_text("a = 2\n")
    log, empty = tmp_path_factory.mktemp("log"), tmp_path_factory.mktemp("empty")
    git_state(tmp_path).keep(log)
    git(empty, "apply", str(log / "git.diff"))
    assert (empty / "a.py").read_text() == "a = 2\n"


def test_a_detached_head_has_a_commit_and_no_branch(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--detach")
    state = recorded(repository)
    assert (len(state["commit"]), state["branch"]) == (40, None)


def test_a_shallow_clone_says_so_and_has_its_diff(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    clone = tmp_path_factory.mktemp("clone")
    (repository / "a.py").write_text("a = 2\n")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    git(clone, "clone", "--quiet", "--depth", "1", f"file://{repository}", ".")
    (clone / "a.py").write_text("a = 3\n")
    state = recorded(clone)
    assert (state["shallow"], state["commit"]) == (True, recorded(repository)["commit"])
    assert b"-a = 2\n+a = 3" in git_state(clone).diff


def test_a_name_with_a_space_at_its_end_is_no_problem(repository: Path) -> None:
    (repository / "a.py").unlink()
    (repository / "binary").write_bytes(b"\xff\x00")
    git(repository, "add", ".")
    (repository / 'odd "name"\n ').touch()
    assert (recorded(repository)["dirty"], recorded(repository)["untracked"]) == (True, ['odd "name"\n '])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_a_name_that_is_no_text_is_no_problem(repository: Path) -> None:
    Path(os.fsdecode(os.fsencode(repository) + b"/caf\xe9.py")).touch()
    assert json.dumps(recorded(repository)["untracked"], ensure_ascii=False).encode()
    assert (git_state(repository).untracked, recorded(repository)["left_out"]) == ([], ["caf\ufffd.py"])


def test_the_state_is_not_changed_by_looking(repository: Path) -> None:
    index = (repository / ".git" / "index").read_bytes()
    (repository / "a.py").touch()
    git_state(repository)
    assert (repository / ".git" / "index").read_bytes() == index


def test_outside_of_git_and_without_git_there_is_no_state(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert git_state(elsewhere).record is None
    assert git_state(repository).record is not None
    monkeypatch.setenv("PATH", str(elsewhere))
    assert git_state(repository).record is None


def test_it_is_collected_beside_other_work(tmp_path: Path) -> None:
    environment = start_collecting(tmp_path).result(timeout=60)
    assert environment == collect(tmp_path)
    collected = environment.record
    assert (collected["python"], collected["host"]) == (platform.python_version(), platform.node())


def test_only_named_variables_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("DATABASE_PASSWORD", "hidden")
    collected = collect(tmp_path).record
    assert collected["variables"]["OMP_NUM_THREADS"] == "3"
    assert "hidden" not in json.dumps(collected)


def test_processor_and_build_of_python_are_recorded(tmp_path: Path) -> None:
    collected = collect(tmp_path).record
    assert (collected["compiler"], collected["build"]) == (
        platform.python_compiler(),
        " ".join(platform.python_build()),
    )
    assert collected["cpu_model"]
    assert 1 <= collected["cpu_usable"] <= collected["cpu_count"]


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel name\t: A CPU @ 2.10GHz\n\nprocessor: 1\nmodel name: Other\n", "A CPU @ 2.10GHz"),
        ("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n", "CPU implementer 0x41, CPU part 0xd0c"),
    ],
)
def test_the_processor_is_named_as_the_kernel_does(tmp_path: Path, text: str, model: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert cpu_model(tmp_path / "cpuinfo") == model


def test_without_the_kernels_list_python_names_the_processor(tmp_path: Path) -> None:
    assert cpu_model(tmp_path / "none") == (platform.processor() or platform.machine())


def test_numerical_libraries_are_listed_with_their_threads_and_without_paths() -> None:
    import numpy as np

    assert np.ones((2, 2)).sum() == 4
    pools = thread_pools()
    assert {pool["user_api"] for pool in pools} >= {"blas"}
    assert all(pool["num_threads"] >= 1 and "filepath" not in pool for pool in pools)


def test_listing_numerical_libraries_loads_none() -> None:
    code = "import sys; from expfw.run.environment import thread_pools; thread_pools(); print('sklearn' in sys.modules)"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=path)
    assert done.stdout.strip() == "False"


def test_what_setuptools_brings_along_for_itself_is_no_package_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendored = tmp_path / "setuptools" / "_vendor"
    (vendored / "backports.tarfile-1.2.0.dist-info").mkdir(parents=True)
    before = packages()
    monkeypatch.syspath_prepend(str(vendored))
    assert packages() == before
