"""What counts as a secret, how it is found in texts of any kind, and what is left alone."""

from __future__ import annotations

import html
import io
import json
import logging
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from baking import PROJECT, TEMPLATE
from expfw.config.credentials import PUBLIC, in_address, in_credentials, in_settings, known_secrets
from expfw.config.loader import ExperimentConfigLoader
from expfw.config.secrets import (
    ADDRESS,
    COMMON,
    MARK,
    Secrets,
    hide,
    hide_bytes,
    hide_in,
    known,
    redacted,
    redacted_command,
)
from expfw.database.address import VARIABLE
from expfw.errors import ConfigurationError, ExpfwError, Fault
from expfw.report.collector import ReportCollector, read_fragments
from expfw.run.events import EventLog
from expfw.run.files import read_json, write_json
from expfw.run.filter import Stream
from expfw.run.output import RedactingStream, hidden_output
from expfw.run.redacted_log import hidden_in_logs
from expfw.run.secrecy import clean, secrecy, without_secrets, without_secrets_in
from expfw.run.sources import source_files

SECRET = "s3cr3t/pässwörd\"'<&>\\%41+=x"
SECRETS = Secrets.of([SECRET])


@pytest.fixture
def knowing() -> Iterator[None]:
    """The secret is known, as it is during a run."""
    with known(SECRETS):
        yield


@pytest.mark.parametrize(
    ("credentials", "secrets"),
    [
        ({"db": {"con": "postgresql://me:pa55@host:5432/db"}}, {"me:pa55", "pa55", "bWU6cGE1NQ=="}),
        ({"db": {"con": "redis://:pa55@host"}}, {":pa55", "pa55", "OnBhNTU="}),
        ({"db": {"con": "sqlite:///data/clinic.db"}}, set()),
        ({"db": {"url": "https://host/api?user=me&sig=abc%2F1"}}, {"abc%2F1", "abc/1"}),
        ({"db": {"url": "https://ghp_token@host/repository"}}, {"ghp_token"}),
        ({"db": {"con": "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3Dpa55"}}, {"pa55"}),
        ({"chat": {"hook": "https://hooks.host/T0/XXXXXXXXXXXXXXXXXXXXXXXX"}},
         {"https://hooks.host/T0/XXXXXXXXXXXXXXXXXXXXXXXX"}),
        ({"db": {"user": "me", "password": "pa55", "host": "h", "port": "5432"}}, {"pa55", "bWU6cGE1NQ=="}),
        ({"db": {"password": 12345}}, {"12345"}),
        ({"db": {"timeout": 3600, "pool": 12345, "ssl": True, "ca": None}}, set()),
        ({"s3": {"key": "AKIA7", "secret": "wJal", "client_kwargs": {"endpoint_url": "http://h:9000"}}},
         {"AKIA7", "wJal", "QUtJQTc6d0phbA=="}),
        ({"azure": {"connection_string": "AccountName=me;AccountKey=k3y/=="}},
         {"AccountName=me;AccountKey=k3y/==", "k3y/=="}),
        ({"db": {"con": "Server=h;Uid=u;Pwd=ab,cdefgh1;"}}, {"ab,cdefgh1", "ab", "Server=h;Uid=u;Pwd=ab,cdefgh1;"}),
        ({"db": {"con": "Driver={x};Uid=u;Pwd={p;ss}}w0rd99};Port=1"}},
         {"p;ss}}w0rd99", "p;ss}w0rd99", "Driver={x};Uid=u;Pwd={p;ss}}w0rd99};Port=1"}),
        ({"db": {"con": r"host=h password='my pa\'ss99word' user=me"}},
         {r"my pa\'ss99word", "my pa'ss99word", r"host=h password='my pa\'ss99word' user=me"}),
        ({"db": {"con": 'Pwd="a""b;c1"'}}, {'a""b;c1', 'a"b;c1', 'Pwd="a""b;c1"'}),
        ({"db": {"con": "host=h password=pa55 user=me"}},
         {"pa55", "pa55 user=me", "host=h password=pa55 user=me"}),
        ({"tokens": ["t0ken", "t1ken"]}, {"t0ken", "t1ken"}),
        ({"plain": "p1ain"}, {"p1ain"}),
        ({"anything": {"that": {"is": {"deep": "d33p"}}}}, {"d33p"}),
    ],
)  # fmt: skip
def test_all_leaves_of_credentials_but_the_public_ones_are_secret(credentials: Any, secrets: set[str]) -> None:
    assert set(in_credentials(credentials)) == secrets


