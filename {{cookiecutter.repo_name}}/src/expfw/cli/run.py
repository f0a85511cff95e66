"""``kedro run``: Kedro's own command, with a message for each slip that Kedro answers with a traceback or a riddle."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from expfw.errors import BrokenConfiguration, ExperimentInterrupted


class RunCommand(click.Command):
    """Kedro's ``run`` that looks at some options first."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            BrokenConfiguration: for a list or an object in ``--params``, which Kedro would cut at its commas.
        """
        given = [value for option, value in pairwise(args) if option == "--params"]
        given += [value.removeprefix("--params=") for value in args if value.startswith("--params=")]
        for key in filter(None, map(_torn_key, given)):
            raise BrokenConfiguration(
                f"--params: {key}: --params cannot carry a list or an object (it splits at commas); write a file: "
                f"kedro experiment new NEW_NAME --from NAME --set '{key}=…'; nothing was run"
            )
        return super().parse_args(ctx, args)

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


def _torn_key(params: str) -> str:
    """The key whose value is a list or an object with a comma in it; empty if there is none.

    Example:
        >>> _torn_key("experiment=a,metrics=[r2,max_error]"), _torn_key("a=[1]"), _torn_key("a=1,b=2")
        ('metrics', '', '')
    """
    key = ""
    for part in params.split(","):
        if key and "=" not in part:
            return key
        name, _, value = part.partition("=")
        unclosed = value.count("[") > value.count("]") or value.count("{") > value.count("}")
        key = name.strip() if unclosed else ""
    return ""


run = RunCommand("run", params=kedro_run.params, callback=kedro_run.callback, help=kedro_run.help)
