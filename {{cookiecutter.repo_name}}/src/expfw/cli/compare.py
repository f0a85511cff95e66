"""``kedro experiment compare``: what differs between experiments, and whether one is better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from expfw.cli.output import FORMAT, print_json, print_rich


def _page(context: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    """``--html`` swallows what stands behind it: a number or a name there is an experiment, not a file."""
    if value is None:
        return None
    if value and Path(value).suffix not in (".html", ".htm"):
        raise click.BadParameter(
            f"'{value}' does not end in .html; put --html last, or name the file: --html=result/mine.html",
            context,
            parameter,
        )
    return Path(value)


@click.command("compare")
@click.argument("which", metavar="A B …", nargs=-1)
@click.option("--diff", is_flag=True, help="show the code that changed, not only the names of its files")
@click.option("--origin", is_flag=True, help="say for each setting which file and line, or --params, it came from")
@click.option(
    "--html",
    "page",
    metavar="[PATH]",
    is_flag=False,
    flag_value="",
    callback=_page,
    help="write a page with plots as well, result/comparison_A_B.html unless another file is named",
)
@FORMAT
@click.pass_obj
def compare_experiments(
    metadata: Any, which: tuple[str, ...], diff: bool, origin: bool, page: Path | None, form: str
) -> None:
    """What differs between experiments in what they ran with and what they gave.

    A is the reference that the others are compared with, each a number, or a name: the
    newest experiment of that name that completed. Where the folds are the same rows, it is said whether a difference is
    more than chance explains.
    """
    from expfw.compare.comparison import compare
    from expfw.compare.page import write_comparison
    from expfw.compare.words import terminal
    from expfw.run.folder import result_root

    root = result_root(Path(metadata.project_path))
    comparison = compare(root, which)
    if form == "json":
        print_json(comparison.as_json())
    else:
        print_rich(terminal(comparison, origin=origin, diff=diff))
    if page is not None:
        written = write_comparison(comparison, root, None if page == Path() else page)
        click.echo(f"written: {written}", err=form == "json")
