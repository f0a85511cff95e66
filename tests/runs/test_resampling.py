"""Resampling through real runs: the same folds, models and figures as scikit-learn called directly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from runs.lab import Lab, sklearn, trial
from sklearn import model_selection
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_validate

from expfw.opening import open_experiment

ROWS = 24
WHOLE: dict[str, Any] = {"holdout": None, "data_source": trial("Made", rows=ROWS, groups=6)}


def rows(lab: Lab) -> Any:
    """The development rows of the first experiment."""
    return open_experiment(1, lab.project.path, lab.root).development_data


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("RepeatedStratifiedKFold", {"n_splits": 3, "n_repeats": 2, "random_state": 42}),
        ("LeaveOneGroupOut", {}),
        ("TimeSeriesSplit", {"n_splits": 3}),
        ("PredefinedSplit", {"test_fold": [0, 1, 2, -1] * 6}),
    ],
)
def test_a_run_equals_cross_validate_to_the_bit(lab: Lab, name: str, params: dict[str, Any]) -> None:
    changes = {**WHOLE, "resampling": sklearn(f"model_selection.{name}", **params), "metrics": ["accuracy"]}
    found = lab.run(changes).ok().metrics["validation"]["accuracy"]
    data, splitter = rows(lab), getattr(model_selection, name)(**params)
    model = LogisticRegression(random_state=42)
    expected = cross_validate(model, data.X, data.y, groups=data.groups, cv=splitter, scoring="accuracy")
    assert found["folds"] == expected["test_score"].tolist()


def test_an_area_that_no_single_row_has_is_taken_over_all_of_them(lab: Lab) -> None:
    outcome = lab.run(
        {**WHOLE, "resampling": sklearn("model_selection.LeaveOneOut"), "metrics": ["roc_auc", "accuracy"]}
    )
    metrics = outcome.ok().metrics["validation"]
    table = open_experiment(1, lab.project.path, lab.root).predictions
    area = metrics["roc_auc"]
    assert area["mean"] == roc_auc_score(table["y_true"].astype(int), table["proba_1"])
    assert (area["pooled"], area["folds"]) == (True, [None] * ROWS)
    assert area["ci95"][0] < area["mean"] < area["ci95"][1]
    assert "pooled" not in metrics["accuracy"]
    assert f"pooled over {ROWS} folds" in outcome.text
    page = (outcome.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert f"over the pooled predictions of {ROWS} folds" in page


@pytest.mark.slow
def test_a_comparison_says_why_a_pooled_value_is_not_tested(lab: Lab) -> None:
    changes = {**WHOLE, "resampling": sklearn("model_selection.LeaveOneOut"), "metrics": ["roc_auc"]}
    lab.run(changes).ok()
    lab.run({**changes, "model": sklearn("naive_bayes.GaussianNB")}).ok()
    told = lab.kedro("experiment", "compare", "1", "2").ok().out
    assert "it is taken over all predictions at once" in " ".join(told.split())


def test_a_bootstrap_has_the_estimates_632(lab: Lab) -> None:
    outcome = lab.run({**WHOLE, "data_source": trial("Made"), "resampling": {"type": "Bootstrap"}}).ok()
    found = outcome.metrics["validation"]["accuracy"]
    opened = open_experiment(1, lab.project.path, lab.root)
    data, model = opened.development_data, opened.final_model
    answers = model.predict(data.X)
    apparent = np.mean(answers == data.y)
    chance = np.mean([np.mean(answers == truth) for truth in data.y])
    assert found["bootstrap"]["apparent"] == pytest.approx(apparent)
    assert found["bootstrap"]["no_information"] == pytest.approx(chance)
    assert found["bootstrap"]["632"] == pytest.approx(0.368 * apparent + 0.632 * found["mean"])
    page = (outcome.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "The .632 estimate is" in page


def test_an_untested_experiment_has_no_estimates_632(lab: Lab) -> None:
    outcome = lab.run({**WHOLE, "resampling": {"type": "Bootstrap", "params": {"n_splits": 5}}, "test": False}).ok()
    assert "bootstrap" not in outcome.metrics["validation"]["accuracy"]


def test_early_stopping_watches_training_rows_alone(lab: Lab) -> None:
    boosting = sklearn("ensemble.HistGradientBoostingClassifier", early_stopping=True, max_iter=20, min_samples_leaf=2)
    stopping = sklearn("model_selection.ShuffleSplit", n_splits=1, test_size=0.25)
    changes = {
        **WHOLE,
        "model": boosting,
        "early_stopping": stopping,
        "features": sklearn("preprocessing.StandardScaler"),
    }
    lab.run(changes).ok()
    opened = open_experiment(1, lab.project.path, lab.root)
    data = opened.development_data
    for number, fold in enumerate(opened.folds):
        part = data.take(fold.train)
        splitter = model_selection.ShuffleSplit(n_splits=1, test_size=0.25, random_state=42)
        kept, watched = next(splitter.split(part.X, part.y))
        model: Any = opened.fold_models[number]
        assert model.features.mean_.tolist() == pytest.approx(np.mean(part.take(kept).X, axis=0).tolist())
        fresh = type(model.model)(early_stopping=True, max_iter=20, min_samples_leaf=2, random_state=42)
        fresh.fit(
            model.transform(part.take(kept).X),
            part.take(kept).y,
            X_val=model.transform(part.take(watched).X),
            y_val=part.take(watched).y,
        )
        assert fresh.validation_score_.tolist() == model.model.validation_score_.tolist()
    assert len(vars(opened.final_model.model)["validation_score_"]) > 1


def test_a_model_that_cannot_stop_early_is_a_fault_before_anything_runs(lab: Lab) -> None:
    stopping = {"early_stopping": sklearn("model_selection.ShuffleSplit", n_splits=1)}
    message = lab.run(stopping).message()
    assert "takes no rows to watch: its fit has neither X_val and y_val nor eval_set" in message
    boosting = sklearn("ensemble.HistGradientBoostingClassifier")
    assert "early_stopping is not set: set it to true" in lab.run({**stopping, "model": boosting}).message().replace(
        ";", ":"
    )
    several = {"early_stopping": sklearn("model_selection.KFold", n_splits=3)}
    assert "gives 3 splits, early stopping is one" in lab.run(several).message()
    assert not lab.root.exists() or not list(lab.root.glob("result_experiment_*"))
