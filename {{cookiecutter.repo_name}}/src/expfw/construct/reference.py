"""References: a step that takes its output from an earlier experiment instead of computing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expfw.config.files import kind
from expfw.errors import RecordError
from expfw.run.folder import ResultFolder, find_folder
from expfw.run.recorded import has_output, is_untested

FROM = "from_experiment"
"""The key that makes a reference."""

OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "data_source": ("raw_data",),
    "preparer": ("prepared_data",),
    "holdout": ("development_data", "test_data"),
    "resampling": ("folds",),
    "features": ("development_data", "final_model"),
    "model": ("development_data", "final_model"),
}
"""What a reference at a key takes (or compares) from the other experiment."""


@dataclass(frozen=True)
class Reference:
    """The plan of a step that takes over an earlier experiment's output.

    Args:
        key: the step's key.
        number: the earlier experiment.
        root: folder of all experiments.
    """

    key: str
    number: int
    root: Path

    @property
    def type(self) -> str:
        """What stands for a ``type`` in messages."""
        return f"of experiment {self.number}"

    @property
    def folder(self) -> ResultFolder:
        """The earlier experiment's folder."""
        return find_folder(self.root, self.number)

    def describe(self) -> dict[str, Any]:
        """The configuration that this plan stands for."""
        return {FROM: self.number}


class BadReference(Exception):
    """A reference that leads nowhere; the text says why."""


LACKING: Mapping[str, str] = {"holdout": "test rows", "features": "final model", "model": "final model"}
"""What an experiment that is measured by resampling alone does not have to give at a key."""


def make_reference(key: str, value: Mapping[str, Any], root: Path | None, *, tests: bool = True) -> Reference:
    """The reference that stands at a key.

    Args:
        key: the step's key.
        value: ``{"from_experiment": 12}``.
        root: folder of all experiments; None where there is none to look into.
        tests: whether the experiment that refers ends with a test, and so needs what only such a one has.

    Raises:
        BadReference: if the key takes no reference, or the experiment has no such output.
    """
    number = value[FROM]
    if set(value) != {FROM}:
        raise BadReference(
            f"stands beside {', '.join(sorted(set(value) - {FROM}))}; it takes the place of the component"
        )
    if key not in OUTPUTS:
        raise BadReference(f"'{key}' takes no reference; possible at: {', '.join(OUTPUTS)}")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BadReference(f"holds {kind(number)}, expected the number of an experiment, from 1")
    if root is None:
        raise BadReference("there are no experiments to refer to here")
    try:
        folder = find_folder(root, number)
    except RecordError as error:
        raise BadReference(str(error)) from error
    absent = [output for output in OUTPUTS[key] if not has_output(folder, output)]
    if absent:
        raise BadReference(f"experiment {number} has no {absent[0]}: it did not get so far")
    if tests and key in LACKING and is_untested(folder):
        raise BadReference(
            f"experiment {number} has no {LACKING[key]}: it was measured by resampling alone (test is false); name one "
            "that was tested, or set test to false here as well"
        )
    return Reference(key, number, root)
