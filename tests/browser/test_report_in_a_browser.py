"""The report's page as a reader meets it: desktop and phone, light, dark and on paper."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from baking import BakedProject

pytestmark = pytest.mark.browser

PAGES = {1: "iris_forest", 2: "diabetes_ridge"}


def address(project: BakedProject, number: int) -> str:
    return (project.path / f"result/result_experiment_{number}/report/index.html").as_uri()


@pytest.mark.parametrize("number", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_fits_its_screen_and_asks_for_nothing(
    browser: Browser,
    project: BakedProject,
    screenshots: Path,
    number: int,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, complaints = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address(project, number))
    page.screenshot(path=screenshots / f"report_{PAGES[number]}_{scheme}_{width}.png", full_page=True)
    assert [url for url in asked if not url.startswith("data:")] == [address(project, number)]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text().strip()
    assert page.locator("svg[role=img]").count() >= 2
    page.close()


def test_dark_mode_is_dark_and_light_mode_light(browser: Browser, project: BakedProject) -> None:
    def brightness(scheme: Literal["light", "dark"]) -> float:
        page = browser.new_page(color_scheme=scheme)
        page.goto(address(project, 1))
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.close()
        return sum(float(part) for part in re.findall(r"[\d.]+", str(colour))[:3])

    assert brightness("dark") < 150 < 600 < brightness("light")


def test_the_number_at_the_top_is_the_recorded_one(browser: Browser, project: BakedProject) -> None:
    import json

    metrics = json.loads((project.path / "result/result_experiment_1/report/validation_metrics.json").read_text())
    page = browser.new_page()
    page.goto(address(project, 1))
    text = page.locator("header").inner_text()
    page.close()
    assert f"{metrics['accuracy']['mean']:.3g}" in text


@pytest.mark.parametrize("number", PAGES)
def test_a_reader_with_keyboard_or_screen_reader_gets_everything(
    browser: Browser, project: BakedProject, number: int
) -> None:
    page = browser.new_page()
    page.goto(address(project, number))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the result"
    names = page.locator("svg[role=img] > title").all_inner_texts()
    assert len(names) == page.locator("svg").count()
    levels = [
        int(level) for level in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName[1])")
    ]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.locator("table:not(:has(thead th[scope=col]))").count() == 0
    numbers = page.locator("details.numbers").first
    assert not numbers.locator("table").is_visible()
    numbers.locator("summary").focus()
    page.keyboard.press("Enter")
    assert numbers.locator("table").is_visible()
    targets = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href').slice(1))")
    assert all(page.locator(f"section#{target}").count() == 1 for target in targets)
    page.close()


def test_the_page_prints(browser: Browser, project: BakedProject, tmp_path: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(address(project, 1))
    content = page.pdf(path=tmp_path / "report.pdf")
    page.close()
    assert content.startswith(b"%PDF")
    assert len(content) > 20_000
