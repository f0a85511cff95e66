"""Each check finds what it is for, says nothing of data without it, and none of them can fail a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from diagnosed import checked, codes, made
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit, StratifiedKFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from expfw.diagnostics.catalogue import CHECKS, link
from expfw.diagnostics.diagnose import FINDERS
from expfw.interfaces import Data
from expfw.results import Results

FOLDS = KFold(5, shuffle=True, random_state=0)
STRATIFIED = StratifiedKFold(5, shuffle=True, random_state=0)
TENTH = ShuffleSplit(1, test_size=0.2, random_state=0)
WORDS = make_pipeline(CountVectorizer(), LogisticRegression())
LINEAR = make_pipeline(FunctionTransformer(lambda X: np.asarray(X)[:, :3].astype(float)), LogisticRegression())


def plain_data(rows: int = 300, seed: int = 0) -> Data:
    """Three numbers, of which the first tells something of two classes."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(rows, 3)), columns=["a", "b", "c"])
    return Data(X, (X["a"] + random.normal(size=rows) > 0).to_numpy().astype(int))


def plain(**changes: Any) -> Results:
    """A run that nothing is wrong with, but for what is changed."""
    told = {"data": plain_data(), "model": LINEAR, "metrics": ["accuracy"], "resampling": FOLDS, "holdout": TENTH}
    return made(**{**told, **changes})


def with_columns(**columns: Any) -> Data:
    """The plain data with more columns; each a function of the frame and the target, or values."""
    data = plain_data()
    more = {name: make(data.X, data.y) if callable(make) else make for name, make in columns.items()}
    return Data(data.X.assign(**more), data.y)


def copied(share: float, noise: float = 0.0) -> Data:
    """The plain data with some of its rows twice."""
    data = plain_data()
    rows = np.concatenate([np.arange(300), np.arange(int(300 * share))])
    again = data.take(rows)
    if noise:
        again.X.iloc[300:] += np.random.default_rng(1).normal(scale=noise, size=(len(rows) - 300, 3))
    return again


