"""A fresh project: the right files, nothing left over, the same on both roads."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from baking import NOT_TEMPLATE, PROJECT, SOURCES, TEMPLATE, Bake, BakedProject

NAMES = {
    "project_name": "Churn Study",
    "repo_name": "churn-study",
    "python_package": "churn",
    "description": "Who leaves, and why.",
}


def kedro_new(template: Path, folder: Path, *options: str, answers: str = "") -> BakedProject:
    """``kedro new`` in a folder, with what a user types."""
    command = [sys.executable, "-m", "kedro", "new", f"--starter={template}", *options]
    result = subprocess.run(command, cwd=folder, input=answers, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return BakedProject(next(path.parent for path in folder.glob("*/pyproject.toml")))


def cookiecutter_typed(template: Path, folder: Path, *options: str, answers: str = "") -> BakedProject:
    """``cookiecutter`` in a folder, with what a user types."""
    command = [sys.executable, "-m", "cookiecutter", str(template), *options]
    result = subprocess.run(command, cwd=folder, input=answers, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return BakedProject(next(path.parent for path in folder.glob("*/pyproject.toml")))


def test_the_files_are_those_of_the_template(default_project: BakedProject) -> None:
    ignored = NOT_TEMPLATE
    expected = set()
    for folder, folders, files in os.walk(PROJECT):
        folders[:] = [name for name in folders if name not in ignored(folder, folders)]
        relative = Path(folder).relative_to(PROJECT).as_posix()
        expected |= {f"{relative}/{name}" for name in set(files) - ignored(folder, files)}
    expected = {
        name.removeprefix("./").replace("{{cookiecutter.python_package}}", "ml_experiments") for name in expected
    }
    assert default_project.files() == expected


def test_nothing_is_left_unrendered(default_project: BakedProject) -> None:
    tag = re.compile(rb"\{\{ ?cookiecutter|\{%|cookiecutter\.")
    own = "src/expfw/report/templates/"
    contents = default_project.contents()
    assert [name for name, text in contents.items() if tag.search(text) and not name.startswith(own)] == []
    assert [name for name in contents if "{" in name or "}" in name] == []
    rendered = ("README.md", "pyproject.toml")
    assert [name for name in rendered if b"{{" in contents[name] or b"}}" in contents[name]] == []


def test_jinja_is_only_where_a_value_must_vary() -> None:
    """In folder names, the README and pyproject.toml."""
    tagged = {
        path.relative_to(PROJECT).as_posix()
        for path in PROJECT.rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".j2"} and b"{{ cookiecutter" in path.read_bytes()
    }
    assert tagged == {"README.md", "pyproject.toml"}


def test_the_framework_is_copied_to_the_byte(default_project: BakedProject) -> None:
    for path in (default_project.path / "src" / "expfw").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (PROJECT / path.relative_to(default_project.path)).read_bytes()


def test_formatting_a_fresh_project_changes_nothing(default_project: BakedProject) -> None:
    default_project.run("ruff", "format", "--no-cache", "--check", ".")


def test_a_fresh_project_passes_its_own_lint(default_project: BakedProject) -> None:
    default_project.run("ruff", "check", "--no-cache", ".")


def test_both_roads_give_the_same_tree(template: Path, tmp_path: Path) -> None:
    """Cookiecutter and Kedro, typed and from a file, defaults and other names."""
    folders = [tmp_path / name for name in ("a", "b", "c", "d", "e")]
    for folder in folders:
        folder.mkdir()
    answers = tmp_path / "answers.yml"
    answers.write_text(yaml.safe_dump(NAMES), encoding="utf-8")
    typed = "\n".join(NAMES.values()) + "\n"
    projects = [
        cookiecutter_typed(template, folders[0], "--no-input", *(f"{key}={value}" for key, value in NAMES.items())),
        cookiecutter_typed(template, folders[1], answers=typed),
        kedro_new(template, folders[2], f"--config={answers}"),
        kedro_new(template, folders[3], answers=typed),
        kedro_new(template, folders[4], "--name=Churn Study", answers="churn-study\nchurn\nWho leaves, and why.\n"),
    ]
    assert [project.path.name for project in projects] == ["churn-study"] * 5
    first = projects[0].contents()
    assert all(project.contents() == first for project in projects[1:])


def test_both_roads_have_the_same_defaults(default_project: BakedProject, template: Path, tmp_path: Path) -> None:
    (tmp_path / "kedro").mkdir()
    (tmp_path / "cookiecutter").mkdir()
    kedro = kedro_new(template, tmp_path / "kedro", answers="\n" * 4)
    assert kedro.path.name == default_project.path.name == "ml-experiments"
    assert kedro.contents() == default_project.contents()
    assert cookiecutter_typed(template, tmp_path / "cookiecutter", answers="\n" * 4).contents() == kedro.contents()


def test_kedro_shows_readable_defaults(template: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kedro", "new", f"--starter={template}"]
    result = subprocess.run(command, cwd=tmp_path, input="\n" * 4, capture_output=True, text=True)
    assert "[project name with hyphens]" in result.stdout
    assert "{" not in result.stdout


def test_names_derive_from_the_project_name(bake: Bake) -> None:
    project = bake(project_name="Größe & Gewicht 2")
    assert project.path.name == "grosse-gewicht-2"
    assert (project.path / "src" / "grosse_gewicht_2").is_dir()


def test_a_bake_from_a_used_checkout_is_clean(tmp_path: Path, template: Path, default_project: BakedProject) -> None:
    """Caches of tests that ran in place do not reach the project."""
    used = tmp_path / "used"
    shutil.copytree(template, used)
    for folder in ("src/expfw/__pycache__", "src/{{cookiecutter.python_package}}/__pycache__", ".ruff_cache/0.1"):
        cache = used / PROJECT.name / folder
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "x.cpython-311.pyc").write_bytes(b"neither text \x8a nor binary")
    (tmp_path / "out").mkdir()
    project = cookiecutter_typed(used, tmp_path / "out", "--no-input")
    assert project.files() == default_project.files()


def test_a_project_can_be_updated_by_cruft(tmp_path: Path, template: Path) -> None:
    """The answers' checks are found on this road too, and an update to the same version changes nothing."""
    repository = tmp_path / "template"
    shutil.copytree(template, repository)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "template"]):
        subprocess.run(["git", *identity, *command], cwd=repository, check=True)
    command = [sys.executable, "-m", "cruft", "create", str(repository), "--no-input"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    project = tmp_path / "ml-experiments"
    for command in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "project"]):
        subprocess.run(["git", *identity, *command], cwd=project, check=True)
    for command in (["check"], ["diff", "--exit-code"]):
        result = subprocess.run(
            [sys.executable, "-m", "cruft", *command], cwd=project, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", sorted(path.name for path in (PROJECT / ".vscode").glob("*.json")))
def test_vscode_files_are_json(default_project: BakedProject, path: str) -> None:
    assert json.loads((default_project.path / ".vscode" / path).read_text(encoding="utf-8"))


def test_vscode_knows_the_source_root_the_tests_and_the_experiment(default_project: BakedProject) -> None:
    folder = default_project.path / ".vscode"
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    launch = json.loads((folder / "launch.json").read_text(encoding="utf-8"))
    assert settings["python.analysis.extraPaths"] == ["${workspaceFolder}/src"]
    assert settings["python.testing.pytestEnabled"]
    debug = {entry["name"]: entry for entry in launch["configurations"]}["debug this experiment"]
    assert (debug["module"], debug["args"][:2]) == ("kedro", ["run", "--params"])


def test_pycharm_knows_the_source_root_the_tests_and_the_experiment(default_project: BakedProject) -> None:
    module = ElementTree.parse(default_project.path / ".idea" / "project.iml").getroot()
    folders = {node.get("url"): node.get("isTestSource") for node in module.iter("sourceFolder")}
    assert folders == {"file://$MODULE_DIR$/src": "false", "file://$MODULE_DIR$/tests": "true"}
    names = set()
    for path in (default_project.path / ".run").glob("*.run.xml"):
        configuration = ElementTree.parse(path).getroot().find("configuration")
        assert configuration is not None
        names.add(configuration.get("name"))
        owner = configuration.find("module")
        assert owner is not None
        assert owner.get("name") == "project"
    assert {"debug this experiment", "run the default experiment", "tests"} <= names


def test_every_file_that_the_readme_names_exists(default_project: BakedProject) -> None:
    text = (default_project.path / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| I want to") : text.index("## Every day")]
    paths = re.findall(r"`((?:config|src|\.)[\w./-]*)`", table)
    missing = [path for path in paths if not (default_project.path / path).exists()]
    assert missing in ([], ["config/local/credentials.yml"])
    assert len(paths) >= 10


def test_git_ignores_what_is_private_or_produced(default_project: BakedProject, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(default_project.path, project)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    produced = ["config/local/credentials.yml", "result/result_experiment_1/log/run.json", ".viz/x", ".venv/x"]
    command = ["git", "check-ignore", *produced]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert result.stdout.split() == produced
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=project, capture_output=True, text=True, check=True
    )
    assert set(tracked.stdout.split("\n")) - {""} == default_project.files()


def test_the_development_environment_has_the_projects_dependencies() -> None:
    """Tests in place run with what a project is installed with."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {*project["dependencies"], *project["optional-dependencies"]["dev"]}
    lines = (TEMPLATE / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert wanted - set(lines) == set()


def test_the_template_copy_holds_all_that_a_bake_reads() -> None:
    assert all((TEMPLATE / name).exists() for name in SOURCES)
