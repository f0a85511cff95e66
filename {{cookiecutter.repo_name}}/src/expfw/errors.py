"""The framework's exceptions: one tree, so that a caller can catch all of them or just one kind.

Every error is a :class:`click.ClickException`: raised below a ``kedro`` command it is printed as one message, without a
traceback, and the command ends with the error's ``exit_code``. In a notebook or a test it is an ordinary exception.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click


class ExpfwError(click.ClickException):
    """Base class of everything that the framework raises on purpose.

    Example:
        >>> str(ExpfwError("no data"))
        'no data'
    """

    exit_code = 1

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a configuration.

    Args:
        where: the file (relative to the project) or ``--params`` that holds the value.
        key: key path of the value, for example ``model.params.n_estimators``; empty for the file as a whole.
        what: what is wrong and what was given, a sentence without its full stop.
        hint: the nearest valid choice or the next thing to do; may be empty.

    Example:
        >>> print(Fault("config/experiments/a.json", "modle", "unknown key", "did you mean 'model'?"))
        config/experiments/a.json: modle: unknown key; did you mean 'model'?
    """

    where: str
    key: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.key}" if self.key else self.where
        return f"{place}: {self.what}; {self.hint}" if self.hint else f"{place}: {self.what}"


class ConfigurationError(ExpfwError):
    """An experiment's configuration has faults; nothing was run and nothing was created.

    Args:
        experiment: name of the experiment; empty if none is named.
        faults: every fault that was found, at least one.
    """

    exit_code = 2

    def __init__(self, experiment: str, faults: Sequence[Fault]) -> None:
        self.experiment = experiment
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(self.faults, start=1))
        what = f"experiment '{experiment}'" if experiment else "the configuration"
        super().__init__(f"{what} has {count}; nothing was run:\n{lines}")

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[str, tuple[Fault, ...]]]:
        return type(self), (self.experiment, self.faults)


class BrokenConfiguration(ExpfwError):
    """Something that Kedro reads is broken: the files of parameters, catalog or credentials, or ``--params``.

    Nothing was run and nothing was created.
    """

    exit_code = 2


class ComponentError(ExpfwError):
    """A component could not do its part: data missing, a column absent, a model that refuses its input."""


class ExperimentFailed(ExpfwError):
    """A run ended with an error; it is recorded as FAILED, with the traceback, in its folder."""


class ExperimentInterrupted(ExpfwError):
    """A run was stopped by Ctrl-C (exit code 130) or SIGTERM (exit code 143); it is recorded as INTERRUPTED."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click declares it on the class, and reads it off the instance

    def __reduce__(self) -> tuple[type[ExperimentInterrupted], tuple[str, int]]:
        return type(self), (self.message, self.exit_code)


class RecordError(ExpfwError):
    """A recorded experiment is missing, unreadable or altered."""


class DatabaseError(ExpfwError):
    """The team's database is away, refuses, is full, or does not answer in time. The record in files is not affected.

    Args:
        message: one sentence; never holds the database's full address, which may contain a password.
        hopeless: whether another experiment would meet the same trouble at once.
    """

    def __init__(self, message: str, *, hopeless: bool = True) -> None:
        super().__init__(message)
        self.hopeless = hopeless


def did_you_mean(given: str, valid: Iterable[str], *, limit: int = 8) -> str:
    """The nearest valid choice for ``given``, or the list of all choices when none is near.

    Args:
        given: what the user wrote.
        valid: the names that would have been right.
        limit: how many choices to list at most when none is near.

    Returns:
        A phrase for the end of a message; empty if there is no valid choice at all.

    Example:
        >>> did_you_mean("modle", ["model", "metrics"])
        "did you mean 'model'?"
        >>> did_you_mean("xyz", ["model", "metrics"])
        'valid are: metrics, model'
    """
    choices = sorted(set(valid))
    by_case = {choice.lower(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(given.lower(), by_case, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{by_case[near[0]]}'?"
    if not choices:
        return ""
    more = f", … ({len(choices)} in all)" if len(choices) > limit else ""
    return f"valid are: {', '.join(choices[:limit])}{more}"
