"""Whether somebody listens: found out with real sockets."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from expfw.database.address import Address
from expfw.database.probe import Probe


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts nobody, and whose queue is full, so that it does not answer any more."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.fixture
def listening() -> Iterator[int]:
    """The port of a server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def in_vain(*hosts: str, scheme: str = "mongodb") -> bool:
    return Probe(Address.parse(f"{scheme}://me:secret@{','.join(hosts)}/team")).in_vain()


def test_who_listens_is_reached(listening: int) -> None:
    assert not in_vain(f"127.0.0.1:{listening}")


def test_who_refuses_is_not(closed: int) -> None:
    assert in_vain(f"127.0.0.1:{closed}")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves out the answer when a queue is full")
def test_who_does_not_answer_is_not(silent: int) -> None:
    assert in_vain(f"127.0.0.1:{silent}")


def test_one_of_several_servers_is_enough(listening: int, closed: int) -> None:
    assert not in_vain(f"127.0.0.1:{closed}", f"127.0.0.1:{listening}")
    assert in_vain(f"127.0.0.1:{closed}", f"127.0.0.1:{closed}")


def test_a_machine_that_nobody_knows_is_not_there() -> None:
    assert in_vain("nobody.invalid")


def test_what_the_address_does_not_tell_is_not_called_unreachable() -> None:
    assert not in_vain("team.example", scheme="mongodb+srv")
    assert not in_vain("%2Ftmp%2Fmongodb-27017.sock")
