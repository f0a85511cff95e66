"""Which secrets a run knows by their values: of the credentials, the database's address, and the parameters."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kedro.config import MissingConfigException

from expfw.config.secrets import Secrets, is_secret, names_secret
from expfw.database.address import VARIABLE
from expfw.errors import BrokenConfiguration

if TYPE_CHECKING:
    from expfw.config.loader import ExperimentConfigLoader

PUBLIC = frozenset(
    """
    account account_id account_name address anon api_version auth_mechanism auth_source auth_uri authmechanism
    authsource aws_profile bucket catalog charset client_email client_id container database database_name db db_name
    dbname dialect domain driver drivername encoding endpoint endpoint_url engine file filename filepath folder host
    hostname http_path keyfile location login mode name path port profile profile_name project project_id
    project_name protocol region region_name role schema scheme server server_hostname service service_name sslmode
    subscription_id tenant tenant_id timeout token_uri type uid user user_id user_name userid username verify
    version warehouse
    """.split()
)
"""Keys of ``credentials.yml`` whose values are no secrets; the value of any other key is one."""

USERS = ("user", "username", "user_name", "login", "uid", "key", "client_id")
PASSWORDS = ("password", "passwd", "pwd", "secret", "client_secret")

PEM_LINE = 16
"""Characters from which on a line of a secret of several lines counts as a secret of its own."""

_URL = re.compile(r"(?P<scheme>[a-z][\w.+-]*)://(?:(?P<userinfo>[^\s]*)@)?(?P<rest>[^\s@]*)", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?:^|[?&;,\s{])(?P<key>[\w.-]+)\s*=\s*(?=(?P<value>[^&;]+))")
_QUOTED = re.compile(
    r"""\{(?P<braces>(?:[^}]|\}\})*)\}|'(?P<single>(?:[^'\\]|\\.|'')*)'|"(?P<double>(?:[^"\\]|\\.|"")*)\""""
)
_HOST_AND_PORT = re.compile(r"[^/@]*:\d+/")  # the beginning of an address whose @ stands in its path
_TOKEN_IN_PATH = re.compile(r"https?://[^?#]*/[\w-]{20,}(?:[/?#]|$)", re.IGNORECASE)  # a webhook's


def known_secrets(loader: ExperimentConfigLoader) -> Secrets:
    """The secrets of a session: what must not get into any record, log, report or message.

    Args:
        loader: the project's config loader.

    Raises:
        BrokenConfiguration: if the credentials cannot be read; the message shows nothing of what is in them.
    """
    values = [
        *in_credentials(credentials(loader)),
        *in_address(os.environ.get(VARIABLE, "")),
        *in_settings(loader.runtime_params or {}),
        *in_settings(loader.base_parameters()),
        *in_settings(loader.experiment.values),
    ]
    return Secrets.of(values)


def credentials(loader: ExperimentConfigLoader) -> Mapping[str, Any]:
    """The credentials as Kedro merges them; empty if there are none.

    Raises:
        BrokenConfiguration: if they cannot be read.
    """
    try:
        return loader["credentials"]
    except MissingConfigException:
        return {}
    except Exception as error:
        raise BrokenConfiguration(
            f"the credentials cannot be read (config/…/credentials.yml): {_trouble(error)}"
        ) from None


def _trouble(error: Exception) -> str:
    """What is wrong with the credentials. Most libraries quote the line in question, which may hold a password."""
    place = re.search(r"file (?P<file>\S+), unable to read line (?P<line>\d+), position (?P<column>\d+)", str(error))
    if place is not None:
        name = "/".join(place["file"].split("/")[-3:])
        return f"{name}:{int(place['line']) + 1}: invalid YAML at column {int(place['column']) + 1}"
    key = getattr(error, "full_key", None)
    if key:
        hint = "; is its environment variable set?" if "Environment variable" in str(error) else ""
        return f"'{key}' cannot be resolved ({type(error).__name__}){hint}"
    return f"{type(error).__name__} (its message is not shown, since it may quote a secret)"


def in_credentials(value: Any, key: str = "") -> Iterator[str]:
    """The secrets among the leaves of credentials.

    Example:
        >>> sorted(in_credentials({"db": {"con": "postgresql://me:pa55@host/db", "port": 5432}, "s3": {"token": "x9"}}))
        ['bWU6cGE1NQ==', 'me:pa55', 'pa55', 'x9']
    """
    if isinstance(value, Mapping):
        yield from _basic(value)
        for name, item in value.items():
            yield from in_credentials(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from in_credentials(item, key)
    elif names_secret(key) and isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str) and key.lower().replace("-", "_") not in PUBLIC:
        yield from _in_leaf(value)
    elif isinstance(value, str):
        yield from in_address(value)


def in_settings(value: Any, key: str = "") -> Iterator[str]:
    """The secrets among the values of a configuration: by their keys, and in addresses.

    Example:
        >>> list(in_settings({"model": {"params": {"api_key": "k1", "depth": 3}}}))
        ['k1']
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from in_settings(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from in_settings(item, key)
    elif is_secret(key, value):
        yield from _in_leaf(str(value))
    elif isinstance(value, str):
        yield from in_address(value)


def in_address(text: str) -> Iterator[str]:
    """The secrets in an address: its password, user and password together, and options that name a secret.

    A user without a password counts over HTTP alone, where it is a token.
    """
    for url in _URL.finditer(text):
        userinfo = url["userinfo"] or ""
        user, colon, password = userinfo.partition(":")
        if colon and not _HOST_AND_PORT.match(userinfo):
            yield from (userinfo, password, _encoded(unquote(user), unquote(password)))
        elif user and not colon and "/" not in user and url["scheme"].lower().startswith("http"):
            yield user
    yield from _assigned(text)


def _in_leaf(value: str) -> Iterator[str]:
    """A value that is a secret as a whole, unless it is an address, which holds one."""
    yield from in_address(value)
    if _URL.fullmatch(value.strip()) and not _TOKEN_IN_PATH.match(value):
        return
    yield value.strip()
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= PEM_LINE and not line.startswith("-----"))


def _assigned(text: str) -> Iterator[str]:
    """Values given to keys that name a secret, as in connection strings: ``Pwd=…;``, ``?sig=…``.

    Whether a value ends at a comma, a blank or a brace, or holds it, is a driver's affair, so both count.
    """
    for part in {text, unquote(text)}:
        for given in _ASSIGNMENT.finditer(part):
            if not names_secret(given["key"]):
                continue
            quoted = _QUOTED.match(part, given.start("value"))
            if quoted:
                yield from _unquoted(quoted)
            else:
                value = given["value"].rstrip()
                yield from {value, *re.split(r"\s", value, maxsplit=1)[:1], *re.split(r"[,\s}]", value, maxsplit=1)[:1]}


def _unquoted(quoted: re.Match[str]) -> Iterator[str]:
    """What stands in braces or quotes, as it is written there and as it is meant."""
    kind = str(quoted.lastgroup)
    inner = quoted[kind]
    sign = {"braces": "}", "single": "'", "double": '"'}[kind]
    yield from {inner, inner.replace(sign * 2, sign), re.sub(r"\\(.)", r"\1", inner)} - {""}


def _basic(entry: Mapping[Any, Any]) -> Iterator[str]:
    """User and password of one entry as HTTP's logs show them."""
    texts = {str(key).lower(): value for key, value in entry.items() if isinstance(value, str)}
    user = next((texts[key] for key in USERS if key in texts), None)
    password = next((texts[key] for key in PASSWORDS if key in texts), None)
    if user and password:
        yield _encoded(user, password)


def _encoded(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
