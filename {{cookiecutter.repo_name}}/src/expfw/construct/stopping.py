"""Whether a model can make use of the rows that ``early_stopping`` splits off: found before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from expfw.construct.blueprint import Blueprint
from expfw.stopping import switched_off, takes_watched

MODELS = "sklearn.ensemble.HistGradientBoostingClassifier, xgboost.XGBClassifier or lightgbm.LGBMClassifier"

Problem = tuple[tuple[str, ...], str, str]
"""Key path, what is wrong, what to do."""


def stopping_problems(planned: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps a model from stopping early although ``early_stopping`` is configured.

    Args:
        planned: for each key its plan.
    """
    model = planned.get("model")
    if planned.get("early_stopping") is None or not isinstance(model, Blueprint):
        return
    if takes_watched(model.target) is None:
        yield (
            ("early_stopping",),
            f"{model.type} takes no rows to watch: its fit has neither X_val and y_val nor eval_set",
            f"set early_stopping to null, or take a model that does, such as {MODELS}; a model within another one is "
            "not reached, name it at model and what comes before it at features",
        )
        return
    switch = switched_off(model.target, model.params)
    if switch is not None:
        value = "true" if switch == "early_stopping" else "a number of rounds, for example 10"
        what = f"does not stop early by itself: its parameter {switch} is {model.params.get(switch, 'not set')}"
        yield ("model", "params", switch), f"{model.type} {what}", f"set it to {value}, or early_stopping to null"
