"""The address of the team's database: where it is looked for, and that its password is never shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from expfw.check import project_loader
from expfw.database.address import VARIABLE, Address, find_address
from expfw.errors import ExpfwError

SECRET = "hunt3r"
GOOD = f"mongodb://me:{SECRET}@db.example:27017/team?authSource=admin"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    for folder in ("base", "local"):
        (tmp_path / "config" / folder).mkdir(parents=True)
    return tmp_path


def credentials(project: Path, text: str) -> None:
    (project / "config" / "local" / "credentials.yml").write_text(text, encoding="utf-8")


def found(project: Path) -> Address | None:
    return find_address(project_loader(project))


@pytest.mark.parametrize("text", [f"mongodb:\n  url: {GOOD}\n", f'mongodb: "{GOOD}"\n'])
def test_the_address_stands_in_the_credentials(project: Path, text: str) -> None:
    credentials(project, text)
    assert found(project) == Address(GOOD, "team")


@pytest.mark.parametrize("text", ["", "other: {user: me}\n", "mongodb:\n", "mongodb: ''\n", "mongodb: {url: }\n"])
def test_without_an_address_there_is_no_database(project: Path, text: str) -> None:
    credentials(project, text)
    assert found(project) is None


def test_without_credentials_there_is_no_database(project: Path) -> None:
    assert found(project) is None


def test_the_environment_wins_over_the_file_and_switches_it_off(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(project, f'mongodb: "{GOOD}"\n')
    monkeypatch.setenv(VARIABLE, "mongodb://other/mine")
    assert found(project) == Address("mongodb://other/mine", "mine")
    monkeypatch.setenv(VARIABLE, " ")
    assert found(project) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (GOOD, "mongodb://db.example:27017/team"),
        (f"mongodb://me:{SECRET}@a:1,b:2/team?replicaSet=r", "mongodb://a:1,b:2/team"),
        (f"mongodb+srv://me:{SECRET}@cluster.example", "mongodb+srv://cluster.example/experiments"),
        (f"mongodb://me:{SECRET}%40%2F@[::1]:27017/", "mongodb://[::1]:27017/experiments"),
        (f"mongodb://localhost?tlsCertificateKeyFilePassword={SECRET}", "mongodb://localhost/experiments"),
    ],
)
def test_what_is_shown_holds_neither_user_nor_password_nor_options(url: str, shown: str) -> None:
    address = Address.parse(url)
    assert address.shown == str(address) == repr(address) == f"{address}" == shown


@pytest.mark.parametrize(
    "url",
    [
        f"{SECRET}",
        f"postgres://me:{SECRET}@host/db",
        f"mongodb://me:{SECRET}@@host/db",
        f"mongodb://me:{SECRET}/x@host/db",
        f"mongodb://me:{SECRET}?x@host/db",
        f"mongodb://me:27017?{SECRET}@host/db",
        f"mongodb://me:{SECRET}#@host/db",
        f"mongodb://me:{SECRET}:x@host/db",
        f"mongodb://me:{SECRET}@host:port/db",
        f"mongodb://me:{SECRET}@host/a/b",
        f"mongodb://me:{SECRET}@host/a.b",
        f"mongodb://me:{SECRET}@ho st/db",
        f"mongodb://me:{SECRET}@",
    ],
)
def test_a_malformed_address_is_named_by_its_place_and_never_shown(
    project: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for where in ("config/local/credentials.yml", VARIABLE):
        if where == VARIABLE:
            monkeypatch.setenv(VARIABLE, url)
        else:
            credentials(project, f'mongodb: "{url}"\n')
        with pytest.raises(ExpfwError, match=where) as caught:
            found(project)
        told = "".join(traceback.format_exception(caught.value))
        assert SECRET not in told
        assert "%40 for @" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"mongodb: [{SECRET}]\n",
        f"mongodb: {{{SECRET}: 1}}\n",
        f"mongodb: {{uri: {SECRET}}}\n",
        f"mongodb: 'unclosed {SECRET}\n",
        f"mongodb: *{SECRET}\n",
        f"- {SECRET}\n",
        f"mongodb: ${{nothing.{SECRET}}}\n",
    ],
)
def test_credentials_that_cannot_be_read_are_not_quoted(project: Path, text: str) -> None:
    credentials(project, text)
    with pytest.raises(ExpfwError, match=r"the credentials cannot be read|in config/local/credentials\.yml") as caught:
        found(project)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_what_the_pattern_takes_for_a_host_is_never_a_part_of_a_password() -> None:
    """Whatever stands before an @ is no host, wherever the characters are that divide an address."""
    for divider in "/?#:@,&=%[] ":
        for secret in (f"{SECRET}{divider}", f"{divider}{SECRET}", f"hunt{divider}{SECRET}", f"27017{divider}{SECRET}"):
            for rest in ("host/db", "host:1/db?a=b", "host"):
                try:
                    shown = Address.parse(f"mongodb://me:{secret}@{rest}").shown
                except ValueError:
                    continue
                assert shown.startswith("mongodb://host"), (secret, shown)
