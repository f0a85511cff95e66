"""The study of a search as Optuna opens it, for a notebook or a script."""

from __future__ import annotations

import os
from typing import Any

from expfw.errors import RecordError, did_you_mean
from expfw.opening import open_experiment


def open_study(
    number: int,
    project: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
    study: str = "search",
) -> Any:
    """Open the study of search N: an ``optuna.study.Study`` whose trials name their experiments.

    Args:
        number: the search's number N.
        project: the project's folder; if not given, it is looked for from the working directory upwards.
        root: the folder that holds all experiments; if not given, what ``EXPFW_RESULT_ROOT`` names, else ``result/`` in
            the project.
        study: which: ``search``, or of a nested search ``outer_0``, ``outer_1`` …

    Raises:
        RecordError: if there is no such experiment, or it is no search, or has no such study.

    Example:
        >>> import tempfile
        >>> open_study(12, root=tempfile.mkdtemp())
        Traceback (most recent call last):
            ...
        expfw.errors.RecordError: there is no experiment 12 in '...'; there is none yet, start one with 'kedro run'
    """
    folder = open_experiment(number, project, root).folder
    import optuna

    from expfw.search.course import quiet_optuna
    from expfw.search.journal import NAME, storage_of

    path = folder.log / NAME
    if not path.exists():
        raise RecordError(f"experiment {number} is no search, or one of which no trial has ended; it has no study")
    with quiet_optuna():
        storage = storage_of(path)
        names = [one.study_name for one in storage.get_all_studies()]
        if study not in names:
            raise RecordError(f"search {number} has no study '{study}'; {did_you_mean(study, names)}")
        return optuna.load_study(study_name=study, storage=storage)
