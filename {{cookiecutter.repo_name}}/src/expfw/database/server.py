"""A server for the team's database on this machine: makes its password, starts it, and tells the project about it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from expfw.database.address import ENTRY
from expfw.errors import ExpfwError

PASSWORD = "MONGODB_PASSWORD"  # noqa: S105 - the name of a variable
"""Variable with the password, in ``.env``; ``compose.yaml`` hands it to both services."""

USER, DATABASE = "expfw", "experiments"
"""What ``compose.yaml`` sets up."""

PORTS = {"MONGODB_PORT": "27017", "OMNIBOARD_PORT": "9000"}
"""Variables with the ports on this machine, and what they are if ``.env`` does not say."""

NEEDED = "Docker with Compose 2.23.1 or newer is needed"


def set_up(project: Path) -> list[str]:
    """Start MongoDB and Omniboard, and make the project record its runs there. What is there already is left alone.

    Args:
        project: the project's folder, with ``compose.yaml``.

    Returns:
        What was done, line by line.

    Raises:
        ExpfwError: if there is no Docker, or it could not start the services.
    """
    if not (project / "compose.yaml").is_file():
        raise ExpfwError(f"there is no compose.yaml in '{project}'; run this in the project's folder")
    docker = shutil.which("docker")
    if docker is None:
        raise ExpfwError(f"the command 'docker' was not found; {NEEDED}")
    settings = {**PORTS, **_with_password(project / ".env"), **_from_environment()}
    code = subprocess.run([docker, "compose", "up", "--detach", "--wait"], cwd=project).returncode  # noqa: S603
    if code != 0:
        raise ExpfwError(
            f"'docker compose up' ended with {code}, see above; {NEEDED}, and 'docker compose logs' tells what the "
            "services said"
        )
    noted = note_address(project / "config" / "local" / "credentials.yml", _url(settings))
    return [
        f"Omniboard shows the runs: http://127.0.0.1:{settings['OMNIBOARD_PORT']}",
        "This project records its runs there from now on; 'kedro experiment sync' brings the earlier ones."
        if noted
        else f"config/local/credentials.yml has an entry '{ENTRY}' already; it was left as it is.",
    ]


def _with_password(path: Path) -> dict[str, str]:
    """The settings in ``.env``, with a new password if there was none."""
    settings = _read(path)
    if not settings.get(PASSWORD) and not os.environ.get(PASSWORD):
        settings[PASSWORD] = secrets.token_urlsafe(24)
        _append(path, f"{PASSWORD}={settings[PASSWORD]}\n")
    return settings


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}


def _from_environment() -> dict[str, str]:
    """Settings of the environment, which Compose prefers to those in ``.env``."""
    return {name: os.environ[name] for name in (PASSWORD, *PORTS) if os.environ.get(name)}


def _url(settings: Mapping[str, str]) -> str:
    password = quote(settings[PASSWORD], safe="")
    return f"mongodb://{USER}:{password}@127.0.0.1:{settings['MONGODB_PORT']}/{DATABASE}"


def note_address(path: Path, url: str) -> bool:
    """Add the database's address to the project's credentials, unless they have one.

    Args:
        path: ``config/local/credentials.yml``; made if it is not there, and then for nobody else to read.
        url: the address.

    Returns:
        Whether it was added.

    Raises:
        ExpfwError: if the file is not a plain list of entries, to which one more can be added.
    """
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    entries = _entries(before)
    if entries is not None and ENTRY in entries:
        return False
    addition = f"{ENTRY}:\n  url: {url}\n"
    if entries is None or _entries(_joined(before, addition)) != {**entries, ENTRY: {"url": url}}:
        raise ExpfwError(
            f"the address cannot be added to '{path}'; add it yourself: an entry '{ENTRY}' with the key 'url' and the "
            f"value mongodb://{USER}:PASSWORD@127.0.0.1:PORT/{DATABASE}; the password is in .env"
        )
    _append(path, addition)
    return True


def _entries(text: str) -> dict[str, Any] | None:
    """The entries of a YAML file; None if it is something else."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return {} if content is None else content if isinstance(content, dict) else None


def _joined(before: str, addition: str) -> str:
    return before + ("\n" if before and not before.endswith("\n") else "") + addition


def _append(path: Path, text: str) -> None:
    """Add to a file; a new one is for nobody else to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
        file.write(_joined(before, text)[len(before) :])
