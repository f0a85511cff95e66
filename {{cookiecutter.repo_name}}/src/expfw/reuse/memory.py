"""Since when the modules in memory are as they are: code that a process imported may differ from the file by now.

The time of a file's last change (``ctime``, which nobody can set) is asked for one thing only: to be careful. A file
that changed after the process began may not be what runs; then its module has no identity.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
import time
from pathlib import Path

import psutil

import expfw
from expfw.run.inputs import TICK


def _process_began() -> int:
    """When this process began, in nanoseconds as files' times are; rather too early than too late."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.time_ns() - int(age * 1e9) - TICK
    except (OSError, ValueError, IndexError, AttributeError):
        return int((psutil.Process().create_time() - 1) * 1e9)


_eras: list[tuple[int, frozenset[str]]] = [(_process_began(), frozenset()), (expfw._loaded[0] - TICK, expfw._loaded[1])]
"""Moments since which modules were imported, and what was in memory at each already: a forked process has its
parent's modules, a notebook may import a project that is younger than itself."""


def _forked() -> None:
    _eras.append((time.time_ns() - TICK, frozenset(sys.modules)))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def as_imported(module: str, path: Path) -> bool:
    """Whether a file is, or will be when it is imported, what the module in memory was made from.

    Args:
        module: the module's name.
        path: its file.

    Example:
        >>> as_imported("json", Path(__import__("json").__file__)), as_imported("not.yet", Path("no such file"))
        (True, True)
    """
    if module not in sys.modules:
        return True
    began = next(began for began, inherited in reversed(_eras) if module not in inherited)
    try:
        return path.stat().st_ctime_ns < began
    except OSError:
        return False


def as_compiled(path: Path, content: bytes) -> bool:
    """Whether Python would run what a file holds, and not what it compiled of it before.

    Python compares a time stamp in seconds and the size, so it may run what was compiled within the same second before
    the file changed.

    Args:
        path: a Python file.
        content: what it holds.
    """
    try:
        cached = Path(importlib.util.cache_from_source(str(path)))
        compiled, status = cached.read_bytes(), path.stat()
    except (OSError, NotImplementedError):
        return True
    stamp = int(status.st_mtime).to_bytes(8, "little")[:4] + (status.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    if compiled[:8] != importlib.util.MAGIC_NUMBER + bytes(4) or compiled[8:16] != stamp:
        return True  # Python sees that it is out of date
    if cached.stat().st_mtime_ns > status.st_ctime_ns + TICK:
        return True
    try:
        code = marshal.loads(compiled[16:])  # noqa: S302 - which Python itself would run
        return bool(code == compile(content, str(path), "exec", dont_inherit=True))
    except (ValueError, EOFError, TypeError, SyntaxError):
        return True
