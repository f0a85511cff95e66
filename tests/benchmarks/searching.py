"""Searches in one process of a baked project, beside the bare loop; prints what was measured as JSON."""

import gc
import json
import logging
import statistics
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from kedro.framework import project as kedro_project
from kedro.framework.startup import bootstrap_project

IRIS = {
    "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
    "resampling": {"type": "sklearn.model_selection.StratifiedKFold", "params": {"n_splits": 5, "shuffle": True}},
    "model": {"type": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 1000}},
    "metrics": ["accuracy"],
    "reports": [],
    "search": {
        "space": {"model.params.C": {"low": 0.01, "high": 100.0, "log": True}},
        "sampler": "random",
        "n_trials": 50,
    },
}

FOREST = {
    "data_source": {"type": "SklearnDataset", "params": {"name": "breast_cancer"}},
    "resampling": {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 4}},
    "model": {"type": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 60}},
    "metrics": ["accuracy"],
    "reports": [],
    "search": {"space": {"model.params.max_depth": {"low": 2, "high": 40}}, "sampler": "random", "n_trials": 24},
}


def search(project: Path, name: str, content: dict[str, Any]) -> None:
    """Write a file, and search it."""
    from expfw.search.start import Wish
    from expfw.search.start import search as run

    (project / "config" / "experiments" / f"{name}.json").write_text(json.dumps(content))
    run(project, str(kedro_project.PACKAGE_NAME), name, Wish(test=False))


def bare_loop(point: dict[str, Any]) -> float:
    """Seconds of what scikit-learn needs for one trial."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_validate

    X, y = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(C=point["model.params.C"], max_iter=1000, random_state=42)
    started = time.perf_counter()
    cross_validate(model, X, y, cv=StratifiedKFold(5, shuffle=True, random_state=42), scoring="accuracy")
    return time.perf_counter() - started


def overhead(project: Path, name: str, trials: int) -> dict[str, Any]:
    """What a trial costs in all, from the asking to the next asking, and the bare loop in between."""
    from expfw.search import conduct
    from expfw.search.trial import run_trial as inner

    bare: list[float] = []
    began: list[float] = []
    apart: list[float] = []
    memory: list[float] = []

    def watched(bench: Any, task: Any) -> Any:
        began.append(time.perf_counter())
        ending = inner(bench, task)
        before = time.perf_counter()
        if task.number % 100 == 99:
            gc.collect()
            memory.append(psutil.Process().memory_info().rss / 2**20)
        if task.point:
            bare.append(bare_loop(task.point))
        apart.append(time.perf_counter() - before)  # does not count for the trial
        return ending

    vars(conduct)["run_trial"] = watched
    try:
        search(project, name, {**IRIS, "search": {**IRIS["search"], "n_trials": trials}})  # type: ignore[dict-item]
    finally:
        vars(conduct)["run_trial"] = inner
    whole = [b - a - less for (a, b), less in zip(pairwise(began), apart, strict=False)]
    return {
        "trial": statistics.median(whole[3:]),
        "first": whole[0],
        "bare": statistics.median(bare[3:]),
        "memory": memory,
    }


def rates(project: Path, parallel: dict[str, Any]) -> dict[str, list[float]]:
    """Seconds of a search of forests each way, in a first and a second use of its workers."""
    found: dict[str, list[float]] = {}
    for name, value in parallel.items():
        for _ in range(2):
            started = time.perf_counter()
            search(project, f"forest_{name}", {**FOREST, "parallel": value})
            found.setdefault(name, []).append(time.perf_counter() - started)
    return found


def main(project: Path, what: str, argument: str) -> Any:
    """One of the measurements."""
    bootstrap_project(project)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    if what == "overhead":
        return overhead(project, "iris_overhead", int(argument))
    return rates(project, json.loads(argument))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])))
