"""Metrics of several experiments side by side, with differences to the first, and what the test says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from expfw.compare.rows import Rows
from expfw.compare.significance import PairedTest, constant, corrected_t_test, holm
from expfw.index import better_is_lower
from expfw.originals import same
from expfw.record import ExperimentRecord


@dataclass(frozen=True)
class Paired:
    """A metric of one experiment beside that of the reference.

    Args:
        id: number of the experiment.
        metric: name of the metric.
        validation: difference of the means over the folds, this one's minus the reference's; None where one is missing.
        test: difference on the test data; None where one is missing.
        per_fold: difference on each fold, if the folds are shared; None for a fold on which one is not defined.
        lower_is_better: whether smaller values are better.
        result: what the test says; None if it cannot be made.
        why_not: why it cannot be made; empty if it can.
    """

    id: int
    metric: str
    validation: float | None
    test: float | None
    per_fold: tuple[float | None, ...]
    lower_is_better: bool
    result: PairedTest | None = None
    why_not: str = ""

    @property
    def better_folds(self) -> int:
        """On how many of the shared folds it is better than the reference."""
        return sum(1 for each in self.per_fold if each and (each < 0) == self.lower_is_better)

    @property
    def worse_folds(self) -> int:
        """On how many of the shared folds it is worse than the reference."""
        return sum(1 for each in self.per_fold if each and (each < 0) != self.lower_is_better)

    @property
    def verdict(self) -> str:
        """The difference in words: which is better, by how much, in which interval, and whether chance explains it."""
        if self.validation is None or self.result is None:
            return f"{self._size()}not tested: {self.why_not}." if self.why_not else "nothing to compare."
        low, high = self.result.ci95
        return f"{self._size()}95 % interval {signed(low)} to {signed(high)}, {self._folds()}, {_judged(self.result)}."

    @property
    def direction(self) -> str:
        """Whether its mean over the folds is better or worse than the reference's, or the same; empty without one."""
        if not self.validation:
            return "" if self.validation is None else "the same"
        return "better" if (self.validation < 0) == self.lower_is_better else "worse"

    def _folds(self) -> str:
        return f"better on {self.better_folds} and worse on {self.worse_folds} of {len(self.per_fold)} folds"

    def _size(self) -> str:
        if self.validation is None:
            return ""
        return f"{self.direction} by {abs(self.validation):.3g}, " if self.validation else "the same mean, "

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {
            "validation": self.validation,
            "test": self.test,
            "per_fold": list(self.per_fold),
            "better_folds": self.better_folds,
            "worse_folds": self.worse_folds,
            "significance": None if self.result is None else self.result.as_json(),
            "why_not": self.why_not or None,
            "verdict": self.verdict,
        }


def _judged(result: PairedTest) -> str:
    many = "" if result.comparisons == 1 else f" (Holm, {result.comparisons} comparisons)"
    word = "significant at 5 %" if result.significant else "not significant at 5 %, chance may explain it"
    return f"{p_value(result.p_holm)}{many}: {word}"


def signed(value: float | None) -> str:
    """A difference, with its sign.

    Example:
        >>> signed(0.01), signed(-0.5), signed(0.0), signed(None)
        ('+0.01', '-0.5', '0', '–')
    """
    return "–" if value is None else "0" if value == 0 else f"{value:+.3g}"


