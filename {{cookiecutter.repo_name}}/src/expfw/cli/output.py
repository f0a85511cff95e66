"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import click

from expfw.run.files import plain

UNLIMITED = 1000
"""Columns of an output that is no terminal."""

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


def terminal_width() -> int | None:
    """Columns of the terminal; None where the output goes to a file or another program and nothing limits it."""
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal or "COLUMNS" in os.environ else None


def print_rich(renderable: Any) -> None:
    """Print something for people: in colours on a terminal, plain elsewhere."""
    from rich.console import Console

    Console(width=terminal_width() or UNLIMITED).print(renderable)
