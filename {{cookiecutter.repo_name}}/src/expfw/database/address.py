"""Where the team's database is, as the environment or ``config/local/credentials.yml`` says. It may hold a password."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expfw.errors import ExpfwError

if TYPE_CHECKING:
    from expfw.config.loader import ExperimentConfigLoader

VARIABLE = "EXPFW_MONGODB_URL"
"""Environment variable with the database's address; it wins over the file, and switches the database off if empty."""

ENTRY = "mongodb"
"""Entry of ``credentials.yml`` that holds the address."""

DEFAULT = "experiments"
"""Name of the database where the address gives none."""

PORT = 27017
"""MongoDB's port where the address gives none."""

FORM = "mongodb://user:password@host:port/database?authSource=admin"

# Strict, so that a character which belongs to a password never passes for one of the host: what follows is shown.
_URL = re.compile(
    r"""
    (?P<scheme>mongodb(?:\+srv)?)://
    (?:[^\s:@/?\#]*(?::[^\s:@/?\#]*)?@)?
    (?P<hosts>(?:[\w.%-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?(?:,(?:[\w.%-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?)*)
    (?:/(?P<database>[^\s/\\.@"$*<>:|?\#]{0,63}))?
    (?:\?[^\s@\#]*)?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, repr=False)
class Address:
    """The address of a database. Neither its text nor its ``repr`` holds user or password.

    Args:
        url: as MongoDB's clients take it; may hold a password.
        database: name of the database.

    Example:
        >>> Address("mongodb://me:x@db.example:27017/team?authSource=admin", "team")
        mongodb://db.example:27017/team
    """

    url: str
    database: str

    @classmethod
    def parse(cls, url: Any) -> Address:
        """An address as people write it.

        Raises:
            ValueError: if it is none; what was given is not repeated.

        Example:
            >>> Address.parse("mongodb://localhost")
            mongodb://localhost/experiments
        """
        match = _URL.fullmatch(url) if isinstance(url, str) else None
        if match is None:
            raise ValueError("no address of a database")
        return cls(match[0], match["database"] or DEFAULT)

    @property
    def shown(self) -> str:
        """For people: without user, password and options."""
        match = _URL.fullmatch(self.url)
        return f"{match['scheme']}://{match['hosts']}/{self.database}" if match else f"the database {self.database}"

    @property
    def servers(self) -> list[tuple[str, int]]:
        """Hosts and ports; none if the address does not tell them (a DNS record, a socket).

        Example:
            >>> Address.parse("mongodb://me:x@a.example,[::1]:27018/team").servers
            [('a.example', 27017), ('::1', 27018)]
        """
        match = _URL.fullmatch(self.url)
        if match is None or match["scheme"] != "mongodb" or "%" in match["hosts"]:
            return []
        parts = (re.fullmatch(r"\[?(.*?)\]?(?::(\d+))?", host) for host in match["hosts"].split(","))
        return [(part[1], int(part[2] or PORT)) for part in parts if part]

    def __repr__(self) -> str:
        return self.shown


def find_address(loader: ExperimentConfigLoader) -> Address | None:
    """The address of the team's database; None if none is configured, and so every run is recorded in files alone.

    Args:
        loader: the project's config loader.

    Raises:
        ExpfwError: if what is configured is no address, or cannot be read; the message never repeats it, for it may
            hold a password.
    """
    if VARIABLE in os.environ:
        return _parse(os.environ[VARIABLE].strip(), f"the environment variable {VARIABLE}")
    from expfw.config.credentials import credentials  # by Kedro, for which the companion process has no use and no time

    entry = credentials(loader).get(ENTRY)
    if isinstance(entry, Mapping) and "url" in entry:
        entry = entry["url"]
    return _parse(entry, f"'{ENTRY}' in config/local/credentials.yml")


def _parse(url: Any, where: str) -> Address | None:
    if url is None or url == "":
        return None
    try:
        return Address.parse(url)
    except ValueError:
        raise ExpfwError(
            f"{where} is no address of a database (it is not shown here, since it may hold a password); write "
            f'"{FORM}", with %40 for @, %3A for :, %2F for /, %3F for ?, %23 for #, %25 for % in user and password'
        ) from None
