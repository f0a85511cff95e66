"""``python -m expfw.database``: one command that sets up a team's database; ``docker`` is a script that takes notes."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from expfw.database import server
from expfw.database.__main__ import main
from expfw.database.address import Address
from expfw.errors import ExpfwError

DOCKER = """#!{python}
import os, sys
from pathlib import Path
Path({notes!r}).write_text(" ".join(sys.argv[1:]))
sys.exit({code})
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, and a ``docker`` that starts what it is told to."""
    folder = tmp_path / "project"
    (folder / "config" / "local").mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {}\n")
    monkeypatch.chdir(folder)
    for name in (server.PASSWORD, *server.PORTS):
        monkeypatch.delenv(name, raising=False)
    docker(tmp_path, monkeypatch)
    return folder


def docker(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    """Put a ``docker`` on the path that ends with this code."""
    program = folder / "bin" / "docker"
    program.parent.mkdir(exist_ok=True)
    program.write_text(DOCKER.format(python=sys.executable, notes=str(folder / "notes"), code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def password(project: Path) -> str:
    text = (project / ".env").read_text()
    found = re.fullmatch(r"MONGODB_PASSWORD=([\w-]{32})\n", text)
    assert found, "it is not one line with a long password"
    return found[1]


def address(project: Path) -> str:
    content = yaml.safe_load((project / "config" / "local" / "credentials.yml").read_text())
    url: str = content["mongodb"]["url"]
    return url


def test_it_makes_a_password_starts_the_services_and_tells_the_project(project: Path) -> None:
    result = CliRunner().invoke(main)
    assert result.exit_code == 0, result.output
    assert (project.parent / "notes").read_text() == "compose up --detach --wait"
    assert address(project) == f"mongodb://expfw:{password(project)}@127.0.0.1:27017/experiments"
    assert Address.parse(address(project)).shown == "mongodb://127.0.0.1:27017/experiments"
    assert "http://127.0.0.1:9000" in result.output
    assert password(project) not in result.output


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_nobody_else_reads_the_password(project: Path) -> None:
    server.set_up(project)
    for name in (".env", "config/local/credentials.yml"):
        assert stat.S_IMODE((project / name).stat().st_mode) == 0o600


def test_a_second_time_changes_nothing(project: Path) -> None:
    server.set_up(project)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert "was left as it is" in server.set_up(project)[1]
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_what_the_files_hold_already_is_kept(project: Path) -> None:
    credentials = project / "config" / "local" / "credentials.yml"
    credentials.write_text("# mine\nwarehouse:\n  con: sqlite://")
    (project / ".env").write_text("MONGODB_PORT=27018\nOMNIBOARD_PORT='9001'")
    told = server.set_up(project)
    assert (project / ".env").read_text().startswith("MONGODB_PORT=27018\nOMNIBOARD_PORT='9001'\nMONGODB_PASSWORD=")
    assert credentials.read_text().startswith("# mine\nwarehouse:\n  con: sqlite://\nmongodb:\n")
    assert "@127.0.0.1:27018/" in address(project)
    assert "http://127.0.0.1:9001" in told[0]


def test_a_password_of_the_users_own_is_encoded_in_the_address(project: Path) -> None:
    (project / ".env").write_text('MONGODB_PASSWORD="a/b@c:d%"\n')
    server.set_up(project)
    assert address(project) == "mongodb://expfw:a%2Fb%40c%3Ad%25@127.0.0.1:27017/experiments"


def test_what_the_environment_says_wins_as_it_does_for_docker(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_PASSWORD", "from-outside")
    server.set_up(project)
    assert not (project / ".env").exists()
    assert "expfw:from-outside@" in address(project)


def test_without_docker_nothing_is_made(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(main)
    assert result.exit_code == 1
    assert result.output == (
        "Error: the command 'docker' was not found; Docker with Compose 2.23.1 or newer is needed\n"
    )
    assert not (project / ".env").exists()


def test_when_docker_fails_runs_are_not_told_to_record_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(project.parent, monkeypatch, code=17)
    result = CliRunner().invoke(main)
    assert result.exit_code == 1
    assert "'docker compose up' ended with 17, see above" in result.output
    assert len(password(project)) == 32  # the database may have been made with it
    assert not (project / "config" / "local" / "credentials.yml").exists()


def test_outside_of_a_project_it_says_so(project: Path) -> None:
    with pytest.raises(ExpfwError, match=r"there is no compose\.yaml in"):
        server.set_up(project.parent)


@pytest.mark.parametrize("content", ["{a: 1}", "- a\n", "a: [", "---\na: 1\n---\nb: 2\n"])
def test_a_file_to_which_nothing_can_be_added_is_left_alone(project: Path, content: str) -> None:
    credentials = project / "config" / "local" / "credentials.yml"
    credentials.write_text(content)
    with pytest.raises(ExpfwError, match="add it yourself: an entry 'mongodb'") as error:
        server.set_up(project)
    assert credentials.read_text() == content
    assert password(project) not in str(error.value)
