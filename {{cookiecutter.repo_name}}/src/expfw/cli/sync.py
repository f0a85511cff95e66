"""``kedro experiment sync``: brings the team's database up to date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from expfw.cli.output import FORMAT, print_json

if TYPE_CHECKING:
    from expfw.database.synchronise import Report

T = TypeVar("T")


@click.command("sync")
@click.argument("numbers", nargs=-1, type=click.IntRange(min=1), metavar="[N]...")
@FORMAT
@click.pass_obj
def sync_experiments(metadata: Any, numbers: tuple[int, ...], form: str) -> None:
    """Bring the team's database up to date: all experiments that it lacks, or only those of the numbers N.

    It can be interrupted, and goes on where it was when it is called again.
    """
    from expfw.check import project_loader
    from expfw.database.address import VARIABLE, find_address
    from expfw.database.store import Store
    from expfw.database.synchronise import synchronise
    from expfw.errors import DatabaseError, ExpfwError
    from expfw.run.folder import result_root

    project = Path(metadata.project_path)
    address = find_address(project_loader(project))
    if address is None:
        raise ExpfwError(
            "there is no database to bring experiments to: write its address as 'url' of the entry 'mongodb' into "
            f"config/local/credentials.yml, or into the environment variable {VARIABLE}"
        )
    with Store(address, timeout=10) as store:
        report = synchronise(result_root(project), store, numbers or None, _shown_progress)
    if form == "json":
        print_json(report.as_json())
    else:
        click.echo("\n".join(_lines(report)))
    if report.failed:
        raise DatabaseError(_trouble(report))


def _shown_progress(candidates: Sequence[T]) -> Iterable[T]:
    """A bar on the terminal, gone when all is done; to a file or another program nothing."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return candidates
    return track(candidates, "bringing experiments to the database", console=console, transient=True)


def _lines(report: Report) -> Iterator[str]:
    """What was done, in sentences."""
    parts = [
        f"{len(report.uploaded)} uploaded",
        f"{len(report.unchanged)} up to date already",
        *([f"{len(report.running)} still running ({_list(report.running)})"] if report.running else []),
        *([f"{len(report.failed)} failed"] if report.failed else []),
    ]
    yield f"{report.database}: {', '.join(parts)}"
    for local, there in report.renumbered.items():
        yield f"experiment {local} is number {there} there, since {local} is somebody else's"
    for copy, original in report.copies.items():
        yield f"folder {copy} is a copy of experiment {original}, and was left out"
    if report.returned:
        yield f"given back, since nothing came of them: {_list(report.returned)}"


def _trouble(report: Report) -> str:
    if report.stopped:
        return f"{report.stopped}; call 'kedro experiment sync' again when that is mended, it goes on where it was"
    reasons: Mapping[str, list[int]] = _grouped(report.failed)
    return "\n".join(f"experiment {_list(numbers)}: {reason}" for reason, numbers in reasons.items())


def _grouped(failed: Mapping[int, str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for number, reason in failed.items():
        groups.setdefault(reason, []).append(number)
    return groups


def _list(numbers: Sequence[int]) -> str:
    """Numbers for people, the first ones of many.

    Example:
        >>> _list([1, 2]), _list(range(100, 200))
        ('1, 2', '100, 101, 102, 103, 104, 105, 106, 107, 108, 109, … (100 in all)')
    """
    shown = ", ".join(map(str, numbers[:10]))
    return f"{shown}, … ({len(numbers)} in all)" if len(numbers) > 10 else shown
