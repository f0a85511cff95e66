"""Frames, arrays, lists, texts, sparse matrices, several targets, no target: whatever scikit-learn takes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from runs.lab import Lab, Outcome, sklearn, trial

REPORTS = [{"type": name} for name in ("MetricsTable", "ConfusionMatrix", "RocCurve", "Residuals", "FoldSpread")]
TEXT = sklearn("feature_extraction.text.TfidfVectorizer")

CASES: dict[str, dict[str, Any]] = {
    "array": {"data_source": trial("Made", kind="array")},
    "list": {"data_source": trial("Made", kind="list")},
    "sparse": {"data_source": trial("Made", kind="sparse")},
    "sparse after features": {"features": sklearn("preprocessing.OneHotEncoder", handle_unknown="ignore")},
    "text": {"data_source": trial("Made", kind="text"), "features": TEXT},
    "text with text labels": {"data_source": trial("Made", kind="text", target="text", rows=90), "features": TEXT},
    "index": {"data_source": trial("Made", kind="indexed", target="text", rows=90)},
    "index and groups": {
        "data_source": trial("Made", kind="indexed", groups=10),
        "holdout": sklearn("model_selection.GroupShuffleSplit", n_splits=1, test_size=0.2),
        "resampling": sklearn("model_selection.GroupKFold", n_splits=3),
    },
    "several numbers": {
        "data_source": trial("Made", target="several"),
        "model": sklearn("ensemble.RandomForestRegressor", n_estimators=3),
        "metrics": ["r2"],
    },
    "several labels": {
        "data_source": trial("Made", target="multilabel"),
        "model": sklearn("neighbors.KNeighborsClassifier"),
        "metrics": ["accuracy"],
    },
    "no target": {
        "data_source": trial("Made", target="none"),
        "model": sklearn("cluster.KMeans", n_clusters=2),
        "metrics": [],
    },
    "no target, outliers": {
        "data_source": trial("Made", target="none"),
        "model": sklearn("ensemble.IsolationForest", n_estimators=5),
        "metrics": [],
    },
    "one feature": {"features": sklearn("feature_selection.SelectKBest", k=1)},
    "category labels": {"data_source": trial("Made", target="category")},
    "boolean labels": {"data_source": trial("Made", target="boolean")},
    "a regressor on labels": {"model": sklearn("linear_model.Ridge"), "metrics": ["r2"]},
}


def table(outcome: Outcome, name: str = "predictions") -> pd.DataFrame:
    """A table of a run."""
    return pd.read_feather(outcome.folder / "data" / f"{name}.feather")


@pytest.mark.parametrize("case", CASES)
def test_it_runs_and_every_row_is_predicted_once(lab: Lab, case: str) -> None:
    changes = CASES[case]
    outcome = lab.run({**changes, "reports": REPORTS}).ok()
    rows = table(outcome)["row"]
    assert sorted(rows) == list(range(len(rows)))
    assert len(rows) + len(table(outcome, "test_predictions")) in (60, 90)
    assert set(outcome.metrics["validation"]) == set(changes.get("metrics", ["accuracy"]))
    assert (outcome.folder / "report" / "index.html").stat().st_size > 1000


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
@pytest.mark.parametrize("case", ["text", "sparse", "no target"])
def test_it_runs_with_every_runner(lab: Lab, case: str, runner: str) -> None:
    expected = lab.run(CASES[case]).ok()
    metrics, predictions = expected.metrics, table(expected)
    outcome = lab.run(CASES[case], "--runner", runner).ok()
    assert outcome.metrics == metrics
    pd.testing.assert_frame_equal(table(outcome), predictions)


def test_without_a_target_there_is_no_truth_in_the_table(lab: Lab) -> None:
    predictions = table(lab.run(CASES["no target"]).ok())
    assert list(predictions.columns) == ["fold", "row", "y_pred"]


def test_several_targets_have_a_column_each(lab: Lab) -> None:
    predictions = table(lab.run(CASES["several numbers"]).ok())
    assert list(predictions.columns) == ["fold", "row", "y_true_0", "y_true_1", "y_pred_0", "y_pred_1"]


def test_an_index_changes_nothing(lab: Lab) -> None:
    """Rows are counted by position; a frame and a target with indices in opposite orders are not rearranged."""
    plain = lab.run({"data_source": trial("Made", target="text", rows=90)}).ok()
    expected, metrics = table(plain), plain.metrics
    indexed = lab.run({"data_source": trial("Made", kind="indexed", target="text", rows=90)}).ok()
    assert indexed.metrics == metrics
    pd.testing.assert_frame_equal(table(indexed), expected)


def test_the_catalogs_entries_are_a_data_source(lab: Lab) -> None:
    """The smoke experiment of a catalog entry, in the environment that has it."""
    outcome = lab.kedro("run", "--env", "smoke", "--params", "experiment=regression_entry").ok()
    assert "r2" in outcome.metrics["validation"]
