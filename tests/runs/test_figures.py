"""Every figure is the one that scikit-learn gives when it is called directly, fold by fold, to the bit."""

from __future__ import annotations

import importlib
import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from runs.lab import PACKAGE, Lab, Outcome, sklearn, trial
from scipy import stats
from sklearn.metrics import fbeta_score, get_scorer

from expfw.datasets import FoldsDataset
from expfw.interfaces import Data, take

STRATIFIED = sklearn("model_selection.StratifiedKFold", n_splits=3, shuffle=True)
CLASSIFY = ["accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss"]
BINARY = [*CLASSIFY, "roc_auc", "average_precision", "neg_brier_score"]
REGRESS = ["r2", "neg_root_mean_squared_error", "neg_mean_absolute_error", "neg_median_absolute_error"]

CASES: dict[str, dict[str, Any]] = {
    "binary logistic": {"resampling": STRATIFIED, "metrics": [*BINARY, "precision", "recall"]},
    "binary forest": {
        "resampling": sklearn("model_selection.RepeatedStratifiedKFold", n_splits=2, n_repeats=2),
        "model": sklearn("ensemble.RandomForestClassifier", n_estimators=5),
        "metrics": BINARY,
    },
    "multiclass": {
        "data_source": trial("Made", target="multi", rows=90),
        "resampling": STRATIFIED,
        "model": sklearn("naive_bayes.GaussianNB"),
        "metrics": [*CLASSIFY, "roc_auc_ovr", "roc_auc_ovo_weighted", "top_k_accuracy"],
    },
    "text labels": {
        "data_source": trial("Made", target="text", rows=90),
        "model": sklearn("neighbors.KNeighborsClassifier"),
        "resampling": STRATIFIED,
        "metrics": [*CLASSIFY, "matthews_corrcoef", "roc_auc_ovr"],
    },
    "boolean labels": {
        "data_source": trial("Made", target="boolean"),
        "metrics": BINARY,
        "resampling": sklearn("model_selection.ShuffleSplit", n_splits=3, test_size=0.3),
    },
    "category labels": {
        "data_source": trial("Made", target="category"),
        "model": sklearn("tree.DecisionTreeClassifier", max_depth=2),
        "resampling": STRATIFIED,
        "metrics": ["accuracy", "roc_auc", "f1_macro"],
    },
    "decision function only": {
        "resampling": STRATIFIED,
        "model": sklearn("svm.SVC"),
        "metrics": ["accuracy", "roc_auc", "average_precision"],
    },
    "decision function, many classes": {
        "data_source": trial("Made", target="multi", rows=90),
        "resampling": STRATIFIED,
        "model": sklearn("svm.LinearSVC"),
        "metrics": ["accuracy", "f1_weighted"],
    },
    "regression": {
        "data_source": trial("Made", target="number"),
        "model": sklearn("linear_model.Ridge", alpha=3.0),
        "metrics": REGRESS,
    },
    "regression forest": {
        "data_source": trial("Made", target="number"),
        "resampling": sklearn("model_selection.TimeSeriesSplit", n_splits=3),
        "model": sklearn("ensemble.RandomForestRegressor", n_estimators=5),
        "metrics": REGRESS,
    },
    "several targets": {
        "data_source": trial("Made", target="several"),
        "model": sklearn("linear_model.LinearRegression"),
        "metrics": ["r2", "neg_mean_squared_error"],
    },
    "groups": {
        "data_source": trial("Made", groups=6),
        "holdout": sklearn("model_selection.GroupShuffleSplit", n_splits=1, test_size=0.3),
        "resampling": sklearn("model_selection.LeaveOneGroupOut"),
        "metrics": ["accuracy", "f1_macro"],
    },
    "features": {
        "resampling": STRATIFIED,
        "features": sklearn("preprocessing.StandardScaler"),
        "metrics": BINARY,
    },
    "frame with an index": {
        "data_source": trial("Made", kind="indexed"),
        "resampling": STRATIFIED,
        "metrics": BINARY,
    },
}


def load(outcome: Outcome, name: str) -> Any:
    """A pickled output."""
    return pickle.loads((outcome.folder / name).read_bytes())


def made(component: Mapping[str, Any] | None) -> Any:
    """A component, built without the framework."""
    if component is None:
        return None
    module, _, name = component["type"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**component["params"])


def directly(config: Mapping[str, Any], train: Data, rows: Data, names: list[str]) -> dict[str, float]:
    """Fit and score with scikit-learn alone."""
    features, model = made(config["features"]), made(config["model"])
    X, X_rows = train.X, rows.X
    if features is not None:
        X, X_rows = features.fit_transform(X, train.y), features.transform(X_rows)
    model.fit(X, train.y)
    return {name: float(get_scorer(name)(model, X_rows, rows.y)) for name in names}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore")
