"""Whether two experiments gave the same: what is compared, by what they hold, and where they part."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from expfw.config.keys import STEPS
from expfw.errors import RecordError
from expfw.report.collector import Fragment, read_fragments
from expfw.reproduce.content import SAME, Gap, alike, gap, largest
from expfw.run.events import SECTIONS, EventLog, saved_files
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.generators import own_generators
from expfw.run.recorded import has_output, is_trial, load_output, verified_files
from expfw.workflow import workflow

TOLERANCE = 1e-9
"""The largest difference that counts as equal, unless another is asked for."""

ORDER = ("load", "prepare", "hold_out", "resample", "fit", "predict", "refit", "evaluate", "test", "report")
"""The workflow's nodes as one tells them; Kedro's own order has refit before the folds."""

RESULTS = ("predictions", "validation_metrics", "test_predictions", "test_metrics")
"""Outputs of which at least one must be there for a verdict."""

ANSWERS = {
    "predict": "predictions",
    "predict_proba": "probabilities",
    "decision_function": "decision function",
    "transform": "features",
}
"""By the methods by which models are compared, what they give."""

IN_ANSWERS = Gap(0.0, "in what it predicts, not in all that it holds")
"""Of models that answer alike, but hold something else."""

_NUMBER = re.compile(r"-?\d[\d.,]*(e[-+]?\d+)?")

Kind = Literal["identical", "equal within tolerance", "different", "not compared"]


@dataclass(frozen=True)
class OutputVerdict:
    """How one output of two experiments compares.

    Args:
        output: name of the catalog entry.
        node: the node that made it.
        kind: the verdict on it.
        difference: size of the largest difference; None where it is not one of numbers.
        where: where that difference is, or why nothing was compared; of models that are identical in what they predict
            alone, that this is so.
    """

    output: str
    node: str
    kind: Kind
    difference: float | None = 0.0
    where: str = ""


@dataclass(frozen=True)
class Verdict:
    """How the results of two experiments compare.

    Args:
        kind: the verdict on the whole.
        tolerance: the largest difference that counts as equal.
        outputs: the verdict on each output, in the order of the workflow.
        node: the first node that gave something else from equal inputs; None if there is none.
        components: the components of that node that may have done it.
    """

    kind: Kind
    tolerance: float
    outputs: tuple[OutputVerdict, ...]
    node: str | None = None
    components: tuple[str, ...] = ()

    @property
    def largest(self) -> OutputVerdict | None:
        """The output with the largest difference; None if all that was compared is identical."""
        apart = [output for output in self.outputs if output.difference != 0.0 and output.kind != "not compared"]
        return max(apart, key=lambda o: math.inf if o.difference is None else o.difference, default=None)

    @property
    def in_answers(self) -> list[OutputVerdict]:
        """Models that are identical in what they predict, but not in all that they hold."""
        return [output for output in self.outputs if output.kind == "identical" and output.where]

    @property
    def not_compared(self) -> list[OutputVerdict]:
        """What could not be compared."""
        return [output for output in self.outputs if output.kind == "not compared"]


@dataclass(frozen=True)
class _Node:
    name: str
    inputs: frozenset[str]
    outputs: tuple[str, ...]
    keys: tuple[str, ...]


def _nodes() -> list[_Node]:
    """The workflow's nodes, in its order: what they take, what they give, whose components run in them."""
    return [
        _Node(
            node.name,
            frozenset(name for name in node.inputs if not name.startswith("params:")),
            tuple(node.outputs),
            tuple(key for key in STEPS if f"params:{key}" in node.inputs),
        )
        for node in sorted(workflow().nodes, key=lambda node: ORDER.index(node.name))
    ]


def compare_outputs(a: ResultFolder, b: ResultFolder, tolerance: float = TOLERANCE) -> Verdict:
    """Compare all that two experiments gave, each file verified by its checksum first.

    Args:
        a: the earlier experiment.
        b: the later one.
        tolerance: the largest difference between numbers that counts as equal, relative to the larger of the two where
            that is above 1.

    Returns:
        The verdict; "not compared" if neither metrics nor predictions can be compared and nothing else differs.
    """
    comparison = _Comparison(a, b, tolerance)
    outputs = tuple(
        comparison.output(name, node.name)
        for node in _nodes()
        for name in node.outputs
        if not (is_trial(a) and not has_output(a, name))  # a trial of a search keeps what its search has not, no more
    )
    kinds = {output.kind for output in outputs}
    order: tuple[Kind, ...] = ("different", "equal within tolerance", "identical")
    kind: Kind = next((kind for kind in order if kind in kinds), "not compared")
    if kind == "identical" and {o.kind for o in outputs if o.output in RESULTS} == {"not compared"}:
        kind = "not compared"
    guilty = _guilty(outputs)
    parts = tuple(comparison.components(guilty)) if guilty is not None else ()
    return Verdict(kind, tolerance, outputs, None if guilty is None else guilty.name, parts)


