"""Looking at a project creates nothing."""

from __future__ import annotations

import json

import pytest
from runs.lab import Lab

from baking import Bake

COMMANDS = {
    "catalog list": ["catalog", "describe-datasets"],
    "catalog patterns": ["catalog", "list-patterns"],
    "registry list": ["registry", "list"],
    "registry describe": ["registry", "describe", "__default__"],
    "experiment list": ["experiment", "list"],
    "experiment list as JSON": ["experiment", "list", "--format", "json"],
    "info": ["info"],
    "help": ["experiment", "--help"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_viewing_command_creates_nothing(lab: Lab, name: str) -> None:
    before = lab.project.files()
    outcome = lab.kedro(*COMMANDS[name]).ok()
    assert not outcome.root.exists()
    assert lab.project.files() == before


def test_showing_an_experiment_that_is_not_there_creates_nothing(lab: Lab) -> None:
    outcome = lab.kedro("experiment", "show", "1")
    message = outcome.message()
    assert "there is no experiment 1" in message
    assert "start one with 'kedro run'" in message
    assert not outcome.root.exists()


def test_an_empty_project_says_how_to_start(lab: Lab) -> None:
    assert "There are no experiments in" in lab.kedro("experiment", "list").ok().out
    assert json.loads(lab.kedro("experiment", "list", "--format", "json").ok().out) == []


LOADED = """
from pathlib import Path
from kedro.framework.project import pipelines, settings
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
for make in (settings.SESSION_CLASS.create, KedroSession.create):
    with make(Path.cwd()) as session:
        context = session.load_context()
        assert "raw_data" in context.catalog, list(context.catalog)
        assert context.params["model"]["type"]
        assert context.params["experiment"] == "iris_forest"
assert [node.name for node in pipelines["__default__"].nodes][0] == "load"
"""

BYPASSING = """
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from expfw.errors import ExpfwError
bootstrap_project(Path.cwd())
with KedroSession.create(Path.cwd()) as session:
    try:
        session.run()
    except ExpfwError as error:
        print(error)
"""

VIZ = """
from pathlib import Path
from kedro.framework.startup import bootstrap_project
from kedro_viz.server import load_and_populate_data
from kedro_viz.api.rest.responses.pipelines import get_pipeline_response
bootstrap_project(Path.cwd())
load_and_populate_data(Path.cwd(), None, INCLUDE_HOOKS, None, None)
names = {node.name for node in get_pipeline_response().nodes}
assert {"load", "hold_out", "fit", "refit", "report"} <= names, names
"""

NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "kedro.ipython")
assert "raw_data" in shell.user_ns["catalog"]
assert shell.user_ns["context"].params["experiment"] == "iris_forest"
"""

CODE = {
    "session": LOADED,
    "viz": VIZ.replace("INCLUDE_HOOKS", "False"),
    "viz with hooks": VIZ.replace("INCLUDE_HOOKS", "True"),
    "notebook": NOTEBOOK,
}


@pytest.mark.parametrize("name", CODE)
def test_loading_the_project_creates_nothing(lab: Lab, name: str) -> None:
    before = lab.project.files()
    lab.python(CODE[name])
    assert not lab.root.exists()
    assert lab.project.files() == before


def test_a_run_that_bypasses_the_session_is_refused_and_creates_nothing(lab: Lab) -> None:
    """It would write to the folder ``…_N`` itself."""
    before = lab.project.files()
    said = lab.python(BYPASSING).out
    assert "this run is none; start it with 'kedro run'" in said
    assert lab.project.files() == before


@pytest.mark.slow
def test_a_built_site_of_kedro_viz_shows_what_each_step_runs(bake: Bake) -> None:
    project = bake()
    project.run("kedro", "viz", "build")
    assert not (project.path / "result").exists()
    site = project.path / "build"
    fit = [path for path in site.rglob("*") if path.is_file() and b"RandomForestClassifier" in path.read_bytes()]
    assert fit
