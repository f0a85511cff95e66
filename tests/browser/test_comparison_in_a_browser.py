"""The page of a comparison as a reader meets it: desktop and phone, light and dark, by keyboard and on paper."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser
from runs.lab import Lab

from baking import BakedProject

pytestmark = pytest.mark.browser

PAGES = ("comparison_1_3_4", "comparison_1_2")


@pytest.fixture(scope="module")
def compared(project: BakedProject, shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A project in which experiments on the same folds, and on other data, were compared."""
    own = BakedProject(Path(shutil.copytree(project.path, tmp_path_factory.mktemp("compared") / "project")))
    lab = shared_lab.of(own)
    for name in ("iris_logistic", "iris_baseline"):
        lab.experiment(name).ok()
    lab.kedro("experiment", "compare", "1", "3", "4", "--html").ok()
    lab.kedro("experiment", "compare", "1", "2", "--html").ok()
    return own


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_fits_its_screen_and_asks_for_nothing(
    browser: Browser,
    compared: BakedProject,
    screenshots: Path,
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, complaints = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    address = (compared.path / f"result/{name}.html").as_uri()
    page.goto(address)
    page.screenshot(path=screenshots / f"{name}_{scheme}_{width}.png", full_page=True)
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg[role=img]").count() == 6
    page.close()


def test_the_numbers_are_those_of_the_json_and_links_lead_to_the_reports(
    browser: Browser, compared: BakedProject
) -> None:
    told = compared.run("kedro", "experiment", "compare", "1", "3", "4", "--format", "json").stdout
    pair = json.loads(told)["metrics"]["accuracy"]["differences"]["4"]
    page = browser.new_page()
    page.goto((compared.path / "result/comparison_1_3_4.html").as_uri())
    assert f"{pair['validation']:+.3g}" in page.locator("header").inner_text()
    tests = page.locator("table", has_text="95 % interval").inner_text()
    assert f"{pair['significance']['ci95'][0]:+.3g} to {pair['significance']['ci95'][1]:+.3g}" in tests
    page.get_by_role("link", name="3 iris_logistic").click()
    assert "iris_logistic" in page.locator("h1").inner_text()
    page.close()


def test_numbers_behind_a_drawing_open_by_keyboard(browser: Browser, compared: BakedProject) -> None:
    page = browser.new_page()
    page.goto((compared.path / "result/comparison_1_3_4.html").as_uri())
    numbers = page.locator("figure details").first
    numbers.locator("summary").focus()
    page.keyboard.press("Enter")
    assert numbers.locator("tbody tr").count() == 5
    assert numbers.locator("table").is_visible()
    page.close()


def test_screen_readers_get_headings_names_and_descriptions(browser: Browser, compared: BakedProject) -> None:
    page = browser.new_page()
    page.goto((compared.path / "result/comparison_1_3_4.html").as_uri())
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("table").first.get_attribute("aria-labelledby")
    assert page.get_by_role("rowheader", name="accuracy ↑, folds").count() == 1
    drawing = page.get_by_role("img", name="accuracy: difference on each fold")
    assert "3 against 1" in drawing.locator("desc").text_content()  # type: ignore[operator]
    page.close()


def test_the_page_prints(browser: Browser, compared: BakedProject, tmp_path: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto((compared.path / "result/comparison_1_3_4.html").as_uri())
    assert page.pdf(path=tmp_path / "comparison.pdf").startswith(b"%PDF")
    page.close()
