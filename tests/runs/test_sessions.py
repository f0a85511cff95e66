"""Runs from Python, as in a notebook: several in one process, and what is given back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from runs.lab import SMALL, Lab, trial

PREPARED = """
import json, logging, threading
from pathlib import Path
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())

def run(name, **parameters):
    with settings.SESSION_CLASS.create(Path.cwd(), runtime_params={"experiment": name, **parameters}) as session:
        outputs = session.run()
        return session.folder, outputs

result = None
"""


def python(lab: Lab, code: str) -> Any:
    """Run code in a process with the project; what it calls ``result`` comes back."""
    out = lab.scratch / f"python_{next(lab.numbers)}.json"
    whole = f"{PREPARED}\n{code}\nPath({str(out)!r}).write_text(json.dumps(result))"
    lab.python(whole)
    return json.loads(out.read_text())


def test_runs_of_one_process_are_experiments_of_their_own(lab: Lab) -> None:
    name = lab.write({**SMALL, "model": trial("Served"), "metrics": [], "data_source": trial("Made", target="number")})
    python(lab, f"for _ in range(3): run({name!r})")
    folders = [lab.root / f"result_experiment_{n}" for n in (1, 2, 3)]
    timings = [json.loads((folder / "log" / "timing.json").read_text()) for folder in folders]
    for folder, timing in zip(folders, timings, strict=True):
        log = (folder / "log" / "experiment.log").read_text()
        assert log.count("completed") == 1
        assert log.count("served with") == 4
        assert len(timing["parts"]) == 4
        assert len(list((folder / "report" / "sections").iterdir())) == 8
        sacred = json.loads((folder / "log" / "sacred" / "run.json").read_text())
        begun, ended = (datetime.fromisoformat(sacred[key]) for key in ("start_time", "stop_time"))
        assert all(seconds <= (ended - begun).total_seconds() for seconds in timing["nodes"].values())


def test_a_run_of_python_gives_back_folder_and_report(lab: Lab) -> None:
    name = lab.write(SMALL)
    code = f"folder, outputs = run({name!r}); result = [folder.id, sorted(outputs)]"
    assert python(lab, code) == [1, ["diagnostics", "report"]]


def test_a_fault_is_an_exception_with_the_message_and_its_parts(lab: Lab) -> None:
    name = lab.write({**SMALL, "modle": 1})
    code = f"""
from expfw.errors import ConfigurationError
try:
    run({name!r})
except ConfigurationError as error:
    result = [error.experiment, [fault.key for fault in error.faults], str(error)]
"""
    experiment, keys, text = python(lab, code)
    assert (experiment, keys) == (name, ["modle"])
    assert "did you mean 'model'?" in text
    assert not lab.root.exists()


def test_a_failure_is_an_exception_and_the_next_run_is_not_touched_by_it(lab: Lab) -> None:
    broken, whole = lab.write({**SMALL, "model": trial("Faulty", at="fit")}), lab.write(SMALL)
    code = f"""
from expfw.errors import ExperimentFailed
try:
    run({broken!r})
except ExperimentFailed as error:
    result = str(error)
run({whole!r})
"""
    assert "broken on purpose" in python(lab, code)
    second = lab.root / "result_experiment_2" / "log"
    assert "broken on purpose" not in (second / "experiment.log").read_text()
    assert set(json.loads((second / "timing.json").read_text())["folds"]) == {"0", "1", "2"}


def test_handlers_of_signals_and_logs_are_as_they_were_after_a_run(lab: Lab) -> None:
    name = lab.write(SMALL)
    code = f"""
import signal
def state():
    handlers = [type(handler).__name__ for handler in logging.getLogger().handlers]
    return [str(signal.getsignal(signal.SIGTERM)), str(signal.getsignal(signal.SIGINT)), handlers]
before = state()
run({name!r})
result = [before, state()]
"""
    before, after = python(lab, code)
    assert after == before


def test_a_run_in_a_thread_of_a_server_is_recorded(lab: Lab) -> None:
    """Only the main thread can handle signals; the others must do without."""
    name = lab.write(SMALL)
    python(lab, f"thread = threading.Thread(target=run, args=({name!r},)); thread.start(); thread.join()")
    assert json.loads(lab.kedro("experiment", "list", "--format", "json").out)[0]["status"] == "COMPLETED"


def test_a_session_runs_once(lab: Lab) -> None:
    name = lab.write(SMALL)
    code = f"""
with settings.SESSION_CLASS.create(Path.cwd(), runtime_params={{"experiment": {name!r}}}) as session:
    session.run()
    try:
        session.run()
    except Exception as error:
        result = type(error).__name__
"""
    assert python(lab, code) == "KedroSessionError"
    assert [folder.name for folder in lab.root.glob("result_*")] == ["result_experiment_1"]


def test_another_pipeline_of_the_project_is_no_experiment(own_lab: Lab) -> None:
    registry = own_lab.project.path / "src" / "ml_experiments" / "pipeline_registry.py"
    registry.write_text(
        "from kedro.pipeline import Pipeline, node\n"
        "from expfw.workflow import workflow\n\n\n"
        "def say():\n    return 'said'\n\n\n"
        "def register_pipelines():\n"
        "    return {'__default__': workflow(), 'mine': Pipeline([node(say, None, 'words', name='say')])}\n"
    )
    outcome = own_lab.kedro("run", "--pipelines", "mine").ok()
    assert not outcome.root.exists()
    own_lab.run().ok()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nodes", "load"],
        ["--to-nodes", "fit"],
        ["--to-outputs", "folds"],
        ["--from-nodes", "predict"],
        ["--tags", "x"],
    ],
    ids=" ".join,
)
def test_a_part_of_the_workflow_is_never_recorded_as_a_completed_experiment(lab: Lab, arguments: list[str]) -> None:
    outcome = lab.run(None, *arguments)
    assert "Traceback" not in outcome.text
    assert not outcome.folders or outcome.sacred["status"] != "COMPLETED"


@pytest.mark.parametrize(
    "arguments",
    [["--env", "nope"], ["--tags", "x"], ["--namespaces", "x"], ["--pipelines", "nope"]],
    ids=" ".join,
)
def test_a_slip_among_kedros_own_options_is_one_message_and_creates_nothing(lab: Lab, arguments: list[str]) -> None:
    outcome = lab.run(None, *arguments)
    assert arguments[1] in outcome.message()
    assert not outcome.root.exists()


def test_a_relative_path_starts_at_the_projects_folder_wherever_the_command_is_given(lab: Lab) -> None:
    below = lab.project.path / "config"
    lab.start("run", "--params", "experiment=csv_classification", cwd=below).wait().ok()


def test_two_files_for_one_experiment_are_named(lab: Lab) -> None:
    """Which of the two was meant cannot be known."""
    lab.write("description: one", "twice", ".yml")
    lab.write('{"extends": "iris_baseline"}', "twice")
    message = lab.experiment("twice").message()
    assert "twice.json" in message
    assert "twice.yml" in message
