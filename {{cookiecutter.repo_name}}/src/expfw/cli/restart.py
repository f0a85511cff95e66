"""``kedro experiment restart``: goes on with a run that failed, was interrupted or killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("restart")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--force", is_flag=True, help="go on although code, configuration or packages changed; that is recorded")
@click.option("--runner", help="one of Kedro's runners: SequentialRunner, ThreadRunner, ParallelRunner")
@click.pass_obj
def restart_experiment(metadata: Any, number: int, force: bool, runner: str | None) -> None:
    """Go on with experiment N in its folder; what is finished and intact, down to folds, is not computed again."""
    from expfw.run.folder import find_folder, result_root
    from expfw.run.stored import run_stored

    project = Path(metadata.project_path)
    run_stored(project, find_folder(result_root(project), number), "restart", runner=runner, force=force)
