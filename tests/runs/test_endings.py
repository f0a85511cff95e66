"""Every ending is on record: completed, failed, interrupted, killed; and what was said until then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runs.lab import Command, Lab, Outcome, sklearn, trial, wait_for

from baking import Bake

ENDINGS = {signal.SIGINT: (130, "Ctrl-C"), signal.SIGTERM: (143, "SIGTERM")}
RUNNERS = ["SequentialRunner", "ThreadRunner", "ParallelRunner"]
NO_METRICS: dict[str, Any] = {"metrics": [], "data_source": trial("Made", target="number")}


def waiting(lab: Lab, marker: Path, *args: str, **model: Any) -> Command:
    """Start a run and wait until its model is being fitted."""
    command = lab.begin({**NO_METRICS, "model": trial("Waiting", marker=str(marker), **model)}, *args)
    wait_for("the fit", lambda: marker.exists() or not command.running)
    if not command.running:
        pytest.fail(command.wait().text)
    return command


def listed(lab: Lab) -> dict[int, str]:
    """Statuses as ``list`` tells them."""
    records = json.loads(lab.kedro("experiment", "list", "--format", "json").ok().out)
    return {record["id"]: record["status"] for record in records}


def check_interrupted(outcome: Outcome, number: signal.Signals, *, page: bool | None = False) -> None:
    """Exit code, message and record of an interrupted run; whether it came to its page, or None if that is open."""
    code, by = ENDINGS[number]
    assert outcome.code == code, outcome.text
    assert f"was interrupted by {by}; it is recorded as INTERRUPTED" in outcome.err
    assert "Traceback" not in outcome.text
    assert outcome.sacred["status"] == "INTERRUPTED"
    assert outcome.sacred["stop_time"]
    assert page in (None, (outcome.folder / "report" / "index.html").exists())


def test_a_completed_run_is_recorded(lab: Lab) -> None:
    outcome = lab.run({"reports": [{"type": "MetricsTable"}]}).ok()
    record = outcome.sacred
    assert (record["status"], outcome.json("log/run.json")["id"]) == ("COMPLETED", 1)
    assert record["result"] == {
        "validation.accuracy": outcome.metrics["validation"]["accuracy"]["mean"],
        "test.accuracy": outcome.metrics["test"]["accuracy"],
    }
    assert listed(lab) == {1: "COMPLETED"}


def test_the_record_holds_a_scalar_for_each_fold(lab: Lab) -> None:
    outcome = lab.run().ok()
    scalars = outcome.json("log/sacred/metrics.json")
    assert scalars["validation.accuracy"]["values"] == outcome.metrics["validation"]["accuracy"]["folds"]
    assert scalars["validation.accuracy"]["steps"] == [0, 1, 2]
    assert scalars["test.accuracy"]["values"] == [outcome.metrics["test"]["accuracy"]]


def test_the_record_names_artifacts_and_sources_where_they_lie(lab: Lab) -> None:
    outcome = lab.run().ok()
    sacred = outcome.folder / "log" / "sacred"
    artifacts = {(sacred / name).resolve().name for name in outcome.sacred["artifacts"]}
    assert artifacts == {"diagnostics.json", "index.html", "test_metrics.json", "validation_metrics.json"}
    assert all((sacred / name).exists() for name in outcome.sacred["artifacts"])
    sources = dict(outcome.sacred["experiment"]["sources"])
    assert {"pyproject.toml", "src/ml_experiments/trial.py", "src/expfw/workflow.py"} <= set(sources)
    for name, copy in sources.items():
        assert (sacred / copy).resolve().read_bytes() == (lab.project.path / name).read_bytes()


def test_the_record_holds_configuration_seed_packages_and_host(lab: Lab) -> None:
    import numpy

    outcome = lab.run().ok()
    config = outcome.json("log/sacred/config.json")
    assert config["model"] == outcome.json("log/config.json")["model"]
    assert config["seed"] == 42
    assert f"numpy=={numpy.__version__}" in outcome.sacred["experiment"]["dependencies"]
    assert outcome.sacred["host"]["hostname"]


def test_a_failed_run_is_recorded_with_its_traceback(lab: Lab) -> None:
    outcome = lab.run({"model": trial("Faulty", at="fit")})
    assert outcome.code == 1
    trace = "".join(outcome.sacred["fail_trace"])
    assert outcome.sacred["status"] == "FAILED"
    assert "ZeroDivisionError: broken on purpose" in trace
    assert "trial.py" in trace
    assert "ZeroDivisionError: broken on purpose" in (outcome.folder / "log" / "traceback.txt").read_text()
    shown = json.loads(lab.kedro("experiment", "show", "1", "--format", "json").ok().out)
    assert shown["status"] == "FAILED"
    assert "broken on purpose" in shown["error"]


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
@pytest.mark.parametrize("runner", RUNNERS)
def test_an_interrupted_run_is_recorded(lab: Lab, tmp_path: Path, runner: str, number: signal.Signals) -> None:
    """The signal goes to all processes of the run, as a terminal's Ctrl-C and a scheduler's kill do.

    With threads a signal waits for the node that is running; so that node is let go.
    """
    marker = tmp_path / "waiting"
    command = waiting(lab, marker, "--runner", runner)
    command.send(number, group=True)
    if runner == "ThreadRunner":
        Path(f"{marker}.go").touch()
    check_interrupted(command.wait(), number)
    assert listed(lab) == {1: "INTERRUPTED"}


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_a_signal_to_the_main_process_alone_is_enough(lab: Lab, tmp_path: Path, number: signal.Signals) -> None:
    command = waiting(lab, tmp_path / "waiting")
    command.send(number)
    check_interrupted(command.wait(), number)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_with_parallel_processes_a_signal_to_the_main_process_alone_is_enough(
    lab: Lab, tmp_path: Path, number: signal.Signals
) -> None:
    marker = tmp_path / "waiting"
    command = waiting(lab, marker, "--runner", "ParallelRunner")
    command.send(number)
    Path(f"{marker}.go").touch()
    check_interrupted(command.wait(), number)


def test_a_component_that_swallows_exceptions_is_interrupted_all_the_same(lab: Lab, tmp_path: Path) -> None:
    command = waiting(lab, tmp_path / "waiting", refuses=True)
    command.send(signal.SIGTERM)
    check_interrupted(command.wait(), signal.SIGTERM)


def test_what_was_finished_before_an_interruption_is_kept(lab: Lab, tmp_path: Path) -> None:
    """With the sequential runner the refit comes last, so two folds and the rest of the data are on disk."""
    marker = tmp_path / "waiting"
    command = waiting(lab, marker, fold=2)
    command.send(signal.SIGINT)
    outcome = command.wait()
    check_interrupted(outcome, signal.SIGINT)
    files = {path.name for path in (outcome.folder / "data").iterdir()}
    assert {"raw_data.pkl", "folds.npz"} <= files
    checksums = outcome.json("log/checksums.json")
    assert all((outcome.folder / name).is_file() for name in checksums)
    assert "load" in outcome.json("log/timing.json")["nodes"]
    assert not list(outcome.folder.rglob("*.tmp"))


def test_a_running_run_is_listed_as_running_and_a_killed_one_as_dead(lab: Lab, tmp_path: Path) -> None:
    command = waiting(lab, tmp_path / "waiting")
    assert listed(lab) == {1: "RUNNING"}
    command.send(signal.SIGKILL, group=True)
    assert command.wait().code == -signal.SIGKILL
    assert listed(lab) == {1: "DEAD"}
    table = lab.kedro("experiment", "list").ok().out
    assert "DEAD" in table
    assert "DEAD" in lab.kedro("experiment", "show", "1").ok().out


@pytest.mark.parametrize("fails", [False, True], ids=["completed", "failed"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_captured_output_holds_all_that_was_said(lab: Lab, runner: str, fails: bool) -> None:
    outcome = lab.run({**NO_METRICS, "model": trial("Talking", fails=fails)}, "--runner", runner)
    assert outcome.code == int(fails)
    captured = (outcome.folder / "log" / "sacred" / "cout.txt").read_text()
    said = ["said with print", "said on standard error", "said by a library", "said by a child", "said with logging"]
    for words in [*said, *(["said at last"] if fails else [])]:
        assert words in captured
        assert words in outcome.text, "it must reach the terminal, too"
    assert "said with logging" in (outcome.folder / "log" / "experiment.log").read_text()
    assert "\x1b" not in captured


def test_the_captured_output_of_an_interrupted_run_is_kept(lab: Lab, tmp_path: Path) -> None:
    command = waiting(lab, tmp_path / "waiting")
    command.send(signal.SIGINT)
    outcome = command.wait()
    assert "a word before waiting" in (outcome.folder / "log" / "sacred" / "cout.txt").read_text()


def test_a_component_that_ends_the_process_has_not_completed_the_run(lab: Lab) -> None:
    outcome = lab.run({"model": trial("Faulty", at="fit", kind="exit")})
    assert outcome.sacred["status"] in ("FAILED", "INTERRUPTED")
    assert outcome.code != 0
    assert "SystemExit" in outcome.message()


def test_an_ignored_interrupt_stays_ignored(lab: Lab, tmp_path: Path) -> None:
    """As in ``kedro run &`` in a script, where the shell has SIGINT ignored; SIGTERM still ends the run."""
    marker = tmp_path / "waiting"
    name = lab.write({**experiment_of(marker)})
    command = [sys.executable, "-c", STUBBORN, "run", "--params", f"experiment={name}"]
    environment = {**os.environ, "PYTHONPATH": str(lab.project.path / "src"), "EXPFW_RESULT_ROOT": str(lab.root)}
    process = subprocess.Popen(
        command, cwd=lab.project.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_for("the fit", lambda: marker.exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=100)[0]
    finally:
        process.kill()
    assert process.returncode == 143, said
    assert "interrupted by SIGTERM" in said


STUBBORN = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from kedro.framework.cli.cli import main
main()
"""


