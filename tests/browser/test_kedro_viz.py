"""``kedro viz run`` with no flag: the fixed workflow in layers, and behind each step what it runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from baking import BakedProject

pytestmark = pytest.mark.browser

PATIENCE = 120.0
NODES = ["evaluate", "fit", "hold_out", "load", "predict", "prepare", "refit", "report", "resample", "test"]


def free_port() -> int:
    """A port that Kedro-Viz takes: it refuses those above 49151."""
    for port in range(41000, 49000):
        with socket.socket() as listener:
            if listener.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")


@contextmanager
def viz(project: BakedProject, *arguments: str) -> Iterator[str]:
    """Kedro-Viz, served until the block ends; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--port", str(port), *arguments]
    variables = {**os.environ, "PYTHONPATH": str(project.path / "src"), "DO_NOT_TRACK": "1"}
    with (project.path / "viz.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=project.path, env=variables, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/", process, project.path / "viz.log")
            yield f"http://127.0.0.1:{port}/"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    pytest.fail(f"Kedro-Viz did not answer: {log.read_text()}")


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(address)
    page.wait_for_selector(".pipeline-node--task")
    skip = page.locator("text=1 of 6")  # Kedro-Viz's guided tour
    if skip.count():
        page.keyboard.press("Escape")
    return page


def panel(page: Page, step: str) -> str:
    """The text of the panel that a click on a step opens."""
    page.locator(f".pipeline-nodelist__row--kind-element:has-text('{step}'), [data-test*='{step}']").first.click()
    page.wait_for_selector(".pipeline-metadata--visible")
    page.wait_for_selector("text=Expand preview")
    return page.locator(".pipeline-metadata--visible").inner_text()


def test_it_shows_the_workflow_in_layers_and_what_each_step_runs(
    browser: Browser, project: BakedProject, screenshots: Path
) -> None:
    before = sorted(path.name for path in (project.path / "result").iterdir())
    with viz(project) as address:
        page = opened(browser, address)
        names = page.locator(".pipeline-node--task .pipeline-node__text").all_text_contents()
        layers = page.locator(".pipeline-layer-name").all_text_contents()
        text = panel(page, "fit")
        page.screenshot(path=screenshots / "kedro_viz.png")
        page.close()
    assert sorted(names) == NODES
    assert [layer.strip() for layer in layers] == ["data", "split", "model", "prediction", "report"]
    assert '"experiment": "iris_forest"' in text
    assert "sklearn.ensemble.RandomForestClassifier" in text
    assert '"n_estimators": 200' in text
    assert sorted(path.name for path in (project.path / "result").iterdir()) == before


def test_with_params_it_shows_that_experiments(browser: Browser, project: BakedProject) -> None:
    with viz(project, "--params", "experiment=diabetes_ridge,model.params.alpha=3") as address:
        page = opened(browser, address)
        text = panel(page, "refit")
        page.close()
    assert "sklearn.linear_model.Ridge" in text
    assert '"alpha": 3' in text
