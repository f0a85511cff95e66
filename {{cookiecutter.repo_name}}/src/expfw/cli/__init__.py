"""``kedro experiment …``: thin commands, each calling one function of the framework."""

from __future__ import annotations

import click

from expfw.cli.check import check_experiments
from expfw.cli.compare import compare_experiments
from expfw.cli.group import PatientGroup
from expfw.cli.log import show_log
from expfw.cli.new import new_experiment
from expfw.cli.overview import write_overview_page
from expfw.cli.records import list_experiments, show_experiment
from expfw.cli.report import draw_report
from expfw.cli.rerun import rerun_experiment
from expfw.cli.restart import restart_experiment
from expfw.cli.run import run
from expfw.cli.schema import write_schema
from expfw.cli.search import search_experiments
from expfw.cli.sync import sync_experiments


@click.group(name="expfw")
def commands() -> None:
    """Commands that the framework adds to ``kedro``."""


@commands.group(cls=PatientGroup)
def experiment() -> None:
    """Look at experiments, compare them, start new ones."""


commands.add_command(run)

for _command in (
    check_experiments,
    compare_experiments,
    draw_report,
    list_experiments,
    new_experiment,
    rerun_experiment,
    restart_experiment,
    search_experiments,
    show_experiment,
    show_log,
    sync_experiments,
    write_overview_page,
    write_schema,
):
    experiment.add_command(_command)
