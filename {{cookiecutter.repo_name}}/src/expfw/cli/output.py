"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from typing import Any

import click

from expfw.run.files import plain

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="table for people, json for programs",
)


def print_json(value: Any) -> None:
    """Print a value as JSON, nothing else."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def print_rich(renderable: Any) -> None:
    """Print something for people: in colours on a terminal, plain elsewhere."""
    from rich.console import Console

    Console().print(renderable)
