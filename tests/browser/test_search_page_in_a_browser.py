"""The page of a search as a reader meets it: desktop and phone, light and dark, by keyboard and on paper."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser
from runs.lab import Lab

from baking import BakedProject

pytestmark = pytest.mark.browser

SEARCHES: dict[str, Any] = {
    "one_model": {
        "extends": "iris_logistic",
        "description": "Which regularisation, and which scaling?",
        "search": {
            "space": {
                "model.params.C": {"low": 0.001, "high": 100.0, "log": True},
                "model.params.tol": {"low": 0.00001, "high": 0.1, "log": True},
                "features.params.scaling": ["standard", "minmax", None],
            },
            "sampler": "TPESampler",
            "n_trials": 30,
            "pruner": "MedianPruner",
        },
    },
    "two_models": {
        "extends": "diabetes_ridge",
        "metrics": ["r2", "neg_mean_absolute_error"],
        "search": {
            "space": {
                "model": {
                    "choices": [
                        {
                            "type": "sklearn.tree.DecisionTreeRegressor",
                            "space": {
                                "params.max_depth": {"low": 1, "high": 12},
                                "params.min_samples_leaf": {"low": 1, "high": 40},
                            },
                        },
                        {
                            "type": "sklearn.linear_model.Ridge",
                            "space": {"params.alpha": {"low": 0.001, "high": 100.0, "log": True}},
                        },
                    ]
                }
            },
            "n_trials": 16,
            "metric": ["r2", "neg_mean_absolute_error"],
            "nested": {"type": "sklearn.model_selection.KFold", "params": {"n_splits": 2}},
        },
    },
}


@pytest.fixture(scope="module")
def searched(project: BakedProject, shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of two searches: one with a pruner, one over whole components, nested, and by two metrics."""
    own = BakedProject(Path(shutil.copytree(project.path, tmp_path_factory.mktemp("searched") / "project")))
    pages = {}
    for name, content in SEARCHES.items():
        (own.path / "config" / "experiments" / f"{name}.json").write_text(json.dumps(content))
        told = json.loads(shared_lab.of(own).kedro("experiment", "search", name, "--format", "json").ok().out)
        pages[name] = own.path / "result" / f"result_experiment_{told['id']}" / "report" / "index.html"
    return pages


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_fits_its_screen_and_asks_for_nothing(
    browser: Browser,
    searched: dict[str, Path],
    screenshots: Path,
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, complaints = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    address = searched[name].as_uri()
    page.goto(address)
    page.screenshot(path=screenshots / f"search_{name}_{scheme}_{width}.png", full_page=True)
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg[role=img]").count() == {"one_model": 8, "two_models": 9}[name]
    page.close()


@pytest.mark.parametrize("name", SEARCHES)
def test_no_label_of_a_drawing_is_cut_off(browser: Browser, searched: dict[str, Path], name: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(searched[name].as_uri())
    beyond = page.evaluate(
        "[...document.querySelectorAll('svg text')].filter((text) => {"
        "const box = text.getBoundingClientRect(); return box.left < -1 || box.right > innerWidth + 1;"
        "}).map((text) => text.textContent)"
    )
    assert beyond == []
    page.close()


def test_links_lead_to_the_experiments(browser: Browser, searched: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(searched["one_model"].as_uri())
    page.get_by_role("link", name="on the test data").click()
    assert page.locator("h1").inner_text().startswith("one_model_best_")
    assert "chosen from" in page.locator("#result").inner_text()
    page.get_by_role("link", name="search ").first.click()
    assert page.locator("h1").inner_text() == "one_model"
    page.close()


def test_the_table_of_trials_has_all_of_them_and_marks_the_best(browser: Browser, searched: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(searched["one_model"].as_uri())
    table = page.get_by_role("table", name="Trials, the best first")
    assert table.locator("tbody tr").count() == 30
    assert table.locator(".s-chosen").count() == 1
    head = table.locator("thead th").first
    page.locator(".s-trials").evaluate("(part) => part.scrollTo(0, 400)")
    box, part = head.bounding_box(), page.locator(".s-trials").bounding_box()
    assert box is not None
    assert part is not None
    assert abs(box["y"] - part["y"]) < 2
    page.close()


def test_numbers_behind_a_drawing_open_by_keyboard(browser: Browser, searched: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(searched["one_model"].as_uri())
    numbers = page.locator("#course details").first
    numbers.locator("summary").focus()
    page.keyboard.press("Enter")
    assert numbers.locator("table").is_visible()
    assert numbers.locator("tbody tr").count() > 2
    page.close()


def test_screen_readers_get_headings_names_and_descriptions(browser: Browser, searched: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(searched["one_model"].as_uri())
    assert page.get_by_role("heading", level=1).count() == 1
    drawing = page.get_by_role("img", name="Best so far")
    assert "complete trials has accuracy" in drawing.locator("desc").text_content()  # type: ignore[operator]
    assert page.get_by_role("link", name="To the result").count() == 1
    page.close()


def test_the_page_prints_all_trials(browser: Browser, searched: dict[str, Path], tmp_path: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(searched["one_model"].as_uri())
    page.emulate_media(media="print")
    part = page.locator(".s-trials")
    assert part.evaluate("(part) => part.scrollHeight <= part.clientHeight")
    assert page.pdf(path=tmp_path / "search.pdf").startswith(b"%PDF")
    page.close()