def compare_output(a: ResultFolder, b: ResultFolder, name: str, tolerance: float = 0.0) -> OutputVerdict:
    """Compare one output of two experiments, its files verified by their checksums first.

    Args:
        a: the earlier experiment.
        b: the later one.
        name: name of the catalog entry, for example ``folds``.
        tolerance: the largest difference between numbers that counts as equal.
    """
    node = next(node.name for node in _nodes() if name in node.outputs)
    return _Comparison(a, b, tolerance).output(name, node)


def _guilty(outputs: tuple[OutputVerdict, ...]) -> _Node | None:
    """The first node, in the workflow's order, that gave something else; None if its inputs may have done it."""
    apart = {output.output for output in outputs if output.kind in ("different", "equal within tolerance")}
    unknown = {output.output for output in outputs if output.kind == "not compared"}
    first = next((node for node in _nodes() if apart & set(node.outputs)), None)
    return None if first is None or unknown & first.inputs else first


class _Comparison:
    """Two experiments, side by side."""

    def __init__(self, a: ResultFolder, b: ResultFolder, tolerance: float) -> None:
        self.a, self.b, self.tolerance = a, b, tolerance
        self.files = [saved_files(EventLog(folder.log / "events.jsonl")) for folder in (a, b)]
        self.development: Any = None
        self.near = False

    def output(self, name: str, node: str) -> OutputVerdict:
        """The verdict on one output; what cannot be loaded is not compared, and says why."""
        try:
            found = self.gap(name)
        except RecordError as error:
            return OutputVerdict(name, node, "not compared", None, str(error))
        except Exception as error:
            reason = f"it cannot be loaded ({type(error).__name__}: {error})"
            return OutputVerdict(name, node, "not compared", None, reason)
        kind: Kind = "identical" if found.size == 0 else "different"
        if 0 < found.size <= self.tolerance:
            kind, self.near = "equal within tolerance", True
        return OutputVerdict(name, node, kind, found.size if math.isfinite(found.size) else None, found.where)

    def gap(self, name: str) -> Gap:
        """How far an output is apart."""
        folders = (self.a, self.b)
        if name == "report":
            return self.page_gap()
        one, other = (files.get(name) for files in self.files)
        if one is None and other is None:
            return SAME
        for folder, files in zip(folders, (one, other), strict=True):
            if files == {}:
                raise RecordError(f"experiment {folder.id} has no file of {name}; the catalog keeps it elsewhere")
        if one == other:
            for folder in folders:
                verified_files(folder, name)
            return SAME
        return self.loaded_gap(name, *(load_output(folder, name) for folder in folders))

    def page_gap(self) -> Gap:
        """How far pages are apart; where numbers may be, their drawings are compared by the numbers behind them."""
        one, other = self.additions(self.a), self.additions(self.b)
        if self.near:
            one, other = ({name: _undrawn(each) for name, each in added.items()} for added in (one, other))
        return gap(one, other)

    def loaded_gap(self, name: str, one: Any, other: Any) -> Gap:
        """How far an output is apart whose files are not the same."""
        if name == "final_model":
            return self.model_gap(one, other)
        if name == "diagnostics" and self.near:
            one, other = map(_without_rounded, (one, other))
        if name != "fold_models":
            return gap(one, other)
        if list(one) != list(other):
            return Gap(math.inf, "other folds")
        return largest(self.model_gap(one[fold], other[fold], f"fold {fold}") for fold in one)

    def model_gap(self, one: Any, other: Any, where: str = "") -> Gap:
        """Models that hold something else are compared by what they answer: it may be a time that was measured."""
        if alike(one, other):
            return SAME
        found = largest(self.answer_gap(one, other, method, f"{where} {ANSWERS[method]}".strip()) for method in ANSWERS)
        return found if found.size else IN_ANSWERS

    def answer_gap(self, one: Any, other: Any, method: str, where: str) -> Gap:
        """How far two models' answers are apart, of a method that either has."""
        methods = [getattr(model, method, None) for model in (one, other)]
        if None in methods:
            return SAME if methods == [None, None] else Gap(math.inf, f"{where}: only one has them")
        answers = [self.used(each, must=method == "predict") for each in methods]
        return gap(answers[0], answers[1], where)

    def used(self, method: Any, *, must: bool = True) -> Any:
        """What a model gives for the rows of the later experiment, its random numbers seeded.

        Args:
            method: the model's.
            must: whether an error is one; a method that need not work may refuse, as long as it does so in both.
        """
        if self.development is None:
            self.development = load_output(self.b, "development_data").X
        with own_generators():
            try:
                return method(self.development)
            except Exception as error:
                if must:
                    raise
                return f"refused: {type(error).__name__}"

    def additions(self, folder: ResultFolder) -> dict[str, Fragment]:
        """What components added to the page, by the name of its file, verified by the checksums of page and additions.

        Raises:
            RecordError: if something is missing, was altered, has no checksum or cannot be read.
        """
        verified_files(folder, "report")
        found = _additions(folder.sections)
        if found and SECTIONS not in self.files[folder is self.b]:
            raise RecordError(f"experiment {folder.id} has no checksums of what was added to its page")
        names = [path.stem for path in verified_files(folder, SECTIONS)]
        broken = [found[name].body for name in names if found[name].kind == "fault"]
        if broken:
            raise RecordError(f"experiment {folder.id}: {broken[0]}")
        return {name: found[name] for name in names}

    def components(self, node: _Node) -> Iterator[str]:
        """The components that ran in a node, as far as they may be responsible."""
        config = read_json(self.b.log / "config.json", {})
        for key in self.suspects(node):
            value = config.get(key)
            for entry in value if isinstance(value, list) else [value]:
                yield from _named(key, entry)

    def suspects(self, node: _Node) -> list[str]:
        """Keys of the components that may be responsible; features are cleared if they transform alike."""
        if node.name == "report":
            one, other = map(self.additions, (self.a, self.b))
            steps = {f.step.split(" ")[0] for name, f in {**one, **other}.items() if _differ(one, other, name)}
            return [key for key in STEPS if key in {"reports" if step == "report" else step for step in steps}]
        if node.name == "predict":
            return ["features", "model"]
        if "features" not in node.keys:
            return list(node.keys) or ["model"]
        try:
            return self.of_the_fit(node)
        except Exception:
            return list(node.keys)

    def of_the_fit(self, node: _Node) -> list[str]:
        models = [load_output(folder, node.outputs[0]) for folder in (self.a, self.b)]
        pairs = [models] if node.name == "refit" else [[folds[fold] for folds in models] for fold in models[0]]
        cleared = all(gap(self.used(a.transform), self.used(b.transform)).size == 0 for a, b in pairs)
        return [key for key in node.keys if key != "features"] if cleared else ["features"]


