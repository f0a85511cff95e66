"""All checks over a run's results: none of them can fail the run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from expfw.diagnostics import copies, leaks, parts, scores, splits
from expfw.diagnostics.catalogue import CHECKS, link
from expfw.diagnostics.examined import Examined, Finding, NotApplicable
from expfw.results import Results
from expfw.run.files import plain
from expfw.scoring import NamedMetric

Find = Callable[[Examined], Finding | None]

FINDERS: Mapping[str, Find] = {
    "EX101": copies.rows_in_both_parts,
    "EX102": copies.near_copies_in_both_parts,
    "EX103": leaks.target_among_features,
    "EX104": leaks.one_feature_predicts_all,
    "EX105": leaks.identifier_among_features,
    "EX106": parts.categories_unseen_in_training,
    "EX107": parts.missing_only_in_evaluation,
    "EX108": leaks.scaled_before_the_split,
    "EX201": splits.groups_in_both_parts,
    "EX202": splits.time_order_broken,
    "EX203": splits.class_absent,
    "EX301": scores.no_better_than_baseline,
    "EX302": scores.training_above_validation,
    "EX303": scores.folds_far_apart,
    "EX304": scores.test_below_validation,
}
"""What makes each check."""


def diagnose(
    results: Results,
    *,
    metrics: Callable[[], list[NamedMetric]],
    mute: Mapping[str, str] | None = None,
    may_ask_model: bool = True,
) -> dict[str, Any]:
    """Make every check.

    Args:
        results: a run's results.
        metrics: gives the run's metrics.
        mute: codes whose findings are no news, and why.
        may_ask_model: whether the final model may be asked for predictions: one with services might add to the page.

    Returns:
        ``{"baseline", "training", "findings": [{"code", "name", "sentence", "how", "advice", "link", "severity",
        "muted"}], "skipped": [{"code", "why"}]}``; see the reference of the checks.
    """
    examined = Examined(results, metrics, may_ask_model)
    findings, skipped = [], []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for code, find in FINDERS.items():
            try:
                found = find(examined)
            except Exception as error:  # a check must not cost anyone a result
                skipped.append({"code": code, "why": _why(error)})
                continue
            if found is not None:
                findings.append(_entry(code, found, (mute or {}).get(code)))
        return {
            "baseline": plain(examined.kept.get("baseline")),
            "training": plain(examined.kept.get("training")),
            "findings": findings,
            "skipped": skipped,
        }


def _why(error: Exception) -> str:
    if isinstance(error, NotApplicable):
        return str(error)
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}"


def _entry(code: str, found: Finding, muted: str | None) -> dict[str, Any]:
    check = CHECKS[code]
    entry: dict[str, Any] = plain(
        {
            "code": code,
            "name": check.name,
            "sentence": found.sentence,
            "how": found.how,
            "advice": check.advice,
            "link": link(code),
            "severity": check.severity,
            "muted": muted,
        }
    )
    return entry
