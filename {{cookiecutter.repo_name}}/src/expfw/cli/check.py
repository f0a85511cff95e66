"""``kedro experiment check``: is every experiment file sound, without running any?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from expfw.cli.output import FORMAT, print_json
from expfw.errors import ConfigurationError


@click.command("check")
@click.argument("names", nargs=-1)
@FORMAT
@click.pass_obj
def check_experiments(metadata: Any, names: tuple[str, ...], form: str) -> None:
    """Check experiment files without running them; all of them if no NAME is given."""
    from expfw.check import check

    faults = check(Path(metadata.project_path), str(metadata.package_name), names)
    if form == "json":
        print_json({name: [vars(fault) for fault in found] for name, found in faults.items()})
    else:
        for name, found in faults.items():
            click.echo(f"{name}: {'sound' if not found else ''}".rstrip())
            for number, fault in enumerate(found, start=1):
                click.echo(f"  {number}. {fault}")
    bad = sum(1 for found in faults.values() if found)
    if bad:
        click.echo(f"{bad} of {len(faults)} experiments have faults", err=True)
        raise click.exceptions.Exit(ConfigurationError.exit_code)
