"""Keeping secrets out of records: what looks like one is written as a mark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MARK = "(secret, not recorded)"
"""What stands in a record in the place of a secret."""

_KEY = re.compile(r"(^|_)(password|passwd|secret|token|credentials?|api_?key|access_?key|secret_?key)$", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^/@\s:]+:[^/@\s]+(?=@)")


def redacted(value: Any) -> Any:
    """``value`` with a mark for each text under a key that names a secret, and for user and password in addresses.

    Example:
        >>> redacted({"password": "x", "token_pattern": "w+"})
        {'password': '(secret, not recorded)', 'token_pattern': 'w+'}
        >>> redacted("postgresql://me:x@host/db")
        'postgresql://(secret, not recorded)@host/db'
    """
    if isinstance(value, Mapping):
        return {key: MARK if _is_secret(key, item) else redacted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return _IN_URL.sub(MARK, value) if isinstance(value, str) else value


def _is_secret(key: Any, value: Any) -> bool:
    return bool(_KEY.search(str(key))) and isinstance(value, str | int) and not isinstance(value, bool)
