"""A file's content apart from the file, with its checksum: what was compared is what is read."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO, FileIO
from pathlib import Path
from typing import IO

from expfw.errors import RecordError

IN_MEMORY = 64 * 2**20
"""Bytes up to which a copy is held in memory; of a larger file it is a temporary one, without a name."""

CHUNK = 2**20
"""Bytes that are read at once."""


@contextmanager
def copied(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """A copy of a file, open at its beginning, and its checksum; whatever becomes of the file, the copy stays.

    Args:
        path: the file.

    Raises:
        OSError: if it cannot be read.
        RecordError: if there is no room for a copy.

    Example:
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_bytes(b"whole")
        >>> with copied(path) as (file, checksum):
        ...     _ = path.write_bytes(b"other")
        ...     file.read(), checksum[:15]
        (b'whole', 'sha256:5d5766cf')
    """
    with path.open("rb") as file, _place_for(os.fstat(file.fileno()).st_size) as copy:
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            _write(copy, chunk, path)
        copy.seek(0)
        yield copy if isinstance(copy, BytesIO) else BufferedReader(copy), f"sha256:{digest.hexdigest()}"


def _place_for(size: int) -> BytesIO | FileIO:
    """Unbuffered, so that a full disk is noticed where something is written."""
    return BytesIO() if size <= IN_MEMORY else tempfile.TemporaryFile(buffering=0)


def _write(copy: BytesIO | FileIO, chunk: bytes, path: Path) -> None:
    try:
        while chunk:
            chunk = chunk[copy.write(chunk) :]
    except OSError as error:
        raise RecordError(
            f"{path} is verified in a copy, and there is no room for one in {tempfile.gettempdir()} "
            f"({error.strerror or error}); set TMPDIR to a folder with room for it"
        ) from error
