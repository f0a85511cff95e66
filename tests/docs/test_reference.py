"""The reference holds everything that there is, and nothing that there is not."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from baking import PROJECT, TEMPLATE, BakedProject
from expfw import OpenedExperiment, interfaces, services
from expfw.cli import commands
from expfw.config.keys import ABSENT, KEYS, STEPS, Step
from expfw.construct.find import Components
from expfw.construct.reference import OUTPUTS
from expfw.construct.signature import SERVICES, configurable, services_of
from expfw.diagnostics.catalogue import CHECKS, link
from expfw.intervals import CI_METHOD, summary
from expfw.results import Predictions, Results
from expfw.run.known import Choice
from expfw.run.structured import FIELDS
from expfw.workflow import workflow

DOCS = TEMPLATE / "docs"
COMPONENTS = Components(package="", modules=())


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no heading '{heading}'"
    return found[1]


def default_components() -> Iterator[tuple[str, Step]]:
    modules = {step.module: step for step in STEPS.values()}
    return ((name, step) for step in modules.values() for name in COMPONENTS.short_names(step))


@pytest.mark.parametrize(("name", "step"), list(default_components()), ids=lambda value: str(value)[:40])
def test_each_default_component_stands_there_with_each_parameter(name: str, step: Step) -> None:
    target = COMPONENTS.find(name, step)
    text = section(page("reference/components.md"), name)
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", text, re.MULTILINE))
    assert told == (constructor(target) if inspect.isclass(target) else {})


def constructor(target: type) -> dict[str, str]:
    """A constructor's parameters with their defaults, as the page writes them."""
    if "__init__" not in vars(target):
        return {}
    signature = inspect.signature(target)
    names = configurable(signature, services_of(target))
    defaults = {name: parameter.default for name, parameter in signature.parameters.items() if name in names}
    return {n: "required" if d is inspect.Parameter.empty else f"`{json.dumps(d)}`" for n, d in defaults.items()}


def test_no_component_stands_there_that_does_not_exist() -> None:
    told = re.findall(r"^### (\w+)$", page("reference/components.md"), re.MULTILINE)
    assert sorted(told) == sorted(name for name, _ in default_components())


def test_each_key_of_an_experiment_file_stands_there_with_its_stand_in() -> None:
    table = section(page("reference/experiment-file.md"), "Keys")
    rows = dict(re.findall(r"^\| `(\S+)` \|.*\| (.*?) ?\|$", table, re.MULTILINE))
    assert set(rows) == set(KEYS)
    required = {key for key, step in STEPS.items() if not step.several and not step.nullable}
    assert {key for key, value in rows.items() if value == "must be there"} == required
    assert {key for key, value in rows.items() if value == "null"} == {k for k, v in ABSENT.items() if v is None}


def test_each_key_that_takes_a_reference_stands_there() -> None:
    text = section(page("reference/experiment-file.md"), "Rule 5: references")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(OUTPUTS)


def test_each_choice_of_if_run_stands_there() -> None:
    text = section(page("reference/experiment-file.md"), "Identity")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) - {"if_run"} == set(get_args(Choice))


def test_each_interface_stands_there_with_its_methods() -> None:
    table = page("reference/interfaces.md")
    for key, step in STEPS.items():
        row = re.search(rf"^\| `{step.interface.__name__}` \| `{key}` \|.*$", table, re.MULTILINE)
        assert row, f"{step.interface.__name__} at {key} is missing"
        methods = [name for name in vars(step.interface) if inspect.isfunction(getattr(step.interface, name))]
        told = row[0] if "the same" not in row[0] else table
        assert all(f"{name}(" in told for name in methods if name == "__call__" or name[0] != "_")


def test_each_attribute_of_results_and_predictions_stands_there() -> None:
    text = page("reference/interfaces.md")
    for heading, kind in (("Results", Results), ("Predictions", Predictions), ("Data", interfaces.Data)):
        names = {*inspect.get_annotations(kind), *(n for n, v in vars(kind).items() if isinstance(v, property))}
        assert {name for name in names if f"`{name}" not in section(text, heading)} == set()


def test_each_attribute_of_an_opened_experiment_stands_there() -> None:
    text = section(page("reference/open-experiment.md"), "Attributes")
    told = set(re.findall(r"`(\w+)(?:\(\))?`", " ".join(re.findall(r"^\|(.*?)\|", text, re.MULTILINE))))
    assert told == {name for name in dir(OpenedExperiment(Path("result_experiment_1"))) if name[0] != "_"}  # type: ignore[arg-type]


def test_each_check_has_a_section_and_what_a_finding_links_to_exists() -> None:
    text = page("reference/checks.md")
    assert re.findall(r"^## (EX\d+)$", text, re.MULTILINE) == list(CHECKS)
    assert re.findall(r"^\| \[(EX\d+)\]", text, re.MULTILINE) == list(CHECKS)
    for code in CHECKS:
        path, anchor = link(code).split("#")
        assert (TEMPLATE / path).is_file()
        assert f"]({'#' + anchor})" in text
        assert all(f"*{part}*" in section(text, code) for part in ("How it is found.", "What to do."))


