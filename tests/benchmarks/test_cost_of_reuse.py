"""What reuse saves, and what it costs where there is nothing to take. Figures are printed, never asserted."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import Bake, BakedProject
from expfw.reuse.code import SourceTree, framework_digest
from expfw.reuse.index import catch_up, known, remember

ROUNDS = int(os.environ.get("EXPFW_BENCHMARK_ROUNDS", "5"))
EXPERIMENT = "breast_cancer_forest"
MANY = int(os.environ.get("EXPFW_BENCHMARK_EXPERIMENTS", "2000"))

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    return bake_into(tmp_path_factory.mktemp("reused"))


def seconds(project: BakedProject, root: Path, choice: str) -> float:
    """The wall time of one run, in a process of its own."""
    command = [sys.executable, "-m", "kedro", "run", "--params", f"experiment={EXPERIMENT},reuse={choice}"]
    variables = {**os.environ, "PYTHONPATH": str(project.path / "src"), "EXPFW_RESULT_ROOT": str(root)}
    begin = time.perf_counter()
    subprocess.run(command, cwd=project.path, env=variables, capture_output=True, check=True)
    return time.perf_counter() - begin


def test_a_second_run_of_an_unchanged_experiment_with_reuse_against_without(
    project: BakedProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds(project, tmp_path, "on")
    pairs = [(seconds(project, tmp_path, "on"), seconds(project, tmp_path, "off")) for _ in range(ROUNDS)]
    reused = json.loads((tmp_path / "result_experiment_2" / "log" / "reused.json").read_text())
    assert len(reused) == 9
    nodes = [
        sum(
            json.loads((tmp_path / f"result_experiment_{number}" / "log" / "timing.json").read_text())["nodes"].values()
        )
        for number in (2, 3)
    ]
    with capsys.disabled():
        with_reuse, without = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"\n{EXPERIMENT} once more, a process each, median of {ROUNDS} rounds")
        print(f"  with reuse {with_reuse:.2f} s, without {without:.2f} s, ratio {with_reuse / without:.2f}")
        print(f"  its nodes alone {nodes[0]:.2f} s against {nodes[1]:.2f} s, ratio {nodes[0] / nodes[1]:.2f}")


def looked_up(root: Path, identity: str) -> list[int]:
    """What a run and a node ask of the index."""
    catch_up(root)
    return list(known(root, identity))


def test_what_is_done_before_it_is_known_whether_there_is_anything_to_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project of twenty modules of 200 lines, and thousands of experiments."""
    for number in range(20):
        lines = [f"from mine.m{number + 1} import f{number + 1}"] if number < 19 else []
        lines += [f"def f{number}(x):\n    return x + {number}"] + [f"CONSTANT_{i} = [{i}, 'text']" for i in range(200)]
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / f"m{number}.py").write_text("\n".join(lines))
    for number in range(1, MANY + 1):
        (tmp_path / f"result_experiment_{number}" / "log").mkdir(parents=True)
        remember(tmp_path, number, [f"{node:02x}{number:062x}" for node in range(9)])
    catch_up(tmp_path)
    figures: dict[str, Callable[[], object]] = {
        "code of a component of twenty modules, all read": lambda: SourceTree(tmp_path).code(["mine.m0"]),
        "the framework": framework_digest,
        f"index of {MANY} experiments": lambda: looked_up(tmp_path, f"03{7:062x}"),
    }
    assert len(SourceTree(tmp_path).code(["mine.m0"]).modules) == 20
    with capsys.disabled():
        print("\nreuse, before the first node")
        for name, work in figures.items():
            begin = time.perf_counter()
            work()
            print(f"  {name}: {1000 * (time.perf_counter() - begin):.1f} ms")
