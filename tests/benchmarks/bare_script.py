"""The computation of the shipped breast-cancer forest experiment in a bare scikit-learn script: the first baseline."""

import json
import os
import pickle
import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit


def build():
    """The experiment's model."""
    return RandomForestClassifier(n_estimators=int(os.environ.get("TREES", "200")), random_state=42)


def measure(model, X, y):
    """The experiment's three metrics."""
    predicted = model.predict(X)
    return {
        "accuracy": accuracy_score(y, predicted),
        "f1_macro": f1_score(y, predicted, average="macro"),
        "roc_auc": roc_auc_score(y, model.predict_proba(X)[:, 1]),
    }


def main(folder: Path) -> None:
    """Hold out, cross-validate, refit, test; write models and metrics."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    train, test = next(StratifiedShuffleSplit(n_splits=1, test_size=0.2, random_state=42).split(X, y))
    X_dev, y_dev = X.iloc[train], y.iloc[train]
    folds = []
    for number, (fit, validate) in enumerate(StratifiedKFold(5, shuffle=True, random_state=42).split(X_dev, y_dev)):
        model = build().fit(X_dev.iloc[fit], y_dev.iloc[fit])
        (folder / f"fold_{number}.pkl").write_bytes(pickle.dumps(model))
        folds.append(measure(model, X_dev.iloc[validate], y_dev.iloc[validate]))
    final = build().fit(X_dev, y_dev)
    (folder / "final_model.pkl").write_bytes(pickle.dumps(final))
    metrics = {"validation": folds, "test": measure(final, X.iloc[test], y.iloc[test])}
    (folder / "metrics.json").write_text(json.dumps(metrics))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
