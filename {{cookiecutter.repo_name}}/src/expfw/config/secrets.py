"""Keeping secrets out of whatever is kept or shown: what is known to be one, or looks like one, becomes a mark.

There are two ways to know a secret. *By its key*: what stands under ``password`` or ``api_key`` in a configuration.
*By its value*: what ``credentials.yml``, the database's address and such keys hold is known while an experiment is
under way, and is found in any text, in whatever way a library may have quoted it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload
from urllib.parse import quote, quote_plus, unquote

MARK = "(secret, not recorded)"
"""What stands in a record in the place of a secret."""

SHORTEST = 4
"""Characters of a value that is looked for in texts; a shorter one would be found everywhere."""

PLAIN_WORD = 8
"""Letters from which on a value of nothing but letters is looked for within words as well."""

COMMON = frozenset(
    """
    accuracy admin administrator anonymous changeme data database default demo example experiment false guest localhost
    minio minioadmin model mongo mongodb mysql none null password postgres public recorded root secret test token true
    user username
    """.split()
)
"""Words that protect nothing as a password, and whose marks would make a record unreadable."""

ADDRESS = r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"
"""Expression that finds user and password in an address."""

_KEY = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|pwd|secret|token|credentials?|api_?key|access_?key|secret_?key|private_?key|"
    r"account_?key|connection_?string|sig|signature)$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[\w+\]|<[/|]?\w+\|?>")  # [MASK], <unk>: tokens of a language model
_IN_URL = re.compile(ADDRESS)
_GIVEN = re.compile(r"(?<![\w.-])(?P<key>[\w.-]+)[=:]")
_END_OF_VALUE = re.compile(r",[\w.-]+[=:]|\s+--?[a-zA-Z]|\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SAFE = ("/", "", "!'()*", "*-._", "!$&'()*+,;=", "!$&'()*+,;=:@", "!#$%&'()*+,/:;=?@[]~")
"""What libraries leave as it is when they percent-encode: Python, JavaScript, HTML forms, RFC 3986, requests."""


def names_secret(key: Any) -> bool:
    """Whether a key says that its value is a secret.

    Example:
        >>> [names_secret(key) for key in ("db_password", "apiKey", "max_tokens", "key_column")]
        [True, True, False, False]
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(key)).replace("-", "_")
    return bool(_KEY.search(words))


def is_secret(key: Any, value: Any) -> bool:
    """Whether a value of a configuration is kept out of records for its key."""
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return plain and names_secret(key) and not _PLACEHOLDER.fullmatch(str(value))


