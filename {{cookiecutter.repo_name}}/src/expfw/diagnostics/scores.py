"""Checks of the result (EX3…): against the baseline, against training rows, over folds, on test rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtrit

from expfw.diagnostics.baseline import CLASSIFIER, baseline, training
from expfw.diagnostics.examined import Examined, Finding, NotApplicable
from expfw.index.direction import better_is_lower
from expfw.intervals import summary
from expfw.results import Predictions

KEPT_AT_LEAST = 1 / 3
"""Part of what the model gains over the baseline on its training rows that should be left on rows it has not seen."""

BY_CHANCE = 1e-3
"""Differences that chance gives with at least this probability are no finding."""

LEAST_ROWS = 20
"""Measured rows below which nothing is said against the baseline."""

FAR = 0.5
"""The range of the folds is worth a word from this part of the gain over the baseline on."""


def no_better_than_baseline(examined: Examined) -> Finding | None:
    """EX301: the model's metric is no better than that of a model without features."""
    known, name = _baseline(examined), examined.main.name
    if _is_baseline(examined):
        raise NotApplicable("the model is a baseline itself")
    _ask_for_rows(examined)
    kind = "the most frequent class" if known["type"] == CLASSIFIER else "the mean of the target"
    how = f"a baseline ({known['type']}) was fitted on the same training rows and measured on the same rows"
    sign = _sign(name)
    own, other = _folds(examined.results.validation_metrics, name), _folds(known["validation"], name)
    if own is None or other is None:
        model, dummy = examined.results.test_metrics.get(name), known["test"].get(name)
        if model is None or dummy is None:
            raise NotApplicable(f"there is no baseline for {name}")
        if sign * (model - dummy) > 0:
            return None
        return Finding(f"{name} is {_number(model)} on the test rows, {kind} gives {_number(dummy)}", how)
    gain = summary((sign * (own - other)).tolist(), examined.results.folds)
    if gain["mean"] > 0 and not (len(own) > 2 and gain["ci95"] is not None and gain["ci95"][0] <= 0):
        return None
    interval = "" if gain["ci95"] is None else " (95 % interval {} to {})".format(*map(_number, gain["ci95"]))
    return Finding(
        f"{name} is {_number(own.mean())} over the folds, {kind} gives {_number(other.mean())}: "
        f"a gain of {_number(gain['mean'])}{interval}",
        f"{how}, fold by fold; the interval's method: {gain['ci95_method']}",
    )


def training_above_validation(examined: Examined) -> Finding | None:
    """EX302: most of what the model gains over the baseline is gone on rows that it has not seen."""
    if _is_baseline(examined):
        raise NotApplicable("the model is a baseline itself")
    known, name = _baseline(examined), examined.main.name
    _ask_for_rows(examined)
    trained = _training(examined).get(name)
    unseen, dummy = _unseen(examined.results.validation_metrics, examined.results.test_metrics, name)
    other, _ = _unseen(known["validation"], known["test"], name)
    if trained is None or unseen is None or other is None or not math.isfinite(trained):
        raise NotApplicable(f"{name} has no value on training rows, on unseen rows, or for the baseline")
    sign = _sign(name)
    on_training, on_unseen = sign * (trained - other), sign * (unseen - other)
    if on_training <= 0 or on_unseen >= KEPT_AT_LEAST * on_training:
        return None
    return Finding(
        f"{name} is {_number(trained)} on training rows and {_number(unseen)} on {dummy} rows, where the baseline "
        f"has {_number(other)}: {max(on_unseen, 0) / on_training:.0%} of the gain is left",
        f"the final model was measured on {min(len(examined.development), 1000)} of the rows that it was fitted on; "
        f"less than {KEPT_AT_LEAST:.0%} of the gain over the baseline is far",
    )


def folds_far_apart(examined: Examined) -> Finding | None:
    """EX303: the folds differ by more than chance, and by much of what the model gains."""
    predictions, name = examined.results.predictions, examined.main.name
    own, other = (_folds(m, name) for m in (examined.results.validation_metrics, _baseline(examined)["validation"]))
    if own is None or other is None or len(own) < 3:
        raise NotApplicable("there are fewer than three folds with a metric")
    gain, width = abs(float((own - other).mean())), float(np.max(own) - np.min(own))
    probability = _by_chance(_errors(predictions), np.asarray(predictions.frame["fold"]))
    if probability >= BY_CHANCE or width < FAR * gain:
        return None
    return Finding(
        f"{name} is {_number(np.min(own))} in fold {int(np.argmin(own)) + 1} and {_number(np.max(own))} in fold "
        f"{int(np.argmax(own)) + 1}, {_number(width)} apart; the mean gain over the baseline is {_number(gain)}",
        f"the rows' errors were compared between folds (analysis of variance, p = {probability:.1g}), and the range of "
        "the folds with the gain over the baseline",
    )


