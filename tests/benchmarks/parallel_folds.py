"""Runs an experiment of eight folds in one process, twice each way; prints the seconds of its ``fit`` node as JSON."""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project

EXPERIMENT = {
    "experiment": "breast_cancer_forest",
    "reuse": "off",
    "resampling.type": "sklearn.model_selection.KFold",
    "resampling.params.n_splits": 8,
    "model.type": "sklearn.ensemble.RandomForestClassifier",
    "model.params.n_estimators": 300,
    "model.params.n_jobs": 1,
}


def fit_seconds(project: Path, parallel: Any) -> float:
    """Seconds of the ``fit`` node of one run."""
    params = {"parallel": parallel}
    for key, value in EXPERIMENT.items():
        inner = params
        *path, last = key.split(".")
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    with settings.SESSION_CLASS.create(project_path=project, runtime_params=params) as session:
        session.run()
        timing = json.loads((session.folder.log / "timing.json").read_text(encoding="utf-8"))
    return float(timing["nodes"]["fit"])


def cross_validate_seconds(n_jobs: int) -> float:
    """The like of it by scikit-learn's own ``cross_validate``."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import KFold, cross_validate

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    started = time.perf_counter()
    cross_validate(RandomForestClassifier(300, random_state=0), X, y, cv=KFold(8), n_jobs=n_jobs, return_estimator=True)
    return time.perf_counter() - started


def main(project: Path, n_jobs: int, scheduler: str) -> dict[str, list[float]]:
    """By way, the seconds of a first and a second run; scikit-learn's warm workers are its own."""
    bootstrap_project(project)
    logging.disable(logging.INFO)
    ways: dict[str, Any] = {"serial": None, "loky": {"type": "loky", "params": {"n_jobs": n_jobs}}}
    if scheduler:
        ways["dask"] = {"type": "dask", "params": {"scheduler": scheduler}}
    found = {name: [fit_seconds(project, parallel) for _ in range(2)] for name, parallel in ways.items()}
    found["cross_validate serial"] = [cross_validate_seconds(1) for _ in range(2)]
    found["cross_validate"] = [cross_validate_seconds(n_jobs) for _ in range(2)]
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
