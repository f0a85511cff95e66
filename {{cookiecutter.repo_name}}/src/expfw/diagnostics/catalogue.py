"""The checks there are: code, name, severity, and what to do when one finds something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "info"]


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        code: ``EX1…`` for the data, ``EX2…`` for the split, ``EX3…`` for the result.
        name: the code in words.
        advice: what to do, a sentence.
        severity: ``warning`` where a finding makes the result doubtful, ``info`` where that depends on the use.
    """

    code: str
    name: str
    advice: str
    severity: Severity = "warning"


CHECKS: Mapping[str, Check] = {
    check.code: check
    for check in (
        Check("EX101", "rows-in-both-parts", "Drop the copies before the split, or keep them together by groups."),
        Check("EX102", "near-copies-in-both-parts", "Give the copies of a row one group, and split by groups."),
        Check("EX103", "target-among-features", "Leave the column out of the features."),
        Check(
            "EX104",
            "one-feature-predicts-all",
            "Ask whether the column is known before the target is; if it is not, leave it out.",
        ),
        Check("EX105", "identifier-among-features", "Leave the column out of the features, or name it as groups."),
        Check(
            "EX106",
            "categories-unseen-in-training",
            "Stratify or group the split by that column, or join rare categories.",
        ),
        Check(
            "EX107",
            "missing-only-in-evaluation",
            "Find out why values are missing in these rows only: another source, another period?",
        ),
        Check("EX108", "scaled-before-the-split", "Scale in the step features, which is fitted on training rows only."),
        Check("EX201", "groups-in-both-parts", "Choose a splitter that keeps groups together, such as GroupKFold."),
        Check("EX202", "time-order-broken", "Sort the rows by time, and choose TimeSeriesSplit and LastRows."),
        Check("EX203", "class-absent", "Choose a stratified splitter, or fewer folds."),
        Check("EX301", "no-better-than-baseline", "Do not rely on the model; look at the target, features and metric."),
        Check("EX302", "training-above-validation", "Simplify or regularise the model, or give it more rows."),
        Check("EX303", "folds-far-apart", "Look at what is different about the folds at both ends."),
        Check("EX304", "test-below-validation", "Look at what is different about the test rows."),
    )
}
"""All checks, by code."""

PAGE = "docs/reference/checks.md"
"""The page that explains the checks, in the repository of the template."""


def link(code: str) -> str:
    """Where a check is explained.

    Example:
        >>> link("EX101")
        'docs/reference/checks.md#ex101'
    """
    return f"{PAGE}#{code.lower()}"
