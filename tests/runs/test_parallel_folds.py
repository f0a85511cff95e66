"""Folds in parallel processes: the results of serial to the bit, and all that surrounds a run, whatever ends it."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from runs.lab import SMALL, Command, Lab, Outcome, read_lines, sklearn, trial, wait_for
from runs.test_endings import ENDINGS, check_interrupted
from runs.test_signals import left_over

pytestmark = pytest.mark.slow

LOKY = {"type": "loky", "params": {"n_jobs": 2}}

SPLIT = sklearn("model_selection.KFold", n_splits=4, shuffle=True, random_state=0)


def digests(outcome: Outcome) -> dict[str, str]:
    """Checksums of all that the workflow gave, but for the page."""
    files = sorted(path for part in ("data", "model", "report") for path in (outcome.folder / part).rglob("*.*"))
    files = [path for path in files if path.suffix != ".html"]
    return {str(path.relative_to(outcome.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def both(lab: Lab, **different: Any) -> tuple[Outcome, Outcome]:
    """The same experiment in serial and in processes."""
    content = {**SMALL, "resampling": SPLIT, **different}
    serial, parallel = (lab.at(lab.root / name) for name in ("serial", "parallel"))
    return serial.run(content).ok(), parallel.run({**content, "parallel": LOKY}).ok()


@pytest.mark.parametrize("kind", ["frame", "indexed", "array", "list", "sparse"])
def test_results_are_those_of_serial_to_the_bit(lab: Lab, kind: str) -> None:
    serial, parallel = both(
        lab,
        data_source=trial("Made", kind=kind, target="text"),
        model=sklearn("ensemble.RandomForestClassifier", n_estimators=5, n_jobs=2, random_state=0),
    )
    assert digests(parallel) == digests(serial)
    assert parallel.json("log/run.json")["hash"] == serial.json("log/run.json")["hash"]


def processes(outcome: Outcome) -> set[int]:
    """Processes that lines of the log come from."""
    return {line["process"] for line in read_lines(outcome.folder / "log" / "log.jsonl")}


SERVED = {"model": trial("Served"), "metrics": [], "data_source": trial("Made", target="number")}


def test_services_of_a_component_work_in_a_worker(lab: Lab) -> None:
    serial, parallel = both(lab, **SERVED)
    assert digests(parallel) == digests(serial)
    log = (parallel.folder / "log" / "experiment.log").read_text(encoding="utf-8")
    assert log.count("fit fold 3/4 Served: served with 36 rows") == 1
    assert log.count("fitted") == 4
    assert parallel.err.count("served with") == 5, "and on the terminal: four folds and the final model"
    assert len(processes(parallel)) > len(processes(serial)) == 1
    times = parallel.json("log/timing.json")
    assert set(times["folds"]) == {"0", "1", "2", "3"}
    assert sorted(part["fold"] for part in times["parts"] if part["fold"] is not None) == [0, 1, 2, 3]


def test_what_a_worker_prints_is_on_the_terminal_and_on_record(lab: Lab) -> None:
    outcome = lab.run({**SERVED, "model": trial("Talking"), "parallel": LOKY}).ok()
    captured = (outcome.folder / "log" / "sacred" / "cout.txt").read_text(encoding="utf-8")
    for said in ("said with print", "said on standard error", "said by a library", "said by a child"):
        assert outcome.text.count(said) == captured.count(said) == 4


def test_draws_from_the_global_generators_are_those_of_serial(lab: Lab) -> None:
    serial, parallel = both(lab, model=trial("Random"), metrics=["r2"], data_source=trial("Made", target="number"))
    assert digests(parallel) == digests(serial)


def test_an_error_in_a_worker_has_the_message_of_serial(lab: Lab) -> None:
    content = {"test": False, "resampling": SPLIT, "features": trial("Faulty", at="transform")}
    messages = []
    for name, parallel in (("serial", None), ("parallel", LOKY)):
        outcome = lab.at(lab.root / name).run({**content, "parallel": parallel})
        messages.append(outcome.message().partition(" failed: ")[2].partition("\n")[0])
        trace = (outcome.folder / "log" / "traceback.txt").read_text(encoding="utf-8")
        assert "trial.py" in trace
        assert "ZeroDivisionError: broken on purpose" in trace
        assert outcome.sacred["status"] == "FAILED"
        log = (outcome.folder / "log" / "experiment.log").read_text(encoding="utf-8")
        assert "fold 1/4 Faulty: failed" in log or "fold 2/4 Faulty: failed" in log
    assert messages[1].replace("fold 2", "fold 1") == messages[0]


def slow(lab: Lab, marker: Path, *args: str, **changes: Any) -> Command:
    """A run whose final model and first two folds are fitted; the others wait, on two workers."""
    content = {
        "data_source": trial("Made", target="number"),
        "metrics": [],
        "holdout": None,
        "resampling": SPLIT,
        "model": trial("Waiting", marker=str(marker), fold=3),
        "parallel": LOKY,
        **changes,
    }
    command = lab.begin(content, *args)
    counted = Path(f"{marker}.count")
    wait_for("the folds", lambda: (counted.exists() and len(read_lines(counted)) >= 5) or not command.running)
    if not command.running:
        pytest.fail(command.wait().text)
    return command


@pytest.mark.parametrize("group", [True, False], ids=["group", "process"])
@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_a_signal_ends_all_workers_and_a_restart_goes_on(
    lab: Lab, tmp_path: Path, number: signal.Signals, group: bool
) -> None:
    marker = tmp_path / "waiting"
    command = slow(lab, marker)
    folds, pid = lab.root / "result_experiment_1" / "model" / "folds", command.pid
    wait_for("two folds", lambda: len(list(folds.glob("*.pkl"))) == 2)
    command.send(number, group=group)
    outcome = command.wait()
    check_interrupted(outcome, number)
    assert not left_over(pid)
    assert len(list(folds.glob("*.pkl"))) == 2
    assert not list(outcome.folder.rglob(".development_data*"))
    Path(f"{marker}.go").touch()
    restarted = lab.kedro("experiment", "restart", "1").ok()
    assert restarted.err.count("was fitted before") == 2
    assert len(list((restarted.folder / "model" / "folds").glob("*.pkl"))) == 4


def test_a_killed_worker_fails_the_run_with_the_folds_it_was_at(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "waiting"
    command = slow(lab, marker)
    folds = lab.root / "result_experiment_1" / "model" / "folds"
    wait_for("two folds", lambda: len(list(folds.glob("*.pkl"))) == 2)
    workers = [child for child in psutil.Process(command.pid).children() if "loky" in " ".join(child.cmdline())]
    busy = next(child for child in workers if "LokyProcess" in " ".join(child.cmdline()))
    busy.send_signal(signal.SIGKILL)
    outcome = command.wait()
    message = outcome.message()
    assert re.search(r"folds \d, \d were in work when a worker process ended in the middle of its work", message)
    assert "memory was used up" in message
    assert outcome.sacred["status"] == "FAILED"
    assert not left_over(command.pid)
    Path(f"{marker}.go").touch()
    assert lab.kedro("experiment", "restart", "1").ok().err.count("was fitted before") == 2


def test_workers_end_when_the_main_process_is_killed(lab: Lab, tmp_path: Path) -> None:
    command = slow(lab, tmp_path / "waiting")
    pid = command.pid
    os.kill(pid, signal.SIGKILL)
    assert not left_over(pid)


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_kedros_runners_may_have_workers_as_well(lab: Lab, runner: str) -> None:
    serial, _ = both(lab, **SERVED)
    content = {**SERVED, "resampling": SPLIT, "parallel": LOKY}
    outcome = lab.at(lab.root / runner).run(content, "--runner", runner).ok()
    assert digests(outcome) == digests(serial)
    assert len(processes(outcome)) > 1


def test_a_fold_is_reused_whoever_fitted_it(lab: Lab) -> None:
    first = digests(lab.run({"parallel": LOKY}).ok())
    again = lab.run().ok()
    assert "fold_models taken from experiment 1" in again.err
    assert digests(again) == first


@pytest.mark.parametrize(
    ("parallel", "said"),
    [
        ({"type": "locky"}, "parallel.type: unknown type 'locky'; did you mean 'loky'?"),
        ({"type": "loky", "params": {"n_jobs": 0}}, "n_jobs is 0, so nobody would work"),
        ({"type": "loky", "params": {"jobs": 2}}, "loky has no such parameter; did you mean 'n_jobs'?"),
        ({"type": "loky", "params": {"n_jobs": "two"}}, 'must be a whole number; got "two"'),
        ({"type": "dask"}, "parallel.params.scheduler: is missing"),
        ({"type": "dask", "params": {"scheduler": "here"}}, "write it as tcp://host:8786"),
        ({"type": "dask", "params": {"scheduler": "tcp://127.0.0.1:9"}}, "no scheduler answers at tcp://127.0.0.1:9"),
        ({"type": f"{trial('Made')['type']}"}, "cannot be workers: it has no submit()"),
        ("loky", 'holds a text, expected an object; write {"type": "loky"}, or null'),
    ],
)
def test_a_fault_is_told_before_anything_runs(lab: Lab, parallel: Any, said: str) -> None:
    outcome = lab.run({"parallel": parallel})
    assert said in outcome.message()
    assert not outcome.folders