def test_a_metric_is_what_scikit_learn_gives(lab: Lab, case: str) -> None:
    changes = CASES[case]
    outcome = lab.run(changes).ok()
    config = outcome.json("log/config.json")
    development, test = load(outcome, "data/development_data.pkl"), load(outcome, "data/test_data.pkl")
    splitter = made(config["resampling"])
    splits = list(splitter.split(development.X, development.y, development.groups))
    names = changes["metrics"]
    assert sum(len(part["folds"]) for part in outcome.metrics["validation"].values()) == len(splits) * len(names)
    for number, (train, validation) in enumerate(splits):
        expected = directly(config, development.take(train), development.take(validation), names)
        assert {name: outcome.metrics["validation"][name]["folds"][number] for name in names} == expected
    assert outcome.metrics["test"] == directly(config, development, test, names)


def test_the_folds_are_what_the_splitter_gives(lab: Lab) -> None:
    outcome = lab.run({"resampling": STRATIFIED}).ok()
    data, config = load(outcome, "data/development_data.pkl"), outcome.json("log/config.json")
    folds = FoldsDataset(filepath=str(outcome.folder / "data" / "folds.npz")).load()
    for fold, (train, validation) in zip(folds, made(config["resampling"]).split(data.X, data.y), strict=True):
        assert fold.train.tolist() == train.tolist()
        assert fold.validation.tolist() == validation.tolist()


def test_metric_functions_and_classes_are_called_with_their_parameters(lab: Lab) -> None:
    metrics = [
        {"type": "sklearn.metrics.fbeta_score", "params": {"beta": 2.0, "average": "macro"}},
        {"type": "sklearn.metrics.fbeta_score", "params": {"beta": 0.5}},
        {"type": f"{PACKAGE}.trial.error_of_ten", "params": {"weight": 100.0}},
        {"type": "MyMetric"},
    ]
    outcome = lab.run({"metrics": metrics}).ok()
    validation = outcome.metrics["validation"]
    assert list(validation) == ["fbeta_score", "fbeta_score_2", "error_of_ten", "MyMetric"]
    data, config = load(outcome, "data/development_data.pkl"), outcome.json("log/config.json")
    for number, (train, rows) in enumerate(made(config["resampling"]).split(data.X)):
        true, predicted = take(data.y, rows), made(config["model"]).fit(*xy(data, train)).predict(take(data.X, rows))
        wrong = float(np.mean(true != predicted))
        assert validation["fbeta_score"]["folds"][number] == fbeta_score(true, predicted, beta=2.0, average="macro")
        assert validation["fbeta_score_2"]["folds"][number] == fbeta_score(true, predicted, beta=0.5)
        assert validation["error_of_ten"]["folds"][number] == 100 * wrong


def xy(data: Data, rows: Any) -> tuple[Any, Any]:
    """Features and target of some rows."""
    return take(data.X, rows), take(data.y, rows)


def test_mean_deviation_and_interval_are_those_of_the_folds(lab: Lab) -> None:
    outcome = lab.run({"resampling": sklearn("model_selection.KFold", n_splits=4)}).ok()
    summary = outcome.metrics["validation"]["accuracy"]
    folds = np.array(summary["folds"])
    half = stats.t.ppf(0.975, 3) * folds.std(ddof=1) * math.sqrt(1 / 4 + 12 / 36)
    assert summary["mean"] == folds.mean()
    assert summary["std"] == folds.std(ddof=1)
    assert summary["ci95"] == pytest.approx([folds.mean() - half, folds.mean() + half])


def test_a_single_fold_has_no_deviation(lab: Lab) -> None:
    outcome = lab.run({"resampling": sklearn("model_selection.ShuffleSplit", n_splits=1)}).ok()
    summary = outcome.metrics["validation"]["accuracy"]
    assert (summary["std"], summary["ci95"]) == (None, None)
    assert summary["mean"] == summary["folds"][0]


def test_a_class_that_a_fold_lacked_is_measured_as_well(lab: Lab) -> None:
    """Ordered labels without shuffling: each fold validates a class that its model never saw."""
    changes = {
        "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
        "holdout": None,
        "resampling": sklearn("model_selection.KFold", n_splits=3),
    }
    outcome = lab.run({**changes, "metrics": ["accuracy", "f1_macro"]}).ok()
    assert outcome.metrics["validation"]["accuracy"]["folds"] == [0.0, 0.0, 0.0]
