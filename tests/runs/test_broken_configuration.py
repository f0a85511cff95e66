"""A configuration that Kedro cannot read takes no number, and is told in one sentence with its place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from runs.lab import SMALL, Lab

BROKEN: dict[str, tuple[str, str | bytes, str]] = {
    "parameters": ("base/parameters.yml", "experiment: [iris\n", "config/base/parameters.yml:1: invalid YAML: "),
    "parameters, a tab": ("base/parameters.yml", "a: 1\n\tb: 2\n", "config/base/parameters.yml:2: invalid YAML: "),
    "parameters, a list": ("base/parameters.yml", "- a\n", "config/base/parameters.yml: holds a list where an object"),
    "parameters, Latin-1": ("base/parameters.yml", b"a: \xfc\n", "config/base/parameters.yml: byte 3: is not UTF-8"),
    "local parameters": ("local/parameters.yml", "a: {\n", "config/local/parameters.yml:1: invalid YAML: "),
    "catalog": ("base/catalog.yml", "foo: [\n", "config/base/catalog.yml:1: invalid YAML: "),
    "local catalog": ("local/catalog.yml", "a: ${nothing.there}\n", "'a' cannot be resolved"),
    "credentials": ("local/credentials.yml", "db: [x\n", "config/local/credentials.yml:2: invalid YAML"),
}


def put(lab: Lab, name: str, content: str | bytes) -> None:
    path = lab.project.path / "config" / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_sentence_and_takes_no_number(own_lab: Lab, case: str) -> None:
    name, content, words = BROKEN[case]
    put(own_lab, name, content)
    for command in (("run",), ("experiment", "check")):
        outcome = own_lab.kedro(*command)
        assert outcome.code == 2, outcome.text
        assert words in outcome.message()
        assert "sound" not in outcome.out
    assert not own_lab.root.exists()


def test_a_password_that_begins_with_a_star_is_not_told(own_lab: Lab) -> None:
    put(own_lab, "base/parameters.yml", "password: *hunter2\n")
    outcome = own_lab.kedro("run")
    assert "parameters.yml:1: invalid YAML: a text that begins with * or & needs quotes" in outcome.message()
    assert "hunter2" not in outcome.text


def test_sync_names_the_line_of_broken_credentials(own_lab: Lab) -> None:
    put(own_lab, "local/credentials.yml", "mongodb:\n  url: [x\n")
    assert "config/local/credentials.yml:3: invalid YAML" in own_lab.kedro("experiment", "sync").message()


def test_the_default_experiment_is_named_with_its_line(own_lab: Lab) -> None:
    put(own_lab, "base/parameters.yml", "# mine\nexperiment: iris_forst\n")
    message = own_lab.kedro("run").message()
    assert "1. config/base/parameters.yml:2: experiment: there is no experiment 'iris_forst'" in message
    assert "did you mean 'iris_forest'?" in message


@pytest.mark.parametrize("arguments", [("run", "--params", "experiment="), ("run",)])
def test_no_experiment_at_all_is_said_so(own_lab: Lab, arguments: tuple[str, ...]) -> None:
    (own_lab.project.path / "config" / "base" / "parameters.yml").unlink()
    message = own_lab.kedro(*arguments).message()
    assert "the configuration has 1 fault" in message
    assert "--params: experiment: no experiment is named; experiment=NAME" in message


def test_a_number_is_no_name(lab: Lab) -> None:
    assert "kedro experiment rerun 3" in lab.experiment("3").message()


def test_check_and_show_name_the_folder_of_experiments(lab: Lab) -> None:
    assert (
        "1. config/experiments: there is no experiment 'iris_forst'"
        in lab.kedro("experiment", "check", "iris_forst").out
    )
    assert "1. config/experiments: there is no" in lab.kedro("experiment", "show", "iris_forst").message()


@pytest.mark.parametrize("form", ["config/experiments/{}.json", "./config/experiments/{}.json", "{}.json", "{}"])
def test_check_takes_a_file_as_shells_complete_it(lab: Lab, form: str) -> None:
    assert lab.kedro("experiment", "check", form.format("iris_forest")).ok().out == "iris_forest: sound\n"


SLIPS = {
    "empty": ("", "the file is empty; write"),
    "comma in an object": ('{"tags": [],\n}', "a comma stands before the closing }; take the comma out"),
    "comma in a list": ('{"tags": ["a",\n]}', "a comma stands before the closing ]; take the comma out"),
    "comment": ('{\n// mine\n"tags": []}', "JSON has no comments"),
    "single quotes": ("{'tags': []}", "a text stands in single quotes"),
}


@pytest.mark.parametrize("case", SLIPS)
def test_a_slip_in_json_is_told_in_plain_words(lab: Lab, case: str) -> None:
    text, words = SLIPS[case]
    assert f"invalid JSON: {words}" in lab.experiment(lab.write(text)).message()


def test_a_byte_order_mark_is_no_fault(lab: Lab) -> None:
    name = lab.write("\ufeff" + json.dumps(SMALL))
    assert lab.kedro("experiment", "check", name).ok().out == f"{name}: sound\n"


def test_a_list_with_commas_in_params_names_the_way(lab: Lab) -> None:
    outcome = lab.kedro("run", "--params", "experiment=iris_forest,metrics=[accuracy,f1_macro]")
    assert outcome.code == 2
    assert "metrics: --params cannot carry a list" in outcome.message()
    assert "kedro experiment new" in outcome.message()


def test_a_runner_that_is_none_names_the_nearest(lab: Lab) -> None:
    message = lab.kedro("run", "--runner", "ThreadRuner").message()
    assert "there is no runner 'ThreadRuner'; did you mean 'ThreadRunner'?" in message
    assert not lab.root.exists()


@pytest.mark.parametrize("arguments", [("list",), ("check",), ("list", "--format", "json")])
def test_a_full_disk_behind_the_output_is_one_message(lab: Lab, arguments: tuple[str, ...]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    code = (
        "import os, sys\n"
        "os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
        f"sys.argv = ['kedro', 'experiment', *{arguments!r}]\n"
        "from kedro.framework.cli.cli import main\n"
        "main()\n"
    )
    outcome = lab.start(code=code).wait()
    assert outcome.code == 1
    assert "the disk that it goes to is full" in outcome.message()
    assert "Exception ignored" not in outcome.text


def test_a_schema_that_cannot_be_written_is_one_message(own_lab: Lab) -> None:
    path = own_lab.project.path / "config" / "experiment.schema.json"
    path.unlink()
    path.mkdir()
    (path / "full").touch()
    assert "experiment.schema.json" in own_lab.kedro("experiment", "schema").message()


def test_a_restart_in_a_folder_that_cannot_be_written_to_is_one_message(lab: Lab) -> None:
    outcome = lab.run({"reports": [{"type": "ml_experiments.trial.Faulty", "params": {"at": "report"}}]})
    log = outcome.folder / "log"
    (log / ".restart").mkdir(mode=stat.S_IRWXU)
    assert "log/.restart: Is a directory" in lab.kedro("experiment", "restart", "1").message()


@pytest.mark.parametrize("command", [("experiment", "list"), ("run",), ("experiment", "show", "1")])
def test_a_result_root_that_is_a_file_is_said_so(lab: Lab, command: tuple[str, ...]) -> None:
    lab.root.write_text("mine")
    try:
        assert "is a file, not a folder" in lab.kedro(*command).message()
    finally:
        lab.root.unlink()


def damaged(lab: Lab, part: str) -> Path:
    """Two experiments, of which the second cannot be read."""
    lab.run().ok()
    folder = lab.root / "result_experiment_2"
    shutil.copytree(lab.root / "result_experiment_1", folder)
    if part == "children.jsonl":
        (folder / "log" / part).mkdir()
    else:
        (folder / "log" / part).write_text("[1, 2]")
    return folder


@pytest.mark.parametrize("part", ["run.json", "config.json", "sacred/run.json", "timing.json", "children.jsonl"])
def test_one_folder_that_cannot_be_read_does_not_hide_the_others(lab: Lab, part: str) -> None:
    damaged(lab, part)
    shown = lab.kedro("experiment", "list").ok().out.splitlines()
    assert "accuracy" in shown[1]
    if part in ("timing.json", "children.jsonl"):  # the list has nothing from it
        assert "COMPLETED" in shown[2]
    else:
        assert shown[2].split()[:3] == ["2", "?", "?"]
        assert "cannot be read" in shown[2]
    first, second = json.loads(lab.kedro("experiment", "list", "--format", "json").ok().out)
    assert (first["status"], second["status"]) == ("COMPLETED", "?")
    assert "result_experiment_2" in second["error"]
    lab.kedro("experiment", "show", "1").ok()
    assert "result_experiment_2" in lab.kedro("experiment", "show", "2").message()


def test_numbers_are_near_as_numbers(lab: Lab) -> None:
    for number in (1, 3, 24):
        (lab.root / f"result_experiment_{number}").mkdir(parents=True)
    message = lab.run({"data_source": {"from_experiment": 5}}).message()
    assert "there is no experiment 5" in message
    assert "the nearest is 3" in message


INTERRUPTING = "\nimport os as _os, signal as _signal\n_os.kill(_os.getpid(), _signal.SIGINT)\nwhile True: pass\n"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["settings.py", "cli.py", "components/model.py"])
def test_ctrl_c_during_the_imports_is_one_line(own_lab: Lab, module: str) -> None:
    path = own_lab.project.path / "src" / "ml_experiments" / module
    path.write_text(path.read_text() + INTERRUPTING)
    process = subprocess.run(
        [str(Path(sys.executable).parent / "kedro"), "experiment", "check"],
        cwd=own_lab.project.path,
        env={**os.environ, "PYTHONPATH": str(own_lab.project.path / "src")},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert process.returncode in (-signal.SIGINT, 130)  # a shell makes 130 of both
    assert process.stderr.splitlines()[-1] == "Error: interrupted by Ctrl-C"
    assert "Traceback" not in process.stderr
