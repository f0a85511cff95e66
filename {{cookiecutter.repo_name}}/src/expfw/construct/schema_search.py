"""The section ``search`` of an experiment file in JSON Schema."""

from __future__ import annotations

from expfw.construct.schema_types import Schema

_POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
_WHOLE: Schema = {"type": "integer", "minimum": 1}

_NUMBER: Schema = {
    "type": "object",
    "description": "A number between two bounds, both included; whole if they are whole.",
    "required": ["low", "high"],
    "properties": {
        "low": {"type": "number"},
        "high": {"type": "number"},
        "step": {**_POSITIVE, "description": "Distance of neighbouring values."},
        "log": {"type": "boolean", "description": "Spread evenly over orders of magnitude."},
    },
    "additionalProperties": False,
}

_CHOICES: Schema = {
    "type": "array",
    "minItems": 1,
    "description": "Values to choose from. A component may have a space of its own: {type, params, space}.",
}

_SPACE: Schema = {
    "type": "object",
    "minProperties": 1,
    "description": "By key path of this file, what values there are.",
    "additionalProperties": {
        "anyOf": [
            _NUMBER,
            {
                "type": "object",
                "required": ["choices"],
                "properties": {"choices": _CHOICES},
                "additionalProperties": False,
            },
            _CHOICES,
        ]
    },
}


def _optuna(kind: str, others: list[str | None], example: str) -> Schema:
    named: Schema = {"type": "string", "examples": [example, f"optuna.{kind}s.{example}"]}
    made: Schema = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": named, "params": {"type": "object"}},
        "additionalProperties": False,
    }
    return {"anyOf": [{"enum": others}, named, made]}


SEARCH: Schema = {
    "type": ["object", "null"],
    "description": "What 'kedro experiment search' varies, and how. A plain run does not read it.",
    "required": ["space"],
    "properties": {
        "space": _SPACE,
        "sampler": {
            **_optuna("sampler", ["grid", "random"], "TPESampler"),
            "description": "Which values come next: grid, random, or one of Optuna's samplers.",
        },
        "pruner": {
            **_optuna("pruner", [None], "MedianPruner"),
            "description": "What breaks off poor trials between folds: one of Optuna's pruners.",
        },
        "n_trials": {**_WHOLE, "description": "How many trials there shall be."},
        "timeout": {**_POSITIVE, "description": "Seconds after which no trial begins."},
        "metric": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
            "description": "The metric to go by; several for a Pareto front.",
        },
        "batch": {**_WHOLE, "description": "How many trials a sampler that learns is asked for at a time."},
        "keep_models": {"type": "boolean", "description": "Whether trials keep the fitted models of their folds."},
        "nested": {
            "type": ["object", "null"],
            "required": ["type"],
            "description": "The splitter within each fold of resampling: nested cross-validation.",
        },
    },
    "additionalProperties": False,
}
"""The section."""

SELECTION: Schema = {
    "type": ["object", "null"],
    "description": "Which search chose this configuration; written by it.",
}
"""What a search writes into the file of its best configuration."""
