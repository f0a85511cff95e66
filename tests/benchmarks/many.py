"""As many experiments as one likes: copies of one that was run, each with settings and results of its own."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LINKS = 10_000
"""Copies of a file that is the same in all experiments; file systems limit how many names a file may have."""

MODELS = {
    "sklearn.linear_model.LogisticRegression": lambda chance: {"C": chance.choice([0.01, 0.1, 1.0, 10.0])},
    "sklearn.ensemble.RandomForestClassifier": lambda chance: {
        "n_estimators": chance.choice([100, 200, 400]),
        "max_depth": chance.choice([None, 4, 8, 16]),
    },
    "sklearn.svm.SVC": lambda chance: {"C": chance.lognormvariate(0, 2), "gamma": chance.lognormvariate(-3, 2)},
}


def multiply(folder: Path, root: Path, count: int) -> None:
    """Fill ``root`` with ``count`` experiments that differ as those of a search do.

    Args:
        folder: of the experiment to copy, ``result_experiment_1``.
        root: where to put them.
        count: how many.
    """
    chance = random.Random(42)
    read = {
        name: json.loads((folder / name).read_text())
        for name in ("log/run.json", "log/config.json", "report/validation_metrics.json", "report/test_metrics.json")
    }
    same = ("log/sacred/run.json", "log/checksums.json", "log/timing.json", "log/events.jsonl")
    for number in range(1, count + 1):
        target = root / f"result_experiment_{number}"
        for part in ("log/sacred", "report"):
            (target / part).mkdir(parents=True)
        for name in same:
            first = root / f"result_experiment_{number - (number - 1) % LINKS}"
            if target == first:
                (target / name).write_bytes((folder / name).read_bytes())
            else:
                os.link(first / name, target / name)
        for name, content in read.items():
            (target / name).write_text(json.dumps(altered(name, content, number, chance), indent=2))


def altered(name: str, content: Any, number: int, chance: random.Random) -> Any:
    """A file's content for another experiment."""
    if name == "log/run.json":
        started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        return {**content, "id": number, "hash": f"{chance.getrandbits(64):016x}", "started": started.isoformat()}
    if name == "log/config.json":
        kind = chance.choice(list(MODELS))
        model = {"type": kind, "params": {**MODELS[kind](chance), "random_state": chance.randrange(5)}}
        return {**content, "model": model, "tags": chance.choice([["baseline"], ["search"], []])}
    if name == "report/validation_metrics.json":
        return {key: {**value, "mean": chance.random()} for key, value in content.items()}
    return {key: chance.random() for key in content}