def experiment_of(marker: Path) -> dict[str, Any]:
    """An experiment whose fit waits."""
    from runs.lab import SMALL

    return {**SMALL, **NO_METRICS, "model": trial("Waiting", marker=str(marker))}


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_real_command_is_interrupted(bake: Bake, tmp_path: Path, runner: str, number: signal.Signals) -> None:
    """The installed ``kedro`` command, in a process group of its own."""
    import shutil

    from runs.lab import HERE, PACKAGE

    project, marker = bake(), tmp_path / "waiting"
    shutil.copyfile(HERE / "trial.py", project.path / "src" / PACKAGE / "trial.py")
    (project.path / "config" / "experiments" / "waiting.json").write_text(json.dumps(experiment_of(marker)))
    kedro = [str(Path(sys.executable).parent / "kedro"), "run", "--runner", runner, "--params", "experiment=waiting"]
    process = subprocess.Popen(
        kedro,
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": str(project.path / "src")},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for("the fit", lambda: marker.exists() or process.poll() is not None)
        os.killpg(process.pid, number)
        Path(f"{marker}.go").touch()
        out, err = process.communicate(timeout=100)
    finally:
        process.kill()
    check_interrupted(Outcome(process.returncode, out, err, project.path / "result"), number)


@pytest.mark.slow
def test_a_long_run_shows_that_it_is_alive(lab: Lab, tmp_path: Path) -> None:
    """Sacred's heartbeat comes every ten seconds."""
    command = waiting(lab, tmp_path / "waiting")
    run = lab.root / "result_experiment_1" / "log" / "sacred" / "run.json"
    first = wait_for("a heartbeat", lambda: json.loads(run.read_text()).get("heartbeat"))
    captured = run.with_name("cout.txt")
    wait_for("the output", lambda: "a word before waiting" in captured.read_text())
    wait_for("another heartbeat", lambda: json.loads(run.read_text()).get("heartbeat") != first)
    command.send(signal.SIGTERM)
    check_interrupted(command.wait(), signal.SIGTERM)


def test_a_run_of_another_machine_is_dead_when_its_heart_stopped(lab: Lab, tmp_path: Path) -> None:
    lab.run(NO_METRICS | {"model": sklearn("linear_model.Ridge")}).ok()
    log = lab.root / "result_experiment_1" / "log"
    run, sacred = json.loads((log / "run.json").read_text()), json.loads((log / "sacred" / "run.json").read_text())
    run["process"]["host"] = "elsewhere"
    (log / "run.json").write_text(json.dumps(run))
    for seconds, status in ((5, "RUNNING"), (500, "DEAD")):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds))
        beating = {**sacred, "status": "RUNNING", "heartbeat": stamp}
        (log / "sacred" / "run.json").write_text(json.dumps(beating))
        assert listed(lab) == {1: status}
