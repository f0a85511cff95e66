"""The real Omniboard in a real browser shows real runs: main metrics in columns that sort, all else behind a row."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo
import pytest
from playwright.sync_api import Browser, Locator, Page
from runs.lab import Lab, Outcome, wait_for
from services.omniboard import Omniboard, address, set_up
from services.server import Mongod

from expfw.database.address import Address
from expfw.database.store import Store
from expfw.database.upload import upload
from expfw.run.folder import ResultFolder

pytestmark = [pytest.mark.services, pytest.mark.browser]

PATIENCE = 60.0
EXPERIMENTS = ("iris_baseline", "iris_forest", "iris_logistic", "diabetes_ridge")
"""What is run, in this order; the last one has no accuracy."""

TABLE = """() => {
  const place = (one, side) => one.getBoundingClientRect()[side];
  const inner = (one, selector) => [...one.querySelectorAll(selector)];
  return inner(document, ".fixedDataTableRowLayout_main").sort((a, b) => place(a, "top") - place(b, "top")).map(row =>
    inner(row, ".fixedDataTableCellLayout_main").sort((a, b) => place(a, "left") - place(b, "left"))
      .map(cell => cell.innerText.trim()));
}"""
"""Omniboard's table, as it is seen."""


@dataclass
class Team:
    """What a team has: a database, Omniboard, and runs."""

    server: Mongod
    omniboard: Omniboard
    runs: dict[str, Outcome]

    def folder(self, name: str) -> Path:
        """An experiment's folder."""
        return self.runs[name].folders[EXPERIMENTS.index(name)]

    def validation(self, name: str) -> dict[str, Any]:
        """An experiment's metrics over folds."""
        text = (self.folder(name) / "report" / "validation_metrics.json").read_text(encoding="utf-8")
        metrics: dict[str, Any] = json.loads(text)
        return metrics


