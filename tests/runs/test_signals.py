"""Ctrl-C and SIGTERM at any moment, with workers of all kinds: on record, in one message, with nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from runs.lab import SMALL, Command, Lab, Outcome, trial, wait_for
from runs.test_endings import ENDINGS, NO_METRICS, RUNNERS, check_interrupted, listed, waiting

from expfw.run.signals import watched

SPAN = {"SequentialRunner": 0.3, "ThreadRunner": 0.3, "ParallelRunner": 0.4}
"""Seconds that the run of :data:`SMALL` takes from its number to its last word, or somewhat longer."""

MOMENTS = int(os.environ.get("EXPFW_TEST_MOMENTS", "6"))
"""How many moments are tried for each runner and signal."""


def left_over(session: int) -> list[str]:
    """Command lines of the processes of a session that has ended, a moment later."""
    end = time.monotonic() + 5
    while True:
        found = [process for process in psutil.process_iter() if _belongs(process, session)]
        if not found or time.monotonic() > end:
            return [" ".join(process.cmdline()) for process in found if process.is_running()]
        time.sleep(0.05)


def _belongs(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def check_ended(outcome: Outcome, number: signal.Signals, pid: int) -> str:
    """Whatever the moment was: what is on record is what the exit code and the last words say."""
    status = str(outcome.sacred["status"])
    if status == "INTERRUPTED":
        assert not left_over(pid)
        check_interrupted(outcome, number, page=None)
        return status
    # The signal came when all was done: in the session's last moment, or afterwards, when Kedro and Python end. Then
    # Kedro's manager process may not be told.
    assert status == "COMPLETED", outcome.text
    assert "completed" in outcome.err
    if outcome.code == ENDINGS[number][0]:
        assert f"had completed on the arrival of {ENDINGS[number][1]}; it is recorded as COMPLETED" in outcome.err
    return status


def tried(lab: Lab, root: Path, runner: str, number: signal.Signals, group: bool, seconds: float) -> str:
    """Run, and send a signal so many seconds after the number was taken; how the run ended."""
    command = lab.at(root).begin(None, "--runner", runner)
    lab.started.append(command)
    pid = command.pid
    wait_for("the number", lambda: (root / "result_experiment_1").exists() or not command.running)
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        command.send(number, group=group)
    return check_ended(command.wait(), number, pid)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
@pytest.mark.parametrize(
    "runner", ["SequentialRunner", *(pytest.param(r, marks=pytest.mark.slow) for r in RUNNERS[1:])]
)
def test_a_signal_at_any_moment_leaves_a_true_record(
    lab: Lab, tmp_path: Path, runner: str, number: signal.Signals
) -> None:
    seed = int(os.environ.get("EXPFW_TEST_SEED", random.randrange(10**6)))
    print(f"EXPFW_TEST_SEED={seed}")  # noqa: T201 - shown when the test fails
    moments = random.Random(f"{seed} {runner} {number}")
    for attempt in range(MOMENTS):
        seconds, group = moments.random() * SPAN[runner], moments.random() < 0.5
        print(f"after {seconds:.4f} s, {'group' if group else 'process'}")  # noqa: T201
        tried(lab, tmp_path / f"result_{attempt}", runner, number, group, seconds)


MIDWAY = """
import os, signal, sys
import expfw.run.recording as recording

written = recording.write_json

def write_json(path, *args, **kwargs):
    if path.name == {name!r}:
        {action}
    written(path, *args, **kwargs)