def grouped(rows: int = 300, size: int = 3) -> Data:
    """The plain data in groups of three."""
    data = plain_data(rows)
    return Data(data.X, data.y, np.arange(rows) // size)


def dated(order: str, *, index: bool = False) -> Data:
    """The plain data with a moment for each row."""
    data = plain_data()
    days = pd.Series(pd.date_range("2020-01-01", periods=300).to_numpy())
    days = days.sample(frac=1, random_state=0).reset_index(drop=True) if order == "mixed" else days
    X = data.X.set_axis(pd.DatetimeIndex(days)) if index else data.X.assign(day=days)
    return Data(X, data.y)


def standardised(rows: slice) -> Data:
    """The plain data, scaled by mean and deviation of some rows."""
    data = plain_data()
    return Data((data.X - data.X[rows].mean()) / data.X[rows].std(ddof=0), data.y)


def ranged(ends: bool) -> Data:
    """The plain data between 0 and 1, with both ends or without."""
    data = plain_data()
    scaled = (data.X - data.X.min()) / (data.X.max() - data.X.min())
    return Data(scaled if ends else 0.01 + 0.98 * scaled, data.y)


def cities(new: int) -> Data:
    """The plain data with a city, of which one comes only among the last rows."""
    names = np.array(["Bern", "Rome", "Oslo"], dtype=object)[np.arange(300) % 3]
    names[300 - new :] = "Lima"
    return with_columns(city=names)


def gaps(rows: Any) -> Data:
    """The plain data with values missing in a column that the model does not use."""
    values = np.random.default_rng(3).normal(size=300)
    values[rows] = np.nan
    return with_columns(d=values)


class Last:
    """Holds the last rows out."""

    def __init__(self, test: int = 60) -> None:
        self.test = test

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """One split."""
        rows = np.arange(len(X))
        yield rows[: -self.test], rows[-self.test :]


def shifted(by: float, last: int) -> Data:
    """The plain data; in the last rows the target has nothing to do with the features, or the contrary."""
    data = plain_data()
    y = data.y.copy()
    y[-last:] = np.where(np.random.default_rng(5).random(last) < by, 1 - y[-last:], y[-last:])
    return Data(data.X, y)


def _three_classes_sorted() -> Results:
    """Three classes, one after the other, in folds that are not stratified."""
    X, y = load_iris(return_X_y=True)
    return made(Data(X, y), GaussianNB(), ["accuracy"], KFold(3))


ORDERED = {"holdout": {"type": "LastRows"}}
IN_TURN = TimeSeriesSplit(4)
NOISE = Data(plain_data().X, np.random.default_rng(9).permutation(plain_data().y))
NUMBERS = Data(plain_data().X, plain_data().X["a"].to_numpy() + np.random.default_rng(2).normal(size=300))
RMSE = {"metrics": ["neg_root_mean_squared_error"]}

FIRES: dict[str, dict[str, Callable[[], Results]]] = {
    "EX101": {
        "copies in a frame": lambda: plain(data=copied(0.3)),
        "copies in an array": lambda: plain(data=Data(copied(0.3).X.to_numpy(), copied(0.3).y)),
        "copies in a sparse matrix": lambda: plain(
            data=Data(sparse.csr_matrix(copied(0.3).X.to_numpy()), copied(0.3).y), model=LogisticRegression()
        ),
        "copies of texts": lambda: plain(data=texts(copies=40), model=WORDS),
    },
    "EX102": {
        "a little noise": lambda: plain(data=copied(0.3, noise=1e-6)),
        "other case and punctuation": lambda: plain(data=texts(copies=40, upper=True), model=WORDS),
    },
    "EX103": {
        "another name": lambda: plain(data=with_columns(label=lambda X, y: y)),
        "another code": lambda: plain(data=with_columns(label=lambda X, y: np.where(y == 1, "ill", "well"))),
        "a number under a monotone function": lambda: plain(
            **RMSE, data=Data(NUMBERS.X.assign(dose=np.exp(NUMBERS.y)), NUMBERS.y), model=Ridge()
        ),
    },
    "EX104": {
        "a finer code": lambda: plain(data=with_columns(code=lambda X, y: y * 10 + np.arange(len(y)) % 7)),
        "a number with a little noise": lambda: plain(
            **RMSE,
            data=Data(NUMBERS.X.assign(dose=NUMBERS.y + 0.01 * NUMBERS.X["b"]), NUMBERS.y),
            model=Ridge(),
        ),
    },
    "EX105": {
        "row numbers": lambda: plain(data=with_columns(nth=np.random.default_rng(0).permutation(300))),
        "far numbers under a name that says so": lambda: plain(
            data=with_columns(patient_id=lambda X, y: np.random.default_rng(0).choice(10**9, 300, replace=False))
        ),
        "texts": lambda: plain(data=with_columns(code=[f"P-{i:05}" for i in range(300)])),
    },
    "EX106": {"a city that is new": lambda: plain(data=cities(30), holdout=Last())},
    "EX107": {"gaps at the end": lambda: plain(data=gaps(np.arange(270, 300)), holdout=Last())},
    "EX108": {
        "mean and deviation of all rows": lambda: plain(data=standardised(slice(None))),
        "without a hold-out": lambda: plain(data=standardised(slice(None)), holdout=None),
        "range of all rows": lambda: plain(data=ranged(ends=True)),
    },
    "EX201": {
        "folds of rows": lambda: plain(data=grouped()),
        "a hold-out of rows": lambda: plain(data=grouped(), resampling=GroupKFold(5)),
    },
    "EX202": {
        "a time split of rows in no order": lambda: plain(data=dated("mixed"), resampling=IN_TURN, holdout=None),
        "the last rows held out of rows in no order": lambda: plain(
            data=dated("mixed"), resampling=None, holdout=Last(), config=ORDERED
        ),
        "shuffled folds of an index of moments": lambda: plain(data=dated("ordered", index=True)),
    },
    "EX203": {
        "folds of rows sorted by class": _three_classes_sorted,
    },
    "EX301": {
        "noise": lambda: plain(data=NOISE),
        "noise without folds": lambda: plain(data=NOISE, resampling=None, model=DecisionTreeClassifier(random_state=0)),
        "a number": lambda: plain(
            **RMSE, data=Data(NUMBERS.X, np.random.default_rng(0).normal(size=300)), model=Ridge()
        ),
    },
    "EX302": {
        "a tree that knows all rows by heart": lambda: plain(
            **RMSE, data=NUMBERS, model=DecisionTreeRegressor(random_state=0)
        ),
    },
    "EX303": {"a fold of another kind": lambda: plain(data=shifted(1.0, 60), resampling=KFold(5), holdout=None)},
    "EX304": {"test rows of another kind": lambda: plain(data=shifted(1.0, 60), holdout=Last())},
}
"""By code, runs in which the check must find something."""

SILENT: dict[str, dict[str, Callable[[], Results]]] = {
    "EX101": {
        "coarse values": lambda: plain(data=Data(plain_data().X.round(), plain_data().y)),
        "no copies": plain,
        "short words": lambda: plain(data=Data(["good day", "bad day"] * 150, np.tile([1, 0], 150)), model=WORDS),
    },
    "EX102": {
        "no copies": plain,
        "exact copies": lambda: plain(data=copied(0.3)),
        "noise as large as the values": lambda: plain(data=copied(0.3, noise=1.0)),
    },
    "EX103": {
        "one class in ten has another code": lambda: plain(
            data=with_columns(label=lambda X, y: np.where(np.arange(300) % 10 == 0, 1 - y, y))
        ),
        "a column with one value": lambda: plain(data=with_columns(one=np.ones(300))),
    },
    "EX104": {
        "a good feature": lambda: plain(data=with_columns(sign=lambda X, y: y + 0.4 * X["b"])),
        "the target itself, which another check tells": lambda: plain(data=with_columns(label=lambda X, y: y)),
    },
    "EX105": {
        "numbers that do not repeat": plain,
        "counts": lambda: plain(data=with_columns(people=np.random.default_rng(0).choice(10**7, 300, replace=False))),
        "free text": lambda: plain(data=with_columns(note=[f"the patient came {i} times" for i in range(300)])),
    },
    "EX106": {
        "the same cities": lambda: plain(data=cities(0), holdout=Last()),
        "rare cities at random": lambda: plain(
            data=with_columns(city=[f"c{int(v)}" for v in np.random.default_rng(0).exponential(15, 300)])
        ),
    },
    "EX107": {
        "gaps everywhere": lambda: plain(data=gaps(np.arange(0, 300, 7))),
        "one gap": lambda: plain(data=gaps([299]), holdout=Last()),
    },
    "EX108": {
        "raw values": plain,
        "mean and deviation of other rows": lambda: plain(data=standardised(slice(0, 150))),
        "shares": lambda: plain(data=ranged(ends=False)),
        "grades": lambda: plain(data=Data(ranged(ends=True).X.round(1), plain_data().y)),
    },
    "EX201": {
        "folds of groups": lambda: plain(data=grouped(), resampling=GroupKFold(5), holdout=None),
        "no groups": plain,
    },
    "EX202": {
        "a time split in order": lambda: plain(data=dated("ordered"), resampling=IN_TURN, holdout=None),
        "an index in order": lambda: plain(
            data=dated("ordered", index=True), resampling=IN_TURN, holdout=Last(), config=ORDERED
        ),
        "a date of birth": lambda: plain(data=dated("mixed")),
    },
    "EX203": {
        "stratified": lambda: plain(resampling=STRATIFIED),
        "one row at a time": lambda: plain(data=plain_data(60), resampling=LeaveOneOut(), holdout=None),
    },
    "EX301": {
        "something learned": plain,
        "the baseline itself": lambda: plain(model=DummyClassifier()),
        "a number": lambda: plain(**RMSE, data=NUMBERS, model=Ridge()),
    },
    "EX302": {
        "a line": lambda: plain(**RMSE, data=NUMBERS, model=LinearRegression()),
        "the baseline itself": lambda: plain(**RMSE, data=NUMBERS, model=DummyRegressor()),
    },
    "EX303": {
        "folds alike": plain,
        "one row at a time": lambda: plain(data=plain_data(60), resampling=LeaveOneOut(), holdout=None),
    },
    "EX304": {"test rows alike": plain},
}
"""By code, runs in which the check must not find anything."""


def texts(copies: int = 0, *, upper: bool = False) -> Data:
    """Sentences about two moods, some of them twice."""
    random = np.random.default_rng(0)
    y = np.arange(200) % 2
    moods = np.array(["bad poor sad", "good fine glad"])[y]
    written = [f"a {mood} day, number {n}" for mood, n in zip(moods, random.choice(10**6, 200), strict=True)]
    again = [text.upper() + "!" if upper else text for text in written[:copies]]
    return Data(written + again, np.concatenate([y, y[:copies]]))


def cases(table: dict[str, dict[str, Any]]) -> list[Any]:
    """Code and run, with an id."""
    return [pytest.param(code, run, id=f"{code} {name}") for code in table for name, run in table[code].items()]


@pytest.mark.parametrize(("code", "run"), cases(FIRES))
def test_a_check_finds_what_it_is_for(code: str, run: Callable[[], Results]) -> None:
    results = run()
    found = checked(results, ["accuracy"] if results.task == "classification" else RMSE["metrics"])
    assert code in codes(found), found
    (finding,) = [finding for finding in found["findings"] if finding["code"] == code]
    assert finding["link"] == link(code)
    assert any(character.isdigit() for character in finding["sentence"] + finding["how"])
    assert finding["sentence"][-1] != "."
    assert finding["advice"][-1] in ".?"


@pytest.mark.parametrize(("code", "run"), cases(SILENT))
def test_a_check_says_nothing_without_cause(code: str, run: Callable[[], Results]) -> None:
    results = run()
    found = checked(results, ["accuracy"] if results.task == "classification" else RMSE["metrics"])
    assert code not in codes(found), found
    assert all("Error" not in skipped["why"] for skipped in found["skipped"]), found["skipped"]


def test_each_check_has_a_run_of_both_kinds() -> None:
    assert set(FIRES) == set(SILENT) == set(CHECKS) == set(FINDERS)


KINDS: dict[str, Callable[[], tuple[Results, list[str]]]] = {
    "iris": lambda: (
        made(Data(*load_iris(return_X_y=True, as_frame=True)), LogisticRegression(max_iter=1000), ["accuracy"],
             STRATIFIED, TENTH), ["accuracy"]),
    "breast cancer": lambda: (
        made(Data(*load_breast_cancer(return_X_y=True)), GaussianNB(), ["roc_auc"], STRATIFIED, TENTH), ["roc_auc"]),
    "diabetes": lambda: (made(Data(*load_diabetes(return_X_y=True)), Ridge(), ["r2"], FOLDS, TENTH), ["r2"]),
    "unlabelled": lambda: (made(Data(np.random.default_rng(0).normal(size=(50, 2))), KMeans(2), [], FOLDS), []),
    "several targets": lambda: (several_targets(), ["r2"]),
    "2 rows": lambda: (made(Data(np.array([[1.0], [2.0]]), np.array([1.0, 2.0])), Ridge(), RMSE["metrics"],
                            KFold(2)), RMSE["metrics"]),
    "2000 columns": lambda: (
        made(Data(np.random.default_rng(0).normal(size=(200, 2000)), np.random.default_rng(1).normal(size=200)),
             DummyRegressor(), ["r2"], FOLDS), ["r2"]),
    "lists of lists": lambda: (plain(data=Data(plain_data().X.to_numpy().tolist(), plain_data().y)), ["accuracy"]),
    "texts": lambda: (plain(data=texts(), model=WORDS), ["accuracy"]),
}  # fmt: skip
"""Kinds of data, with nothing wrong about them."""


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_data_is_looked_at_without_a_false_alarm(kind: str) -> None:
    results, metrics = KINDS[kind]()
    found = checked(results, metrics)
    assert codes(found) == []
    assert all("Error" not in skipped["why"] for skipped in found["skipped"]), found["skipped"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def several_targets() -> Results:
    """A regression with two targets."""
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 3))
    return made(Data(X, X[:, :2] + random.normal(size=(100, 2))), Ridge(), ["r2"], FOLDS, TENTH)


