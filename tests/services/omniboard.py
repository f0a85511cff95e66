"""The real Omniboard on a real server, both as ``compose.yaml`` sets them up, but for Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from services.parts import compose, dockerfile, mongosh, node, omniboard_folder
from services.server import Mongod, free_port

PASSWORD = "t0p-sEcret/@:%$ü"
"""Of the server; everything that an address must encode is in it."""

DEADLINE = 60.0

PLACE = "mongodb:27017"
"""The database's place, as the services in their containers know it."""

HERE = "127.0.0.1:9000"
"""Omniboard's place, as its container knows it."""


def environment(service: str) -> dict[str, str]:
    """What a service is started with: its own variables, with the password, and nothing of ours but the path."""
    variables = compose()["services"][service]["environment"]
    assert isinstance(variables, dict)
    given = {
        name: re.sub(r"\$\{MONGODB_PASSWORD:\?.*\}", lambda _: PASSWORD, value) for name, value in variables.items()
    }
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **given}


def content(config: str) -> str:
    """A file that is put into a container."""
    return str(compose()["configs"][config]["content"])


def health_check(service: str, place: str) -> int:
    """Exit code of a service's health check; ``place`` is where the service listens here."""
    check = compose()["services"][service]["healthcheck"]
    assert isinstance(check, dict)
    _, program, *arguments = check["test"]
    command = mongosh() if program == "mongosh" else [node()]
    arguments = [argument.replace(PLACE, place).replace(HERE, place) for argument in arguments]
    return subprocess.run([*command, *arguments], env=environment(service), capture_output=True).returncode


def address(server: Mongod) -> str:
    """The team's database on a server, as ``config/local/credentials.yml`` has it."""
    return f"mongodb://expfw:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/experiments"


def set_up(server: Mongod) -> Mongod:
    """Give a new server its user, as the container does, then start it anew, so that it asks for the password.

    Args:
        server: not started yet.
    """
    server.start()
    script = server.folder / "user.js"
    script.write_text(content("user"), encoding="utf-8")
    command = [*mongosh(), "--host", "127.0.0.1", "--port", str(server.port), "--quiet", "test", str(script)]
    subprocess.run(command, env=environment("mongodb"), check=True, capture_output=True, timeout=DEADLINE)
    server.stop()
    server.auth = True
    return server.start()


@dataclass
class Omniboard:
    """Omniboard, started by its image's command with its service's environment.

    Args:
        server: the database.
        folder: folder for its log and its configuration.
        patience: milliseconds between its looks at the database.
    """

    server: Mongod
    folder: Path
    patience: int = 15000
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "omniboard.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> Omniboard:
        """Start it, wait until it reads from the database."""
        config = self.folder / "config.js"
        text = content("omniboard").replace(PLACE, f"127.0.0.1:{self.server.port}")
        config.write_text(text.replace("15000", str(self.patience)), encoding="utf-8")
        found = re.search(r"^CMD (\[.*\])$", dockerfile(), re.MULTILINE)
        assert found
        command = [node(), *json.loads(found[1])[1:]]
        variables = {**environment("omniboard"), "OMNIBOARD_CONFIG": str(config), "PORT": str(self.port)}
        with (self.folder / "omniboard.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=omniboard_folder(), env=variables, stdout=log, stderr=log)
        self._wait()
        return self

    def _wait(self) -> None:
        assert self.process is not None
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            assert self.process.poll() is None, f"Omniboard ended at once:\n{self.log}"
            with (
                suppress(urllib.error.URLError, OSError),
                urllib.request.urlopen(f"{self.address}sacred/api/v1/Runs/count", timeout=5),
            ):
                return
            time.sleep(0.1)
        raise AssertionError(f"Omniboard did not answer:\n{self.log}")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=DEADLINE)
            self.process = None
