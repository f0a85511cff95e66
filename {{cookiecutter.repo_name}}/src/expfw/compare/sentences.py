"""What a comparison says of the metrics, in sentences: what holds for all metrics of an experiment is said once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from expfw.compare.comparison import Comparison
from expfw.compare.metrics import Paired
from expfw.record import ExperimentRecord


@dataclass(frozen=True)
class Sentence:
    """A sentence on an experiment beside the reference.

    Args:
        about: what it is on, for example ``accuracy, 2 against 1``.
        text: what is said.
        significant: whether it tells of a significant difference.
    """

    about: str
    text: str
    significant: bool = False


def sentences(comparison: Comparison) -> Iterator[Sentence]:
    """For each metric that was put to the test what came of it, and why others were not.

    Args:
        comparison: the experiments.
    """
    for metric in comparison.metrics:
        for pair in metric.pairs:
            if pair.result is not None:
                about = f"{metric.name}, {_against(comparison, pair.id)}"
                yield Sentence(about, pair.verdict, pair.result.significant)
    yield from untested(comparison)


def untested(comparison: Comparison) -> Iterator[Sentence]:
    """Why metrics were not put to the test, each reason once for each other experiment.

    Args:
        comparison: the experiments.
    """
    for other in comparison.others:
        pairs = [pair for metric in comparison.metrics for pair in metric.pairs if pair.id == other.id]
        about = _against(comparison, other.id)
        bare = [record for record in (comparison.reference, other) if not record.metrics["validation"]]
        if bare:
            yield Sentence(about, f"not tested: {_without_folds(bare[0])}.")
            continue
        for why in dict.fromkeys(pair.why_not for pair in pairs if pair.why_not):
            names = [pair.metric for pair in pairs if pair.why_not == why]
            yield Sentence(about, f"{_named(names, pairs)}not tested: {why}.")


def _named(names: list[str], pairs: list[Paired]) -> str:
    """The metrics that a reason is of; nothing if it is of all."""
    return "" if len(names) == len(pairs) else f"{', '.join(names)}: "


def _against(comparison: Comparison, other: int) -> str:
    return f"{other} against {comparison.reference.id}"


def _without_folds(record: ExperimentRecord) -> str:
    if record.status != "COMPLETED":
        return f"experiment {record.id} is {record.status} and has no metrics over folds"
    return f"experiment {record.id} has no metrics over folds, so there is nothing to see chance by"
