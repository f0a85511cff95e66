"""``kedro experiment overview``: one page of all experiments, for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("overview")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="file to write instead of result/overview.html",
)
@click.option("--open", "show", is_flag=True, help="open the page in the browser")
@click.pass_obj
def write_overview_page(metadata: Any, output: Path | None, show: bool) -> None:
    """Write one HTML page of all experiments: to sort, search, filter, compare, and follow to each report."""
    from expfw.index import read_index
    from expfw.report.overview import FILE, write_overview
    from expfw.run.folder import result_root

    root = result_root(Path(metadata.project_path))
    target = (output or root / FILE).absolute()
    rows = read_index(root)
    size = write_overview(rows, root, target)
    count = f"{len(rows)} experiment{'s' if len(rows) != 1 else ''}" if rows else "no experiment yet"
    click.echo(f"wrote {target}: {count}, {size / 1e3:.0f} kB")
    if not rows:
        click.echo("start one with 'kedro run', then write the page again")
    if show:
        click.launch(target.as_uri())
