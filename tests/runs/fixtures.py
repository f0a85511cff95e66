"""Fixtures with a project to run experiments in; results go to a folder of each test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs.lab import HERE, PACKAGE, Lab, forge_for

from baking import Bake, BakedProject


def with_trial(project: BakedProject) -> BakedProject:
    """A baked project with the components that are made to be watched."""
    shutil.copyfile(HERE / "trial.py", project.path / "src" / PACKAGE / "trial.py")
    return project


@pytest.fixture(scope="session")
def shared_lab(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The project that all tests of a process share; their results lie apart."""
    scratch = tmp_path_factory.mktemp("lab")
    project = with_trial(bake_into(scratch))
    lab = Lab(project, scratch, scratch / "result", forge_for(project, scratch / "forge.log"))
    yield lab
    lab.end()
    assert lab.forge.stdin is not None
    lab.forge.stdin.close()
    lab.forge.wait(timeout=60)


@pytest.fixture
def lab(shared_lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """The shared project with results in the test's own folder."""
    lab = shared_lab.at(tmp_path / "result")
    yield lab
    lab.end()


@pytest.fixture
def own_lab(shared_lab: Lab, default_project: BakedProject, tmp_path: Path) -> Iterator[Lab]:
    """A project of the test's own, to change at will, but for its framework: that is the shared one."""
    project = BakedProject(shutil.copytree(default_project.path, tmp_path / default_project.path.name))
    lab = Lab(with_trial(project), tmp_path, tmp_path / "result", shared_lab.forge)
    yield lab
    lab.end()
