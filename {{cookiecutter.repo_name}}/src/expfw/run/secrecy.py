"""A run within which no known secret gets out: not into a log, not through an error, not into a file of its record."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from expfw.config.credentials import in_settings, known_secrets
from expfw.config.loader import ExperimentConfigLoader
from expfw.config.secrets import Secrets, hide, hide_bytes, hide_in, known, redacted, redacted_command
from expfw.errors import ConfigurationError, ExpfwError
from expfw.run.files import atomic
from expfw.run.redacted_log import hidden_in_logs

logger = logging.getLogger(__name__)


@contextmanager
def secrecy(loader: Any) -> Iterator[Secrets]:
    """Within the block the session's secrets are hidden in all that is logged, recorded and raised.

    Args:
        loader: the project's config loader; one that is not the framework's tells no secrets.

    Raises:
        ExpfwError: if the credentials cannot be read; and in the place of any error that would tell a secret.
    """
    secrets = known_secrets(loader) if isinstance(loader, ExperimentConfigLoader) else Secrets()
    with known(secrets), hidden_in_logs():
        _warn_of_the_command_line(loader)
        try:
            yield secrets
        except Exception as error:
            told = without_secrets(error)
            if told is error:
                raise
            raise told from None


def without_secrets_in(notes: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    """What Kedro notes of a session (command line, parameters, an error), without secrets.

    Args:
        notes: content of Kedro's session store.
        secrets: those of the session.
    """
    told: dict[str, Any] = secrets.hide_in(redacted(notes))
    cli = told.get("cli")
    if isinstance(cli, dict) and "command_path" in cli:
        cli["command_path"] = redacted_command(cli["command_path"])
    return told


def _warn_of_the_command_line(loader: Any) -> None:
    """What stands on a command line is seen by everybody on the machine, in the list of processes."""
    on_it = click.get_current_context(silent=True) is not None
    if on_it and any(in_settings(getattr(loader, "runtime_params", None) or {})):
        logger.warning(
            "--params carries a secret: the list of processes and your shell's history show it, the record does not; "
            "an environment variable that the component reads is safer"
        )


def without_secrets(error: Exception) -> Exception:
    """The error itself, if nothing that is printed of it tells a secret; else one that tells the same without.

    A notebook prints the errors behind an error as well, so they are left out then. An error that is none of the
    framework's becomes one: its text cannot be changed safely, for it may be made when it is asked for.
    """
    text = "".join(traceback.format_exception(error))
    if hide(text) == text:
        return error
    if not isinstance(error, ExpfwError):
        logger.error("%s", text)
        return ExpfwError(hide(f"{type(error).__name__}: {error}"))
    message = hide(error.message)
    vars(error)["message"], error.args = message, (message,)
    error.__cause__ = error.__context__ = None
    if isinstance(error, ConfigurationError):
        error.faults = tuple(replace(f, what=hide(f.what), hint=hide(f.hint)) for f in error.faults)
    return error


def clean(paths: Iterable[Path]) -> None:
    """Hide secrets in files of JSON: a process that a component started knows none, and may have written some.

    Args:
        paths: files of one JSON value, or of one in each line (``.jsonl``); one that is gone or cannot be written is
            left alone.
    """
    for path in paths:
        try:
            content = path.read_bytes()
            cleaned = b"\n".join(map(_clean, content.split(b"\n") if path.suffix == ".jsonl" else [content]))
            if cleaned != content:
                with atomic(path) as file:
                    file.write(cleaned)
        except OSError as error:
            logger.debug("%s was not looked through: %s", path.name, error.strerror)


def _clean(content: bytes) -> bytes:
    """JSON with secrets hidden in its texts alone, so that it stays JSON; what is torn is hidden as a text."""
    if hide_bytes(content) is content:
        return content
    try:
        value = json.loads(content)
        hidden = hide_in(value)
        return content if hidden == value else json.dumps(hidden).encode()
    except ValueError:
        return hide_bytes(content)