def _additions(folder: Path) -> dict[str, Fragment]:
    """What the page shows, by the name of its file."""
    paths = sorted(folder.glob("[!.]*.json")) if folder.is_dir() else []
    return {path.stem: fragment for path, fragment in zip(paths, read_fragments(folder), strict=True)}


def _undrawn(fragment: Fragment) -> Fragment:
    """A chart without the numbers of its drawing and labels, which are rounded; those behind it stay."""
    if fragment.kind != "chart":
        return fragment
    rows = tuple(tuple(_masked(cell) for cell in row) for row in fragment.table.rows)
    return replace(fragment, body=_masked(fragment.body), table=replace(fragment.table, rows=rows))


def _without_rounded(diagnostics: dict[str, Any]) -> dict[str, Any]:
    """What the checks found, without the rounded numbers in their sentences; those of the baseline stay."""
    told = [
        {**finding, "sentence": _masked(finding["sentence"]), "how": _masked(finding["how"])}
        for finding in diagnostics["findings"]
    ]
    return {**diagnostics, "findings": told}


def _masked(cell: Any) -> Any:
    return _NUMBER.sub("#", cell) if isinstance(cell, str) else cell


def _differ(one: dict[str, Fragment], other: dict[str, Fragment], name: str) -> bool:
    return name not in one or name not in other or gap(one[name], other[name]).size > 0


def _named(key: str, entry: Any) -> Iterator[str]:
    """A component in words: its key and its type."""
    if isinstance(entry, str):
        yield f"{key} {entry}"
    elif isinstance(entry, dict) and "type" in entry:
        yield f"{key} {entry['type']}"
