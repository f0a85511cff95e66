"""``kedro experiment …``: thin commands, each calling one function of the framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from expfw.run.files import plain


@click.group(name="expfw")
def commands() -> None:
    """Commands that the framework adds to ``kedro``."""


@commands.group()
def experiment() -> None:
    """Look at experiments, compare them, start new ones."""


FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="table for people, json for programs",
)


@experiment.command("list")
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
        click.echo(_json([record.as_json() for record in records]))
    else:
        metric = None if sort in (None, *FIELDS) else sort
        _print(overview_table(records, root, [c for c in (columns or "").split(",") if c] or None, metric))


@experiment.command("show")
@click.argument("number", type=int)
@FORMAT
@click.pass_obj
def show_experiment(metadata: Any, number: int, form: str) -> None:
    """One experiment: status, results, configuration, timing."""
    from expfw.overview import detail
    from expfw.record import read_record
    from expfw.run.folder import find_folder, result_root

    record = read_record(find_folder(result_root(Path(metadata.project_path)), number))
    if form == "json":
        click.echo(_json(record.as_json()))
    else:
        _print(detail(record))


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def _print(renderable: Any) -> None:
    from rich.console import Console

    Console().print(renderable)
