"""No row that is measured on is ever learnt from: proved by components that note the rows that they are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs.lab import Lab, Outcome, read_lines, sklearn, trial

from expfw.datasets import FoldsDataset

ROWS = 60


def watched(lab: Lab, folder: Path, features: str = "WatchedFeatures", **changes: Any) -> tuple[Outcome, Any]:
    """Run an experiment whose components take notes; give its ending and the notes."""
    journal = str(folder / "journal.jsonl")
    components = {
        "data_source": trial("Made", rows=ROWS),
        "features": trial(features, journal=journal),
        "model": trial("Watched", journal=journal),
        **changes,
    }
    outcome = lab.run(components).ok()
    return outcome, read_lines(Path(journal))


def rows_of(outcome: Outcome) -> tuple[set[int], list[tuple[set[int], set[int]]]]:
    """The held-out rows, and of each fold the training and the validation rows, by their own number."""
    import pickle

    development = pickle.loads((outcome.folder / "data" / "development_data.pkl").read_bytes())
    test = pickle.loads((outcome.folder / "data" / "test_data.pkl").read_bytes())
    number = np.asarray(development.X)[:, 0].astype(int)
    folds = FoldsDataset(filepath=str(outcome.folder / "data" / "folds.npz")).load()
    parts = [(set(number[fold.train].tolist()), set(number[fold.validation].tolist())) for fold in folds]
    return set(np.asarray(test.X)[:, 0].astype(int).tolist()), parts


def noted(notes: list[dict[str, Any]], what: str) -> list[set[int]]:
    """The rows of each call."""
    return [set(note["ids"]) for note in notes if note["what"] == what]


def test_a_model_is_fitted_on_the_folds_training_rows_only(lab: Lab, tmp_path: Path) -> None:
    outcome, notes = watched(lab, tmp_path)
    test, folds = rows_of(outcome)
    fits = noted(notes, "model.fit")
    assert len(test) == 12
    assert len(fits) == len(folds) + 1
    for train, validation in folds:
        assert train in fits
        assert not train & validation
        assert not train & test
    assert set(range(ROWS)) - test in fits, "the final model is fitted on all development rows"
    assert not any(rows & test for rows in fits)


def test_features_are_fitted_on_the_same_rows_as_the_model(lab: Lab, tmp_path: Path) -> None:
    _, notes = watched(lab, tmp_path)
    by_call = sorted(noted(notes, "features.fit"), key=sorted)
    assert by_call == sorted(noted(notes, "model.fit"), key=sorted)
    assert len(by_call) == 4


def test_features_only_transform_what_is_measured_on(lab: Lab, tmp_path: Path) -> None:
    outcome, notes = watched(lab, tmp_path)
    test, folds = rows_of(outcome)
    transformed = [(set(note["ids"]), set(note["learnt"])) for note in notes if note["what"] == "features.transform"]
    for measured in (test, *(validation for _, validation in folds)):
        learnt = [learnt for rows, learnt in transformed if rows == measured]
        assert learnt == [set()] * len(learnt)
        assert learnt


def test_each_validation_row_is_predicted_by_the_model_that_did_not_see_it(lab: Lab, tmp_path: Path) -> None:
    outcome, notes = watched(lab, tmp_path)
    test, folds = rows_of(outcome)
    predicted = noted(notes, "model.predict")
    assert all(validation in predicted for _, validation in folds)
    assert test in predicted


def test_fit_transform_is_preferred_where_there_is_one(lab: Lab, tmp_path: Path) -> None:
    outcome, notes = watched(lab, tmp_path, features="WatchedTransformer")
    test, _ = rows_of(outcome)
    fits = noted(notes, "features.fit_transform")
    assert len(fits) == 4
    assert not noted(notes, "features.fit")
    assert not any(rows & test for rows in fits)


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_it_holds_with_every_runner(lab: Lab, tmp_path: Path, runner: str) -> None:
    journal = str(tmp_path / "journal.jsonl")
    changes = {"data_source": trial("Made", rows=ROWS), "model": trial("Watched", journal=journal)}
    outcome = lab.run(changes, "--runner", runner).ok()
    test, folds = rows_of(outcome)
    fits = noted(read_lines(Path(journal)), "model.fit")
    assert sorted(map(sorted, fits)) == sorted(map(sorted, [*(t for t, _ in folds), set(range(ROWS)) - test]))


def test_groups_stay_together(lab: Lab, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "data_source": trial("Made", rows=ROWS, groups=12),
        "holdout": sklearn("model_selection.GroupShuffleSplit", n_splits=1, test_size=0.25),
        "resampling": sklearn("model_selection.GroupKFold", n_splits=3),
    }
    outcome, notes = watched(lab, tmp_path, **changes)
    test, folds = rows_of(outcome)
    for train, validation in folds:
        groups = [{row % 12 for row in rows} for rows in (train, validation, test)]
        assert sum(map(len, groups)) == 12 == len(set.union(*groups))
    assert not any(rows & test for rows in noted(notes, "model.fit"))


def test_a_drawn_row_of_the_bootstrap_never_validates(lab: Lab, tmp_path: Path) -> None:
    outcome, _ = watched(lab, tmp_path, resampling={"type": "Bootstrap", "params": {"n_splits": 4}})
    test, folds = rows_of(outcome)
    assert len(folds) == 4
    assert all(not train & validation and not (train | validation) & test for train, validation in folds)


def test_a_row_that_is_in_both_parts_stops_the_run(lab: Lab) -> None:
    outcome = lab.run({"resampling": trial("Pairs", pairs=[[[0, 1, 2, 3], [4, 5]], [[0, 1, 2], [2, 3]]])})
    message = outcome.message()
    assert "split 2 of 2" in message
    assert "in both" in message


def test_a_row_that_is_in_both_parts_by_another_number_stops_the_run(lab: Lab) -> None:
    """Of 48 rows the last one is both row 47 and row -1."""
    outcome = lab.run({"resampling": trial("Pairs", pairs=[[[*range(20), 47], [-1]]])})
    assert "-1" in outcome.message()


def test_a_search_inside_of_the_model_sees_the_training_rows_only(lab: Lab) -> None:
    """scikit-learn's own search, nested: its result per fold differs from one on all rows."""
    search = sklearn(
        "model_selection.GridSearchCV",
        estimator=sklearn("linear_model.LogisticRegression"),
        param_grid={"C": [0.01, 1.0]},
        cv=2,
    )
    outcome = lab.run({"model": search}).ok()
    import pickle

    fold_0 = pickle.loads((outcome.folder / "model" / "folds" / "fold_0.pkl").read_bytes())
    final = pickle.loads((outcome.folder / "model" / "final_model.pkl").read_bytes())
    assert fold_0.model.best_estimator_.coef_.tolist() != final.model.best_estimator_.coef_.tolist()
    assert json.dumps(outcome.metrics)
