"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from expfw.run.files import plain

UNLIMITED = 1000
"""Columns of an output that is no terminal."""

_TERMINAL = frozenset(("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"))
"""Variables by which Rich takes for a terminal what is none, or has the width of one; it takes long to import."""

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="table for people, json for programs",
)


def _finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no finite number", context, parameter)
    return value


TOLERANCE = click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    callback=_finite,
    default=1e-9,
    show_default=True,
    help="largest difference between numbers that counts as equal; relative for numbers above 1",
)


def print_json(value: Any) -> None:
    """Print a value as JSON, nothing else."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


@contextmanager
def told_elsewhere(wanted: bool) -> Iterator[None]:
    """Within the block, what a run prints goes to standard error, so that standard output holds JSON and nothing else.

    Args:
        wanted: whether JSON is wanted; otherwise nothing changes.
    """
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def terminal_width() -> int | None:
    """Columns of the terminal; None where the output goes to a file or another program and nothing limits it."""
    if not sys.stdout.isatty() and _TERMINAL.isdisjoint(os.environ):
        return None
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal or "COLUMNS" in os.environ else None


def coloured() -> bool:
    """Whether the output goes to a terminal that is wanted in colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_long(lines: Sequence[str]) -> None:
    """Print lines; on a terminal that has fewer, page by page."""
    text = "\n".join(lines)
    if sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size().lines:
        click.echo_via_pager(text, color=None if coloured() else False)  # None: click tells less to let colours through
    else:
        click.echo(text, color=coloured())


def print_rich(renderable: Any) -> None:
    """Print something for people: in colours on a terminal, plain elsewhere."""
    from rich.console import Console

    Console(width=terminal_width() or UNLIMITED).print(renderable)