def test_each_long_line_of_a_private_key_is_a_secret() -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvAIBADANBgkqhkiG9w0BAQEF", "AASCBKYwggSiAgEAAoIB", "-----END-----"]
    found = set(in_credentials({"key": {"private_key": "\n".join(lines)}}))
    assert found == {"\n".join(lines), *lines[1:3]}


@pytest.mark.parametrize(
    ("settings", "secrets"),
    [
        ({"model": {"params": {"api_key": "k1", "depth": 3, "max_tokens": 5}}}, {"k1"}),
        ({"model": {"params": {"url": "https://me:pa55@host/x"}}}, {"me:pa55", "pa55", "bWU6cGE1NQ=="}),
        ({"features": {"params": {"unk_token": "[UNK]", "pad_token": "<pad>", "token_pattern": r"\w+"}}}, set()),
        ({"data_source": {"params": {"path": "http://host:8000/data@v2.csv"}}}, set()),
        ({"reports": [{"params": {"db_password": 1234, "flag_password": True}}]}, {"1234"}),
    ],
)
def test_of_settings_those_that_are_named_so_and_those_in_addresses_are_secret(
    settings: Any, secrets: set[str]
) -> None:
    assert set(in_settings(settings)) == secrets


def test_a_password_that_should_have_been_encoded_is_found_all_the_same() -> None:
    assert "p@ss/w:rd" in set(in_address("mongodb://me:p@ss/w:rd@host/db"))


WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": quote,
    "percent, all": lambda text: quote(text, safe=""),
    "percent, small": lambda text: quote(text, safe="").replace("%C3", "%c3").lower(),
    "form": quote_plus,
    "html": html.escape,
    "html text": lambda text: html.escape(text, quote=False),
    "jinja": lambda text: __import__("markupsafe").escape(text),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "bytes": lambda text: repr(text.encode())[2:-1],
}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "percent, small"])
def test_a_secret_is_found_however_it_is_spelt(way: str) -> None:
    spelt = WAYS[way](SECRET)
    assert SECRETS.hide(f"<{spelt}>, {spelt}") == f"<{MARK}>, {MARK}"


def test_small_letters_in_percent_codes_make_no_difference() -> None:
    assert Secrets.of(["a/bö"]).hide("a%2fb%c3%b6") == MARK


def test_a_secret_that_was_given_encoded_is_found_decoded() -> None:
    secrets = Secrets.of(in_address("mongodb://me:a%2Fb%C3%B6%40@host"))
    assert secrets.hide("a/bö@ or a%2Fb%C3%B6%40, me:a/bö@") == f"{MARK} or {MARK}, {MARK}"


@pytest.mark.parametrize("value", ["", "a", "abc", "test", "Admin", "postgres", "secret", "recorded", *sorted(COMMON)])
def test_what_is_short_or_common_does_not_garble_texts(value: str) -> None:
    text = "test metrics of the model are not recorded: a secret admin abc postgresql"
    assert Secrets.of([value]).hide(text) == text


def test_a_common_password_is_hidden_in_an_address_and_under_its_key_all_the_same() -> None:
    assert hide("mongodb://root:test@host") == "mongodb://root:test@host", "outside of a run nothing is touched"
    with known(Secrets()):
        assert hide("mongodb://root:test@host") == f"mongodb://{MARK}@host"
    assert redacted({"password": "test"}) == {"password": MARK}


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("iris", "iris_forest, irises and iris", f"iris_forest, irises and {MARK}"),
        ("1234", "1234 of 0.1234, 12345 and 1234.5 (1234)", f"{MARK} of 0.1234, 12345 and 1234.5 ({MARK})"),
        ("ir1s", "xir1sx", f"x{MARK}x"),
        ("correcthorse", "xcorrecthorsex", f"x{MARK}x"),
        ("hunter", "“hunter” éhunteré", f"“{MARK}” é{MARK}é"),
        ("811085", f"sha256:f8b753a5b87af811085{'f' * 45} 811085", f"sha256:f8b753a5b87af811085{'f' * 45} {MARK}"),
        ("811085", f"811085{'f' * 26} {'e' * 34}811085", f"811085{'f' * 26} {'e' * 34}811085"),
        ("811085", "v811085, user811085abc", f"v{MARK}, user{MARK}abc"),
    ],
)
def test_numbers_and_short_words_are_found_as_a_whole(secret: str, text: str, shown: str) -> None:
    assert Secrets.of([secret]).hide(text) == shown


