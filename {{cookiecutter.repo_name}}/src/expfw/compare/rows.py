"""Whether experiments used the same rows: by their checksums on record, and by content where these differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from expfw.compare.significance import caution, unfit
from expfw.errors import RecordError
from expfw.interfaces import Fold
from expfw.intervals import validation_to_train
from expfw.reproduce.verdict import compare_output
from expfw.run.folder import ResultFolder
from expfw.run.recorded import load_output, recorded_files

DATA = ("raw_data", "prepared_data", "development_data", "test_data", "folds")
"""Outputs that hold rows, or say which, in the order of the workflow."""

Same = Literal["same", "other", "unknown"]


@dataclass(frozen=True)
class Output:
    """One output of two experiments.

    Args:
        same: whether both hold the same; unknown where one is missing, was altered, or cannot be loaded.
        why: why it is unknown, or how they differ; empty if they are the same.
        checksums: of the reference's file and of the other's; None where there is none.
    """

    same: Same
    why: str = ""
    checksums: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True)
class Rows:
    """The rows of an experiment beside those of the reference.

    Args:
        outputs: by name of the catalog entry, how they compare.
        folds: the folds, if both were resampled into the same folds of the same development data; else empty.
        why_not: why the folds are not shared, or the test cannot be made on them; empty if it can.
        caution: what to keep in mind about the test; empty if there is nothing.
    """

    outputs: dict[str, Output]
    folds: Sequence[Fold] = ()
    why_not: str = ""
    caution: str = ""

    @property
    def shared(self) -> bool:
        """Whether both were measured on the same rows in each fold."""
        return bool(self.folds)

    @property
    def ratio(self) -> float:
        """Validation rows for each training row, of shared folds."""
        return validation_to_train(self.folds)

    def same(self, name: str) -> bool:
        """Whether an output is the same in both."""
        return self.outputs[name].same == "same"


def compared_rows(reference: ResultFolder, other: ResultFolder) -> Rows:
    """Compare the rows of two experiments, each file verified by its checksum first.

    Args:
        reference: the experiment that the other is compared with.
        other: the other one.
    """
    outputs = {name: _output(reference, other, name) for name in DATA}
    why = _apart(reference, other, outputs)
    if why:
        return Rows(outputs, why_not=why)
    folds: list[Fold] = load_output(reference, "folds")
    unable = unfit(folds)
    return Rows(outputs, folds, unable, "" if unable else caution(folds))


def _output(reference: ResultFolder, other: ResultFolder, name: str) -> Output:
    checksums = (_checksum(reference, name), _checksum(other, name))
    for folder, digest in zip((reference, other), checksums, strict=True):
        if digest is None:
            return Output("unknown", f"experiment {folder.id} has none on record", checksums)
    found = compare_output(reference, other, name)
    kinds: dict[str, Same] = {"identical": "same", "not compared": "unknown"}
    return Output(kinds.get(found.kind, "other"), found.where, checksums)


def _checksum(folder: ResultFolder, name: str) -> str | None:
    return next(iter(recorded_files(folder, name).values()), None)


def _apart(reference: ResultFolder, other: ResultFolder, outputs: dict[str, Output]) -> str:
    """Why two experiments do not share their folds; empty if they do."""
    for name, what in (("development_data", "development data"), ("folds", "folds")):
        if outputs[name].same == "unknown":
            return f"it cannot be told whether they have the same {what}: {outputs[name].why}"
    if outputs["development_data"].same == "other":
        return (
            "they have other development data, so a fold of one does not hold the same rows as a fold of the other; "
            'take one data source, preparer and hold-out for both, or {"from_experiment": '
            f"{reference.id}}} as hold-out"
        )
    if outputs["folds"].same == "other":
        counts = [_count(folder) for folder in (reference, other)]
        number = f" ({counts[0]} and {counts[1]})" if counts[0] != counts[1] else ""
        return (
            f"they have other folds{number}, so their values cannot be paired; run one of them again with "
            f'{{"from_experiment": {reference.id}}} as resampling, or with the same splitter and seed'
        )
    return ""


def _count(folder: ResultFolder) -> str:
    try:
        return str(len(load_output(folder, "folds")))
    except RecordError:
        return "unknown"
