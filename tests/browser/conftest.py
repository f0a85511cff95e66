"""A real Chromium, and a real project with real runs, for the tests that look at pages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser.fixtures import browser
from runs.lab import Lab

from baking import Bake, BakedProject

__all__ = ["browser"]


@pytest.fixture(scope="session")
def project(bake_into: Bake, shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A project in which a classification and a regression were run."""
    project = bake_into(tmp_path_factory.mktemp("seen"))
    for name in ("iris_forest", "diabetes_ridge"):
        shared_lab.of(project).experiment(name).ok()
    return project


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: ``EXPFW_SCREENSHOTS``, or a temporary folder."""
    folder = os.environ.get("EXPFW_SCREENSHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path
