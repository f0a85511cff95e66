"""Files of an earlier experiment as another's own: shared by the file system where it can, else copied."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FICLONE = 0x40049409
"""Linux's request to let a file share the blocks of another until one of them is written (Btrfs, XFS)."""


@dataclass(frozen=True)
class Linked:
    """What a node gives for an output that it takes: a file that lies ready in the experiment's own folder.

    Args:
        draft: the file, under a temporary name.
        digest: checksum of its content.
        modules: modules whose classes it is made of, if it is a pickle.
    """

    draft: Path
    digest: str
    modules: Sequence[str] = ()

    def become(self, path: Path) -> None:
        """Give the file its final name; whole or not at all.

        Args:
            path: where it belongs.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.draft.replace(path)


def draft_of(path: Path) -> Path:
    """The temporary name under which a file is made ready; what is left of a killed run, a restart clears."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")


def link_file(source: Path, target: Path) -> str:
    """Give ``target`` the content of ``source``: sharing its blocks, else as another name of it, else a copy.

    Returns:
        How: ``reflink``, ``hard link`` or ``copy``.

    Raises:
        OSError: if it can be done in no way.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a").write_text("content")
        >>> link_file(folder / "a", folder / "b") in ("reflink", "hard link", "copy"), (folder / "b").read_text()
        (True, 'content')
    """
    target.unlink(missing_ok=True)
    if _reflink(source, target):
        return "reflink"
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, too many links, or links are not allowed
        shutil.copyfile(source, target, follow_symlinks=False)
        return "copy"
    return "hard link"


def _reflink(source: Path, target: Path) -> bool:
    if fcntl is None:
        return False
    with source.open("rb") as read:
        try:
            with target.open("xb") as write:
                fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
        except OSError:
            target.unlink(missing_ok=True)
            return False
    return True