def p_value(p: float) -> str:
    """A p-value in words, with no more digits than it deserves.

    Example:
        >>> p_value(0.0312), p_value(0.2), p_value(1e-7)
        ('p = 0.031', 'p = 0.2', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


@dataclass(frozen=True)
class MetricComparison:
    """One metric of all experiments.

    Args:
        name: name of the metric.
        lower_is_better: whether smaller values are better.
        validation: by number of the experiment what is on record, ``{"mean", "std", "ci95", "folds"}``.
        test: by number of the experiment the value on the test data.
        pairs: each other experiment beside the reference, in the order asked for.
    """

    name: str
    lower_is_better: bool
    validation: Mapping[int, Mapping[str, Any]]
    test: Mapping[int, float | None]
    pairs: tuple[Paired, ...]

    def as_json(self) -> dict[str, Any]:
        """The shape that ``--format json`` prints."""
        return {
            "better": "lower" if self.lower_is_better else "higher",
            "validation": {str(at): dict(value) for at, value in self.validation.items()},
            "test": {str(at): value for at, value in self.test.items()},
            "differences": {str(pair.id): pair.as_json() for pair in self.pairs},
        }


def compared_metrics(
    reference: ExperimentRecord, others: Sequence[ExperimentRecord], rows: Mapping[int, Rows]
) -> list[MetricComparison]:
    """Each metric that any of the experiments measured, in the order of the reference's configuration.

    Args:
        reference: the experiment that the others are compared with.
        others: the others.
        rows: by number of each other its rows beside the reference's.
    """
    records = (reference, *others)
    names = dict.fromkeys(
        name for record in records for part in ("validation", "test") for name in record.metrics[part]
    )
    return [_compared(name, reference, others, rows) for name in names]


def _compared(
    name: str, reference: ExperimentRecord, others: Sequence[ExperimentRecord], rows: Mapping[int, Rows]
) -> MetricComparison:
    records = (reference, *others)
    pairs = _corrected([_paired(name, reference, other, rows[other.id]) for other in others])
    return MetricComparison(
        name,
        better_is_lower(name),
        {record.id: record.metrics["validation"][name] for record in records if name in record.metrics["validation"]},
        {record.id: record.metrics["test"][name] for record in records if name in record.metrics["test"]},
        tuple(pairs),
    )


def _corrected(pairs: Sequence[Paired]) -> list[Paired]:
    """Holm's correction, for all tests of one metric against the reference."""
    results = [pair.result for pair in pairs if pair.result is not None]
    corrected = iter(holm([result.p for result in results]))
    return [
        pair
        if pair.result is None
        else replace(pair, result=replace(pair.result, p_holm=next(corrected), comparisons=len(results)))
        for pair in pairs
    ]


def _paired(name: str, reference: ExperimentRecord, other: ExperimentRecord, rows: Rows) -> Paired:
    parts = [record.metrics["validation"].get(name) or {} for record in (reference, other)]
    tests = [record.metrics["test"].get(name) for record in (reference, other)]
    values = [part.get("folds") or [] for part in parts]
    shared = rows.shared and len(values[0]) == len(values[1]) == len(rows.folds)
    per_fold = tuple(_minus(b, a) for a, b in zip(*values, strict=True)) if shared else ()
    pair = Paired(
        other.id,
        name,
        _minus(parts[1].get("mean"), parts[0].get("mean")),
        _minus(tests[1], tests[0]),
        per_fold,
        better_is_lower(name),
    )
    why = _why_not(name, (reference, other), rows, per_fold, [*values[0], *values[1]])
    if why:
        return replace(pair, why_not=why)
    return replace(pair, result=corrected_t_test([d for d in per_fold if d is not None], rows.ratio))


def _minus(value: Any, reference: Any) -> float | None:
    known = all(isinstance(each, int | float) and math.isfinite(each) for each in (value, reference))
    return float(value - reference) if known else None


def _why_not(
    name: str,
    records: tuple[ExperimentRecord, ExperimentRecord],
    rows: Rows,
    per_fold: Sequence[float | None],
    values: Sequence[float | None],
) -> str:
    """Why the test cannot be made; empty if it can."""
    for record, other in (records, records[::-1]):
        if name not in record.metrics["validation"]:
            return f"only experiment {other.id} has it over folds"
    if rows.why_not:
        return rows.why_not
    if not same(*(definition(record, name) for record in records)):
        return f"'{name}' is another metric in each: their configurations define it differently"
    pooled = [record.id for record in records if record.metrics["validation"][name].get("pooled")]
    if pooled:
        return (
            f"'{name}' has no value for each fold in experiment {pooled[0]}: it is taken over all predictions at once"
        )
    undefined = sum(1 for each in per_fold if each is None)
    if undefined or not per_fold:
        return f"'{name}' is not defined on {undefined} of {len(per_fold)} folds"
    known = [each for each in per_fold if each is not None]
    if constant(known, [each for each in values if each is not None]):
        size = "no difference on any fold" if max(map(abs, known)) == 0 else "the same difference on every fold"
        return f"there is {size}, so there is no variance to test against"
    return ""


def definition(record: ExperimentRecord, name: str) -> Any:
    """What the configuration says of a metric; its name where that cannot be told.

    Metrics are recorded in the order of the configuration, so the position tells which entry is which.
    """
    entries = record.config.get("metrics")
    names = list(record.metrics["validation"] or record.metrics["test"])
    if not isinstance(entries, list) or len(entries) != len(names) or name not in names:
        return name
    return entries[names.index(name)]
