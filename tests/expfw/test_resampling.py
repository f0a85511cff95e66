"""Resampling from the configuration alone equals scikit-learn called directly, fold by fold and to the bit."""

from __future__ import annotations

import importlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import model_selection
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from expfw import steps
from expfw.components.splitter import Bootstrap
from expfw.config.experiment import load_experiment
from expfw.construct.find import Components
from expfw.construct.plan import make_plan
from expfw.interfaces import Data
from expfw.run.build import Builder, RunContext
from expfw.run.folder import take_folder

ROWS = 24
SEED = 3
SPLITTERS: dict[str, dict[str, Any]] = {
    "KFold": {"n_splits": 4},
    "StratifiedKFold": {"n_splits": 3, "shuffle": True},
    "GroupKFold": {"n_splits": 3},
    "StratifiedGroupKFold": {"n_splits": 2},
    "RepeatedKFold": {"n_splits": 3, "n_repeats": 2},
    "RepeatedStratifiedKFold": {"n_splits": 3, "n_repeats": 2},
    "LeaveOneOut": {},
    "LeavePOut": {"p": 1},
    "LeaveOneGroupOut": {},
    "LeavePGroupsOut": {"n_groups": 2},
    "ShuffleSplit": {"n_splits": 3, "test_size": 0.25},
    "StratifiedShuffleSplit": {"n_splits": 3, "test_size": 0.25},
    "GroupShuffleSplit": {"n_splits": 3, "test_size": 0.25},
    "TimeSeriesSplit": {"n_splits": 3},
    "PredefinedSplit": {"test_fold": [-1, 0, 1, 2] * (ROWS // 4)},
    "Bootstrap": {"n_splits": 4},
}
MODELS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "classes": {
        "bayes": ("sklearn.naive_bayes.GaussianNB", {}),
        "tree": ("sklearn.tree.DecisionTreeClassifier", {"max_depth": 2, "max_features": 1}),
        "logistic": ("sklearn.linear_model.LogisticRegression", {"C": 0.5}),
    },
    "numbers": {
        "ridge": ("sklearn.linear_model.Ridge", {"alpha": 0.1}),
        "tree": ("sklearn.tree.DecisionTreeRegressor", {"max_depth": 2, "max_features": 1}),
    },
}
METRICS = {
    "classes": ["accuracy", "neg_brier_score", "balanced_accuracy", "f1_macro", "roc_auc"],
    "numbers": ["neg_mean_absolute_error", "neg_root_mean_squared_error", "r2", "neg_max_error"],
}


def dotted_name(name: str) -> str:
    """What stands as the splitter's type."""
    return name if name == "Bootstrap" else f"sklearn.model_selection.{name}"


def splitter_of(name: str) -> Any:
    """The splitter, constructed as a user of scikit-learn would."""
    params = dict(SPLITTERS[name])
    if name == "Bootstrap":
        return Bootstrap(**params, random_state=SEED)
    target = getattr(model_selection, name)
    if "Shuffle" in name or "Repeated" in name or params.get("shuffle"):
        params["random_state"] = SEED
    return target(**params)


def estimator_of(kind: str, name: str, scaled: bool) -> Any:
    """Features and model, constructed as a user of scikit-learn would."""
    dotted, params = MODELS[kind][name]
    module, _, target = dotted.rpartition(".")
    seeded = {"random_state": SEED} if name != "bayes" else {}
    model = getattr(importlib.import_module(module), target)(**params, **seeded)
    return make_pipeline(StandardScaler(), model) if scaled else model


def rows(kind: str, seed: int) -> Data:
    """Rows of six groups, either class at least four times in each third."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(ROWS, 2)), columns=["a", "b"])
    classes = (np.arange(ROWS) // 2 + random.integers(2, size=ROWS) // 2) % 2
    y = classes if kind == "classes" else X["a"].to_numpy() + random.normal(size=ROWS)
    return Data(X, y, np.arange(ROWS) % 6)


def by_the_steps(config: dict[str, Any], data: Data) -> dict[str, Any]:
    """Validation metrics as the workflow's own functions give them."""
    whole: dict[str, Any] = {
        "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
        "holdout": None,
        "reports": [],
    }
    text = json.dumps({**whole, "defaults": {"random_state": SEED}, **config})
    experiment = load_experiment("a", {"a.json": ""}, lambda where: text, base={}, params={})
    with tempfile.TemporaryDirectory() as place:
        context = RunContext(make_plan(experiment, Components("", ("sklearn",))), take_folder(Path(place)))
        build = {key: Builder(key, context) for key in context.plan.components}
        folds = steps.resample(data, build["resampling"])
        models = {k: v for part in steps.fit(data, folds, build["features"], build["model"]) for k, v in part.items()}
        table = steps.predict(models, data, folds)  # type: ignore[arg-type]
        final = steps.refit(data, build["features"], build["model"])
        return steps.evaluate(table, folds, data, final, build["metrics"])  # type: ignore[arg-type]


def by_scikit_learn(name: str, estimator: Any, data: Data, metrics: list[str]) -> dict[str, list[float]]:
    """The same by a loop over scikit-learn's own objects."""
    found: dict[str, list[float]] = {metric: [] for metric in metrics}
    for train, validation in splitter_of(name).split(data.X, data.y, data.groups):
        part, held = data.take(train), data.take(validation)
        fitted = estimator.fit(part.X, part.y)
        for metric in metrics:
            found[metric].append(float(get_scorer(metric)(fitted, held.X, held.y)))
    return found


@st.composite
def configurations(draw: st.DrawFn) -> tuple[str, str, str, bool, list[str], int]:
    """Kind of target, splitter, model, whether features are scaled, metrics, seed of the rows."""
    kind = draw(st.sampled_from(sorted(MODELS)))
    names = sorted(name for name in SPLITTERS if kind == "classes" or not name.startswith(("Strat", "RepeatedStrat")))
    model = draw(st.sampled_from(sorted(MODELS[kind])))
    metrics = draw(st.lists(st.sampled_from(METRICS[kind]), min_size=1, max_size=2, unique=True))
    return kind, draw(st.sampled_from(names)), model, draw(st.booleans()), metrics, draw(st.integers(0, 999))


def compare(kind: str, name: str, model: str, scaled: bool, metrics: list[str], seed: int) -> None:
    """Configure, call scikit-learn directly, compare fold by fold."""
    data = rows(kind, seed)
    dotted, params = MODELS[kind][model]
    config = {
        "resampling": {"type": dotted_name(name), "params": SPLITTERS[name]},
        "features": {"type": "sklearn.preprocessing.StandardScaler"} if scaled else None,
        "model": {"type": dotted, "params": params},
        "metrics": metrics,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = by_scikit_learn(name, estimator_of(kind, model, scaled), data, metrics)
        found = by_the_steps(config, data)
    for metric, values in expected.items():
        given_values = [np.nan if value is None else value for value in found[metric]["folds"]]
        np.testing.assert_array_equal(given_values, values, err_msg=f"{metric} with {name}")
        if not found[metric].get("pooled"):
            assert found[metric]["mean"] == pytest.approx(np.mean(values), nan_ok=True)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations())
def test_whatever_is_drawn_equals_scikit_learn_to_the_bit(drawn: tuple[str, str, str, bool, list[str], int]) -> None:
    compare(*drawn)


@pytest.mark.parametrize("name", SPLITTERS)
def test_each_splitter_equals_scikit_learn_to_the_bit(name: str) -> None:
    compare("classes", name, "logistic", True, ["accuracy", "roc_auc"], 1)