@pytest.fixture(scope="module")
def team(mongod_binary: Path, shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Four runs in the team's database, and Omniboard beside it."""
    folder = tmp_path_factory.mktemp("team")
    server = set_up(Mongod(mongod_binary, folder / "mongod"))
    omniboard = Omniboard(server, folder)
    lab = shared_lab.at(folder / "result")
    try:
        runs = {name: recorded(lab, server, name) for name in EXPERIMENTS}
        yield Team(server, omniboard.start(), runs)
    finally:
        omniboard.stop()
        server.kill()
        lab.end()


def recorded(lab: Lab, server: Mongod, name: str) -> Outcome:
    """Run an experiment, wait until the database has it."""
    outcome = lab.start("run", "--params", f"experiment={name}", env={"EXPFW_MONGODB_URL": address(server)}).wait().ok()
    with pymongo.MongoClient[dict[str, Any]](address(server)) as client:
        query = {"experiment.name": name, "status": "COMPLETED"}
        wait_for(f"{name} in the database", lambda: client.experiments.runs.find_one(query))
    return outcome


@pytest.fixture
def page(browser: Browser, team: Team) -> Iterator[Page]:
    """Omniboard as somebody sees it for the first time."""
    context = browser.new_context(viewport={"width": 1500, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(team.omniboard.address)
    page.wait_for_selector("text=iris_forest")
    yield page
    context.close()
    assert {urlsplit(url).hostname for url in asked if url.startswith("http")} == {"127.0.0.1"}


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where screenshots go: ``EXPFW_SCREENSHOTS``, or a temporary folder."""
    folder = Path(os.environ.get("EXPFW_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def table(page: Page) -> list[dict[str, str]]:
    """The rows of the table, by the columns' headings."""
    first, *rows = page.evaluate(TABLE)
    headings = [re.sub(r"\s*[↓↑]$", "", text) for text in first]
    return [dict(zip(headings, row, strict=True)) for row in rows]


def column(page: Page, heading: str) -> list[str]:
    """A column's values, from top to bottom."""
    return [row[heading] for row in table(page)]


def sort_by(page: Page, heading: str) -> None:
    """Click on a column's heading, wait for the table."""
    with page.expect_response(lambda answer: "api/v1/Runs?" in answer.url and "sort_by=" in answer.url):
        page.locator(".public_fixedDataTable_header").get_by_text(heading, exact=False).first.click()
    page.wait_for_function("() => !document.querySelector('.glyphicon-refresh-animate')")
    page.wait_for_timeout(300)


def drill_down(page: Page, name: str) -> Locator:
    """Open what is behind a run's row."""
    page.locator(".public_fixedDataTableCell_cellContent", has_text=name).first.click()
    view = page.locator(".drilldown-view")
    view.wait_for()
    return view


def test_names_and_main_metrics_are_seen_at_once_without_any_setting(page: Page, team: Team) -> None:
    rows = {row["Experiment Name"]: row for row in table(page)}
    assert set(rows) == set(EXPERIMENTS)
    assert [row["Id"] for row in rows.values()] == ["4", "3", "2", "1"]
    for name in ("iris_baseline", "iris_forest", "iris_logistic"):
        shown = float(rows[name]["Validation Accuracy"])
        assert shown == pytest.approx(team.validation(name)["accuracy"]["mean"], abs=1e-6)
        assert float(rows[name]["Test Accuracy"]) > 0
    assert rows["diabetes_ridge"]["Validation Accuracy"] in ("", "null")


def test_it_sorts_by_accuracy_in_both_directions(page: Page, team: Team, screenshots: Path) -> None:
    ascending = sorted(EXPERIMENTS[:3], key=lambda name: team.validation(name)["accuracy"]["mean"])
    accuracies = [team.validation(name)["accuracy"]["mean"] for name in ascending]
    assert len(set(accuracies)) == 3
    sort_by(page, "Validation Accuracy")
    page.screenshot(path=screenshots / "omniboard_sorted.png")
    assert column(page, "Experiment Name") == [*ascending[::-1], "diabetes_ridge"]
    sort_by(page, "Validation Accuracy")
    assert column(page, "Experiment Name") == ["diabetes_ridge", *ascending]
    assert [float(value) for value in column(page, "Validation Accuracy")[1:]] == pytest.approx(accuracies, abs=1e-6)


def test_behind_a_row_are_the_metrics_of_each_fold_as_curves(page: Page, team: Team, screenshots: Path) -> None:
    drill_down(page, "iris_forest")
    page.wait_for_selector(".js-plotly-plot .legendtext")
    script = "() => document.querySelector('.js-plotly-plot').data.map(line => [line.name, line.x, line.y])"
    curves = {name: (x, y) for name, x, y in page.evaluate(script)}
    folds = team.validation("iris_forest")["accuracy"]["folds"]
    found = next(values for name, values in curves.items() if "validation.accuracy" in name)
    assert found[0] == list(range(len(folds)))
    assert found[1] == pytest.approx(folds)
    page.screenshot(path=screenshots / "omniboard.png")


def test_behind_a_row_is_the_configuration(page: Page) -> None:
    view = drill_down(page, "iris_forest")
    view.get_by_text("Config", exact=True).click()
    page.wait_for_selector("#config .react-json-view")
    page.locator("#config .object-key", has_text=re.compile('^"?model"?$')).click()
    page.locator("#config .string-value", has_text="sklearn.ensemble.RandomForestClassifier").wait_for()


def test_behind_a_row_are_the_artifacts_and_the_report_opens(page: Page, team: Team, screenshots: Path) -> None:
    view = drill_down(page, "iris_forest")
    view.get_by_text("Artifacts", exact=True).click()
    page.wait_for_selector("#artifacts .accordion__item")
    names = set(page.locator("#artifacts h5").all_inner_texts())
    assert {"report.html", "config.json", "environment.json", "validation_metrics.json"} <= {n.strip() for n in names}
    page.locator("#artifacts h5", has_text="report.html").click()
    frame = page.frame_locator("#artifacts iframe")
    frame.get_by_text("accuracy").first.wait_for()
    assert "iris_forest" in frame.locator("body").inner_text()
    page.screenshot(path=screenshots / "omniboard_report.png")


def test_behind_a_row_are_output_and_sources(page: Page) -> None:
    view = drill_down(page, "iris_forest")
    view.get_by_text("Captured Out", exact=True).click()
    page.wait_for_selector("#captured_out")
    page.wait_for_selector("text=fold 1/5: fitted")
    view.get_by_text("Source Files", exact=True).click()
    page.wait_for_selector("#source_files >> text=pyproject.toml")


def test_a_run_whose_heart_stopped_is_called_dead(team: Team) -> None:
    """That is how a killed run stands in the database."""
    with pymongo.MongoClient[dict[str, Any]](address(team.server)) as client:
        runs, now = client.experiments.runs, datetime.now(UTC)
        for number, age in ((90, 0), (91, 180)):
            runs.insert_one({"_id": number, "status": "RUNNING", "heartbeat": now - timedelta(seconds=age)})
        try:
            query = "sacred/api/v1/Runs?select=_id,status&sort_by=_id&limit=2"
            with urllib.request.urlopen(team.omniboard.address + query, timeout=PATIENCE) as answer:
                assert [run["status"] for run in json.load(answer)] == ["PROBABLY_DEAD", "RUNNING"]
        finally:
            runs.delete_many({"_id": {"$in": [90, 91]}})


def test_what_people_write_or_remove_in_omniboard_stays_so(team: Team) -> None:
    ours = {"tags": ["keep"], "notes": "ours"}
    folder = ResultFolder(team.folder("iris_forest"))
    with (
        pymongo.MongoClient[dict[str, Any]](address(team.server)) as client,
        Store(Address.parse(address(team.server))) as store,
    ):
        database = client.experiments
        database.runs.update_one({"_id": 2}, {"$set": {"omniboard": ours}})
        database["omniboard.custom.columns"].delete_one({"name": "test_f1_macro"})
        (folder.log / "experiment.log").touch()
        assert upload(folder, store).action == "uploaded"
        names = [entry["name"] for entry in database["omniboard.custom.columns"].find()]
        assert "test_f1_macro" not in names
        assert len(names) == len(set(names))
        assert (database.runs.find_one({"_id": 2}) or {})["omniboard"] == ours
