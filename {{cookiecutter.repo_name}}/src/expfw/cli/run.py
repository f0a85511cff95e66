"""``kedro run``: Kedro's own command, with a message for each slip that Kedro answers with a traceback or a riddle."""

from __future__ import annotations

from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from expfw.cli.params import SettingsCommand
from expfw.errors import ExperimentInterrupted


class RunCommand(SettingsCommand):
    """Kedro's ``run`` that looks at some options first."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run.

        Raises:
            ExpfwError: if there is no such runner.
            ExperimentInterrupted: in the place of Ctrl-C.
        """
        from expfw.run.stored import check_runner

        runner = ctx.params.get("runner")
        if runner and "." not in runner:  # a class of the project's own is named by its path
            check_runner(runner)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # before the session watches for signals, or in a pipeline of the user's own
            raise ExperimentInterrupted("interrupted by Ctrl-C") from error


run = RunCommand("run", params=kedro_run.params, callback=kedro_run.callback, help=kedro_run.help)
