"""``kedro experiment schema``: writes what editors need to complete and check experiment files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("schema")
@click.option("--check", is_flag=True, help="Write nothing; fail if the schema is not current.")
@click.pass_obj
def write_schema(metadata: Any, check: bool) -> None:
    """Write config/experiment.schema.json, by which editors complete and check experiment files."""
    from expfw.construct.schema_file import FILE, check_schema, save_schema

    project, package = Path(metadata.project_path), str(metadata.package_name)
    if check:
        check_schema(project, package)
        click.echo(f"{FILE} is current")
    else:
        click.echo(f"wrote {FILE}: {save_schema(project, package)}")
