"""``kedro experiment list`` and ``show``: looking at recorded experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from expfw.cli.output import FORMAT, print_json, print_rich, terminal_width


@click.command("list")
@click.option("--sort", help="metric, id, name, status or started; the best first where it is a metric")
@click.option("--columns", help="settings to show, comma-separated key paths such as model.type,model.params.C")
@FORMAT
@click.pass_obj
def list_experiments(metadata: Any, sort: str | None, columns: str | None, form: str) -> None:
    """All experiments with their main results."""
    from expfw.overview import FIELDS, overview_table, sorted_records
    from expfw.record import read_records
    from expfw.run.folder import result_root

    root = result_root(Path(metadata.project_path))
    records = sorted_records(read_records(root), sort)
    if form == "json":
        print_json([record.as_json() for record in records])
    else:
        metric = None if sort in (None, *FIELDS) else sort
        print_rich(
            overview_table(
                records, root, [c for c in (columns or "").split(",") if c] or None, metric, terminal_width()
            )
        )


@click.command("show")
@click.argument("which", metavar="N|NAME")
@click.option("--origin", is_flag=True, help="say for each setting which file and line, or --params, it came from")
@click.option("--diff", is_flag=True, help="only the settings that differ from the global defaults")
@FORMAT
@click.pass_obj
def show_experiment(metadata: Any, which: str, origin: bool, diff: bool, form: str) -> None:
    """One experiment: a recorded one by its number, a configured one by its name."""
    from expfw.overview import configuration_table, detail
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
        print_json(record.as_json())
    else:
        print_rich(detail(record))