def test_a_digest_is_no_secret_whatever_is_in_it() -> None:
    digest = f"sha256:{'a1b2' * 16}"
    assert Secrets.of(["a1b2"]).hide_in({"file": digest, "text": "a1b2"}) == {"file": digest, "text": MARK}


@pytest.mark.parametrize("spelt", ["abc%20def!99", "abc+def%2199", "abc+def!99", "abc%20def%2199", "abc def!99"])
def test_a_secret_is_found_percent_encoded_as_each_library_does(spelt: str) -> None:
    assert Secrets.of(["abc def!99"]).hide(f"?q={spelt}&") == f"?q={MARK}&"


def test_of_two_secrets_the_longer_is_hidden_first() -> None:
    assert Secrets.of(["pa55", "pa55-word"]).hide("pa55-word pa55") == f"{MARK} {MARK}"


@given(st.lists(st.text(min_size=1, max_size=12), max_size=4), st.text(max_size=30), st.text(max_size=30))
def test_hiding_leaves_no_secret(values: list[str], before: str, after: str) -> None:
    secrets = Secrets.of(values)
    for value in values:
        if value in secrets.literals:
            assert f" {value} " not in secrets.hide(f"{before} {value} {after}").replace(MARK, "")


def test_neither_text_nor_repr_of_secrets_tells_them() -> None:
    assert SECRET not in f"{SECRETS!r} {SECRETS} {[SECRETS]}"
    assert pickle.loads(pickle.dumps(SECRETS)) == SECRETS, "worker processes get them"


def test_values_within_values_are_hidden_and_numbers_stay_numbers() -> None:
    value = {"a": [SECRET, 1, None], f"key {SECRET}": (0.5, {"b": f"x{SECRET}"})}
    assert SECRETS.hide_in(value) == {"a": [MARK, 1, None], f"key {MARK}": [0.5, {"b": f"x{MARK}"}]}


def test_a_command_line_keeps_all_but_its_secrets() -> None:
    command = "kedro run --params experiment=a,model.params.api_key=007,model.params.C=1 --env my-token:x"
    assert redacted_command(command) == command.replace("=007", f"={MARK}").replace(":x", f":{MARK}")


@pytest.mark.parametrize("value", ["AAA=TAIL", "two TAIL", "a:TAIL", "x=1=TAIL -not"])
def test_a_value_on_a_command_line_is_hidden_to_its_end(value: str) -> None:
    command = f"kedro run --params=model.params.api_key={value},experiment=a --env prod"
    hidden = Secrets.of([value]).hide(command) if " -" in value else command
    assert redacted_command(hidden) == f"kedro run --params=model.params.api_key={MARK},experiment=a --env prod"


@given(st.data())
@example(None)
def test_a_text_in_pieces_is_hidden_as_the_whole_is(data: Any) -> None:
    secrets = Secrets.of(["s3cr3t", "s3cr3t-longer", "hunter", "4711", "r3t s3"])
    words = "s3cr3t|s3cr3t-longer|hunter|hunters|4711|47110|db://me:pa55@host| |\n|s3c|é".split("|")
    if data is None:
        text, cuts = "s3cr3t-long s3cr3t-longer hunter", [1, 8, 11, 12, 20]
    else:
        text = "".join(data.draw(st.lists(st.sampled_from(words), max_size=12)))
        cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    stream = Stream([secrets.pattern.pattern, ADDRESS], secrets.literals, MARK)
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    shown = "".join(map(stream.feed, pieces)) + stream.rest()
    assert "pa55" not in shown
    assert "s3cr3t" not in shown
    if not cuts and text.endswith("\n"):
        assert shown == secrets.hide(text)


