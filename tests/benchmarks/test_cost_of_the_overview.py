"""What looking at thousands of experiments costs, against Kedro alone and a plain scan. Printed, never asserted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from benchmarks.many import multiply

from baking import Bake, BakedProject
from expfw.index import read_index
from expfw.index.reading import SOURCES
from expfw.index.stamp import UNSURE
from expfw.index.store import INDEX

pytestmark = pytest.mark.benchmark

MEASURE = Path(__file__).with_name("measure.py")
ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))

KEDRO = ("-m", "kedro", "--version")
LIST = ("-m", "kedro", "experiment", "list")
SCAN = """
import os, sys, orjson
root, read = sys.argv[1], 0
for entry in os.scandir(root):
    if entry.name.startswith("result_experiment_"):
        for name in ("log/run.json", "log/config.json", "log/sacred/run.json", "report/validation_metrics.json"):
            with open(f"{entry.path}/{name}", "rb") as file:
                read += bool(orjson.loads(file.read()))
"""
"""The least that a list without an index must do, in the fastest way that Python has."""

ASK = """
import os, sys
root, *files = sys.argv[1:]
for entry in os.listdir(root):
    if entry.startswith("result_experiment_"):
        for name in files:
            try:
                os.stat(f"{root}/{entry}/{name}")
            except OSError:
                pass
"""
"""The least that a list with an index must do: ask the file system whether a file was changed."""

SQLITE = """
import sqlite3, sys
print(len(sqlite3.connect(sys.argv[1]).execute("SELECT * FROM rows ORDER BY accuracy DESC").fetchall()))
"""
"""What a list takes that trusts a database, whatever the folders say: all rows, sorted, none of their JSON read."""


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A project in which one experiment was run."""
    project = bake_into(tmp_path_factory.mktemp("overview"))
    project.run("kedro", "run", "--params", "experiment=iris_logistic")
    return project


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Args:
        seconds: of wall time, of each round.
        processor: seconds of processor time, its helpers included, of each round.
        memory: peak of its largest process in MiB, of each round.
    """

    seconds: Sequence[float]
    processor: Sequence[float]
    memory: Sequence[float]

    def __str__(self) -> str:
        return (
            f"{statistics.median(self.seconds):.2f} s (at best {min(self.seconds):.2f} s), "
            f"{min(self.processor):.2f} s of processor time, {max(self.memory):.0f} MiB"
        )

    def against(self, other: Cost) -> str:
        """The same beside another command, measured in the same rounds."""
        added = statistics.median(a - b for a, b in zip(self.seconds, other.seconds, strict=True))
        best, processor = (
            min(a) - min(b) for a, b in ((self.seconds, other.seconds), (self.processor, other.processor))
        )
        return f"{added:+.2f} s (at best {best:+.2f} s; processor {processor:+.2f} s) against kedro: {self}"


@pytest.mark.parametrize(
    "count",
    [
        10_000,
        pytest.param(
            100_000,
            marks=pytest.mark.skipif(
                not os.environ.get("EXPFW_BENCHMARK_FULL"), reason="takes minutes; set EXPFW_BENCHMARK_FULL to run it"
            ),
        ),
    ],
)
def test_a_list_against_kedro_alone_and_what_it_cannot_do_without(
    project: BakedProject, tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "result"
    multiply(project.path / "result" / "result_experiment_1", root, count)
    time.sleep(UNSURE)  # what changed just now is not kept
    first = _measured(project, root, {"kedro": KEDRO, "list": (*LIST, "--limit", "20")}, rounds=1)
    later = _measured(
        project,
        root,
        {
            "kedro --version": KEDRO,
            "floor: is any file another": ("-I", "-S", "-c", ASK, str(root), *SOURCES),
            "floor: all rows of an SQLite table, sorted": ("-I", "-S", "-c", SQLITE, str(_table(root, tmp_path))),
            "floor: a plain scan with orjson, no list made": ("-c", SCAN, str(root)),
            "all of it": LIST,
            "sorted, the best 20": (*LIST, "--sort", "accuracy", "--limit", "20"),
            "filtered": (*LIST, "model.type=*Forest*", "accuracy>0.9"),
            "csv": (*LIST, "--format", "csv"),
        },
        rounds=ROUNDS,
    )
    page = _measured(project, root, {"kedro": KEDRO, "overview": ("-m", "kedro", "experiment", "overview")}, rounds=1)
    with capsys.disabled():
        print(f"\n{count:,} experiments, {ROUNDS} rounds; the index has {_size(root / INDEX)}")
        for what, cost in later.items():
            alone = what.startswith(("kedro", "floor"))
            print(f"  {what}: {cost}" if alone else f"  list, later, {what}: {cost.against(later['kedro --version'])}")
        print(f"  list, first call, the best 20: {first['list'].against(first['kedro'])}")
        print(f"  overview: {page['overview'].against(page['kedro'])}; the page has {_size(root / 'overview.html')}")
    shutil.rmtree(root)


def _table(root: Path, folder: Path) -> Path:
    """The rows as a database table."""
    path = folder / "rows.sqlite"
    rows = [
        (row.id, row.name, row.status, row.metric("accuracy"), json.dumps(dict(row.settings)))
        for row in read_index(root)
    ]
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, name, status, accuracy, settings)")
        database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", rows)
    return path


def _measured(
    project: BakedProject, root: Path, commands: Mapping[str, tuple[str, ...]], rounds: int
) -> dict[str, Cost]:
    """The cost of commands that take turns, so that what else the machine does is felt by all of them."""
    runs: dict[str, list[tuple[float, float, float]]] = {what: [] for what in commands}
    for _ in range(rounds):
        for what, command in commands.items():
            runs[what].append(_run(project, root, command))
    return {what: Cost(*map(tuple, zip(*found, strict=True))) for what, found in runs.items()}


def _run(project: BakedProject, root: Path, command: tuple[str, ...]) -> tuple[float, float, float]:
    """Seconds, seconds of processor time and peak MiB of a command."""
    environment = {**os.environ, "PYTHONPATH": str(project.path / "src"), "EXPFW_RESULT_ROOT": str(root)}
    before = os.times()
    process = subprocess.run(
        [sys.executable, "-S", str(MEASURE), sys.executable, *command],
        cwd=project.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    after = os.times()
    seconds, memory, code = json.loads(process.stdout)
    assert code == 0, command
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, spent, memory


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
