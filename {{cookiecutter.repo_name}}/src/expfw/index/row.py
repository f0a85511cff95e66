"""One line of the overview over all experiments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from expfw.record import main_value


class Row(NamedTuple):
    """What the overview tells of an experiment; everything else is in its record.

    A tuple, for a hundred thousand of them are made at each look, and Python makes nothing with names more quickly.

    Args:
        id: the number N.
        name: the experiment's name.
        status: COMPLETED, FAILED, INTERRUPTED, RUNNING, DEAD, or ``?`` if the record cannot be read.
        description: what the experiment file says; may be empty.
        tags: those of the experiment file.
        started: ISO 8601 with time zone, or None.
        stopped: the same, or None for a run that has not ended.
        seconds: from start to end, or None.
        settings: the configuration by key path, ``{"model.params.C": 1.0}``, without what only describes.
        metrics: ``{"validation": {"accuracy": {"mean", "std"}}, "test": {"accuracy": value}}``, as recorded.
        parents: numbers of the experiments that it took something from.
        folder: where the experiment lies; :attr:`path` is the same as a path.
        error: last line of the traceback of a failed run, or why the record cannot be read.
        hash: that of the configuration, or None.
        data: digest of the rows that were developed and tested on; equal digests mean equal rows. None if unknown.
        folds: the same of the division into folds.
        findings: codes of the doubts that the run found about itself, without those that were muted.
        search: of a search, ``{"metric", "value", "experiment", "configurations"}`` of the best of its trials; None of
            any other experiment. The figures are the trial's, so they are none of the search's own metrics.
    """

    id: int
    name: str
    status: str
    description: str
    tags: tuple[str, ...]
    started: str | None
    stopped: str | None
    seconds: float | None
    settings: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    parents: tuple[int, ...]
    folder: str | PathLike[str]
    error: str | None = None
    hash: str | None = None
    data: str | None = None
    folds: str | None = None
    findings: tuple[str, ...] = ()
    search: Mapping[str, Any] | None = None

    @property
    def path(self) -> Path:
        """The experiment's folder."""
        return Path(self.folder)

    def metric(self, name: str) -> float | None:
        """A metric's main value: the mean over folds, else the test value; None where it was not measured.

        ``name`` may say which: ``test.accuracy`` or ``validation.accuracy``.
        """
        return main_value(self.metrics, name)


class Settings(Mapping[str, Any]):
    """Settings by key path, put together from the sections that many experiments share.

    Args:
        sections: the settings of each section.

    Example:
        >>> settings = Settings(({"model.type": "A", "model.params.C": 1}, {"holdout": None}))
        >>> settings["model.type"], len(settings), list(settings)
        ('A', 3, ['model.type', 'model.params.C', 'holdout'])
    """

    __slots__ = ("sections",)

    def __init__(self, sections: tuple[dict[str, Any], ...]) -> None:
        self.sections = sections

    def __getitem__(self, key: str) -> Any:
        for section in self.sections:
            if key in section:
                return section[key]
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key path, ``default`` if there is none."""
        for section in self.sections:
            if key in section:
                return section[key]
        return default

    def __iter__(self) -> Iterator[str]:
        for section in self.sections:
            yield from section

    def __len__(self) -> int:
        return sum(map(len, self.sections))

    def __repr__(self) -> str:
        return f"Settings({dict(self)})"
