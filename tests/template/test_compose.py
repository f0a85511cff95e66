"""``compose.yaml``, as far as it can be checked without Docker; ``tests/services`` runs what its containers run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import PROJECT, TEMPLATE, BakedProject
from expfw.database import server

FILE = PROJECT / "compose.yaml"
TEXT = FILE.read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES = sorted(COMPOSE["services"])
COMMAND = "python -m expfw.database"
VARIABLE = re.compile(r"(?<!\$)\$(?:\{(?P<name>\w+)(?P<rest>[^}]*)\}|(?P<else>.?))")
IMAGE = re.compile(r"[a-z]+:\d+\.\d+\.\d+[\w.-]*")


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def leaves(value: Any, path: str = "") -> dict[str, str]:
    """All texts with the paths to them."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in leaves(item, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {k: v for index, item in enumerate(value) for k, v in leaves(item, f"{path}.{index}").items()}
    return {path: str(value)}


def dockerfile() -> str:
    text: str = service("omniboard")["build"]["dockerfile_inline"]
    return text.replace("\\\n", " ")


def test_it_keeps_to_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_fault_against_the_specification_would_be_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(TEXT.replace("healthcheck:", "healthchecks:"), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)]
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_it_starts_mongodb_and_omniboard() -> None:
    assert SERVICES == ["mongodb", "omniboard"]
    assert service("mongodb")["image"].startswith("mongo:")
    assert "omniboard@" in dockerfile()


def test_versions_are_exact() -> None:
    base = re.search(r"^FROM (\S+)$", dockerfile(), re.MULTILINE)
    assert base
    assert IMAGE.fullmatch(base[1])
    assert IMAGE.fullmatch(service("mongodb")["image"])
    packages = re.findall(r"\s([\w-]+@\S+)", dockerfile())
    assert packages == ["omniboard@2.16.1"]
    assert re.search(r"--before=\d{4}-\d\d-\d\d ", dockerfile()), "what Omniboard needs would change from day to day"


def test_installing_runs_no_script_of_a_package() -> None:
    assert "npm install --ignore-scripts " in dockerfile()


def test_the_containers_program_is_no_shell_and_not_root() -> None:
    assert re.search(r"^USER node$", dockerfile(), re.MULTILINE)
    assert re.search(r'^CMD \["node", ', dockerfile(), re.MULTILINE)
    assert service("omniboard")["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_open_on_the_loopback_alone(name: str) -> None:
    ports = service(name)["ports"]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_and_comes_back(name: str) -> None:
    check = service(name)["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert service(name)["restart"] == "unless-stopped"


def test_omniboard_waits_for_the_database() -> None:
    assert service("omniboard")["depends_on"] == {"mongodb": {"condition": "service_healthy"}}


def test_the_record_is_in_a_named_volume() -> None:
    assert service("mongodb")["volumes"] == ["mongodb:/data/db"]
    assert "mongodb" in COMPOSE["volumes"]


def test_the_database_asks_for_the_password() -> None:
    assert "--auth" in service("mongodb")["command"]


def test_the_password_goes_from_the_environment_into_environments_and_nowhere_else() -> None:
    """So no command line has it, nor any file in a container."""
    holders = {path for path, text in leaves(COMPOSE).items() if re.search(r"\$\{?MONGODB_PASSWORD", text)}
    assert holders == {f".services.{name}.environment.MONGODB_PASSWORD" for name in SERVICES}
    assert "MONGO_INITDB_ROOT_PASSWORD" not in TEXT  # the image would hand it to a program on its command line


@pytest.mark.parametrize("name", SERVICES)
def test_without_a_password_it_says_what_to_do(name: str) -> None:
    variable = VARIABLE.fullmatch(service(name)["environment"]["MONGODB_PASSWORD"])
    assert variable
    assert variable["name"] == server.PASSWORD
    assert variable["rest"].startswith(":?")
    assert COMMAND in variable["rest"]


def test_every_variable_is_known() -> None:
    """A dollar sign that was meant as such would be taken for one."""
    found = [match for text in leaves(COMPOSE).values() for match in VARIABLE.finditer(text)]
    assert {match["name"] for match in found} == {server.PASSWORD, *server.PORTS}
    defaults = {match["name"]: match["rest"].removeprefix(":-") for match in found if match["name"] in server.PORTS}
    assert defaults == server.PORTS


def test_every_file_for_a_container_is_there_and_used() -> None:
    used = [entry["source"] for name in SERVICES for entry in service(name)["configs"]]
    assert sorted(used) == sorted(COMPOSE["configs"])
    targets = {entry["source"]: entry["target"] for name in SERVICES for entry in service(name)["configs"]}
    assert targets["omniboard"] == service("omniboard")["environment"]["OMNIBOARD_CONFIG"]


def test_it_is_about_the_database_that_the_project_is_told_of() -> None:
    script = COMPOSE["configs"]["user"]["content"]
    assert f'getSiblingDB("{server.DATABASE}").createUser' in script
    assert f'user: "{server.USER}"' in script
    assert f"mongodb://{server.USER}:" in COMPOSE["configs"]["omniboard"]["content"]


def test_git_ignores_the_password(default_project: BakedProject, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(default_project.path, project)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    command = ["git", "check-ignore", ".env", "config/local/credentials.yml"]
    assert subprocess.run(command, cwd=project, capture_output=True, text=True).stdout.split() == command[2:]


def test_the_readme_the_file_and_the_documentation_name_the_one_command(default_project: BakedProject) -> None:
    readme = (default_project.path / "README.md").read_text(encoding="utf-8")
    page = (TEMPLATE / "docs" / "how-to" / "team-database.md").read_text(encoding="utf-8")
    assert all(COMMAND in text for text in (readme, page, TEXT.partition("services:")[0]))


def test_the_command_is_there(default_project: BakedProject) -> None:
    result = default_project.run("python", "-m", "expfw.database", "--help")
    assert "Start MongoDB and Omniboard" in result.stdout
