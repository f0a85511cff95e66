"""Baking projects from the template, running experiments in one, and rules for all tests."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter
from runs.fixtures import lab, own_lab, shared_lab

from baking import NOT_TEMPLATE, SOURCES, TEMPLATE, Bake, BakedProject

__all__ = ["lab", "own_lab", "shared_lab"]

NEEDY = frozenset({"slow", "browser", "services"})
"""Markers of tests that need what a machine may lack."""

PLACES = {
    "browser": ("browser", "services"),
    "services": ("services", "benchmarks"),
    "benchmark": ("benchmarks",),
}
"""By marker, the folders below ``tests`` that may hold such tests: ``.ci/run`` collects no others for it."""

SAID = "said"
"""The property of a test's report that holds what it said."""

sys.dont_write_bytecode = True
os.environ["DO_NOT_TRACK"] = "1"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what it leaves in the background deaf to Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the template, as a clone would be."""
    folder = tmp_path_factory.mktemp("template") / "expfw-template"
    folder.mkdir()
    for name in SOURCES:
        source = TEMPLATE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=NOT_TEMPLATE)
        else:
            shutil.copy2(source, folder / name)
    return folder


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Cookiecutter's settings and replays in a folder of the tests' own."""
    home = tmp_path_factory.mktemp("cookiecutter-home")
    settings = home / "config.yaml"
    settings.write_text(f"cookiecutters_dir: {home}/cookiecutters\nreplay_dir: {home}/replay\n", encoding="utf-8")
    patch = pytest.MonkeyPatch()
    patch.setenv("COOKIECUTTER_CONFIG", str(settings))
    yield home
    patch.undo()


@pytest.fixture(scope="session")
def bake_into(template: Path) -> Bake:
    """Bake into a folder: ``bake_into(folder, project_name="Churn")``."""

    def bake(folder: Path, **answers: object) -> BakedProject:
        path = cookiecutter(str(template), no_input=True, extra_context=answers, output_dir=str(folder))
        return BakedProject(Path(path))

    return bake


@pytest.fixture
def bake(bake_into: Bake, tmp_path: Path) -> Bake:
    """Bake into a temporary folder: ``bake(project_name="Churn")``."""
    return lambda **answers: bake_into(tmp_path, **answers)


@pytest.fixture(scope="session")
def default_project(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A project with all defaults. Shared: do not write into it."""
    return bake_into(tmp_path_factory.mktemp("default"))


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say something in the summary at the end, also from a worker process: ``say("killed 100 times")``."""
    return lambda text: record_property(SAID, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests said."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == SAID:
                terminalreporter.write_line(str(text))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow tests last; refuse one that ``.ci/run`` would look for elsewhere."""
    for item in items:
        for marker, folders in PLACES.items():
            if item.get_closest_marker(marker) and item.path.parent.name not in folders:
                raise pytest.UsageError(f"{item.nodeid} has the mark {marker}; put it into tests/{folders[0]}")
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where nothing may be missing (``EXPFW_TEST_NO_SKIP``), a skipped test that needs something is a failed one."""
    report = yield
    needy = not NEEDY.isdisjoint(report.keywords)
    if os.environ.get("EXPFW_TEST_NO_SKIP") and needy and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but EXPFW_TEST_NO_SKIP is set: {report.longrepr}"
    return report