def test_whole_lines_are_shown_at_once_and_words_as_far_as_they_are_harmless() -> None:
    stream = Stream(["s3cr3t"], ["s3cr3t"], MARK)
    assert stream.feed("fold 1 of 3\nfold 2") == "fold 1 of 3\nfold 2"
    assert stream.feed(" is s") == " is "
    assert stream.feed("low\n") == "slow\n"


def test_records_of_all_loggers_come_without_secrets_to_all_handlers(knowing: None) -> None:
    from rich.logging import RichHandler

    plain, rich = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(plain), RichHandler(rich_tracebacks=True, console=_console(rich))]
    logger = logging.getLogger("tests.some.library")
    logger.propagate, logger.handlers = False, handlers
    with hidden_in_logs():
        logger.error("connecting to %s", SECRET)
        logger.error({"address": SECRET})
        logger.error("a %d that does not fit: %s", SECRET, SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logger.exception("failed with %r", [SECRET])
    for text in (plain.getvalue(), rich.getvalue()):
        assert text.count(MARK) >= 5
        assert "ValueError" in text
        assert not [way for way in WAYS if WAYS[way](SECRET) in text]


def _console(file: io.StringIO) -> Any:
    from rich.console import Console

    return Console(file=file, width=300)


def test_what_is_no_secret_is_logged_as_ever(knowing: None, caplog: pytest.LogCaptureFixture) -> None:
    with hidden_in_logs():
        logging.getLogger("tests").error("%d rows of %s", 3, "x")
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%d rows of %s", (3, "x"))
    before = logging.getLogRecordFactory()
    with hidden_in_logs():
        assert logging.getLogRecordFactory() is not before
    assert logging.getLogRecordFactory() is before


def test_an_error_without_secrets_is_the_same_error(knowing: None) -> None:
    error = ValueError("plain")
    assert without_secrets(error) is error


def test_an_error_of_the_frameworks_keeps_its_kind_and_loses_its_secrets(knowing: None) -> None:
    error = ConfigurationError("a", [Fault("a.json", "model", f"got {SECRET}", f"not {SECRET}")])
    error.__cause__ = ValueError(SECRET)
    told = without_secrets(error)
    assert isinstance(told, ConfigurationError)
    assert told.exit_code == 2
    assert told.__cause__ is None
    assert SECRET not in f"{told} {told!r} {told.faults} {told.args} {told.format_message()}"
    assert f"got {MARK}; not {MARK}" in str(told)


def test_any_other_error_with_a_secret_becomes_one_of_the_frameworks(knowing: None) -> None:
    told = without_secrets(ConnectionError(f"no route to {SECRET}"))
    assert isinstance(told, ExpfwError)
    assert str(told) == f"ConnectionError: no route to {MARK}"


def test_a_cause_with_a_secret_is_left_out(knowing: None) -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise ExpfwError("it failed") from error
    except ExpfwError as error:
        told = without_secrets(error)
    assert told.__cause__ is None
    assert told.__context__ is None


def test_what_kedro_notes_of_a_session_holds_no_secret() -> None:
    notes = {
        "cli": {"command_path": "kedro run --params password=x1", "params": {"params": {"password": "x1"}}},
        "runtime_params": {"password": "x1", "experiment": "a"},
        "exception": {"value": f"at {SECRET}", "traceback": [SECRET]},
        "project_path": Path(),
    }
    told = without_secrets_in(notes, SECRETS)
    assert "x1" not in str(told)
    assert SECRET not in str(told)
    assert told["runtime_params"] == {"password": MARK, "experiment": "a"}


def test_files_of_the_record_are_written_without_secrets(knowing: None, tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"text": SECRET, "number": 1})
    EventLog(tmp_path / "events.jsonl").append("part", part=SECRET)
    collector = ReportCollector(tmp_path / "sections", step="fit")
    collector.add_text(SECRET, title=SECRET)
    collector.add_table([{SECRET: SECRET}], title="T", caption=SECRET)
    assert read_json(tmp_path / "a.json") == {"text": MARK, "number": 1}
    assert EventLog(tmp_path / "events.jsonl").read("part")[0]["part"] == MARK
    text, table = read_fragments(tmp_path / "sections")
    assert (text.body, text.title, table.caption) == (MARK, MARK, MARK)
    assert (table.table.columns, table.table.rows) == ((MARK,), ((MARK,),))


