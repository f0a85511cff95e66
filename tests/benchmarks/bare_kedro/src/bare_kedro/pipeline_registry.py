"""The experiment's ten steps as plain Kedro nodes: nothing is tracked, checked or reported."""

import os

from kedro.pipeline import Node, Pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit


def load():
    """All rows."""
    return load_breast_cancer(return_X_y=True, as_frame=True)


def prepare(raw_data):
    """Nothing to do."""
    return raw_data


def hold_out(prepared_data):
    """A fifth of the rows."""
    X, y = prepared_data
    train, test = next(StratifiedShuffleSplit(n_splits=1, test_size=0.2, random_state=42).split(X, y))
    return (X.iloc[train], y.iloc[train]), (X.iloc[test], y.iloc[test])


def resample(development_data):
    """Five folds."""
    return list(StratifiedKFold(5, shuffle=True, random_state=42).split(*development_data))


def build():
    """The experiment's model."""
    return RandomForestClassifier(n_estimators=int(os.environ.get("TREES", "200")), random_state=42)


def fit(development_data, folds):
    """One model per fold."""
    X, y = development_data
    return [build().fit(X.iloc[train], y.iloc[train]) for train, _ in folds]


def predict(fold_models, development_data, folds):
    """Validation rows."""
    X, y = development_data
    parts = zip(fold_models, folds, strict=True)
    return [(y.iloc[v], model.predict(X.iloc[v]), model.predict_proba(X.iloc[v])[:, 1]) for model, (_, v) in parts]


def measure(y, predicted, probability):
    """Three metrics."""
    return {
        "accuracy": accuracy_score(y, predicted),
        "f1_macro": f1_score(y, predicted, average="macro"),
        "roc_auc": roc_auc_score(y, probability),
    }


def evaluate(predictions):
    """Per fold."""
    return [measure(*part) for part in predictions]


def refit(development_data):
    """The final model."""
    return build().fit(*development_data)


def test(final_model, test_data):
    """Held-out rows."""
    X, y = test_data
    return measure(y, final_model.predict(X), final_model.predict_proba(X)[:, 1])


def report(validation_metrics, test_metrics):
    """Both."""
    return f"{validation_metrics}\n{test_metrics}"


def register_pipelines():
    """One pipeline."""
    nodes = [
        Node(load, None, "raw_data"),
        Node(prepare, "raw_data", "prepared_data"),
        Node(hold_out, "prepared_data", ["development_data", "test_data"]),
        Node(resample, "development_data", "folds"),
        Node(fit, ["development_data", "folds"], "fold_models"),
        Node(predict, ["fold_models", "development_data", "folds"], "predictions"),
        Node(evaluate, "predictions", "validation_metrics"),
        Node(refit, "development_data", "final_model"),
        Node(test, ["final_model", "test_data"], "test_metrics"),
        Node(report, ["validation_metrics", "test_metrics"], "report"),
    ]
    return {"__default__": Pipeline(nodes)}