def test_the_baseline_is_that_of_scikit_learn_on_the_same_rows() -> None:
    for data, metric, own, dummy in [
        (plain_data(), "neg_log_loss", LINEAR, DummyClassifier(strategy="prior")),
        (NUMBERS, "neg_root_mean_squared_error", Ridge(), DummyRegressor()),
    ]:
        found = checked(plain(data=data, metrics=[metric], model=own), [metric])["baseline"]
        same = plain(data=data, metrics=[metric], model=dummy)
        recorded = same.validation_metrics[metric]
        assert found["validation"] == {
            metric: {key: pytest.approx(recorded[key]) for key in ("mean", "std", "ci95", "folds")}
        }
        assert found["test"] == {metric: pytest.approx(same.test_metrics[metric])}
        assert found["type"].startswith(f"sklearn.dummy.{type(dummy).__name__}(")


def test_the_training_rows_are_measured_by_the_main_metric() -> None:
    results = plain(model=DecisionTreeClassifier(random_state=0), metrics=["neg_log_loss", "accuracy"])
    assert checked(results, ["accuracy", "neg_log_loss"])["training"] == {"accuracy": 1.0}
    probabilities = checked(results, ["neg_log_loss", "accuracy"])["training"]
    assert probabilities == {"neg_log_loss": pytest.approx(0, abs=1e-9)}