def test_files_that_others_wrote_are_cleaned_and_clean_ones_left_alone(knowing: None, tmp_path: Path) -> None:
    dirty, pure = tmp_path / "dirty.json", tmp_path / "pure.json"
    dirty.write_text(json.dumps({"a": SECRET}))
    pure.write_text('{ "rows": [14401] }')
    before = pure.stat().st_ino
    with known(Secrets.of(["14401"])):
        clean([dirty, pure, tmp_path / "gone.json"])
    assert json.loads(dirty.read_text()) == {"a": MARK}
    assert pure.stat().st_ino == before


def test_digits_that_are_a_secret_leave_numbers_and_digests_alone(tmp_path: Path) -> None:
    digest = f"sha256:{'ab' * 5}1440{'cd' * 25}"
    files = {"data/a.csv": {"sha256": digest, "size": 1440}}
    rows = {"rows": [[1440, "1440 of them"], ["sha", digest]]}
    events, section = EventLog(tmp_path / "events.jsonl"), tmp_path / "section.json"
    with known(Secrets.of(["1440"])):
        events.append("read", files=files, node="1440")
        with events.path.open("a") as file:
            file.write(json.dumps({"event": "part", "part": "the 1440", "seconds": 1440}) + '\n{"torn": "at 1440')
        section.write_text(json.dumps(rows))
        clean([events.path, section])
        write_json(tmp_path / "checksums.json", {"data/a.csv": digest})
    assert events.read("read", "part") == [
        {"event": "read", "files": files, "node": MARK},
        {"event": "part", "part": f"the {MARK}", "seconds": 1440},
    ]
    assert events.path.read_text().endswith(f'{{"torn": "at {MARK}')
    assert json.loads(section.read_text()) == {"rows": [[1440, f"{MARK} of them"], ["sha", digest]]}
    assert read_json(tmp_path / "checksums.json") == {"data/a.csv": digest}


def test_a_file_that_is_no_text_keeps_its_bytes(knowing: None) -> None:
    content = bytes(range(256)) + SECRET.encode() + b"\xff"
    assert hide_bytes(content) == bytes(range(256)) + MARK.encode() + b"\xff"
    harmless = bytes(range(256))
    assert hide_bytes(harmless) is harmless


def test_a_source_is_kept_without_a_secret_and_its_digest_is_that_of_what_is_kept(
    knowing: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import hashlib

    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text(f"TOKEN = {SECRET!r}\n", encoding="utf-8")
    (source,) = source_files(tmp_path)
    assert source.content == f'TOKEN = "{MARK}"\n'.encode() or source.content == f"TOKEN = '{MARK}'\n".encode()
    assert source.digest == hashlib.md5(source.content).hexdigest()
    assert "src/a.py holds a secret" in caplog.text


def test_secrets_are_known_to_all_threads_and_forgotten_after_the_block() -> None:
    found: list[str] = []
    with known(SECRETS), known(Secrets.of(["other-0ne"])):
        thread = threading.Thread(target=lambda: found.append(hide(f"{SECRET} other-0ne")))
        thread.start()
        thread.join()
    assert found == [f"{MARK} {MARK}"]
    assert hide_in({"a": SECRET}) == {"a": SECRET}


def loader(tmp_path: Path, **params: Any) -> ExperimentConfigLoader:
    """A project's loader, with ``credentials.yml`` in two environments."""
    for env, text in {
        "base": "db: {password: base-pa55}\nother: {token: t0ken}\n",
        "local": "db: {password: '${oc.env:TEST_SECRET}'}\n",
    }.items():
        (tmp_path / "config" / env).mkdir(parents=True)
        (tmp_path / "config" / env / "credentials.yml").write_text(text)
    return ExperimentConfigLoader(
        conf_source=str(tmp_path / "config"), base_env="base", default_run_env="local", runtime_params=params
    )


def test_the_secrets_of_a_session_are_those_that_kedro_merges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "from-env-1")
    monkeypatch.setenv(VARIABLE, "mongodb://me:m0ngo%2F1@host")
    secrets = known_secrets(loader(tmp_path, model={"params": {"api_key": "k3y-1"}}))
    assert {"from-env-1", "t0ken", "m0ngo/1", "m0ngo%2F1", "k3y-1"} <= set(secrets.literals)
    assert "base-pa55" not in secrets.literals, "it is overridden"