recording.write_json = write_json
sys.argv = ["kedro", "run", "--params", "experiment={experiment}"]
from kedro.framework.cli.cli import main
main()
"""


def midway(lab: Lab, name: str, action: str) -> Outcome:
    """A run in which something happens before a certain file of the record is written."""
    experiment = lab.write({**SMALL})
    return lab.start(code=MIDWAY.format(name=name, action=action, experiment=experiment)).wait()


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
@pytest.mark.parametrize("name", ["config.json", "run.json"])
def test_a_signal_between_the_number_and_the_first_node_is_recorded(
    lab: Lab, name: str, number: signal.Signals
) -> None:
    outcome = midway(lab, name, f"os.kill(os.getpid(), signal.{number.name})")
    check_interrupted(outcome, number)
    assert listed(lab) == {1: "INTERRUPTED"}
    assert outcome.json("log/run.json")["id"] == 1
    assert not list((outcome.folder / "data").iterdir())


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_a_signal_while_the_record_is_closed_does_not_spoil_it(lab: Lab, number: signal.Signals) -> None:
    outcome = midway(lab, "timing.json", f"os.kill(os.getpid(), signal.{number.name})")
    code, by = ENDINGS[number]
    assert outcome.code == code
    assert f"had completed on the arrival of {by}; it is recorded as COMPLETED" in outcome.message()
    assert outcome.json("log/checksums.json")
    assert listed(lab) == {1: "COMPLETED"}


@pytest.mark.parametrize("name", ["config.json", "run.json", "timing.json"])
def test_a_failure_outside_of_the_nodes_is_recorded(lab: Lab, name: str) -> None:
    outcome = midway(lab, name, "raise ZeroDivisionError('broken on purpose')")
    assert outcome.code == 1
    assert "ZeroDivisionError: broken on purpose" in outcome.message()
    assert "It is recorded as FAILED" in outcome.message()
    assert "ZeroDivisionError" in (outcome.folder / "log" / "traceback.txt").read_text()
    assert listed(lab) == {1: "FAILED"}
    assert outcome.sacred["stop_time"]
    assert "broken on purpose" in "".join(outcome.sacred["fail_trace"])


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_a_signal_before_the_number_is_taken_creates_nothing(lab: Lab, number: signal.Signals) -> None:
    experiment = lab.write({**SMALL})
    code = f"""
import os, signal, sys
import expfw.run.session as session
planned = session.plan_of
def plan_of(loader):
    os.kill(os.getpid(), signal.{number.name})
    return planned(loader)
session.plan_of = plan_of
sys.argv = ["kedro", "run", "--params", "experiment={experiment}"]
from kedro.framework.cli.cli import main
main()
"""
    outcome = lab.start(code=code).wait()
    code_, by = ENDINGS[number]
    assert outcome.code == code_
    assert f"interrupted by {by} before the experiment began; nothing was created" in outcome.message()
    assert not outcome.folders


def test_two_signals_at_once_are_one(lab: Lab, tmp_path: Path) -> None:
    """As when a terminal and a wrapper (make, uv, a scheduler) both send it, or an impatient hand."""
    command = waiting(lab, tmp_path / "waiting")
    for _ in range(5):
        with suppress(ProcessLookupError):
            command.send(signal.SIGINT, group=True)
        time.sleep(0.01)
    check_interrupted(command.wait(), signal.SIGINT)


def test_the_first_of_two_different_signals_counts(lab: Lab, tmp_path: Path) -> None:
    command = waiting(lab, tmp_path / "waiting")
    command.send(signal.SIGINT)
    time.sleep(0.002)
    command.send(signal.SIGTERM)
    check_interrupted(command.wait(), signal.SIGINT)


@pytest.mark.parametrize("how", ["caught", "destructor", "other"])
def test_a_swallowed_signal_is_on_record_all_the_same(lab: Lab, tmp_path: Path, how: str) -> None:
    marker = tmp_path / "waiting"
    command = lab.begin({**NO_METRICS, "model": trial("Deaf", marker=str(marker), how=how), "resampling": None})
    wait_for("the fit", lambda: marker.exists() or not command.running)
    command.send(signal.SIGTERM)
    outcome = command.wait()
    check_interrupted(outcome, signal.SIGTERM, page=how == "caught")
    assert "Exception ignored" not in outcome.text
    assert listed(lab) == {1: "INTERRUPTED"}


def working(lab: Lab, marker: Path, backend: str, runner: str) -> Command:
    """Start a run and wait until joblib's workers are at work."""
    changes = {**NO_METRICS, "model": trial("Jobs", marker=str(marker), backend=backend)}
    command = lab.begin(changes, "--runner", runner)
    wait_for("the workers", lambda: marker.exists() or not command.running)
    assert command.running, command.wait().text
    return command


CASES = [
    ("loky", "SequentialRunner", signal.SIGINT, True),
    ("loky", "ParallelRunner", signal.SIGTERM, False),
]
"""Backend, runner, signal, and whether it goes to the whole group."""

