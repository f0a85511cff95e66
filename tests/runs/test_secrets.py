"""No secret gets out: everything that a run leaves behind, and says, and shows in the list of processes is searched."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from runs.lab import HERE, PACKAGE, SMALL, Lab, Outcome, trial, wait_for

from expfw.report.collector import read_fragments

PASSWORD = "Zq7/é\"9'<&>%41\\x"
TOKEN = "tok-5u9rQ2vKx81Lm"
PARAMETER = "param-8Jd0sWq3"
DATABASE = "mongodb://team:T3am%2FWord@127.0.0.1:9/experiments"
KEY_LINES = ["MIIEvAIBADANBgkqhkiG9w0BAQEF", "AASCBKYwggSiAgEAAoIBAQC7VJTU"]
PRIVATE_KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *KEY_LINES, "-----END PRIVATE KEY-----\n"])
CREDENTIALS = {
    "clinic": {"con": f"postgresql://reader:{quote(PASSWORD, safe='')}@127.0.0.1:9/clinic"},
    "bucket": {"key": "access-0H3", "secret": TOKEN, "client_kwargs": {"endpoint_url": "http://127.0.0.1:9000"}},
    "key": {"private_key": PRIVATE_KEY},
}
OF_A_SERVER = "s3cret-Pa55"
NEEDLES = [PASSWORD, TOKEN, PARAMETER, "T3am/Word", OF_A_SERVER, *KEY_LINES]
RUNNERS = ["SequentialRunner", pytest.param("ThreadRunner", marks=pytest.mark.slow), "ParallelRunner"]
LEAKS = f"{PACKAGE}.leaks"
MARK = b"(secret, not recorded)"


YEARS = '''
"""A report with a year."""
from pathlib import Path

from expfw.services import ReportCollector


class Years:
    """It reads a file, and adds a table.

    Args:
        collector: the page.
        path: the file.
    """

    def __init__(self, collector: ReportCollector, path: str) -> None:
        self.collector, self.path = collector, path

    def report(self, results) -> None:
        """Add it."""
        Path(self.path).read_text()
        self.collector.add_table([{"year": 2023, "text": "the 2023"}], title="Years")
'''


def spellings(text: str) -> set[bytes]:
    """The ways in which a file may hold a text."""
    ways: list[Callable[[str], str]] = [
        str,
        quote,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower(),
        html.escape,
        lambda text: html.escape(text, quote=False),
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: repr(text)[1:-1],
        lambda text: json.dumps(repr(text)[1:-1])[1:-1],
    ]
    return {way(text).encode() for way in ways}


SPELLINGS = set().union(*map(spellings, NEEDLES))


def told(content: bytes) -> list[bytes]:
    """The secrets in something."""
    return [spelling for spelling in SPELLINGS if spelling in content]


@contextmanager
def watched_processes() -> Iterator[dict[str, list[bytes]]]:
    """The command lines of all processes of this machine that told a secret while the block ran, but for our own."""
    found: dict[str, list[bytes]] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if told(line):
                    found[line.decode(errors="replace")] = told(line)

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield found
    finally:
        over.set()
        watch.join()


@pytest.fixture
def leaky(own_lab: Lab) -> Iterator[Lab]:
    """A project with credentials, and components that tell them."""
    project = own_lab.project.path
    shutil.copyfile(HERE / "leaks.py", project / "src" / PACKAGE / "leaks.py")
    (project / "config" / "local" / "credentials.yml").write_text(yaml.safe_dump(CREDENTIALS), encoding="utf-8")
    with (project / "config" / "base" / "catalog.yml").open("a") as catalog:
        catalog.write(f"\nvisits:\n  type: {LEAKS}.Refusing\n  credentials: clinic\n")
    settings = project / "src" / PACKAGE / "settings.py"
    store = f"\nfrom {LEAKS} import KeptNotes\n\nSESSION_STORE_CLASS = KeptNotes\n"
    settings.write_text(settings.read_text() + store)
    with tempfile.TemporaryDirectory() as folder:  # a short path: sockets lie in it
        (own_lab.scratch / "tmp").symlink_to(folder)
        yield own_lab


def environment(lab: Lab) -> dict[str, str]:
    """Of the runs: where temporary files go, and what the components tell."""
    temporary = str((lab.scratch / "tmp").resolve())
    return {"LEAK": json.dumps([DATABASE, TOKEN]), "TMPDIR": temporary, "EXPFW_MONGODB_URL": DATABASE}


def model(**params: Any) -> dict[str, Any]:
    return {"data_source": {"type": f"{LEAKS}.Rows"}, "model": {"type": f"{LEAKS}.Leaking", "params": params}}


def check_silence(lab: Lab, outcome: Outcome, processes: dict[str, list[bytes]]) -> None:
    """Search everything."""
    kept = lab.project.path / "config" / "local"
    folders = [lab.scratch, (lab.scratch / "tmp").resolve()]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and kept not in path.parents]
    assert outcome.folder / "log" / "experiment.log" in files
    telling = {path.as_posix(): told(path.read_bytes()) for path in files if "mongod" not in path.parts}
    assert {name: found for name, found in telling.items() if found} == {}
    assert told(outcome.text.encode()) == []
    assert processes == {}


def records(outcome: Outcome) -> dict[str, int]:
    """How many marks each file of the record holds."""
    files = [path for path in (outcome.folder / "log").rglob("*") if path.is_file()]
    return {path.relative_to(outcome.folder / "log").as_posix(): path.read_bytes().count(MARK) for path in files}


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("ends", ["well", "badly", "never"])
def test_no_secret_is_left_behind(leaky: Lab, runner: str, ends: str) -> None:
    marker = leaky.scratch / "waiting"
    changes = {**model(ends=ends, marker=str(marker)), "reports": [{"type": f"{LEAKS}.LeakingReport"}]}
    with watched_processes() as processes:
        command = leaky.begin(
            changes, "--runner", runner, params=f"model.params.api_key={PARAMETER}", env=environment(leaky)
        )
        if ends == "never":
            wait_for("the fit", lambda: marker.exists() or not command.running)
            command.send(signal.SIGTERM, group=True)
            Path(f"{marker}.go").touch()
        outcome = command.wait()
    assert outcome.code == {"well": 0, "badly": 1, "never": 143}[ends], outcome.text
    check_silence(leaky, outcome, processes)
    marks = records(outcome)
    assert marks["experiment.log"] > 20
    assert marks["sacred/cout.txt"] > 20
    assert marks["config.json"] == marks["sacred/config.json"] == 1
    assert marks["run.json"] == 2, "the command line, and the parameters on it"
    assert outcome.text.count("a child says") >= 5
    assert "--params carries a secret" in outcome.text
    if ends == "badly":
        assert marks["traceback.txt"]
        assert "cannot use ['postgresql://(secret, not recorded)@127.0.0.1:9/clinic'" in outcome.err
        assert "RuntimeError" in "".join(outcome.sacred["fail_trace"])


def test_a_secret_on_the_command_line_is_not_recorded_as_it_was_typed_either(lab: Lab) -> None:
    """Kedro reads ``0123456`` as a number, which is another text."""
    changes = {"model": trial("Tolerant", options={"depth": 1})}
    outcome = lab.run(changes, params="model.params.options.pin_token=0123456").ok()
    assert "pin_token=(secret, not recorded)" in outcome.json("log/run.json")["command"]
    assert not [path for path in outcome.folder.rglob("*.json") if b"0123456" in path.read_bytes()]


@pytest.mark.parametrize("value", ["ab=TAIL-0f-it", "two TAIL-0f-it"])
def test_a_secret_on_the_command_line_is_not_recorded_to_its_last_character(lab: Lab, value: str) -> None:
    changes = {"model": trial("Tolerant", options={"depth": 1})}
    outcome = lab.run(changes, params=f"model.params.options.api_key={value}").ok()
    assert outcome.json("log/run.json")["command"].endswith("api_key=(secret, not recorded)")
    assert not [path for path in (outcome.folder / "log").rglob("*.json") if b"TAIL-0f-it" in path.read_bytes()]


def test_a_secret_of_digits_spoils_neither_numbers_nor_checksums(own_lab: Lab) -> None:
    """A number in quotes is a secret, as most values of credentials are; the record is that of a run without it."""
    project = own_lab.project.path
    (project / "src" / PACKAGE / "years.py").write_text(YEARS)
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "scale.txt").write_text("1".ljust(1440))
    changes = {"reports": [{"type": f"{PACKAGE}.years.Years", "params": {"path": "data/scale.txt"}}]}
    first = own_lab.run(changes).ok()
    digests = {name: digest for name, digest in first.json("log/checksums.json").items() if name.startswith("data/")}
    digits = sorted(set(re.findall(r"(?<=[a-f])\d{4,}(?=[a-f])", " ".join(digests.values()))))
    assert digits, "some digest has four digits in a row"
    values = {"max_rows": "1440", "year": "2023", "digits": digits}
    (project / "config" / "local" / "credentials.yml").write_text(yaml.safe_dump({"db": values}))
    second = own_lab.run(changes).ok()
    assert second.json("log/checksums.json").items() >= digests.items()
    assert second.json("log/inputs.json") == first.json("log/inputs.json")
    assert second.json("log/inputs.json")["data/scale.txt"]["size"] == 1440
    (section,) = read_fragments(second.folder / "report" / "sections")
    assert section.table.rows == ((2023, "the (secret, not recorded)"),)
    own_lab.run({**changes, "data_source": {"from_experiment": 2}}).ok()


def test_an_error_that_quotes_an_address_is_told_without_it(leaky: Lab) -> None:
    source = {"data_source": {"type": "CatalogEntry", "params": {"entry": "visits", "target": "ill"}}}
    with watched_processes() as processes:
        outcome = leaky.run(source, env=environment(leaky))
    assert "could not connect to 'postgresql://(secret, not recorded)@127.0.0.1:9/clinic'" in outcome.message()
    assert "no route to postgresql://(secret, not recorded)@" in (outcome.folder / "log/traceback.txt").read_text()
    check_silence(leaky, outcome, processes)


def test_a_killed_run_has_left_no_secret_either(leaky: Lab) -> None:
    """Nothing is cleaned up after it: what was written until then must have been clean."""
    marker = leaky.scratch / "waiting"
    with watched_processes() as processes:
        command = leaky.begin(model(ends="never", marker=str(marker)), env=environment(leaky))
        wait_for("the fit", lambda: marker.exists() or not command.running)
        command.send(signal.SIGKILL, group=True)
        outcome = command.wait()
    check_silence(leaky, outcome, processes)


def test_code_and_its_changes_are_kept_without_a_secret_in_them(leaky: Lab) -> None:
    project = leaky.project.path
    commands = [["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]]
    for command in commands:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *command], cwd=project, check=True)
    source = project / "src" / PACKAGE / "components" / "model.py"
    before = source.read_text()
    source.write_text(f"{before}\nTOKEN = {TOKEN!r}\n")
    outcome = leaky.experiment(leaky.write(SMALL)).ok()
    source.write_text(before)
    shutil.rmtree(project / ".git")
    check_silence(leaky, outcome, {})
    assert "components/model.py holds a secret" in outcome.text
    kept = [path.read_bytes() for path in (outcome.folder / "log").iterdir() if path.is_file()]
    assert any(b"+TOKEN = '(secret, not recorded)'" in content for content in kept), "the diff, but for the secret"


def test_a_failure_in_a_notebook_or_a_script_shows_no_secret(leaky: Lab) -> None:
    """Python prints the errors behind an error as well; and there is no command that captures output."""
    name = leaky.write({**SMALL, **model(ends="badly")})
    code = f"""
