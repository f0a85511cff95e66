"""Metrics while a run goes on: of a fold as soon as it is fitted, and of all that is on record so far."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expfw.construct.blueprint import Blueprint
from expfw.run.build import Builder
from expfw.run.events import EventLog
from expfw.run.files import plain, read_json
from expfw.run.folder import ResultFolder
from expfw.run.generators import own_generators

if TYPE_CHECKING:
    import pandas as pd

    from expfw.results import Predictions

logger = logging.getLogger(__name__)

WORTHWHILE = 1.0
"""Seconds that a fold takes at least for its metrics to be worth computing before all folds are fitted."""

SHARE = 0.1
"""Part of the time spent on fitting that may be spent on such early metrics."""


def asks_for_services(planned: Any, service: type = object) -> bool:
    """Whether a planned component, or one nested in it, is given services: it may add to the page at each call.

    Args:
        planned: the plan.
        service: which services count; all, if not given.
    """
    if isinstance(planned, Blueprint):
        asked = any(issubclass(kind, service) for kind in planned.services.values())
        return asked or any(asks_for_services(value, service) for value in planned.params.values())
    if isinstance(planned, Mapping):
        return any(asks_for_services(value, service) for value in planned.values())
    return isinstance(planned, list) and any(asks_for_services(value, service) for value in planned)


@dataclass
class EarlyScores:
    """Metrics of folds that are fitted while others are not: for people who look on, never for the record's figures.

    They are computed from the same predictions by the same functions as the recorded ones, for folds that take long
    and only while that costs little. A metric with services of the framework's is left to the ``evaluate`` node.

    Args:
        metrics: builder of the metrics.
    """

    metrics: Builder
    fitting: float = 0.0
    scoring: float = 0.0

    def fold(self, number: int, seconds: float, predict: Callable[[], pd.DataFrame]) -> None:
        """Note a fitted fold, and its metrics if they are worth it.

        Args:
            number: number of the fold.
            seconds: what fitting it took.
            predict: gives the predictions on the fold's validation rows.
        """
        if self.is_worthwhile(seconds):
            self.scoring += self.score(number, predict)

    def is_worthwhile(self, seconds: float) -> bool:
        """Note what fitting a fold took; whether its metrics are worth their cost.

        Args:
            seconds: what fitting it took.
        """
        self.fitting += seconds
        return seconds >= WORTHWHILE and self.scoring <= SHARE * self.fitting

    def score(self, number: int, predict: Callable[[], pd.DataFrame]) -> float:
        """Record the metrics of a fold; gives the seconds that it took.

        Args:
            number: number of the fold.
            predict: gives the predictions on the fold's validation rows.
        """
        from expfw.results import Predictions

        started = time.perf_counter()
        try:
            self._score(number, Predictions(predict()))
        except Exception as error:  # the `evaluate` node will say so of all folds
            logger.debug("fold %d has no early metrics: %s", number, error)
        return time.perf_counter() - started

    def _score(self, number: int, predictions: Predictions) -> None:
        from expfw.scoring import named_metrics

        planned = [metric for metric in self.metrics.planned if not asks_for_services(metric)]
        with own_generators():
            built = [metric.build() if isinstance(metric, Blueprint) else metric for metric in planned]
            values = {metric.name: plain(metric(predictions)) for metric in named_metrics(built)}
        self.metrics.events.append("score", fold=number, metrics=values)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None)
        self.metrics.logger.info("%s", shown)


@dataclass
class Measured:
    """The metrics of a run in the order in which they become known; each is given once, and again if it became another.

    The early metric of a fold gives way to the recorded one: a metric that draws random numbers, or that looks at all
    folds, need not give the same.

    Args:
        folder: the experiment's folder.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> folder = ResultFolder(Path(tempfile.mkdtemp()) / "result_experiment_1")
        >>> folder.report.mkdir(parents=True)
        >>> _ = (folder.report / "test_metrics.json").write_text(json.dumps({"accuracy": 0.9}))
        >>> measured = Measured(folder)
        >>> list(measured()), list(measured())
        ([('test.accuracy', 0.9, 0)], [])
    """

    folder: ResultFolder
    given: dict[tuple[str, int], Any] = field(default_factory=dict)

    def __call__(self) -> Iterator[tuple[str, Any, int]]:
        """Name, value and fold of what has become known since the last call."""
        known = {(name, fold): value for name, value, fold in self._known()}
        for place, value in known.items():
            if place not in self.given or self.given[place] != value:
                self.given[place] = value
                name, fold = place
                yield name, value, fold

    def _known(self) -> Iterator[tuple[str, Any, int]]:
        validation = read_json(self.folder.report / "validation_metrics.json")
        if validation is None:
            for event in EventLog(self.folder.log / "events.jsonl").read("score"):
                yield from ((f"validation.{name}", value, event["fold"]) for name, value in event["metrics"].items())
        for name, values in (validation or {}).items():
            yield from ((f"validation.{name}", value, fold) for fold, value in enumerate(values["folds"]))
        for name, value in read_json(self.folder.report / "test_metrics.json", {}).items():
            yield f"test.{name}", value, 0
