"""``kedro experiment new``: a new experiment made by altering an old one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from expfw.cli.output import FORMAT, print_json, print_rich

if TYPE_CHECKING:
    from expfw.errors import Fault


@click.command("new")
@click.argument("name")
@click.option("--from", "source", required=True, metavar="N|NAME", help="experiment to alter: its number, or its name")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=JSON",
    help="""what differs, as in --set 'model.params.max_depth=[4, 8]' --set features=null --set 'model.type="MyModel"';
    may be repeated; objects are merged key by key, another type drops the parameters of the old one""",
)
@click.option("--description", help="what is new about it; without this it keeps the old one's")
@click.option("--tag", "tags", multiple=True, help="tag, in place of the old one's; may be repeated")
@FORMAT
@click.pass_obj
def new_experiment(
    metadata: Any,
    name: str,
    source: str,
    assignments: tuple[str, ...],
    description: str | None,
    tags: tuple[str, ...],
    form: str,
) -> None:
    """Write config/experiments/NAME.json, which differs from an old experiment as --set says.

    It is checked before it is written. Shown beside it are the experiments that are nearest to it, with their results,
    and whether this very configuration has been run already.
    """
    from expfw.altering import draft
    from expfw.assignment import read_assignments
    from expfw.originals import Workbench
    from expfw.run.folder import result_root
    from expfw.similar import surroundings

    faults: list[Fault] = []
    told = {"description": description, "tags": list(tags) or None}
    layer = read_assignments(assignments, faults, {key: value for key, value in told.items() if value is not None})
    project = Path(metadata.project_path)
    made = draft(Workbench(project, metadata.package_name), name, source, layer, faults)
    around = surroundings(made.plan.config, made.plan.hash, result_root(project))
    made.write()
    if form == "json":
        print_json({"file": made.where, "config": made.plan.config, **around.as_json(), "notes": list(made.notes)})
        return
    click.echo(f"{made.where}\n{made.text}")
    for note in made.notes:
        click.echo(f"Note: {note}.\n")
    print_rich(around.table())
    click.echo(f"\nRun it: kedro run --params experiment={name}")
