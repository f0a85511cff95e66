"""``python -m expfw.database``: the team's database and Omniboard, set up and started with Docker Compose."""

from __future__ import annotations

from pathlib import Path

import click

from expfw.database.server import set_up


@click.command()
def main() -> None:
    """Start MongoDB and Omniboard, as compose.yaml describes them; make a password the first time."""
    for line in set_up(Path.cwd()):
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m expfw.database")
