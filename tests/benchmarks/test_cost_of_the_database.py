"""What the team's database adds to a run: against the same run without one, in pairs. Printed, never asserted."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from benchmarks.test_cost_of_a_run import EXPERIMENT, ROUNDS, cost
from services.fixtures import mongod, mongod_binary
from services.server import Mongod

from baking import Bake, BakedProject

__all__ = ["mongod", "mongod_binary"]
pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    return bake_into(tmp_path_factory.mktemp("measured"))


def test_time_added_by_the_database(project: BakedProject, mongod: Mongod, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "kedro", "run", "--params", f"experiment={EXPERIMENT},reuse=off"]

    def seconds(url: str) -> float:
        source = {"PYTHONPATH": str(project.path / "src"), "EXPFW_MONGODB_URL": url}
        return cost(command, project.path, source).seconds

    states: dict[str, Callable[[], object]] = {"up": mongod.thaw, "frozen": mongod.freeze, "away": mongod.kill}
    with capsys.disabled():
        print(f"\n{EXPERIMENT}, one process each: added by the database, median of {ROUNDS} pairs")
        for name, reach in states.items():
            with suppress(ProcessLookupError):
                reach()
            pairs = [(seconds(""), seconds(mongod.uri)) for _ in range(ROUNDS)]
            added = [with_it - without for without, with_it in pairs]
            base = statistics.median(without for without, _ in pairs)
            print(
                f"  {name:<7} {statistics.median(added) * 1000:+5.0f} ms ({min(added) * 1000:+.0f} to "
                f"{max(added) * 1000:+.0f}) on {base:.2f} s: {1 + statistics.median(added) / base:.3f} times"
            )
