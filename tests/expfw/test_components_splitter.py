"""Default splitters: which rows they hold out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score, train_test_split

from expfw.components.splitter import Bootstrap, LastRows
from expfw.errors import ComponentError
from expfw.interfaces import Splitter

X = np.zeros((10, 2))


@pytest.mark.parametrize(("test_size", "held_out"), [(3, 3), (0.3, 3), (0.25, 3), (0.01, 1), (9, 9)])
def test_the_last_rows_are_held_out(test_size: float, held_out: int) -> None:
    [(train, test)] = LastRows(test_size).split(X)
    assert train.tolist() == list(range(10 - held_out))
    assert test.tolist() == list(range(10 - held_out, 10))
    assert LastRows(test_size).get_n_splits(X) == 1


@pytest.mark.parametrize("rows", [7, 10, 33])
@pytest.mark.parametrize("test_size", [0.1, 0.2, 0.33])
def test_a_share_is_rounded_as_by_scikit_learn(rows: int, test_size: float) -> None:
    [(_, test)] = LastRows(test_size).split(range(rows))
    assert len(test) == len(train_test_split(range(rows), test_size=test_size, shuffle=False)[1])


@pytest.mark.parametrize("test_size", [0, 1.0, 0.0, -1, 1.5, True, "0.2", float("nan")])
def test_a_test_size_that_is_neither_share_nor_number_is_refused(test_size: Any) -> None:
    with pytest.raises(ComponentError) as error:
        LastRows(test_size)
    assert str(error.value) == (
        f"LastRows: test_size is {test_size!r}; give a share between 0 and 1, or a number of rows from 1"
    )


@pytest.mark.parametrize(("test_size", "held_out"), [(10, 10), (0.99, 10), (50, 50)])
def test_holding_out_all_rows_is_refused(test_size: float, held_out: int) -> None:
    with pytest.raises(ComponentError, match=rf"test_size {test_size} holds out {held_out} of 10 rows; none is left"):
        next(LastRows(test_size).split(X))


def test_the_bootstrap_validates_on_rows_that_were_not_drawn() -> None:
    pairs = list(Bootstrap(50, random_state=1).split(np.zeros((200, 1))))
    assert len(pairs) == Bootstrap(50).get_n_splits() == 50
    for train, validation in pairs:
        assert len(train) == 200
        assert sorted({*train.tolist(), *validation.tolist()}) == list(range(200))
        assert not set(train) & set(validation)
    assert np.mean([len(validation) for _, validation in pairs]) / 200 == pytest.approx(np.exp(-1), abs=0.02)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_the_bootstrap_keeps_groups_together(kind: Any) -> None:
    groups = ["b", "a", "c", "a", "b", "d", "d", "d"]
    for train, validation in Bootstrap(20, random_state=0).split(np.zeros((8, 1)), groups=kind(groups)):
        left, right = {groups[row] for row in train}, {groups[row] for row in validation}
        assert right
        assert not left & right
        assert left | right == set(groups)
        counts = np.bincount(train, minlength=8)
        assert all(len({counts[row] for row in range(8) if groups[row] == group}) == 1 for group in groups)


def test_a_seed_repeats_the_draws() -> None:
    def draws(seed: int | None) -> list[list[int]]:
        return [train.tolist() for train, _ in Bootstrap(3, random_state=seed).split(X)]

    assert draws(5) == draws(5) != draws(6)
    assert draws(None) != draws(None)


def test_two_rows_always_leave_one_out_of_the_bag() -> None:
    assert all(len(validation) == 1 for _, validation in Bootstrap(30, random_state=0).split(np.zeros((2, 1))))


@pytest.mark.parametrize(("rows", "groups", "kind"), [(1, None, "rows"), (0, None, "rows"), (3, [1, 1, 1], "groups")])
def test_the_bootstrap_needs_two_rows_or_groups(rows: int, groups: Any, kind: str) -> None:
    with pytest.raises(ComponentError, match=rf"Bootstrap: needs two {kind} or more, there are [01]; use another"):
        next(Bootstrap().split(np.zeros((rows, 1)), groups=groups))


def test_the_bootstrap_needs_a_draw() -> None:
    with pytest.raises(ComponentError, match="Bootstrap: n_splits is 0; it must be at least 1"):
        Bootstrap(0)


@pytest.mark.parametrize("splitter", [LastRows(0.5), Bootstrap(3, random_state=0)])
def test_scikit_learn_takes_them_as_its_own(splitter: Any) -> None:
    scores = cross_val_score(Ridge(), np.arange(40.0).reshape(20, 2), np.arange(20.0), cv=splitter)
    assert len(scores) == splitter.get_n_splits()
    assert isinstance(splitter, Splitter)