def test_each_field_of_the_structured_log_stands_there() -> None:
    rows = re.findall(r"^\| (`.*?) \|", section(page("reference/result-folder.md"), "The structured log"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == {*FIELDS, "extra"}


def test_each_service_stands_there() -> None:
    text = section(page("how-to/own-component.md"), "Ask for a service")
    assert {kind.__name__ for kind in SERVICES if kind.__name__ not in text} == set()
    assert set(services.__all__) <= {kind.__name__ for kind in SERVICES}


def test_each_command_stands_there_with_each_option() -> None:
    text = page("reference/commands.md")
    for name, command in experiment_commands().items():
        told = section(text, f"kedro experiment {name}")
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert {option for option in options if f"`{option}" not in told} == set()


def test_no_command_is_promised_that_does_not_exist() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (TEMPLATE / "README.md", *DOCS.rglob("*.md"))]
    promised = {name for text in texts for name in re.findall(r"kedro experiment (\w+)", text)}
    assert promised <= set(experiment_commands())


def test_what_is_not_there_yet_is_not_there() -> None:
    told = re.findall(r"^- `(\w+)`", page("explanation/not-there-yet.md"), re.MULTILINE)
    assert set(told) & set(experiment_commands()) == set()


def experiment_commands() -> dict[str, click.Command]:
    group = commands.commands["experiment"]
    assert isinstance(group, click.Group)
    return dict(group.commands)


def test_each_node_of_the_workflow_stands_there_with_its_components() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", page("explanation/workflow-and-leakage.md"), re.MULTILINE)
    told = {node: set(re.findall(r"`(\w+)`", keys)) for node, keys in rows}
    assert told == {
        node.name: {entry.removeprefix("params:") for entry in node.inputs if entry.startswith("params:")}
        for node in workflow().nodes
    }


def test_the_shape_of_metrics_is_as_told() -> None:
    text = page("reference/metrics.md")
    block = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert block
    shown = json.loads(block[1])["validation"]["accuracy"]
    folds: Any = [interfaces.Fold([0], [1])] * 2  # type: ignore[arg-type]
    assert list(shown) == list(summary([0.0, 1.0], folds))
    assert shown["ci95_method"] == CI_METHOD


def test_the_settings_are_as_told() -> None:
    block = re.search(r"```python\n(.*?)```", page("explanation/architecture.md"), re.DOTALL)
    assert block
    settings = (PROJECT / "src" / "{{cookiecutter.python_package}}" / "settings.py").read_text(encoding="utf-8")
    assert set(block[1].splitlines()) <= set(settings.splitlines())


def test_every_test_and_source_that_a_page_names_exists() -> None:
    for path in (TEMPLATE / "README.md", *DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"(?<![\w/])(tests/(?:template|expfw|browser|docs|runs)/\w+\.py)", text):
            assert (TEMPLATE / name).is_file(), f"{path.name}: {name}"
        for name in re.findall(r"(?<![\w/])(src/expfw/[\w/]+\.py)", text):
            assert (PROJECT / name).is_file(), f"{path.name}: {name}"


RUN = """
from pathlib import Path
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project

bootstrap_project(Path.cwd())
with settings.SESSION_CLASS.create(Path.cwd(), runtime_params={"experiment": "iris_logistic"}) as session:
    session.run()
"""


@pytest.fixture(scope="module")
def experiment(default_project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an experiment that was run."""
    project = BakedProject(shutil.copytree(default_project.path, tmp_path_factory.mktemp("reference") / "project"))
    project.run(sys.executable, "-c", RUN)
    return project.path / "result" / "result_experiment_1"


ONLY_SOMETIMES = {
    "traceback.txt",
    "reused.json",
    "attempts/",
    "children.jsonl",
    "database.json",
    "rerun.json",
    "git.diff",
    "untracked/",
}


def test_each_file_of_a_result_folder_stands_there(experiment: Path) -> None:
    text = page("reference/result-folder.md")
    for part in ("data", "model", "report", "log"):
        told = set(re.findall(r"`([\w./]+)`", " ".join(re.findall(r"^\|(.*?)\|", section(text, f"{part}/"), re.M))))
        there = {path.relative_to(experiment / part).as_posix() for path in (experiment / part).rglob("*")}
        folders = {name for name in told if name.endswith("/")}
        missing = {name for name in there - told if not covered(name, folders)}
        assert missing - {"folds"} - {f"folds/fold_{i}.pkl" for i in range(5)} == set()
        assert {name for name in told if name.rstrip("/") not in there} <= ONLY_SOMETIMES


def covered(name: str, folders: set[str]) -> bool:
    return any(f"{name}/".startswith(folder) for folder in folders)


def test_a_record_of_sacred_holds_the_files_as_told(experiment: Path) -> None:
    text = page("reference/result-folder.md")
    there = {path.name for path in (experiment / "log" / "sacred").iterdir()}
    row = re.search(r"^\| `sacred/`.*$", text, re.MULTILINE)
    assert row
    assert there == set(re.findall(r"`([\w.]+\.\w+)`", row[0]))
