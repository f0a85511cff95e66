"""``kedro experiment restart``: goes on with a run that failed, was interrupted or killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from expfw.cli.output import TOLERANCE, print_rich


@click.command("restart")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--force", is_flag=True, help="go on although code, settings, packages or inputs changed; it is recorded")
@click.option("--runner", help="one of Kedro's runners: SequentialRunner, ThreadRunner, ParallelRunner")
@TOLERANCE
@click.pass_obj
def restart_experiment(metadata: Any, number: int, force: bool, runner: str | None, tolerance: float) -> None:
    """Go on with experiment N in its folder; what is finished and intact, down to folds, is not computed again.

    A rerun is compared at its end with the experiment that it repeats; the exit code is 1 if the result differs.
    """
    from expfw.reproduce.rerun import restart

    made = restart(Path(metadata.project_path), number, tolerance, runner, force=force)
    if made is not None:
        print_rich(made.words())
        if not made.same:
            raise click.exceptions.Exit(1)
