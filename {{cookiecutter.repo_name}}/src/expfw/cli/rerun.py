"""``kedro experiment rerun``: an old experiment once more, and whether the result is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from expfw.cli.output import FORMAT, TOLERANCE, print_json, print_rich, told_elsewhere


@click.command("rerun")
@click.argument("number", metavar="N", type=click.IntRange(min=1))
@TOLERANCE
@click.option("--runner", help="as for kedro run: SequentialRunner (the default), ThreadRunner or ParallelRunner")
@click.option("--in-env", is_flag=True, help="run it with the code and the packages that it ran with, not with today's")
@FORMAT
@click.pass_obj
def rerun_experiment(metadata: Any, number: int, tolerance: float, runner: str | None, in_env: bool, form: str) -> None:
    """Run experiment N again as a new one, and say whether the result is the same.

    It is run from its stored configuration, with the code, packages and data of today; with --in-env, its recorded
    packages are installed in an environment apart, and its recorded code runs there. The exit code is 0 if the result
    is identical or equal within the tolerance, 1 if it differs; then it is told where, and what changed since.
    """
    from expfw.reproduce.in_env import rerun_in_env
    from expfw.reproduce.rerun import rerun

    again = rerun_in_env if in_env else rerun
    with told_elsewhere(form == "json"):
        made = again(Path(metadata.project_path), number, tolerance, runner)
    if form == "json":
        print_json(made.as_json())
    else:
        print_rich(made.words())
    if not made.same:
        raise click.exceptions.Exit(1)