def test_the_public_keys_are_those_that_the_page_lists() -> None:
    page = (TEMPLATE / "docs" / "how-to" / "keep-secrets.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)`", page.partition("## Public keys")[2])) == PUBLIC


def test_credentials_that_cannot_be_read_are_one_message_without_its_causes(tmp_path: Path) -> None:
    prepared = loader(tmp_path)
    (tmp_path / "config" / "local" / "credentials.yml").write_text("db:\n  password: [pa55-not-shown\n")
    with pytest.raises(ExpfwError, match=r"config/local/credentials\.yml:3: invalid YAML") as caught, secrecy(prepared):
        pytest.fail("it must not get so far")
    assert caught.value.__suppress_context__


def test_a_loader_of_another_kind_tells_no_secrets() -> None:
    with secrecy(object()) as secrets:
        assert secrets == Secrets()


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
WORKING = """
import logging
from pathlib import Path
from expfw.config.secrets import Secrets, hide
from expfw.run.build import RunContext
from expfw.run.folder import ResultFolder
from expfw.run.hooks import ExperimentHooks

class Catalog(dict):
    def load(self, name):
        return self[name]

class Node:
    name = "fit"

class Plan:
    class experiment:
        values = {{"defaults": {{}}}}

context = RunContext(Plan, ResultFolder(Path("result_experiment_1")), Secrets.of([{secret!r}]))
ExperimentHooks().before_node_run(node=Node, catalog=Catalog(expfw_run=context), inputs={{}})
logging.warning("logged %s", {secret!r})
print(hide({secret!r}))
"""


def test_a_worker_process_learns_the_secrets_of_its_run() -> None:
    """One that was not forked has inherited nothing."""
    command = [sys.executable, "-c", WORKING.format(secret=SECRET)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert done.stdout == f"{MARK}\n", done.stderr
    assert f"logged {MARK}" in done.stderr


PRINTING = """
import os, subprocess, sys, time
from expfw.config.secrets import Secrets, known
from expfw.run.output import hidden_output
with known(Secrets.of([{secret!r}])):
    with hidden_output("fd"):
        print("printed", {secret!r}, "at last", end="")
        sys.stdout.flush()
        os.write(2, {secret!r}.encode()[:5])
        time.sleep(0.05)
        os.write(2, {secret!r}.encode()[5:] + b" in pieces")
        os.write(1, bytes(range(128, 256)))
        daemon = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"])
    print(" after")
daemon.kill()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a system with file descriptors as Unix has them")
def test_whatever_is_printed_passes_without_secrets_and_to_the_last_byte() -> None:
    """Also while a child process keeps the output open."""
    command = [sys.executable, "-c", PRINTING.format(secret=SECRET)]
    done = subprocess.run(command, capture_output=True, timeout=15, env=ENVIRONMENT)
    assert done.stdout == f"printed {MARK} at last".encode() + bytes(range(128, 256)) + b" after\n"
    assert done.stderr == f"{MARK} in pieces".encode()


def test_without_secrets_output_goes_the_way_it_always_went(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.fstat(1).st_ino, sys.stdout
    for capture in ("fd", "sys"):
        with hidden_output(capture):
            assert (os.fstat(1).st_ino, sys.stdout) == before


def test_streams_are_redacted_where_descriptors_are_not_to_be_touched(
    knowing: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with hidden_output("sys"):
        print("it is", SECRET)  # noqa: T201
        sys.stderr.writelines([SECRET[:4], SECRET[4:]])
        assert not isinstance(sys.stdout, io.StringIO)
        assert sys.stdout.encoding
    shown = capsys.readouterr()
    assert shown.out == f"it is {MARK}\n"
    assert shown.err == MARK


def test_threads_may_write_to_a_redacted_stream_at_once() -> None:
    shown = io.StringIO()
    stream = RedactingStream(shown, Secrets.of(["s3cr3t"]))
    threads = [threading.Thread(target=lambda: [stream.write("a s3cr3t\n") for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stream.finish()
    assert shown.getvalue() == f"a {MARK}\n" * 800
