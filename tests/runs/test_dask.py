"""Folds on a real Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs.lab import SMALL, Lab, Outcome, read_lines, sklearn, trial, wait_for
from runs.test_parallel_folds import SERVED, digests
from runs.test_search import told

pytest.importorskip("distributed")

SPLIT = sklearn("model_selection.KFold", n_splits=8, shuffle=True, random_state=0)


class Cluster:
    """A scheduler and its workers.

    Args:
        folder: where they keep their files.
        count: how many workers.
    """

    def __init__(self, folder: Path, count: int = 2) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers = [self.add() for _ in range(count)]

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start one of them, which knows nothing of the project."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        environment.pop("PYTHONPATH", None)
        command = [sys.executable, "-m", "dask", *args, "--no-dashboard"]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stderr=subprocess.DEVNULL)

    def add(self) -> subprocess.Popen[bytes]:
        """Start a worker, without the nanny that would start it again when it is killed."""
        return self.start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder)
        )

    def end(self) -> None:
        """End all of them."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster for one test."""
    started = Cluster(tmp_path)
    yield started
    started.end()


def on(cluster: Cluster) -> dict[str, object]:
    """The key of the experiment file."""
    return {"type": "dask", "params": {"scheduler": cluster.address}}


def both(lab: Lab, cluster: Cluster, **different: object) -> tuple[Outcome, Outcome]:
    """The same experiment in serial and on the cluster."""
    content = {**SMALL, "resampling": SPLIT, **different}
    serial = lab.at(lab.root / "serial").run(content).ok()
    return serial, lab.at(lab.root / "dask").run({**content, "parallel": on(cluster)}).ok()


@pytest.mark.slow
def test_results_of_a_cluster_are_those_of_serial_to_the_bit(lab: Lab, cluster: Cluster) -> None:
    serial, dask = both(lab, cluster, model=sklearn("ensemble.RandomForestClassifier", n_estimators=5))
    assert digests(dask) == digests(serial)


@pytest.mark.slow
def test_services_of_a_component_work_on_a_cluster(lab: Lab, cluster: Cluster) -> None:
    serial, dask = both(lab, cluster, **SERVED)
    assert digests(dask) == digests(serial)
    log = (dask.folder / "log" / "experiment.log").read_text(encoding="utf-8")
    assert log.count("Served: served with") == dask.err.count("served with") == 9
    assert len({line["process"] for line in read_lines(dask.folder / "log" / "log.jsonl")}) == 3
    parts = [part["fold"] for part in dask.json("log/timing.json")["parts"] if part["fold"] is not None]
    assert sorted(parts) == list(range(8))


@pytest.mark.slow
def test_a_run_completes_although_a_worker_is_killed_in_the_middle(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    marker = tmp_path / "waiting"
    model = trial("Waiting", marker=str(marker), fold=3)
    content = {**SMALL, "resampling": SPLIT, "model": model, "metrics": ["accuracy"], "holdout": None}
    command = lab.at(lab.root / "dask").begin({**content, "parallel": on(cluster)})
    counted, waiting = Path(f"{marker}.count"), Path(f"{marker}.waiting")
    folds = lab.root / "dask" / "result_experiment_1" / "model" / "folds"

    def all_at_work() -> bool:
        """Whether both workers are in a fold, and all that ended have arrived; until then, their workers hold them."""
        there = waiting.exists() and len(read_lines(waiting)) == 2
        return there and len(list(folds.glob("*.pkl"))) == len(read_lines(counted)) - 2 - 1

    wait_for("two folds at work", lambda: all_at_work() or not command.running)
    cluster.workers[0].kill()
    Path(f"{marker}.go").touch()
    outcome = command.wait().ok()
    assert len(read_lines(counted)) == 10, "eight folds, the final model, and the one at work again"
    serial = lab.at(lab.root / "serial").run(content).ok()
    assert outcome.metrics == serial.metrics
    assert digests(outcome) == digests(serial)


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_at_work_on_the_cluster(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    marker = tmp_path / "waiting"
    content = {**SMALL, "resampling": SPLIT, "metrics": [], "model": trial("Waiting", marker=str(marker), fold=1)}
    command = lab.begin({**content, "parallel": on(cluster)})
    counted = Path(f"{marker}.count")
    wait_for("two folds", lambda: (counted.exists() and len(read_lines(counted)) == 3) or not command.running)
    command.send(signal.SIGINT)
    outcome = command.wait()
    assert outcome.code == 130, outcome.text
    assert outcome.sacred["status"] == "INTERRUPTED"
    again = lab.at(lab.root / "again").run({**SMALL, "parallel": on(cluster)}).ok()
    assert again.metrics["validation"]["accuracy"]["folds"]


@pytest.mark.slow
def test_code_that_was_changed_is_read_anew_by_workers_that_hold_it(own_lab: Lab, cluster: Cluster) -> None:
    module = own_lab.project.path / "src" / "ml_experiments" / "changing.py"
    text = "class Constant:\n    def fit(self, X, y=None):\n        self.value = {0}\n        return self\n\n"
    text += "    def predict(self, X):\n        return [self.value] * len(X)\n"
    values = []
    for value in (0, 1):
        module.write_text(text.format(value), encoding="utf-8")
        content = {"model": {"type": "ml_experiments.changing.Constant"}, "parallel": on(cluster)}
        values.append(own_lab.run(content).ok().metrics["validation"]["accuracy"]["mean"])
    assert values[0] + values[1] == pytest.approx(1)
    assert values[0] != values[1]


@pytest.mark.slow
def test_a_cluster_that_cannot_do_the_work_is_told_before_the_run_begins(lab: Lab, cluster: Cluster) -> None:
    probe = f"import sys; sys.path.insert(0, {str(lab.project.path / 'src')!r})\n"
    probe += "from expfw.parallel.dask import look_around\n"
    probe += "print(look_around('/nowhere/at/all', {'Python': '2.7', 'numpy': '0'}))\n"
    told = lab.python(probe).out
    assert "it does not see /nowhere/at, the folder of all results" in told
    assert "numpy" in told
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    outcome = lab.run({"parallel": on(cluster)})
    assert f"no scheduler answers at {cluster.address}" in outcome.message()
    assert not outcome.folders


@pytest.mark.slow
def test_a_search_on_a_cluster_completes_though_a_worker_is_killed(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    space = {"space": {"model.params.C": {"low": 0.01, "high": 100.0, "log": True}}, "n_trials": 24}
    serial = lab.at(lab.root / "serial")
    whole = serial.kedro("experiment", "search", serial.write({**SMALL, "search": space}), "--no-test").ok()
    there = lab.at(lab.root / "dask")
    name = there.write({**SMALL, "search": space, "parallel": on(cluster)})
    command = there.start("experiment", "search", name, "--no-test")
    account = there.root / "result_experiment_1" / "log" / "trials.jsonl"
    wait_for("trials", lambda: account.exists() and account.read_text().count('"ended"') > 4)
    cluster.workers[0].kill()
    outcome = command.wait().ok()
    assert told(outcome.root / "result_experiment_1") == told(whole.root / "result_experiment_1")
