"""Ctrl-C while a command is still importing what it needs: one line instead of the imports' traceback.

The project's ``settings.py``, which is the first of the project that a command loads, imports this first. What Kedro
itself imports before is out of reach. Python ends the process by the signal afterwards, which shells tell as
exit code 130.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

COMMANDS = ("kedro", "__main__")
"""Names of the commands that it is for, ``kedro`` and ``python -m …``; scripts and notebooks keep their tracebacks."""

_before = sys.excepthook


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("Error: interrupted by Ctrl-C\n")
    else:
        _before(kind, error, trace)


if Path(sys.argv[0]).stem in COMMANDS:
    sys.excepthook = _hook
