"""``--params`` and ``--env`` as ``kedro run`` has them, for every command that runs something."""

from __future__ import annotations

from itertools import pairwise

import click
from kedro.framework.cli.project import run as kedro_run

from expfw.errors import BrokenConfiguration

SETTINGS = tuple(option for option in kedro_run.params if option.name in ("params", "env"))
"""Kedro's own options, so that their syntax is that of ``kedro run``."""


class SettingsCommand(click.Command):
    """A command that takes ``--params``, and refuses those that Kedro would cut in pieces."""

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
