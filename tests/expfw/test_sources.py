"""The project's source files, as each run keeps them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from expfw.config.secrets import Secrets, known
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
        "src/mine/_inner/x.py",
        "src/mine.egg-info/x.py",
        "src/expfw/page.html.j2",
        "src/expfw/style.css",
        "notebooks/x.py",
        "conf/logging.yml",
        "config/base/catalog.yml",
        "config/base/credentials.yml",
        "config/base/data.csv",
        "config/experiment.schema.json",
        "config/experiments/mine.json",
        "config/experiments/other.json",
        "config/smoke/tiny.json",
        "config/local/catalog.yml",
        "config/local/credentials.yml",
        "config/smoke/catalog.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


EXPECTED = [
    "conf/logging.yml",
    "config/base/catalog.yml",
    "config/smoke/catalog.yaml",
    "pyproject.toml",
    "src/expfw/page.html.j2",
    "src/expfw/style.css",
    "src/mine/__init__.py",
    "src/mine/_inner/x.py",
    "src/mine/model.py",
    "src/mine/query.sql",
]


def test_sources_are_code_templates_and_configuration_and_nothing_else(project: Path) -> None:
    assert sorted(source.name for source in source_files(project)) == EXPECTED


def test_of_all_experiment_files_only_those_that_are_read_are_kept(project: Path) -> None:
    read = {"config/experiments/mine.json"}
    assert {source.name for source in source_files(project, read)} == {*EXPECTED, *read}


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


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("experiments/a.json", '{"model": {"params": {"api_key": "k3y-of-mine"}}}', False),
        ("experiments/broken.json", '{"model": {"params": {\n"api_key": "k3y-of-mine",\n}', False),
        ("base/catalog.yml", "a:\n  con: postgresql://me:k3y-of-mine@host/db\n", False),
        ("base/catalog.yml", "a:\n  # con: postgresql://me:k3y-of-mine@host/db\n  type: x", False),
        ("base/broken.yml", "a: [\npassword: k3y-of-mine\n", False),
        ("base/catalog.yml", "con: postgresql://${oc.env:ME}:${oc.env:KEY}@host/db\npassword: ${oc.env:KEY}\n", True),
        ("base/catalog.yml", "con: postgresql://${oc.env:ME}:k3y-of-mine@host/db\n", False),
        ("base/logging.yml", "handlers: [console]\n", True),
        ("base/catalog.yml", "visits:\n  type: mine.clinic.Visits\n  credentials: clinic\n", True),
        ("base/catalog.yml", "visits:\n  credentials: {user: me, password: k3y-of-mine}\n", False),
    ],
)
def test_a_configuration_is_kept_without_what_it_calls_a_secret(
    project: Path, name: str, text: str, kept: bool
) -> None:
    """Not known from this run: another experiment's key, a catalog that this experiment does not read."""
    path = project / "config" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (source,) = [s for s in source_files(project, {f"config/{name}"}) if s.name == f"config/{name}"]
    assert b"k3y-of-mine" not in source.content
    assert (source.content == path.read_bytes()) == kept
    assert source.digest == hashlib.md5(source.content).hexdigest()


def test_a_file_is_looked_through_again_for_secrets_that_were_not_known_before(project: Path) -> None:
    (project / "src" / "mine" / "model.py").write_text("password = 's3cr3t-0f-today'")

    def kept() -> bytes:
        return next(file.content for file in source_files(project) if file.name == "src/mine/model.py")

    with known(Secrets.of(["another-one"])):
        assert b"s3cr3t-0f-today" in kept()
    with known(Secrets.of(["s3cr3t-0f-today"])):
        assert b"s3cr3t-0f-today" not in kept()
    assert b"s3cr3t-0f-today" in kept()
