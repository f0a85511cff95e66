"""Every code block of the documentation: run, written into a project, compared with a file, or told why not.

A comment on the line before the fence says what is done with the block, in the order of the page, in a fresh project:

========================  =============================================================================================
``run``                   run it (bash, python); it must end with 0
``run: exit 2``           the same, but it must end with 2
``output``                each line must have been printed by the last block that ran, in this order; ``…`` is any text,
                          times are any times, figures must be near
``write: PATH``           becomes the file
``append: PATH``          is added to the end of the file
``edit: PATH``            each line ``key = …`` takes the place of the file's line with that key
``experiment: NAME``      becomes ``config/experiments/NAME.json``, and is run before the next block that runs
``message: NAME``         is exactly what a run of that experiment ends with, with exit code 2 (``…`` is any text);
                          compared before the next block that runs
``excerpt: PATH``         must stand in the project's file
``not run: REASON``       nothing
========================  =============================================================================================

``, needs MODULE`` behind any of them leaves the block out where that module is not installed.
"""

from __future__ import annotations

import importlib.util
import json
import math
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from runs.lab import Lab

from baking import TEMPLATE, BakedProject
from expfw.run.inputs import TICK

DOCS = TEMPLATE / "docs"
PAGES = [*sorted(DOCS.glob("tutorial/*.md")), TEMPLATE / "README.md"]  # what takes longest comes first
PAGES += sorted(page for page in DOCS.rglob("*.md") if page not in PAGES)
LONG = frozenset(
    f"docs/{name}.md"
    for name in (
        "how-to/allow-another-library how-to/compare-experiments how-to/configure-safely how-to/data "
        "how-to/find-experiments how-to/groups-and-time how-to/keep-secrets how-to/metrics "
        "how-to/read-results-in-a-notebook how-to/read-the-log how-to/rerun how-to/resample how-to/restart "
        "how-to/reuse-experiments how-to/reuse-outputs how-to/run-in-parallel how-to/run-on-a-cluster "
        "how-to/search how-to/team-database how-to/trust-a-result reference/checks reference/commands "
        "reference/experiment-file reference/messages tutorial/first-experiment"
    ).split()
)
"""Pages that take their reader four seconds and more."""
MARKER = re.compile(r"<!-- (?P<verb>not run|[a-z]+)(?:: (?P<rest>.*?))?(?:, needs (?P<module>\w+))? -->")
FENCE = re.compile(r"```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
WIDE = {"COLUMNS": "160"}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d|\d\d:\d\d:\d\d")
FIGURE = re.compile(r"-?\d+\.\d+")

RUN_EXPERIMENTS = """
import sys
from pathlib import Path
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project

bootstrap_project(Path.cwd())
for name in sys.argv[1:]:
    with settings.SESSION_CLASS.create(Path.cwd(), runtime_params={"experiment": name}) as session:
        session.run()
"""

REFUSE_EXPERIMENTS = """
import json, sys
from pathlib import Path
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project
from expfw.errors import ExpfwError

bootstrap_project(Path.cwd())
told = {}
for name in sys.argv[1:]:
    try:
        with settings.SESSION_CLASS.create(Path.cwd(), runtime_params={"experiment": name}) as session:
            session.run()
    except ExpfwError as error:
        told[name] = (error.exit_code, f"Error: {error}")
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Block:
    """A fenced block and the comment before it."""

    line: int
    language: str
    code: str
    verb: str
    rest: str
    module: str


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        before = text[: fence.start()].splitlines()
        marker = MARKER.fullmatch(before[-1]) if before else None
        parts = (marker["verb"], marker["rest"] or "", marker["module"] or "") if marker else ("", "", "")
        yield Block(len(before) + 1, fence["language"], fence["code"], *parts)


@dataclass
class Reader:
    """Does what a page says, in a project of its own."""

    lab: Lab
    output: str = ""
    experiments: list[str] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> BakedProject:
        """The project."""
        return self.lab.project

    def follow(self, block: Block) -> None:
        """Do one block."""
        if block.verb in ("run", "output", "excerpt"):
            self.catch_up()
        actions: dict[str, Callable[[Block], None]] = {
            "run": self.run,
            "output": self.compare,
            "write": self.write,
            "append": self.append,
            "edit": self.edit,
            "experiment": self.experiment,
            "message": self.message,
            "excerpt": self.excerpt,
        }
        if block.verb in actions:
            actions[block.verb](block)

    def run(self, block: Block) -> None:
        expected = int(block.rest.removeprefix("exit ") or 0)
        if block.language == "python":
            outcome = self.lab.start(code=block.code, env=WIDE).wait()
            self.output, code = outcome.text, outcome.code
        else:
            shell = ("bash", "-ec", f"exec 2>&1\n{block.code}")
            result = self.project.run(*shell, env={**self.lab.shell(), **WIDE}, check=False)
            self.output, code = result.stdout, result.returncode
        assert code == expected, f"{block.code}\nended with {code}:\n{self.output}"

    def run_experiments(self) -> None:
        """Run the experiments that were written since the last time, in one process."""
        if self.experiments:
            self.lab.start(*self.experiments, code=RUN_EXPERIMENTS).wait().ok()
            self.experiments = []

    def compare(self, block: Block) -> None:
        printed = iter(self.output.splitlines())
        for line in block.code.splitlines():
            assert any(alike(line, other) for other in printed), f"not printed: {line}\nin:\n{self.output}"

    def write(self, block: Block) -> None:
        path = self.project.path / block.rest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code, encoding="utf-8")

    def append(self, block: Block) -> None:
        with (self.project.path / block.rest).open("a", encoding="utf-8") as file:
            file.write(block.code)

    def edit(self, block: Block) -> None:
        path = self.project.path / block.rest
        text = path.read_text(encoding="utf-8")
        for line in block.code.splitlines():
            key = re.escape(line.partition("=")[0])
            text, count = re.subn(rf"^{key}=.*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
            assert count == 1, f"{block.rest} has {count} lines that begin with {key}"
        path.write_text(text, encoding="utf-8")

    def experiment(self, block: Block) -> None:
        path = self.project.path / "config" / "experiments" / f"{block.rest}.{block.language}"
        path.write_text(block.code, encoding="utf-8")
        self.experiments.append(block.rest)

    def message(self, block: Block) -> None:
        self.messages[block.rest] = block.code

    def compare_messages(self) -> None:
        """Compare the messages that were shown since the last time, in one process."""
        if not self.messages:
            return
        told = json.loads(self.lab.start(*self.messages, code=REFUSE_EXPERIMENTS).wait().ok().out.splitlines()[-1])
        for experiment, text in self.messages.items():
            assert experiment in told, f"{experiment} was run without an error"
            code, printed = told[experiment]
            lines = zip_longest(text.splitlines(), printed.splitlines(), fillvalue="")
            assert all(alike(*pair) for pair in lines), f"not told: {text}\nbut: {printed}"
            assert code == 2, experiment
        self.messages = {}

    def catch_up(self) -> None:
        """Do what was put off."""
        self.run_experiments()
        self.compare_messages()

    def excerpt(self, block: Block) -> None:
        text = (self.project.path / block.rest).read_text(encoding="utf-8")
        assert block.code.strip() in text, f"{block.rest} does not hold:\n{block.code}"


def alike(shown: str, printed: str) -> bool:
    """Whether a printed line is as shown: blanks and times aside, figures nearly."""
    one, other = (" ".join(TIME.sub("TIME", line).split()) for line in (shown, printed))
    pattern = ".*".join(re.escape(FIGURE.sub("FIGURE", part)) for part in one.split("…"))
    if not re.fullmatch(pattern, FIGURE.sub("FIGURE", other)):
        return False
    figures = zip(FIGURE.findall(one), FIGURE.findall(other), strict=False)
    return all(math.isclose(float(a), float(b), rel_tol=0.1, abs_tol=0.05) for a, b in figures)


def available(block: Block) -> bool:
    """Whether the module that a block needs is there."""
    return not block.module or importlib.util.find_spec(block.module) is not None


def name(page: Path) -> str:
    """A page as a test's id."""
    return page.relative_to(TEMPLATE).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_becomes_of_it(page: Path) -> None:
    """A block that is not run says why."""
    known = {"run", "output", "write", "append", "edit", "experiment", "message", "excerpt", "not run"}
    unmarked = [f"line {block.line}: {block.verb or 'no marker'}" for block in blocks(page) if block.verb not in known]
    assert unmarked == []
    silent = [block.line for block in blocks(page) if block.verb == "not run" and len(block.rest.split()) < 2]
    assert silent == []
    fences = re.findall(r"^\s*```\w", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == len(list(blocks(page))), "a block is indented or open"


def to_be_done() -> list[Any]:
    """The pages with something to do, the long ones marked as slow."""
    pages = [page for page in PAGES if any(block.verb != "not run" for block in blocks(page))]
    return [pytest.param(page, marks=[pytest.mark.slow] if name(page) in LONG else [], id=name(page)) for page in pages]


@pytest.mark.parametrize("page", to_be_done())
def test_a_reader_can_do_what_the_page_says(
    page: Path, shared_lab: Lab, default_project: BakedProject, tmp_path: Path
) -> None:
    project = BakedProject(shutil.copytree(default_project.path, tmp_path / "project"))
    reader = Reader(shared_lab.of(project))
    time.sleep(2 * TICK / 1e9)  # of code that changed right before a process began, nobody knows whether it runs
    for block in filter(available, blocks(page)):
        reader.follow(block)
    reader.catch_up()
    if any(block.verb in ("write", "append") and block.rest.endswith(".py") for block in blocks(page)):
        paths = ("src/ml_experiments", "tests")  # E402: a reader puts appended imports where the page says
        reader.project.run("ruff", "check", "--no-cache", "--ignore", "E402", *paths)


def test_the_comparison_tells_lines_apart() -> None:
    assert alike("21:48:45 INFO  accuracy 0.95, test 0.9", "09:00:01 INFO accuracy 0.93, test 0.9333")
    assert not alike("accuracy 0.95", "accuracy 0.5")
    assert not alike("accuracy 0.95", "f1_macro 0.95")
    assert alike("allowed are: …", "allowed are: sklearn; to allow another, add it")
    assert not alike("allowed are: …", "not allowed")


def test_the_pages_are_found() -> None:
    names = {name(page) for page in PAGES}
    assert {"README.md", "docs/index.md", "docs/tutorial/first-experiment.md", *LONG} <= names
