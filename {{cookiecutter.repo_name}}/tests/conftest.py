"""What the tests share: running an experiment as ``kedro run`` does, its results in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def kedro_project() -> None:
    """Make the project known to Kedro."""
    bootstrap_project(PROJECT)


@pytest.fixture(autouse=True)
def result_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's results go: a folder of its own, never among yours."""
    monkeypatch.setenv("EXPFW_RESULT_ROOT", str(tmp_path / "result"))
    monkeypatch.chdir(PROJECT)
    return tmp_path / "result"


@pytest.fixture
def run_experiment(result_root: Path) -> Callable[[str], Path]:
    """Run an experiment by its name and return its folder: ``run_experiment("iris_forest")``."""

    def run(name: str) -> Path:
        parameters = {"experiment": name}
        # The smoke environment adds the catalog entries that only tests need.
        with settings.SESSION_CLASS.create(PROJECT, env="smoke", runtime_params=parameters) as session:
            session.run()
        (folder,) = result_root.glob("result_experiment_*")
        return folder

    return run
