"""``kedro experiment …``: thin commands, each calling one function of the framework."""

from __future__ import annotations

import click

from expfw.cli.check import check_experiments
from expfw.cli.records import list_experiments, show_experiment


@click.group(name="expfw")
def commands() -> None:
    """Commands that the framework adds to ``kedro``."""


@commands.group()
def experiment() -> None:
    """Look at experiments, compare them, start new ones."""


for _command in (check_experiments, list_experiments, show_experiment):
    experiment.add_command(_command)
