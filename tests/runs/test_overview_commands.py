"""``kedro experiment list`` and ``show``: for people and for programs."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import click
import pytest
from runs.lab import Lab, sklearn, trial

from baking import Bake
from expfw.index.store import INDEX


@pytest.fixture(scope="session")
def several(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A root with four experiments: two classifications, a regression, a failure."""
    lab = shared_lab.at(tmp_path_factory.mktemp("several") / "result")
    lab.write({**BASE, "model": sklearn("linear_model.LogisticRegression", C=0.001)}, "several_weak")
    lab.write({**BASE, "model": sklearn("linear_model.LogisticRegression", C=10.0)}, "several_strong")
    regression = {
        "data_source": trial("Made", target="number"),
        "model": sklearn("linear_model.Ridge"),
        "metrics": ["neg_root_mean_squared_error", {"type": "NormalizedRootMeanSquaredError"}],
    }
    lab.write({**BASE, **regression}, "several_regression")
    lab.write({**BASE, "model": trial("Faulty", at="fit")}, "several_failed")
    for name in ("several_weak", "several_strong", "several_regression", "several_failed"):
        lab.experiment(name)
    return lab


BASE = {
    "data_source": trial("Made", rows=120),
    "features": sklearn("preprocessing.StandardScaler"),
    "holdout": sklearn("model_selection.ShuffleSplit", n_splits=1, test_size=0.2),
    "resampling": sklearn("model_selection.KFold", n_splits=3, shuffle=True),
    "metrics": ["accuracy", "f1"],
    "reports": [],
}


def ids(lab: Lab, *arguments: str) -> list[int]:
    """Numbers in the order of the list."""
    return [r["id"] for r in json.loads(lab.kedro("experiment", "list", "--format", "json", *arguments).ok().out)]


def test_json_on_standard_output_is_json_and_nothing_else(several: Lab) -> None:
    outcome = several.kedro("experiment", "list", "--format", "json").ok()
    records = json.loads(outcome.out)
    assert [record["status"] for record in records] == ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"]
    assert outcome.err == ""


@pytest.mark.slow
def test_json_of_the_real_command_is_json_and_nothing_else(bake: Bake) -> None:
    """Kedro's own words when it is imported must not get into a pipe."""
    said = bake().run("kedro", "experiment", "list", "--format", "json", env={"KEDRO_LOGGING_CONFIG": ""}).stdout
    assert json.loads(said) == []


def test_without_being_told_the_list_goes_by_number(several: Lab) -> None:
    assert ids(several) == [1, 2, 3, 4]


def test_a_metric_sorts_the_best_first_and_those_without_it_last(several: Lab) -> None:
    order = ids(several, "--sort", "accuracy")
    records = {r["id"]: r for r in json.loads(several.kedro("experiment", "list", "--format", "json").out)}
    first, second = (records[n]["metrics"]["validation"]["accuracy"]["mean"] for n in order[:2])
    assert first >= second
    assert order[2:] == [3, 4]


@pytest.mark.parametrize("key", ["test.accuracy", "validation.f1", "f1"])
def test_a_metric_may_be_named_with_its_part(several: Lab, key: str) -> None:
    assert set(ids(several, "--sort", key)[:2]) == {1, 2}


def test_an_error_metric_sorts_the_smallest_first(lab: Lab) -> None:
    for alpha in (10000.0, 0.1):
        lab.run(
            {
                "data_source": trial("Made", target="number"),
                "model": sklearn("linear_model.Ridge", alpha=alpha),
                "metrics": ["neg_root_mean_squared_error", {"type": "NormalizedRootMeanSquaredError"}],
            }
        ).ok()
    assert ids(lab, "--sort", "neg_root_mean_squared_error") == [2, 1]
    assert ids(lab, "--sort", "NormalizedRootMeanSquaredError") == [2, 1]


@pytest.mark.parametrize(
    ("key", "order"),
    [("id", [1, 2, 3, 4]), ("name", [4, 3, 2, 1]), ("status", [1, 2, 3, 4]), ("started", [1, 2, 3, 4])],
)
def test_it_sorts_by_what_describes_an_experiment(several: Lab, key: str, order: list[int]) -> None:
    assert ids(several, "--sort", key) == order


def test_an_unknown_key_names_the_nearest(several: Lab) -> None:
    message = several.kedro("experiment", "list", "--sort", "acuracy").message()
    assert "cannot sort by 'acuracy': no experiment has it; did you mean 'accuracy'?" in message


def test_chosen_columns_are_shown(several: Lab) -> None:
    out = several.kedro("experiment", "list", "--columns", "model.params.C,resampling.params.n_splits").ok().out
    lines = out.splitlines()
    assert "model.params.C" in lines[0]
    assert "resampling.params.n_splits" in lines[0]
    assert "0.001" in lines[1]
    assert "10.0" in lines[2]
    assert "–" in lines[3]


