"""The verdict on a search that was run once more: its trials in their sequence, and what it chose."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from expfw.record import read_record
from expfw.reproduce.content import SAME, Gap, gap, largest
from expfw.reproduce.verdict import ORDER, Kind, OutputVerdict, Verdict, compare_outputs
from expfw.run.folder import ResultFolder
from expfw.run.recorded import has_output
from expfw.search.trials import DEFAULT, FINAL, Account, Trial

NODE = "search"
"""What stands in the place of a node in the verdict on a trial; a search runs its trials after all nodes."""

CHOICE = "choice"
"""What the configuration that was chosen is called among the outputs."""


def compare_searches(a: ResultFolder, b: ResultFolder, tolerance: float) -> Verdict:
    """Compare what two searches gave: data and folds, each study's trials one by one, and what was chosen.

    Args:
        a: the earlier search.
        b: the later one.
        tolerance: the largest difference between numbers that counts as equal, as for
            :func:`expfw.reproduce.verdict.compare_outputs`.

    Returns:
        The verdict. Points, how each trial ended, and its values fold by fold must be the same; of trials that differ
        the first is named. "not compared" if the earlier one has no trial on record.
    """
    before = compare_outputs(a, b, tolerance)
    outputs = [output for output in before.outputs if output.node in ORDER[:4] or _is_of_nested(a, output)]
    studies = list(dict.fromkeys(trial.study for folder in (a, b) for trial in Account(folder).all()))
    compared = [_studies(a, b, study, tolerance) for study in studies]
    outputs += [*compared, _choice(a, b, tolerance)]
    order: tuple[Kind, ...] = ("different", "equal within tolerance", "identical")
    kinds = {output.kind for output in outputs}
    kind: Kind = next((kind for kind in order if kind in kinds), "not compared")
    if not Account(a).read(FINAL):
        kind = "not compared"
    in_data = any(output.node == before.node for output in outputs)
    node, components = (before.node, before.components) if in_data else (None, ())
    return Verdict(kind, tolerance, tuple(outputs), node, components)


def _is_of_nested(folder: ResultFolder, output: OutputVerdict) -> bool:
    """Whether an output is what a nested search measured; one that is not nested has none of its own."""
    return output.output in ("predictions", "validation_metrics") and has_output(folder, output.output)


def _studies(a: ResultFolder, b: ResultFolder, study: str, tolerance: float) -> OutputVerdict:
    """One study of both."""
    then, now = (Account(folder).read(study) for folder in (a, b))
    gaps = [_trial(one, other) for one, other in zip(then, now, strict=False)]
    name = {FINAL: "trials", DEFAULT: "the file's own values"}.get(study, f"trials of {study}")
    first = next((at for at, each in enumerate(gaps) if each.size > tolerance), None)
    if first is not None:
        return _verdict(name, Gap(gaps[first].size, f"from trial {first} on: {gaps[first].where}"), tolerance)
    if len(then) != len(now):
        return _verdict(name, Gap(math.inf, f"{len(then)} trials became {len(now)}"), tolerance)
    return _verdict(name, largest(gaps), tolerance)


def _trial(one: Trial, other: Trial) -> Gap:
    """How far two trials are apart; the numbers of their experiments and their times do not count."""
    point = gap(dict(one.point), dict(other.point))
    if point.size:
        return Gap(point.size, f"{_point(one)} became {_point(other)}")
    endings = [trial.ending for trial in (one, other)]
    states = ["not ended" if ending is None else ending.state for ending in endings]
    if states[0] != states[1]:
        return Gap(math.inf, f"{states[0]} became {states[1]}")
    pairs = [[[*ending.values], [*ending.folds]] for ending in endings if ending is not None]
    found = gap(pairs[0], pairs[1]) if pairs else SAME
    return Gap(found.size, f"{_values(one)} became {_values(other)}") if found.size else SAME


def _choice(a: ResultFolder, b: ResultFolder, tolerance: float) -> OutputVerdict:
    """What both chose, by the number of the trial and its point."""
    chosen = [(read_record(folder).search or {}).get("best") for folder in (a, b)]
    one, other = chosen
    if one is None or other is None:
        return OutputVerdict(CHOICE, NODE, "not compared", None, "a search has not come to its end")
    if one["trial"] != other["trial"]:
        return _verdict(CHOICE, Gap(math.inf, f"trial {one['trial']} became trial {other['trial']}"), tolerance)
    return _verdict(CHOICE, gap(one["point"], other["point"], "point"), tolerance)


def _verdict(name: str, found: Gap, tolerance: float) -> OutputVerdict:
    kind: Kind = "identical" if not found.size else "equal within tolerance" if found.size <= tolerance else "different"
    return OutputVerdict(name, NODE, kind, found.size if math.isfinite(found.size) else None, found.where)


def _point(trial: Trial) -> str:
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in trial.point.items()) or "the file's own values"


def _values(trial: Trial) -> str:
    """The values of a complete trial; of another those on the folds that it has."""
    ending = trial.ending
    values: Sequence[Any] = () if ending is None else ending.values or ending.folds
    return ", ".join(map(str, values)) or "nothing"
