"""``kedro experiment search``: configurations generated from a space, run one by one, and the best of them tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from expfw.cli.output import FORMAT, print_json, told_elsewhere
from expfw.cli.params import SETTINGS, SettingsCommand

if TYPE_CHECKING:
    from expfw.search.drafts import Draft
    from expfw.search.start import Found


@click.command("search", cls=SettingsCommand)
@click.argument("what", metavar="NAME|N")
@click.option(
    "--n-trials", type=click.IntRange(min=1), metavar="N", help="how many trials, instead of what the file says"
)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="begin none after that time"
)
@click.option("--no-test", is_flag=True, help="do not run the best configuration as an experiment of its own")
@click.option("--dry-run", is_flag=True, help="show the configurations as experiment files; run none")
@click.option("--write", is_flag=True, help="with --dry-run: write these files, to be reviewed, edited and run by hand")
@click.option("--force", is_flag=True, help="go on with search N although code, settings or packages changed since")
@FORMAT
@click.pass_obj
def search_experiments(
    metadata: Any,
    what: str,
    n_trials: int | None,
    timeout: float | None,
    no_test: bool,
    dry_run: bool,
    write: bool,
    force: bool,
    form: str,
    params: dict[str, Any],
    env: str | None,
) -> None:
    """Search the space in the section "search" of the experiment file NAME, or go on with the search N.

    Each trial is an experiment of its own, measured by resampling alone. The best configuration is written as an
    experiment file and run once, which tests it on the hold-out. A search that was interrupted goes on where it was;
    with --n-trials one that has ended goes on as well. --params and --env count for all trials, as for kedro run.
    """
    from expfw.search.drafts import drafts, write_drafts
    from expfw.search.start import Wish, go_on, search

    project, package = Path(metadata.project_path), metadata.package_name
    wish = Wish(n_trials, timeout, not no_test, force, params, env)
    if write and not dry_run:
        raise click.UsageError("--write goes with --dry-run")
    if dry_run:
        made, note = drafts(project, package, what, wish)
        files = write_drafts(project, made) if write else []
        _show_drafts(made, files, note, form)
        return
    with told_elsewhere(form == "json"):
        found = go_on(project, package, int(what), wish) if what.isdecimal() else search(project, package, what, wish)
    _show(found, form)


search_experiments.params += SETTINGS


def _show_drafts(made: list[Draft], files: list[str], note: str, form: str) -> None:
    if form == "json":
        print_json({"configurations": {draft.name: draft.content for draft in made}, "files": files, "note": note})
        return
    for draft in made:
        click.echo(f"config/experiments/{draft.name}.json")
        if not files:
            click.echo(json.dumps(draft.content, indent=2, ensure_ascii=False))
    told = "written" if files else "nothing was run or written"
    click.echo(f"{len(made)} configurations, {told}" + (f"; {note}" if note else ""))


def _show(found: Found, form: str) -> None:
    if form == "json":
        print_json(found.as_json())
        return
    best = found.summary["best"]
    metric = found.summary["metrics"][0]
    tried, trials = found.summary["configurations"], found.summary["trials"]
    click.echo(f"search {found.folder.id}: {tried} configurations tried in {trials} trials")
    click.echo(f"  best: experiment {best['experiment']}, {metric} {best['values'][0]:.4g}: {found.file}")
    if found.tested is not None:
        click.echo(f"  tested once, in experiment {found.tested}: kedro experiment show {found.tested}")