ALL_CASES = [
    (backend, runner, number, group)
    for backend in ("loky", "threading")  # joblib's "multiprocessing" can hang when it is interrupted: see the docs
    for runner in RUNNERS
    for number in ENDINGS
    for group in (True, False)
]


def check_workers(lab: Lab, tmp_path: Path, case: tuple[str, str, signal.Signals, bool]) -> None:
    """Interrupt a run whose model uses joblib's workers, none of which ends by itself."""
    backend, runner, number, group = case
    command = working(lab, tmp_path / "waiting", backend, runner)
    pid = command.pid
    command.send(number, group=group)
    outcome = command.wait()
    check_interrupted(outcome, number)
    assert not left_over(pid)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_joblibs_workers_end_with_an_interrupted_run(lab: Lab, tmp_path: Path, case: Any) -> None:
    check_workers(lab, tmp_path, case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in ALL_CASES if case not in CASES], ids=str)
def test_workers_of_any_kind_end_with_an_interrupted_run(lab: Lab, tmp_path: Path, case: Any) -> None:
    check_workers(lab, tmp_path, case)


@pytest.mark.parametrize("runner", [pytest.param("ThreadRunner", marks=pytest.mark.slow), "ParallelRunner"])
def test_a_node_that_does_not_end_is_not_waited_for_long(lab: Lab, tmp_path: Path, runner: str) -> None:
    """A scheduler sends SIGKILL after ten or thirty seconds; the interruption is on record by then."""
    command = waiting(lab, tmp_path / "waiting", "--runner", runner)
    pid, started = command.pid, time.monotonic()
    command.send(signal.SIGTERM)
    check_interrupted(command.wait(), signal.SIGTERM)
    assert time.monotonic() - started < 10
    assert not left_over(pid)


def finished(lab: Lab, tmp_path: Path, backend: str, runner: str) -> tuple[Outcome, float]:
    """A whole run whose model uses joblib's workers, and how many seconds it took after their work was done."""
    marker = tmp_path / "waiting"
    command = working(lab, marker, backend, runner)
    Path(f"{marker}.go").touch()
    wait_for("the model", lambda: list(lab.root.glob("*/model/final_model.pkl")) or not command.running)
    started = time.monotonic()
    return command.wait().ok(), time.monotonic() - started


@pytest.mark.slow
def test_a_worker_process_does_not_wait_for_joblibs_idle_workers(lab: Lab, tmp_path: Path) -> None:
    """These wait for more work for five minutes."""
    _, seconds = finished(lab, tmp_path, "loky", "ParallelRunner")
    assert seconds < 30
    assert listed(lab) == {1: "COMPLETED"}


@pytest.mark.parametrize("backend", [pytest.param("loky", marks=pytest.mark.slow), "multiprocessing"])
def test_the_end_of_the_output_is_not_waited_for_when_workers_hold_it_open(
    lab: Lab, tmp_path: Path, backend: str
) -> None:
    outcome, _ = finished(lab, tmp_path, backend, "SequentialRunner")
    assert "timeout" not in outcome.text
    assert "Warning" not in outcome.text
    assert "fold 3/3: fitted" in (outcome.folder / "log" / "sacred" / "cout.txt").read_text()


def test_a_killed_run_is_dead_at_once_and_the_next_one_takes_the_next_number(lab: Lab, tmp_path: Path) -> None:
    command = waiting(lab, tmp_path / "waiting", "--runner", "ThreadRunner")
    command.send(signal.SIGKILL, group=True)
    command.wait()
    assert listed(lab) == {1: "DEAD"}
    assert lab.run().ok().folder.name == "result_experiment_2"
    assert listed(lab) == {1: "DEAD", 2: "COMPLETED"}
    shown = json.loads(lab.kedro("experiment", "show", "1", "--format", "json").ok().out)
    assert (shown["status"], shown["stopped"]) == ("DEAD", None)


def test_an_inner_watch_tells_the_outer_one() -> None:
    with watched() as outer:
        with watched() as inner:
            signal.raise_signal(signal.SIGTERM)
            assert inner.received == signal.SIGTERM
            assert outer.received is None
        assert outer.received == signal.SIGTERM
        assert outer.exit_code == 143
        with pytest.raises(KeyboardInterrupt), outer.let_through():
            pytest.fail("the signal was held back")


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with watched():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