def test_an_unknown_column_names_the_nearest(several: Lab) -> None:
    message = several.kedro("experiment", "list", "--columns", "model.params.c").message()
    assert "cannot show 'model.params.c': no experiment has it; did you mean 'model.params.C'?" in message


def test_an_unknown_number_names_those_that_there_are(several: Lab) -> None:
    message = several.kedro("experiment", "show", "99").message()
    assert "there is no experiment 99" in message
    assert "the nearest is 4" in message


def test_show_tells_results_settings_and_times(several: Lab) -> None:
    out = several.kedro("experiment", "show", "2").ok().out
    for words in (
        "experiment 2 · several_strong · COMPLETED",
        "accuracy",
        "over 3 folds, test",
        "model.params.C",
        "fit",
    ):
        assert words in out


def test_show_tells_why_an_experiment_failed(several: Lab) -> None:
    out = several.kedro("experiment", "show", "4").ok().out
    assert "FAILED" in out
    assert "broken on purpose" in out
    assert "go on with it, when the cause is mended: kedro experiment restart 4" in out


@pytest.mark.parametrize("columns", [60, 80])
def test_on_a_narrow_terminal_the_list_stays_readable(several: Lab, columns: int) -> None:
    """A line is no longer than the terminal, and number, name, status and result are not torn apart."""
    out = several.kedro("experiment", "list", env={"COLUMNS": str(columns)}).ok().out
    assert all(len(line) <= columns for line in out.splitlines())
    for words in ("several_strong", "several_regression", "COMPLETED", "FAILED"):
        assert words in out


def test_markup_and_long_values_are_shown_as_they_are(lab: Lab) -> None:
    changes = {"description": "[bold]not bold[/bold] [/]", "tags": ["x" * 300]}
    lab.run(changes).ok()
    assert "[bold]not bold[/bold] [/]" in lab.kedro("experiment", "show", "1").ok().out


def test_a_torn_record_is_shown_as_far_as_it_goes(lab: Lab) -> None:
    folder = lab.run().ok().folder
    for name in ("config.json", "timing.json", "run.json"):
        (folder / "log" / name).write_text('{"torn": ')
    (folder / "report" / "validation_metrics.json").write_text("")
    for arguments in (["list"], ["show", "1"], ["list", "--format", "json"], ["show", "1", "--format", "json"]):
        lab.kedro("experiment", *arguments).ok()


def test_other_things_in_the_root_do_not_disturb(lab: Lab) -> None:
    lab.run().ok()
    (lab.root / "result_experiment_x").mkdir()
    (lab.root / "notes.txt").write_text("mine")
    (lab.root / "result_experiment_7").mkdir()
    assert ids(lab) == [1, 7]