def redacted(value: Any) -> Any:
    """``value`` with a mark for each text under a key that names a secret, and for user and password in addresses.

    Example:
        >>> redacted({"password": "x", "token_pattern": "w+"})
        {'password': '(secret, not recorded)', 'token_pattern': 'w+'}
        >>> redacted("postgresql://me:x@host/db")
        'postgresql://(secret, not recorded)@host/db'
    """
    if isinstance(value, Mapping):
        return {key: MARK if is_secret(key, item) else redacted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return without_userinfo(value) if isinstance(value, str) else value


def redacted_command(command: str) -> str:
    """A command line with a mark for each value that is given to a key that names a secret.

    Such a value ends where the next key or option begins, for it may hold blanks and any signs itself.

    Example:
        >>> redacted_command("kedro run --params experiment=a,model.params.api_key=x1")
        'kedro run --params experiment=a,model.params.api_key=(secret, not recorded)'
    """
    command, position = without_userinfo(command), 0
    shown: list[str] = []
    while given := _GIVEN.search(command, position):
        shown.append(command[position : given.end()])
        position = given.end()
        end = names_secret(given["key"].rpartition(".")[2]) and _END_OF_VALUE.search(command, position)
        if end and end.start() > position:
            shown.append(MARK)
            position = end.start()
    return "".join([*shown, command[position:]])


def without_userinfo(text: str) -> str:
    """``text`` with a mark for user and password in each address.

    Example:
        >>> without_userinfo("postgresql://me:x@host/db")
        'postgresql://(secret, not recorded)@host/db'
    """
    return _IN_URL.sub(MARK, text) if "://" in text else text


@dataclass(frozen=True, repr=False)
class Secrets:
    """The secrets that a process knows by their values, and the ways in which a text may quote them.

    Made by :meth:`of`. Neither its text nor its ``repr`` holds any.

    Args:
        literals: every way to write each of them, the longest first.

    Example:
        >>> secrets = Secrets.of(["s3cr/t", "hunter"])
        >>> secrets.hide("mongodb: s3cr%2Ft was refused"), secrets.hide("a hunter, no hunters")
        ('mongodb: (secret, not recorded) was refused', 'a (secret, not recorded), no hunters')
        >>> secrets.hide_in({"tried": ["s3cr/t", 1]}), secrets
        ({'tried': ['(secret, not recorded)', 1]}, Secrets(…))
    """

    literals: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Iterable[str]) -> Secrets:
        """The secrets among ``values``: neither too short to be told from other text, nor a :data:`COMMON` word."""
        found = {form for value in values if _is_telling(value) for form in _forms(value)}
        return cls(tuple(sorted(found, key=lambda text: (-len(text), text))))

    def __repr__(self) -> str:
        return "Secrets(…)" if self.literals else "Secrets()"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds any of them; matches nothing if there are none."""
        return re.compile("|".join(map(_bounded, self.literals)) or r"(?!)", re.ASCII)

    def hide(self, text: str) -> str:
        """``text`` with a mark for each secret, and for user and password in any address."""
        if self.literals and any(literal in text for literal in self.literals):
            text = self.pattern.sub(MARK, text)
        return without_userinfo(text)

    def hide_in(self, value: Any) -> Any:
        """``value`` with the secrets hidden in all texts of its mappings and sequences; a digest is no secret."""
        if isinstance(value, str):
            return value if _DIGEST.fullmatch(value) else self.hide(value)
        if isinstance(value, list | tuple):
            return [self.hide_in(item) for item in value]
        if isinstance(value, dict | Mapping):  # the first by far the more frequent, and told in no time
            return {self.hide_in(key): self.hide_in(item) for key, item in value.items()}
        return value


def _is_telling(value: str) -> bool:
    return len(value) >= SHORTEST and value.strip().lower() not in COMMON and value not in MARK


def _forms(value: str) -> Iterator[str]:
    """The value as it stands, percent-encoded, decoded, and escaped as HTML, JSON and Python write it."""
    texts = {value, unquote(value)}
    encoded = {encode(text, safe=safe) for text in texts for encode in (quote, quote_plus) for safe in _SAFE}
    encoded |= {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in encoded}
    escapes = (
        html.escape,
        lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),  # as Jinja writes it
        lambda text: html.escape(text, quote=False),
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: repr(text)[1:-1],
        lambda text: repr(text.encode("utf-8", "replace"))[2:-1],
    )
    forms = texts | encoded | {escape(text) for text in texts for escape in escapes}
    yield from (form for form in forms if _is_telling(form))


def _bounded(literal: str) -> str:
    """The expression that finds a literal; digits and plain words count only as a whole, and digits in no digest."""
    if literal.isdecimal():
        return rf"(?<![\d.])(?<![0-9a-f]{{8}}){literal}(?!\d|\.\d|[0-9a-f]{{8}})"
    if literal.isalpha() and literal.isascii() and len(literal) < PLAIN_WORD:
        return rf"(?<!\w){literal}(?!\w)"
    return re.escape(literal)


_known: list[Secrets] = []
"""What is known in this process at present; more than one entry where several sessions run at once."""


@contextmanager
def known(secrets: Secrets) -> Iterator[None]:
    """Within the block, in all threads and forked processes, :func:`hide` and :func:`hide_in` know these secrets.

    Example:
        >>> with known(Secrets.of(["s3cr3t"])):
        ...     hide("it is s3cr3t")
        'it is (secret, not recorded)'
        >>> hide("it is s3cr3t")
        'it is s3cr3t'
    """
    _known.append(secrets)
    try:
        yield
    finally:
        _known.remove(secrets)


def learn(secrets: Secrets) -> None:
    """Know these secrets from now on: for a worker process, which does nothing else than its run."""
    if secrets not in _known:
        _known.append(secrets)


def all_known() -> Secrets:
    """All secrets that are known at present."""
    if len(_known) == 1:
        return _known[0]
    return Secrets(tuple(sorted({text for secrets in _known for text in secrets.literals}, key=len, reverse=True)))


def hide(text: str) -> str:
    """``text`` with a mark for each secret that is known at present; outside of a run, as it is."""
    for secrets in _known:
        text = secrets.hide(text)
    return text


@overload
def hide_in(value: dict[str, Any]) -> dict[str, Any]: ...
@overload
def hide_in(value: Any) -> Any: ...
def hide_in(value: Any) -> Any:
    """``value`` with the secrets that are known at present hidden in all its texts."""
    for secrets in _known:
        value = secrets.hide_in(value)
    return value


def hide_bytes(content: bytes) -> bytes:
    """A file's content in UTF-8 with the secrets hidden; the very same object if there are none in it."""
    for secrets in _known:
        if any(literal.encode("utf-8", "replace") in content for literal in secrets.literals):
            hidden = secrets.hide(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            content = hidden if hidden != content else content
    return content
