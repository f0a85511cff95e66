"""``kedro experiment report``: the page of an experiment that was recorded without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("report")
@click.argument("numbers", metavar="N...", type=click.IntRange(min=1), nargs=-1, required=True)
@click.pass_obj
def draw_report(metadata: Any, numbers: tuple[int, ...]) -> None:
    """Draw the page of experiments from what is on record of them; the trials of a search have none before."""
    from expfw.drawing import draw_page

    for number in numbers:
        click.echo(draw_page(Path(metadata.project_path), metadata.package_name, number))
