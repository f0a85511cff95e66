"""What can be wrong with the team's database, told in one sentence that holds no part of a password."""

from __future__ import annotations

from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from expfw.database.address import Address
from expfw.errors import DatabaseError

FULL = frozenset({14031, 12501, 8000})
"""MongoDB's codes for a disk or an account that is full."""

LOGIN = frozenset({18, 11, 334})
"""Its codes for a login that failed."""

FORBIDDEN = frozenset({13})
"""Its codes for what a user has no right to."""


def explained(error: Exception, address: Address) -> DatabaseError:
    """What is wrong, in one sentence that names the database by host, port and name alone.

    Args:
        error: what pymongo raised.
        address: the database.
    """
    where, code = f"the database {address.shown}", _code(error)
    if isinstance(error, ConfigurationError):
        return DatabaseError(f"the address of {where} is not sound; see to the %-encoding of user and password")
    if isinstance(error, PyMongoError) and error.timeout and not isinstance(error, ServerSelectionTimeoutError):
        return DatabaseError(f"{where} did not answer in time")
    if code in LOGIN or "Authentication failed" in str(error):  # which pymongo hides behind a timeout when asked again
        return DatabaseError(f"{where} refuses the user or the password")
    if isinstance(error, ConnectionFailure | OSError):
        return DatabaseError(f"{where} cannot be reached")
    if code in FORBIDDEN:
        return DatabaseError(f"{where} does not allow this user what is needed: to read and to write")
    if code in FULL or any(word in str(error).lower() for word in ("quota", "no space", "out of disk")):
        return DatabaseError(f"{where} is full")
    kind = type(error).__name__ + ("" if code is None else f" {code}")
    return DatabaseError(f"{where} does not take what it is given ({kind})", hopeless=False)


def _code(error: Exception) -> int | None:
    """MongoDB's code for what went wrong; of many faults the first one's."""
    faults = (error.details or {}).get("writeErrors") if isinstance(error, BulkWriteError) else None
    code = faults[0].get("code") if faults else getattr(error, "code", None)
    return code if isinstance(code, int) else None
