"""How much each parameter of a search matters, as Optuna estimates it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from expfw.index.direction import better_is_lower
from expfw.report.search.found import Searched
from expfw.search.course import quiet_optuna
from expfw.search.pruning import frozen_trial

LEAST = 10
"""Complete trials below which nothing is estimated: of fewer, the best tenth is not even one."""


@dataclass(frozen=True)
class Importance:
    """How much each parameter matters.

    Args:
        shares: by name, its share, the greatest first; they add up to 1. Empty if nothing can be said.
        why_not: why nothing can be said.
        left_out: parameters of which nothing can be said, for they do not count in every trial.
    """

    shares: dict[str, float] = field(default_factory=dict)
    why_not: str = ""
    left_out: tuple[str, ...] = ()


def importance(found: Searched) -> Importance:
    """Estimate it by PED-ANOVA, which has no random part, and takes milliseconds for thousands of trials.

    Source: S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
    Arbitrary Subspaces", IJCAI (2023), 4389-4396.

    Args:
        found: the search.
    """
    complete = found.complete
    common = [name for name in _names(found) if all(name in trial.point for trial in complete)]
    left_out = tuple(name for name in _names(found) if name not in common)
    if len(complete) < LEAST:
        return Importance(why_not=f"it takes {LEAST} complete trials or more, and there are {len(complete)}")
    if len({trial.value for trial in complete}) == 1:
        return Importance(why_not="all complete trials have the same value")
    if len(common) < 2:
        return Importance(why_not="fewer than two settings count in every trial, so there is nothing to compare")
    try:
        shares = _shares(found, common)
    except (ValueError, RuntimeError, ArithmeticError) as error:
        return Importance(why_not=f"Optuna cannot compute it: {error}")
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return Importance({name: float(share) for name, share in ranked}, left_out=left_out)


def _names(found: Searched) -> list[str]:
    return list(dict.fromkeys(name for trial in found.complete for name in trial.point))


def _shares(found: Searched, names: list[str]) -> Any:
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with quiet_optuna():
        study = optuna.create_study(direction="minimize" if better_is_lower(found.metric) else "maximize")
        study.add_trials(
            [frozen_trial(found.search.space, trial, "COMPLETE", (), [trial.value or 0.0]) for trial in found.complete]
        )
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), params=names)
