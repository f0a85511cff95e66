"""``kedro experiment list`` and ``show``: looking at recorded experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from expfw.cli.output import FORMAT, coloured, print_json, print_long, print_rich, terminal_width

if TYPE_CHECKING:
    from expfw.listing.request import Request


@click.command("list")
@click.argument("filters", nargs=-1, metavar="[EXPRESSION]...")
@click.option("--where", multiple=True, metavar="EXPRESSION", help="the same as EXPRESSION; may be repeated")
@click.option("--sort", metavar="KEY,...", help="column to sort by; -KEY turns the order round; a metric's best first")
@click.option("--columns", metavar="KEY,...", help="what to show: fields, metrics, settings such as model.params.C")
@click.option("--all-settings", is_flag=True, help="also the settings in which the experiments do not differ")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="show no more than N experiments")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    help="table and markdown for people, json and csv for programs",
)
@click.pass_obj
def list_experiments(
    metadata: Any, /, filters: tuple[str, ...], where: tuple[str, ...], form: str, **asked: Any
) -> None:
    """All experiments with their main results, or those for which all EXPRESSIONs hold.

    Examples of expressions: 'accuracy>0.9' 'model.type=*Forest*' status=FAILED tag:baseline since:7d
    """
    from expfw.index.store import without_collections
    from expfw.listing.request import Request
    from expfw.run.folder import result_root

    with without_collections():
        _list(result_root(Path(metadata.project_path)), Request(where=(*where, *filters), **asked), form)


def _list(root: Path, request: Request, form: str) -> None:
    from expfw.listing.formats import as_csv, as_markdown, as_objects
    from expfw.listing.request import listing
    from expfw.listing.table import table_lines
    from expfw.record import read_or_reason
    from expfw.run.folder import ResultFolder

    found = listing(root, request)
    if form == "json" and found.chosen is None:
        print_json([read_or_reason(ResultFolder(row.path)).as_json() for row in found.rows])
    elif form == "json":
        print_json(as_objects(found.rows, found.for_programs()))
    elif form == "csv":
        click.echo(as_csv(found.rows, found.for_programs()), nl=False)
    elif form == "markdown":
        click.echo(as_markdown(found.rows, found.for_people()), nl=False)
    elif not found.total:
        click.echo(f"There are no experiments in {root} yet; start one with 'kedro run'.")
    elif not found.rows:
        click.echo(f"None of {found.total} experiments matches.")
    else:
        lines = table_lines(found.rows, found.for_people(), terminal_width(), colour=coloured())
        print_long([*lines, *found.summary()])


@click.command("show")
@click.argument("which", metavar="N|NAME")
@click.option("--origin", is_flag=True, help="say for each setting which file and line, or --params, it came from")
@click.option("--diff", is_flag=True, help="only the settings that differ from the global defaults")
@FORMAT
@click.pass_obj
def show_experiment(metadata: Any, which: str, origin: bool, diff: bool, form: str) -> None:
    """One experiment: a recorded one by its number, a configured one by its name."""
    from expfw.detail import configuration_table, detail
    from expfw.record import read_record
    from expfw.run.folder import find_folder, result_root
    from expfw.settings import configured_settings, recorded_settings

    project = Path(metadata.project_path)
    record = read_record(find_folder(result_root(project), int(which))) if which.isdecimal() else None
    if origin or diff or record is None:
        settings = recorded_settings(record) if record else configured_settings(project, metadata.package_name, which)
        chosen = [setting for setting in settings if not (diff and setting.is_default)]
        if form == "json":
            print_json({setting.key: {"value": setting.value, "origin": setting.origin} for setting in chosen})
        else:
            print_rich(configuration_table(chosen, origin=origin))
    elif form == "json":
        searched = {"search": record.search} if record.search else {}
        print_json({**record.as_json(), "diagnostics": record.diagnostics, **searched})
    else:
        print_rich(detail(record))
