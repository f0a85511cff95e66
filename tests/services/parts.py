"""What tests with real servers need, installed once and kept: ``mongod``, Node.js, Omniboard, ``mongosh``.

``python -m services.parts`` installs all of it, and fails if something is missing.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from services.server import find_binary

from baking import PROJECT

MONGOSH = "mongosh@2.12.0"
"""MongoDB's shell; its container has one."""


QUIET = ("--ignore-scripts", "--no-audit", "--no-fund")
"""What no installation needs."""


def compose() -> dict[str, dict[str, dict[str, object]]]:
    """Content of the project's ``compose.yaml``."""
    content: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(
        (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    )
    return content


def dockerfile() -> str:
    """How Omniboard's image is made."""
    build = compose()["services"]["omniboard"]["build"]
    assert isinstance(build, dict)
    return str(build["dockerfile_inline"]).replace("\\\n", " ")


def omniboard_folder() -> Path:
    """A folder in which Omniboard is installed as in its image."""
    found = re.search(
        r"^RUN (?P<install>npm install .*? \S+@\S+) .* rm -r (?P<unneeded>\S+)$", dockerfile(), re.MULTILINE
    )
    assert found, dockerfile()
    command = shlex.split(found["install"])
    return _installed(command[-1], command, found["unneeded"])


def mongosh() -> list[str]:
    """A command that is MongoDB's shell."""
    folder = _installed(MONGOSH, ["npm", "install", *QUIET, MONGOSH])
    return [node(), str(folder / "node_modules" / "mongosh" / "bin" / "mongosh.js")]


def node() -> str:
    """Node.js, which runs both, in the version of Omniboard's image."""
    found = re.search(r"^FROM node:([\d.]+)", dockerfile(), re.MULTILINE)
    assert found, dockerfile()
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    package = f"node-{sys.platform}-{machine}"
    folder = _installed(f"{package}@{found[1]}", ["npm", "install", *QUIET, f"{package}@{found[1]}"])
    path = folder / "node_modules" / package / "bin" / "node"
    path.chmod(0o755)
    return str(path)


def cache_folder() -> Path:
    """Where what was installed is kept for next time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "expfw-template"


def _installed(name: str, command: list[str], unneeded: str = "") -> Path:
    """A folder with a package, but for a part of it; it comes into being whole or not at all."""
    folder = cache_folder() / name
    if folder.exists():
        return folder
    if shutil.which("npm") is None:
        pytest.skip(f"there is no npm to install {name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        done = subprocess.run([*command, "--prefix", "."], cwd=new, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{name} could not be installed: {done.stderr}")
        if unneeded:
            shutil.rmtree(new / unneeded)
        if not folder.exists():
            new.rename(folder)
    return folder


def main() -> None:
    """Install everything."""
    try:
        find_binary()
        node()
        omniboard_folder()
        mongosh()
    except pytest.skip.Exception as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