def test_a_model_with_services_is_not_asked_again() -> None:
    found = checked(plain(), ["accuracy"], may_ask_model=False)
    assert found["training"] is None
    assert {
        "code": "EX302",
        "why": "the model or its features use services of the run, so they are not asked again",
    } in (found["skipped"])


def test_a_check_that_breaks_is_listed_and_the_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> None:
        raise ZeroDivisionError("no rows\nat all")

    monkeypatch.setitem(FINDERS, "EX104", broken)
    found = checked(plain(data=copied(0.3)), ["accuracy"])
    assert {"code": "EX104", "why": "ZeroDivisionError: no rows"} in found["skipped"]
    assert codes(found) == ["EX101"]


def test_a_muted_finding_stays_with_its_reason() -> None:
    (finding,) = checked(plain(data=copied(0.3)), ["accuracy"], mute={"EX101": "measured twice"})["findings"]
    assert (finding["code"], finding["muted"]) == ("EX101", "measured twice")


def test_the_same_run_gives_the_same_and_leaves_the_generators_alone() -> None:
    results = plain(data=copied(0.3))
    state = np.random.get_state()[1].tolist()  # type: ignore[index]
    assert checked(results, ["accuracy"]) == checked(results, ["accuracy"])
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index]


def test_of_many_rows_copies_are_chosen_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("expfw.diagnostics.copies.MOST_CELLS", 400)
    found = checked(plain(data=copied(0.3)), ["accuracy"])
    (finding,) = [finding for finding in found["findings"] if finding["code"] == "EX101"]
    assert "chosen so that copies stay together" in finding["how"]