def test_below_validation(examined: Examined) -> Finding | None:
    """EX304: the test rows are worse than the folds explain."""
    results, name = examined.results, examined.main.name
    own, value = _folds(results.validation_metrics, name), results.test_metrics.get(name)
    if own is None or value is None or len(own) < 3:
        raise NotApplicable("there are fewer than three folds and a test with a metric")
    sign, count = _sign(name), len(own)
    reach = float(stdtrit(count - 1, 0.975)) * float(np.std(own, ddof=1)) * math.sqrt(1 + 1 / count)
    worse = sign * (float(own.mean()) - value)
    apart = _standard_errors(_errors(results.test_predictions), _errors(results.predictions))
    if worse <= reach or apart < 3.3:
        return None
    return Finding(
        f"{name} is {_number(value)} on the test rows and {_number(own.mean())} over the folds, {_number(worse)} "
        f"worse; the folds' spread explains {_number(reach)}",
        "the test metric was compared with the 95 % prediction interval of one more fold, and the rows' errors of test "
        f"and validation with each other ({apart:.1f} standard errors apart)",
    )


test_below_validation.__test__ = False  # type: ignore[attr-defined] # no test of pytest's


def _is_baseline(examined: Examined) -> bool:
    """Whether the model is a baseline; its name tells where no final model was fitted."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    from expfw.components.model import MajorityOrMean

    kinds = (DummyClassifier, DummyRegressor, MajorityOrMean)
    model = examined.results.final_model
    if model is not None:
        return isinstance(getattr(model, "model", model), kinds)
    name = str((examined.results.config.get("model") or {}).get("type")).rpartition(".")[2]
    return name in {kind.__name__ for kind in kinds}


def _ask_for_rows(examined: Examined) -> None:
    if max(len(examined.results.predictions), len(examined.results.test_predictions)) < LEAST_ROWS:
        raise NotApplicable(f"fewer than {LEAST_ROWS} rows were measured")


def _baseline(examined: Examined) -> dict[str, Any]:
    if "baseline" not in examined.kept:
        examined.kept["baseline"] = baseline(examined)
    known: dict[str, Any] = examined.kept["baseline"]
    return known


def _training(examined: Examined) -> dict[str, float]:
    if "training" not in examined.kept:
        examined.kept["training"] = training(examined)
    known: dict[str, float] = examined.kept["training"]
    return known


def _sign(name: str) -> int:
    return -1 if better_is_lower(name) else 1


def _folds(metrics: Mapping[str, Any], name: str) -> NDArray[np.float64] | None:
    """A metric's value in each fold; None if one is not defined, or there are no folds."""
    values = metrics.get(name, {}).get("folds") or [None]
    return None if any(value is None for value in values) else np.asarray(values, dtype=np.float64)


def _unseen(validation: Mapping[str, Any], test: Mapping[str, Any], name: str) -> tuple[float | None, str]:
    """A metric on rows that were not trained on, and which."""
    mean = validation.get(name, {}).get("mean")
    return (mean, "validation") if mean is not None else (test.get(name), "test")


def _errors(predictions: Predictions) -> NDArray[np.float64]:
    """Each row's error: 1 for a wrong class, the absolute difference for a number."""
    true, given = predictions.y_true, predictions.y_pred
    if true is None or true.ndim > 1:
        raise NotApplicable("there is no single target")
    if predictions.classes is not None:
        return np.asarray(true != given, dtype=np.float64)
    return np.abs(true.astype(np.float64) - given.astype(np.float64))


def _by_chance(errors: NDArray[np.float64], folds: NDArray[Any]) -> float:
    """Probability that the folds' mean errors differ so much by chance: one-way analysis of variance.

    Args:
        errors: of each row, shape ``(n_rows,)``.
        folds: number of each row's fold, shape ``(n_rows,)``.

    Raises:
        NotApplicable: if no fold has two rows.
    """
    counts = np.bincount(folds).astype(np.float64)
    counts_there, means = counts[counts > 0], (np.bincount(folds, errors) / np.maximum(counts, 1))
    k, n = len(counts_there), len(errors)
    if n <= k:
        raise NotApplicable("no fold has two rows")
    within = float(((errors - means[folds]) ** 2).sum()) / (n - k)
    between = float((counts * (means - errors.mean()) ** 2)[counts > 0].sum()) / (k - 1)
    if within == 0:
        return 1.0 if between == 0 else 0.0
    return float(fdtrc(k - 1, n - k, between / within))


def _standard_errors(test: NDArray[np.float64], validation: NDArray[np.float64]) -> float:
    """By how many standard errors test rows are worse than validation rows."""
    if len(test) < 2:
        raise NotApplicable("there is one test row only")
    variance = sum(float(np.var(part, ddof=1)) / len(part) for part in (test, validation))
    difference = float(test.mean() - validation.mean())
    return math.inf if variance == 0 and difference > 0 else difference / math.sqrt(variance) if variance else 0.0


def _number(value: float) -> str:
    return f"{value:.3g}"
