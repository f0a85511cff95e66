"""Whether anybody takes a connection at a database's address, found out while the run does other work.

A server that is off refuses at once, and a machine that is off does not answer at all. The database's client tries
again and again in both cases; to know as much as this takes less time than to start it.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from expfw.database.address import Address

CONNECT = 0.25
"""Seconds to wait for a connection: no answer of the database, which may be busy, but of its operating system."""

LONGEST = 1.0
"""Seconds to wait for the outcome, names of machines that must be looked up included."""


class Probe:
    """Attempts to connect, one for each server of the address, beside each other.

    Args:
        address: the database.

    Example:
        >>> with socket.create_server(("127.0.0.1", 0)) as server:
        ...     Probe(Address.parse(f"mongodb://127.0.0.1:{server.getsockname()[1]}")).in_vain()
        False
    """

    def __init__(self, address: Address) -> None:
        self._reached = not address.servers
        self._attempts = [
            threading.Thread(target=self._connect, args=[server], name="probe", daemon=True)
            for server in address.servers
        ]
        for attempt in self._attempts:
            attempt.start()

    def in_vain(self) -> bool:
        """Whether all attempts failed; what is not known in time is not called so."""
        end = time.monotonic() + LONGEST
        for attempt in self._attempts:
            while attempt.is_alive() and not self._reached and time.monotonic() < end:
                attempt.join(0.01)
        return not self._reached and not any(attempt.is_alive() for attempt in self._attempts)

    def _connect(self, server: tuple[str, int]) -> None:
        with suppress(OSError, UnicodeError), socket.create_connection(server, timeout=CONNECT):
            self._reached = True
