"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import orjson

from expfw.config.secrets import hide_in
from expfw.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open ``path`` for writing; it appears under its name only when the block ends without an error.

    Args:
        path: file to write; its folder must exist.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic(path) as file:
        ...     _ = file.write(b"whole"), path.exists()
        >>> path.read_bytes()
        b'whole'
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, sort_keys: bool = False) -> None:
    """Write ``value`` as JSON for people and programs (UTF-8, not-a-number as null), atomically and without secrets."""
    with atomic(path) as file:
        file.write(json_text(hide_in(plain(value)), sort_keys=sort_keys).encode())


def json_text(value: Any, *, sort_keys: bool = False) -> str:
    r"""``value`` as JSON for people and programs, with a newline at its end.

    Example:
        >>> json_text({"a": float("nan")})
        '{\n  "a": null\n}\n'
    """
    return json.dumps(plain(value), indent=2, ensure_ascii=False, sort_keys=sort_keys, allow_nan=False) + "\n"


def read_json(path: Path, default: Any = None) -> Any:
    """Read a JSON file; ``default`` if it is missing or not (yet) whole.

    Example:
        >>> read_json(Path("no such file"), default={})
        {}
    """
    try:
        return parsed(path.read_bytes())
    except (OSError, ValueError):
        return default


_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def parsed(content: bytes) -> Any:
    """JSON as Python's own reader understands it, several times as quickly.

    What orjson refuses (NaN) or rounds (whole numbers above 64 bits) is left to Python.

    Raises:
        ValueError: if it is not (wholly) JSON.

    Example:
        >>> parsed(b'{"a": 0.5, "b": 36893488147419103232}')
        {'a': 0.5, 'b': 36893488147419103232}
    """
    try:
        return json.loads(content) if _LONG_NUMBER in content.translate(_DIGITS) else orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; an empty one if the file is missing or not (yet) whole.

    Raises:
        RecordError: if it is whole and holds something else.

    Example:
        >>> read_object(Path("no such file"))
        {}
    """
    content = read_json(path, {})
    if not isinstance(content, dict):
        from expfw.config.files import kind  # with YAML, for which most readers have no use

        raise RecordError(f"{path} holds {kind(content)} where an object was expected; it was altered: restore it")
    return content


def plain(value: Any) -> Any:
    """``value`` as JSON's own kinds: numpy scalars become numbers, NaN and infinities None, what is left its text.

    Example:
        >>> plain({"a": np.float64(0.5), 1: (np.int64(2), float("nan"))})
        {'a': 0.5, '1': [2, None]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    return str(value)