def test_paths_are_those_of_the_folders(several: Lab) -> None:
    records = json.loads(several.kedro("experiment", "list", "--format", "json").ok().out)
    assert [Path(record["path"]) for record in records] == [
        several.root / f"result_experiment_{n}" for n in range(1, 5)
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*\+00:00", record["started"]) for record in records)


def on_a_terminal(lab: Lab, *arguments: str, lines: int, **environment: str) -> str:
    """What a real terminal of 100 columns gets from ``kedro experiment list``; ``q`` is pressed when it waits."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 100, 0, 0))
    settings = {"PYTHONPATH": str(lab.project.path / "src"), "EXPFW_RESULT_ROOT": str(lab.root), "TERM": "xterm"}
    unset = {"NO_COLOR", "COLUMNS", "LINES", "PAGER", "LESS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "experiment", "list", *arguments],
        cwd=lab.project.path,
        env={**{name: value for name, value in os.environ.items() if name not in unset}, **settings, **environment},
        stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the terminal is gone when the command has ended
        while part := _read_or_quit(ours):
            said += part
    assert process.wait() == 0, said
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def _read_or_quit(terminal: int) -> bytes:
    while not select.select([terminal], [], [], 5)[0]:
        os.write(terminal, b"q")
    return os.read(terminal, 1 << 16)


@pytest.mark.slow
def test_a_terminal_gets_colours_and_no_pager_for_a_short_list(several: Lab) -> None:
    said = on_a_terminal(several, lines=24, PAGER="false")
    assert "\x1b[31mFAILED" in said
    assert max(len(click.unstyle(line)) for line in said.splitlines()) <= 100


@pytest.mark.slow
def test_no_colours_where_none_are_wanted(several: Lab) -> None:
    assert "\x1b" not in on_a_terminal(several, lines=24, NO_COLOR="1")
    assert "\x1b" not in several.kedro("experiment", "list").ok().out


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("less") is None, reason="less is missing")
def test_a_long_list_is_paged_in_colours(several: Lab) -> None:
    said = on_a_terminal(several, lines=4)
    assert "several_weak" in said
    assert "several_failed" not in said
    assert "\x1b[32mCOMPLETED" in said


@pytest.mark.slow
def test_a_pager_of_choice_is_used(several: Lab) -> None:
    assert "paged: 1  several_weak" in on_a_terminal(several, lines=4, PAGER="sed s/^/paged:\\ /")


def test_expressions_choose_and_say_of_how_many(several: Lab) -> None:
    assert ids(several, "model.type=*Logistic*", "accuracy>0.7") == [2]
    assert ids(several, "status=FAILED") == [4]
    assert ids(several, "--where", "since:7d", "--limit", "2", "--sort=-id") == [4, 3]
    assert "1 of 4 experiments" in several.kedro("experiment", "list", "status=FAILED").ok().out
    assert "None of 4 experiments matches" in several.kedro("experiment", "list", "tag:none").ok().out


def test_an_expression_that_means_nothing_is_one_message(several: Lab) -> None:
    outcome = several.kedro("experiment", "list", "acuracy>0.9", "since:soon")
    assert outcome.code == 2
    assert "did you mean 'accuracy'?" in outcome.message()
    assert "'soon' is no time" in outcome.message()


def test_only_differing_settings_are_columns_unless_all_are_asked_for(several: Lab) -> None:
    first = several.kedro("experiment", "list", "accuracy>0").ok().out.splitlines()[0].split()
    assert first[-1] == "model.params.C"
    assert "resampling.params.n_splits" not in first
    every = several.kedro("experiment", "list", "accuracy>0", "--all-settings", env={"COLUMNS": "500"}).ok().out
    assert "resampling.params.n_splits" in every.splitlines()[0]


def test_csv_and_markdown_and_chosen_json(several: Lab) -> None:
    written = several.kedro("experiment", "list", "--format", "csv").ok().out
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [row["name"] for row in rows][:2] == ["several_weak", "several_strong"]
    record = json.loads(several.kedro("experiment", "show", "1", "--format", "json").ok().out)
    assert float(rows[0]["validation.accuracy"]) == record["metrics"]["validation"]["accuracy"]["mean"]
    markdown = several.kedro("experiment", "list", "--format", "markdown", "--columns", "status").ok().out
    assert markdown.splitlines()[2] == "| 1 | several_weak | COMPLETED |"
    chosen = json.loads(several.kedro("experiment", "list", "--columns", "status", "--format", "json").ok().out)
    assert chosen[3] == {"id": 4, "name": "several_failed", "status": "FAILED"}


def test_an_index_that_is_deleted_or_torn_changes_nothing(several: Lab) -> None:
    said = several.kedro("experiment", "list").ok().out
    index = several.root / INDEX
    for content in (b"", b"\0" * 1000, b"no line of ours\n"):
        index.write_bytes(content)
        assert several.kedro("experiment", "list").ok().out == said
    index.unlink()
    assert several.kedro("experiment", "list").ok().out == said


def test_the_overview_is_written_where_it_is_wanted(several: Lab, tmp_path: Path) -> None:
    said = several.kedro("experiment", "overview", "--output", str(tmp_path / "new" / "all.html")).ok().out
    assert "all.html: 4 experiments" in said
    page = (tmp_path / "new" / "all.html").read_text()
    assert "several_strong" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_the_overview_of_nothing_says_how_to_start(lab: Lab) -> None:
    said = lab.kedro("experiment", "overview").ok().out
    assert "no experiment yet" in said
    assert (lab.root / "overview.html").is_file()


@pytest.mark.parametrize("arguments", [["show", "x"], ["show"], ["list", "--format", "xml"], ["lisst"]])
def test_a_slip_on_the_command_line_is_one_message(lab: Lab, arguments: list[str]) -> None:
    outcome = lab.kedro("experiment", *arguments)
    assert outcome.code == 2
    assert "Error: " in outcome.message()


@pytest.mark.parametrize("command", ["list", "show 1", "log 1", "--help"])
def test_who_only_looks_does_not_wait_for_pandas_and_scikit_learn(lab: Lab, command: str) -> None:
    """They take longer to import than all the rest; a real process, for the forge has imported them."""
    lab.run().ok()
    python = (sys.executable, "-X", "importtime", "-m", "kedro", "experiment")
    told = lab.project.run(*python, *command.split(), env={"EXPFW_RESULT_ROOT": str(lab.root)})
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "expfw.run.session" in imported
    assert imported.isdisjoint({"joblib", "pandas", "sacred", "scipy", "sklearn"})
