"""Running an old experiment again from its stored configuration, and the verdict on what came out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from expfw.config.leaves import leaves
from expfw.construct.reference import FROM
from expfw.database.link import bring_again
from expfw.errors import RecordError
from expfw.record import read_record
from expfw.reproduce.changes import Changes, changes
from expfw.reproduce.searches import compare_searches
from expfw.reproduce.verdict import TOLERANCE, OutputVerdict, Verdict, compare_outputs
from expfw.run.files import read_json, write_json
from expfw.run.folder import ResultFolder, find_folder, result_root
from expfw.run.stored import given_params, run_stored, withheld
from expfw.search.trials import is_search

LINES = 60
"""Lines of a diff that the terminal shows; ``log/rerun.json`` has all."""

IN_ENV = "EXPFW_IN_ENV"
"""Environment variable by which a rerun is told what was rebuilt for it, as JSON, so that its record says so."""

STYLES = {"identical": "bold green", "equal within tolerance": "bold green", "different": "bold red"}

DIFF = {"-": "red", "+": "green", "@": "cyan"}


@dataclass(frozen=True)
class Rerun:
    """What came of running an experiment again.

    Args:
        of: number of the earlier experiment.
        id: number of the new one.
        verdict: how their results compare.
        changes: what changed in between.
        in_env: for one that ran in a rebuilt environment what was rebuilt; None for one that ran in today's.
    """

    of: int
    id: int
    verdict: Verdict
    changes: Changes
    in_env: Mapping[str, Any] | None = None

    @property
    def same(self) -> bool:
        """Whether the result is the same, within the tolerance."""
        return self.verdict.kind in ("identical", "equal within tolerance")

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        what = f"experiment {self.id} against experiment {self.of}: {self.verdict.kind}"
        largest = self.verdict.largest
        if self.verdict.kind == "identical":
            models = " and ".join(output.output for output in self.verdict.in_answers)
            how = f"in what the models predict ({models}), to the bit in the rest" if models else "to the bit"
            return f"{what} {how}" + (", as far as it could be compared" if self.verdict.not_compared else "")
        if self.verdict.kind == "not compared":
            return f"{what}: nothing is left of the metrics and predictions of experiment {self.of}"
        if largest is not None and self.verdict.kind == "equal within tolerance":
            most = f"the largest difference is {largest.difference:.2g}, in {largest.output}"
            return f"{what} {self.verdict.tolerance:g}; {most}"
        return what

    @property
    def reasons(self) -> str:
        """Why the results differ, as far as it can be told; empty for identical ones."""
        if self.verdict.kind in ("identical", "not compared"):
            return ""
        components = " or ".join(self.verdict.components)
        first = f"It begins in the node '{self.verdict.node}'" + (f", with {components}. " if components else ". ")
        if self.verdict.node is None:
            first = ""
        phrases = self.changes.phrases()
        if phrases:
            return f"{first}Changed since: {'; '.join(phrases)}."
        return f"{first}{self._unchanged(components)}"

    def _unchanged(self, components: str) -> str:
        """Code, packages, Python, platform and the files on record are the same, and yet something differs."""
        if self.verdict.node == "load":
            return (
                f"Nothing else that is on record changed: what {components} loads did (a file, a database, a service), "
                "or it draws random numbers that the seed does not govern."
            )
        return (
            f"Nothing that is on record changed: {components or 'a component'} draws random numbers that the seed does "
            "not govern, or depends on the time, the order of threads or something outside. Let it take random_state, "
            "or draw from numpy.random or random, which are seeded."
        )

    def as_json(self) -> dict[str, Any]:
        """The shape of ``log/rerun.json``, and of ``--format json``."""
        return {
            "rerun_of": self.of,
            "id": self.id,
            "verdict": self.verdict.kind,
            "tolerance": self.verdict.tolerance,
            "sentence": self.sentence,
            "reasons": self.reasons,
            "node": self.verdict.node,
            "components": list(self.verdict.components),
            "outputs": [asdict(output) for output in self.verdict.outputs],
            "changes": asdict(self.changes),
            "in_env": self.in_env,
        }

    def words(self) -> RenderableType:
        """The same for people."""
        lines: list[RenderableType] = [Text(self.sentence, style=STYLES.get(self.verdict.kind, ""))]
        lines += [Text(f"  {line}") for line in self._outputs()]
        lines += [Text(self.reasons)] if self.reasons else []
        if self.verdict.kind == "identical" and self.changes:
            lines.append(Text(f"Changed since, without effect: {'; '.join(self.changes.phrases())}."))
        elif self.changes.code:
            lines.append(_code(self.changes))
        if self.in_env is not None:
            lines.append(
                Text(f"It ran as then: {self.in_env['packages']} packages, Python {self.in_env['python']}, own code.")
            )
        return Group(*lines)

    def _outputs(self) -> Iterator[str]:
        for output in self.verdict.outputs:
            if output.kind in ("different", "equal within tolerance"):
                size = "" if output.difference is None else f" by up to {output.difference:.2g}"
                yield f"{output.output}: {output.kind}{size}" + (f" ({output.where})" if output.where else "")
            elif output.kind == "not compared":
                yield f"{output.output}: not compared: {output.where}"
            elif output.where:
                yield f"{output.output}: identical {output.where}"


def _code(found: Changes) -> RenderableType:
    lines = "".join(found.code.values()).splitlines()
    more = [f"… {len(lines) - LINES} more lines, see log/rerun.json"] if len(lines) > LINES else []
    return Text("\n").join(Text(line, style=DIFF.get(line[:1], "")) for line in [*lines[:LINES], *more])


def rerun(project: Path, number: int, tolerance: float = TOLERANCE, runner: str | None = None) -> Rerun:
    """Run an experiment again as a new one, from its stored configuration, and compare.

    Args:
        project: the project's folder.
        number: the experiment.
        tolerance: the largest difference that counts as equal.
        runner: name of the runner; None for that of ``kedro run``.

    Raises:
        RecordError: if it cannot be run again, or did not complete.
        ExperimentFailed: if the new run failed.
    """
    old = find_folder(result_root(project), number)
    check_repeatable(old)
    new = run_stored(project, old, mode="rerun", runner=runner)
    return judge(old, new, tolerance)


def restart(
    project: Path, number: int, tolerance: float = TOLERANCE, runner: str | None = None, *, force: bool = False
) -> Rerun | None:
    """Go on with an experiment in its own folder; if it is a rerun, compare it as :func:`rerun` does.

    Args:
        project: the project's folder.
        number: the experiment.
        tolerance: the largest difference that counts as equal.
        runner: name of the runner; None for that of ``kedro run``.
        force: go on although code or configuration changed.

    Returns:
        What came of the rerun; None for an experiment that is none.

    Raises:
        ExpfwError: if it cannot be taken up.
        RecordError: if what a rerun would be compared with is gone; it has completed nonetheless.
        ExperimentFailed: if it failed again.
    """
    folder = find_folder(result_root(project), number)
    run_stored(project, folder, mode="restart", runner=runner, force=force)
    run = read_json(folder.log / "run.json", {})
    original = run.get("rerun_of")
    if run.get("search") and original is None:
        from expfw.search.start import choose

        choose(project, folder)
    if original is None:
        return None
    try:
        old = find_folder(folder.path.parent, original)
    except RecordError as error:
        raise RecordError(
            f"experiment {number} has completed, but there is nothing to compare it with: {error}"
        ) from error
    return judge(old, folder, tolerance)


def judge(old: ResultFolder, new: ResultFolder, tolerance: float = TOLERANCE) -> Rerun:
    """Compare a rerun with the experiment that it repeats, and record the verdict, in the team's database as well.

    Args:
        old: the earlier experiment.
        new: the rerun, which has completed.
        tolerance: the largest difference that counts as equal.
    """
    in_env = json.loads(os.environ.get(IN_ENV, "null"))
    compare = compare_searches if is_search(new) else compare_outputs
    made = Rerun(old.id, new.id, compare(old, new, tolerance), changes(old, new), in_env)
    write_json(new.log / "rerun.json", made.as_json())
    bring_again(new)
    return made


def recorded_rerun(content: Mapping[str, Any]) -> Rerun:
    """What ``log/rerun.json`` says, also one that an older framework wrote.

    Args:
        content: the file's content.
    """
    named = {field.name for field in fields(OutputVerdict)}
    outputs = tuple(OutputVerdict(**{k: v for k, v in entry.items() if k in named}) for entry in content["outputs"])
    verdict = Verdict(
        content["verdict"], content["tolerance"], outputs, content.get("node"), tuple(content.get("components", ()))
    )
    kinds = {field.name for field in fields(Changes)}
    found = {kind: value for kind, value in content.get("changes", {}).items() if kind in kinds}
    return Rerun(content["rerun_of"], content["id"], verdict, Changes(**found), content.get("in_env"))


def check_repeatable(folder: ResultFolder) -> None:
    """Refuse what cannot be run again, or would leave nothing to compare with.

    Raises:
        RecordError: if the experiment has not completed, its configuration is not whole, or refers to one that is gone.
    """
    record = read_record(folder)
    if record.status == "RUNNING":
        raise RecordError(f"experiment {folder.id} is still running; wait for its end")
    config = read_json(folder.log / "config.json")
    if not isinstance(config, dict):
        raise RecordError(f"experiment {folder.id} has no configuration on record ({folder.log / 'config.json'})")
    if record.status != "COMPLETED":
        raise RecordError(
            f"experiment {folder.id} is {record.status}, so there is no result to compare with; "
            + (
                f"go on with it: kedro experiment search {folder.id}"
                if is_search(folder)
                else f"run it anew: kedro run --params experiment={record.name}"
            )
        )
    hidden = withheld(config)
    if hidden:
        raise RecordError(
            f"experiment {folder.id}: {', '.join(hidden)} held a secret, which is not recorded, so it cannot be run "
            f"from its record; give it: kedro run --params experiment={record.name},{hidden[0]}=…"
        )
    given_params(folder, read_json(folder.log / "run.json", {}))
    for number in [value for path, value in leaves(config) if path[-1:] == (FROM,)]:
        _check_reference(folder, number)


def _check_reference(folder: ResultFolder, number: int) -> None:
    try:
        find_folder(folder.path.parent, number)
    except RecordError as error:
        raise RecordError(
            f"experiment {folder.id} took something from experiment {number}, which is gone: {error}"
        ) from error
