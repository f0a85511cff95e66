"""How often the 95 % intervals hold the truth, on data whose truth is known; prints a table.

Two classes with normal features in five dimensions, and linear discriminant analysis: what a fitted rule is worth on
all data there could be follows from its coefficients. Two truths are asked for: the value of the model that is fitted
on all rows at hand (the final model's, of this one data set), and the mean value of models that are fitted on as many
rows as in the folds (what resampling estimates).

``python tests/benchmarks/coverage_of_intervals.py [data sets] [seed]``
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold, ShuffleSplit

from expfw.components.splitter import Bootstrap
from expfw.interfaces import Fold
from expfw.intervals import percentile_interval, summary

Floats = NDArray[np.float64]

FEATURES = 5
APART = {0.76: 1.4, 0.95: 3.3}
"""By the greatest accuracy that a rule can have, how far the middles of the classes lie apart."""

SCHEMES: dict[str, Callable[[int, int], Any]] = {
    "5-fold": lambda rows, seed: KFold(5, shuffle=True, random_state=seed),
    "10-fold": lambda rows, seed: KFold(10, shuffle=True, random_state=seed),
    "5-fold, 10 times": lambda rows, seed: RepeatedKFold(n_splits=5, n_repeats=10, random_state=seed),
    "20 random splits": lambda rows, seed: ShuffleSplit(20, test_size=0.2, random_state=seed),
    "leave one out": lambda rows, seed: LeaveOneOut(),
    "bootstrap": lambda rows, seed: Bootstrap(max(200, rows), random_state=seed),
}


@dataclass(frozen=True)
class Rule:
    """Linear discriminant analysis of two classes, fitted; ``x`` is of the second class where ``x @ w > c``."""

    w: Floats
    c: float

    @staticmethod
    def fit(x: Floats, y: NDArray[np.int64]) -> Rule:
        """Fit it, with a trace of shrinkage, so that few rows do as well."""
        middles = np.stack([x[y == label].mean(axis=0) for label in (0, 1)])
        rest = x - middles[y]
        spread = rest.T @ rest / max(len(x) - 2, 1) + 1e-6 * np.eye(x.shape[1])
        w = np.linalg.solve(spread, middles[1] - middles[0])
        return Rule(w, float(w @ middles.mean(axis=0) - np.log(y.mean() / (1 - y.mean()))))

    def accuracy(self, apart: float) -> float:
        """Its accuracy on all data there could be: classes of equal size, the middles at 0 and ``apart`` of an axis."""
        size = float(np.linalg.norm(self.w))
        return float(ndtr(self.c / size) + ndtr((self.w[0] * apart - self.c) / size)) / 2

    def area(self, apart: float) -> float:
        """Its area under the ROC curve there."""
        return float(ndtr(self.w[0] * apart / (np.sqrt(2) * np.linalg.norm(self.w))))


def area(y: NDArray[np.int64], scores: Floats) -> float:
    """Area under the ROC curve: how often a row of the second class scores higher; not a number for a single class."""
    below, above = np.sort(scores[y == 0]), scores[y == 1]
    if not len(below) or not len(above):
        return float("nan")
    lower = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(lower.mean()) / (2 * len(below))


def drawn(rows: int, apart: float, random: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """One data set, at least two rows of each class."""
    while True:
        y = random.integers(2, size=rows)
        if 2 <= y.sum() <= rows - 2:
            x = random.normal(size=(rows, FEATURES))
            x[:, 0] += apart * y
            return x, y


@dataclass(frozen=True)
class Answer:
    """One interval, and what it should hold.

    Args:
        scheme: how the folds were made.
        ends: the interval; None where none was given.
        final: the true value of the model that is fitted on all rows.
        folds: the mean true value of the models of the folds.
    """

    scheme: str
    ends: list[float] | None
    final: float
    folds: float


def measured(name: str, rows: int, apart: float, seed: int) -> Iterator[Answer]:
    """Accuracy by one scheme on one data set; of leave-one-out also the area, which has to be pooled."""
    x, y = drawn(rows, apart, np.random.default_rng(seed))
    folds = [Fold(*pair) for pair in SCHEMES[name](rows, seed).split(x, y)]
    folds = [fold for fold in folds if 0 < y[fold.train].sum() < len(fold.train)]
    rules = [Rule.fit(x[fold.train], y[fold.train]) for fold in folds]
    scores = [x[fold.validation] @ rule.w - rule.c for fold, rule in zip(folds, rules, strict=True)]
    right = [((s > 0) == y[fold.validation]).astype(float) for fold, s in zip(folds, scores, strict=True)]
    number = np.repeat(np.arange(len(folds)), [len(values) for values in right])
    at = np.concatenate([fold.validation for fold in folds])
    found = summary([float(v.mean()) for v in right], folds, lambda: (number, at, np.concatenate(right)))
    final = Rule.fit(x, y)
    yield Answer(name, found["ci95"], final.accuracy(apart), float(np.mean([r.accuracy(apart) for r in rules])))
    if name == "leave one out":
        pooled, truth = np.concatenate(scores), y[at]
        ends = percentile_interval(lambda rows: area(truth[rows], pooled[rows]), at, seed)
        areas = [rule.area(apart) for rule in rules]
        yield Answer("leave one out, pooled AUC", ends, final.area(apart), float(np.mean(areas)))


def main(sets: int, seed: int) -> None:
    """Print the table."""
    print(f"{sets} data sets each, seed {seed}; in percent of those with an interval")
    print(f"{'greatest':>8} {'rows':>5}  {'scheme':26} {'final':>6} {'resampled':>9} {'width':>6} {'given':>6}")
    for best, apart in APART.items():
        for rows in (40, 100, 400):
            answers: dict[str, list[Answer]] = defaultdict(list)
            for name in SCHEMES:
                for number in range(sets):
                    for answer in measured(name, rows, apart, seed + number):
                        answers[answer.scheme].append(answer)
            for scheme, found in answers.items():
                print(f"{best:8} {rows:5}  {scheme:26} {_line(found)}", flush=True)


def _line(answers: list[Answer]) -> str:
    """Coverage of both truths, mean width, and how often there was an interval at all."""
    given = [(answer.ends, answer) for answer in answers if answer.ends is not None]
    if not given:
        return f"{'–':>6} {'–':>9} {'–':>6} {0:6}"
    centre = float(np.mean([answer.folds for answer in answers]))
    final = np.mean([ends[0] <= answer.final <= ends[1] for ends, answer in given])
    resampled = np.mean([ends[0] <= centre <= ends[1] for ends, _ in given])
    width = np.mean([ends[1] - ends[0] for ends, _ in given])
    return f"{100 * final:6.1f} {100 * resampled:9.1f} {width:6.3f} {100 * len(given) / len(answers):6.0f}"


if __name__ == "__main__":
    main(*(int(value) for value in [*sys.argv[1:], *("1000", "0")[len(sys.argv) - 1 :]]))
