"""``kedro experiment log``: what a run said, by node, fold, component and level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from expfw.cli.output import FORMAT, print_json, print_long

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.command("log")
@click.argument("number", metavar="N", type=int)
@click.option("--node", metavar="NODE", help="only what one node said")
@click.option("--fold", type=click.IntRange(min=1), metavar="K", help="only one fold, counted from 1 as in 'fold 1/5'")
@click.option("--component", metavar="CLASS", help="only what was said while a component of this class was at work")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), default="DEBUG", help="this level and above")
@FORMAT
@click.pass_obj
def show_log(metadata: Any, /, number: int, fold: int | None, form: str, **wanted: Any) -> None:
    """The log of experiment N, or those of its lines that are asked for."""
    from expfw.run.folder import find_folder, result_root
    from expfw.run.structured import chosen, read_log

    lines = read_log(find_folder(result_root(Path(metadata.project_path)), number).log)
    found = list(chosen(lines, fold=None if fold is None else fold - 1, **wanted))
    if form == "json":
        print_json(found)
    elif found:
        print_long([text for line in found for text in _told(line)])
    else:
        click.echo(f"None of {len(lines)} lines matches.")


def _told(line: dict[str, Any]) -> Iterator[str]:
    """A line for people: local time of day, level, place, message; a traceback below it."""
    from datetime import datetime

    from expfw.run.structured import place_in

    time = datetime.fromisoformat(line["time"]).astimezone()
    place = str(place_in(line))
    yield f"{time:%H:%M:%S} {line['level']:7} {place}{': ' if place else ''}{line['message']}"
    if line["exception"]:
        yield from line["exception"].splitlines()