import traceback
from pathlib import Path
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
try:
    with settings.SESSION_CLASS.create(Path.cwd(), runtime_params={{"experiment": {name!r}}}) as session:
        session.run()
except Exception:
    traceback.print_exc()
"""
    outcome = leaky.start(code=code, env=environment(leaky)).wait()
    assert "ExperimentFailed" in outcome.err
    assert told(outcome.err.encode()) == []
    printed = [line for line in outcome.out.splitlines() if line.startswith("printed")]
    assert printed
    assert told("\n".join(printed).encode()) == []
    record = [path for path in outcome.folder.rglob("*") if path.is_file()]
    assert [path for path in record if told(path.read_bytes())] == []


def test_a_fault_of_a_secret_parameter_does_not_repeat_it(leaky: Lab) -> None:
    changes = {"model": {"type": f"{LEAKS}.Leaking", "params": {"api_key": [PARAMETER]}}}
    outcome = leaky.run(changes)
    assert "model.params.api_key" in outcome.message()
    assert told(outcome.text.encode()) == []
    checked = leaky.kedro("experiment", "check", "--format", "json")
    assert told(checked.text.encode()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clinic:\n  password: [Zq7-not-to-be-shown\n", "invalid YAML"),
        ("clinic:\n  password: ${oc.env:NO_SUCH_VARIABLE}\n", "is its environment variable set?"),
        ("clinic:\n  password: Zq7-not-to-be-shown${\n", "clinic.password"),
    ],
)
def test_credentials_that_cannot_be_read_are_not_quoted(leaky: Lab, text: str, words: str) -> None:
    (leaky.project.path / "config" / "local" / "credentials.yml").write_text(text)
    outcome = leaky.run()
    assert words in outcome.message()
    assert "not-to-be-shown" not in outcome.text
    assert not outcome.root.exists()


@pytest.mark.slow
def test_a_run_of_a_real_command_shows_nothing_in_the_list_of_processes(leaky: Lab) -> None:
    name = leaky.write({**SMALL, **model()})
    with watched_processes() as processes:
        time.sleep(0.1)
        process = subprocess.run(
            [str(Path(sys.executable).parent / "kedro"), "run", "--params", f"experiment={name}"],
            cwd=leaky.project.path,
            env={
                **os.environ,
                **environment(leaky),
                "PYTHONPATH": str(leaky.project.path / "src"),
                "EXPFW_RESULT_ROOT": str(leaky.root),
            },
            capture_output=True,
            text=True,
            timeout=100,
        )
    outcome = Outcome(process.returncode, process.stdout, process.stderr, leaky.root).ok()
    check_silence(leaky, outcome, processes)
