"""The page of all experiments as a reader uses it: by mouse or by keyboard, on any screen, with 10,000 of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from browser.experiments import hostile, made_rows, with_reports
from playwright.sync_api import Browser, Page, expect

from expfw.index import Row
from expfw.report.overview import write_overview

pytestmark = pytest.mark.browser

COUNT = 250


class Overview:
    """A page of experiments in a browser, that remembers what it asked for and complained of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.asked, self.complaints = list[str](), list[str]()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(address)

    def column(self, name: str) -> list[str]:
        """What the rows show in a column."""
        heads = [head.strip() for head in self.page.locator("#table thead th").all_inner_texts()]
        at = next(i for i, head in enumerate(heads) if head.split("\n")[0].rstrip("▲▼").strip() == name)
        return self.page.locator(f"#table tbody tr > :nth-child({at + 1})").all_inner_texts()

    def search(self, text: str) -> None:
        """Type into the search, and wait until the table has followed."""
        self.page.get_by_label("Search and filter").fill(text)
        self.page.wait_for_timeout(200)  # the page waits for a pause in typing

    @property
    def count(self) -> str:
        return self.page.locator("#count").inner_text()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    rows = made_rows(COUNT, tmp_path_factory.mktemp("overview") / "result")
    assert len(list(with_reports(rows))) == COUNT
    write_overview(rows, rows[0].path.parent, rows[0].path.parent / "overview.html")
    return rows


def address(rows: list[Row]) -> str:
    return (rows[0].path.parent / "overview.html").as_uri()


@pytest.fixture
def overview(browser: Browser, rows: list[Row]) -> Iterator[Overview]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    opened = Overview(page, address(rows))
    yield opened
    page.close()
    assert opened.complaints == []
    assert {url.partition("#")[0] for url in opened.asked if not url.startswith("data:")} <= {
        opened.address,
        *(row.path.joinpath("report", "index.html").as_uri() for row in rows),
    }


def test_it_begins_with_the_newest_hundred_and_turns_pages(overview: Overview) -> None:
    assert overview.column("N") == [str(number) for number in range(COUNT, COUNT - 100, -1)]
    overview.page.get_by_role("button", name="Next").click()
    overview.page.get_by_role("button", name="Next").click()
    assert overview.column("N") == [str(number) for number in range(50, 0, -1)]
    assert overview.page.locator("#page").inner_text() == "Page 3 of 3"
    assert overview.page.locator("#next").is_disabled()


def test_a_header_sorts_the_best_first_and_again_the_worst(overview: Overview, rows: list[Row]) -> None:
    values = sorted(value for row in rows if (value := row.metric("accuracy")) is not None)
    head = overview.page.locator("#table th", has=overview.page.locator('[data-sort="accuracy"]'))
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert overview.column("accuracy")[0].startswith(f"{values[-1]:.4f}")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert overview.column("accuracy")[0].startswith(f"{values[0]:.4f}")


@pytest.mark.parametrize("sort", ["accuracy", "-accuracy"])
def test_what_lacks_a_value_comes_last_in_either_order(overview: Overview, rows: list[Row], sort: str) -> None:
    overview.page.goto(f"{overview.address}#sort={sort}&page=3")
    lacking = sum(row.metric("accuracy") is None for row in rows)
    assert 50 < lacking < 150
    assert set(overview.column("accuracy")) == {"–"}


FILTERS: dict[str, Callable[[Row], bool]] = {
    "status=FAILED": lambda row: row.status == "FAILED",
    "status!=completed": lambda row: row.status != "COMPLETED",
    "accuracy>0.92": lambda row: (row.metric("accuracy") or 0) > 0.92,
    "test.accuracy<=0.9": lambda row: (row.metric("test.accuracy") or 1) <= 0.9,
    "model.type=*Forest*": lambda row: "Forest" in row.settings["model.type"],
    "model.type=Ridge": lambda row: row.settings["model.type"].endswith(".Ridge"),
    "model.params.n_estimators>=300": lambda row: row.settings.get("model.params.n_estimators", 0) >= 300,
    "model.params.max_depth=null": lambda row: row.settings.get("model.params.max_depth", 0) is None,
    "name~WINE": lambda row: "wine" in row.name,
    "name=[di]*": lambda row: row.name[0] in "di",
    "model.params.max_depth=[!1n]": lambda row: row.settings.get("model.params.max_depth") in (2, 4, 8),
    "until:2026-09-05": lambda row: str(row.started) < "2026-09-05",
    "finding:EX104": lambda row: "EX104" in row.findings,
    "accuracy!=0.9*": lambda row: not str(row.metric("accuracy")).startswith("0.9"),
    "tag:paper": lambda row: "paper" in row.tags,
    "id<=20": lambda row: row.id <= 20,
    "started>=2026-09-05": lambda row: str(row.started) >= "2026-09-05",
    "since:2026-09-05": lambda row: str(row.started) >= "2026-09-05",
    "wine FOREST": lambda row: "wine_forest" in row.name,
    "tag:grid accuracy>0.9 data=iris": lambda row: (
        "grid" in row.tags and (row.metric("accuracy") or 0) > 0.9 and row.data == "digest-of-iris"
    ),
}


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_shows_what_fits_and_nothing_else(overview: Overview, rows: list[Row], text: str) -> None:
    overview.search(text)
    fitting = [str(row.id) for row in reversed(rows) if FILTERS[text](row)]
    assert 0 < len(fitting) < COUNT
    assert overview.column("N") == fitting[:100]
    assert overview.count == f"{len(fitting)} of {COUNT} experiments"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accurac>0.9", "There is no column “accurac”; did you mean accuracy?"),
        ("since:soon", "“soon” is no time; valid are 30m, 12h, 7d, 2w, and dates such as 2026-05-01"),
        ("accuracy>high", "accuracy is compared with a number, not with “high”"),
    ],
)
def test_a_filter_that_means_nothing_is_told_and_hides_nothing(overview: Overview, text: str, said: str) -> None:
    overview.search(text)
    expect(overview.page.get_by_role("alert")).to_have_text(said)
    assert overview.page.get_by_label("Search and filter").get_attribute("aria-invalid") == "true"
    assert overview.count == f"All {COUNT} experiments"


def test_half_a_filter_is_waited_for(overview: Overview) -> None:
    overview.search("accuracy>")
    assert overview.count == f"All {COUNT} experiments"
    assert overview.page.get_by_role("alert").inner_text() == ""


def test_status_tag_and_data_can_be_chosen_and_all_be_reset(overview: Overview, rows: list[Row]) -> None:
    overview.page.get_by_label("Status", exact=True).select_option("COMPLETED")
    overview.page.get_by_label("Tag", exact=True).select_option("paper")
    overview.page.get_by_label("Data", exact=True).select_option("wine")
    fitting = [row for row in rows if row.status == "COMPLETED" and "paper" in row.tags and "wine" in str(row.data)]
    assert overview.count == f"{len(fitting)} of {COUNT} experiments"
    overview.page.get_by_role("button", name="Reset").click()
    assert overview.count == f"All {COUNT} experiments"
    assert overview.page.get_by_label("Tag", exact=True).input_value() == ""


def test_nothing_that_fits_is_said(overview: Overview) -> None:
    overview.search("no such words")
    assert "No experiment fits" in overview.page.locator("#table tbody").inner_text()
    assert "No experiment shown has this metric." in overview.page.locator("#charts").inner_text()


def test_columns_can_be_chosen(overview: Overview, rows: list[Row]) -> None:
    overview.page.get_by_text("Columns", exact=True).click()
    overview.page.get_by_label("Find a column").fill("n_splits")
    overview.page.get_by_label("resampling.params.n_splits").check()
    head = overview.page.locator("#table th", has=overview.page.locator('[data-sort="resampling.params.n_splits"]'))
    assert head.inner_text().split() == ["resampling", "n_splits"]
    assert "5" in overview.page.locator("#table tbody tr").first.locator("td.number").all_inner_texts()
    overview.page.get_by_label("Find a column").fill("f1_macro")
    overview.page.get_by_label("f1_macro", exact=True).uncheck()
    assert overview.page.locator('[data-sort="f1_macro"]').count() == 0


def test_two_that_are_marked_stand_side_by_side(overview: Overview, rows: list[Row]) -> None:
    one, other = [row for row in rows if row.data == "digest-of-iris" and row.status == "COMPLETED"][-2:]
    for row in (one, other):
        overview.page.get_by_role("checkbox", name=f"Mark {row.id} {row.name}", exact=True).check()
    overview.page.get_by_role("button", name="Compare 2").click()
    section = overview.page.locator("#compare")
    expect(section).to_be_focused()
    text = section.inner_text()
    assert "Same data, same folds." in text
    assert f"kedro experiment compare {one.id} {other.id}" in text
    best = max((one, other), key=lambda row: row.metric("accuracy") or 0)
    assert f"{best.metric('accuracy'):.4f}" in section.locator("strong").first.inner_text()
    told = set(section.locator("tbody").nth(1).locator("th[scope=row]").all_inner_texts())
    keys = {*one.settings, *other.settings}
    assert told == {key for key in keys if one.settings.get(key, "–") != other.settings.get(key, "–")}


def test_metrics_on_different_data_are_not_called_better_or_worse(overview: Overview, rows: list[Row]) -> None:
    one = next(row for row in reversed(rows) if row.data == "digest-of-iris")
    other = next(row for row in reversed(rows) if row.data == "digest-of-wine")
    overview.page.goto(f"{overview.address}#marked={one.id},{other.id}")
    section = overview.page.locator("#compare")
    assert "metrics cannot be compared" in section.inner_text()
    assert section.locator("strong").count() == 0


def test_a_name_leads_to_the_report(overview: Overview) -> None:
    overview.search("id=17")
    overview.page.locator("#table tbody a").click()
    expect(overview.page).to_have_title("experiment 17")
    overview.page.go_back()
    assert overview.column("N") == ["17"]


def test_the_address_brings_the_same_view_back(overview: Overview, browser: Browser) -> None:
    overview.search("tag:grid")
    overview.page.locator('[data-sort="accuracy"]').click()
    overview.page.locator("#table tbody input").first.check()
    overview.page.get_by_label("Metric", exact=True).select_option("f1_macro")
    other = browser.new_page()
    again = Overview(other, overview.page.url)
    assert again.column("N") == overview.column("N")
    assert again.count == overview.count
    assert other.get_by_label("Metric", exact=True).input_value() == "f1_macro"
    assert other.locator("#table tbody input").first.is_checked()
    other.close()


def test_an_address_that_means_nothing_does_no_harm(overview: Overview) -> None:
    overview.page.goto(f"{overview.address}#sort=%3Cimg%3E&page=-3&marked=x,99999&columns=nothing&metric=no&status=odd")
    assert overview.count == f"0 of {COUNT} experiments"


def test_it_can_be_used_by_keyboard_alone(overview: Overview) -> None:
    page = overview.page
    keys = page.keyboard
    keys.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#experiments")).to_be_focused()
    keys.press("Tab")
    expect(page.get_by_label("Search and filter")).to_be_focused()
    keys.type("data=iris status=COMPLETED")
    page.wait_for_timeout(200)
    tab_to(page, '[data-sort="accuracy"]')
    keys.press("Enter")
    expect(page.locator('[data-sort="accuracy"]')).to_be_focused()
    tab_to(page, "#table tbody input")
    keys.press("Space")
    tab_to(page, "#table tbody input:not(:checked)")
    keys.press("Space")
    keys.press("Enter")
    expect(page.locator("#compare")).to_be_focused()
    assert "Same data" in page.locator("#compare").inner_text()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus, which is to be seen, is on such an element."""
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) != "none", page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} is not reached")


def test_the_number_of_experiments_is_announced(overview: Overview) -> None:
    assert overview.page.locator("#count").get_attribute("role") == "status"
    described = overview.page.locator("#table caption").inner_text()
    assert "sorted by N" in described


def test_charts_follow_the_table_and_have_their_numbers_beside(overview: Overview, rows: list[Row]) -> None:
    overview.search("data=iris")
    page = overview.page
    measured = sum(row.data == "digest-of-iris" and row.metric("accuracy") is not None for row in rows)
    assert f"{measured} experiments from" in (page.locator("#time svg desc").text_content() or "")
    assert "through model, " in (page.locator("#parallel svg desc").text_content() or "")
    page.locator("summary", has_text="What each value reached").click()
    cells = page.locator("#parallel-numbers tr", has_text="RandomForestClass").locator("td").all_inner_texts()
    forests = sorted(
        value for row in rows if row.name == "iris_forest" and (value := row.metric("accuracy")) is not None
    )
    assert cells[:3] == ["RandomForestClassifier"[:17] + "…", str(len(forests)), f"{forests[-1]:.4f}"]


def test_a_dot_tells_its_experiment_and_marks_it(overview: Overview, rows: list[Row]) -> None:
    one = next(row for row in rows if row.metric("accuracy") is not None)
    overview.search(f"id={one.id}")
    page = overview.page
    dot = page.locator("#time svg path.dots").first.get_attribute("d") or ""
    x, y = (float(part) for part in dot.removeprefix("M").removesuffix("h0").split())
    page.locator("#time svg").hover(position={"x": x + 3, "y": y + 3})
    assert page.locator("#time-caption").inner_text().startswith(f"{one.id} {one.name}: accuracy ")
    page.locator("#time svg").click(position={"x": x + 3, "y": y + 3})
    assert page.locator("#table tbody input").first.is_checked()


HOSTILE = "</script><img src=x onerror=\"document.title='stolen'\">"


def test_what_somebody_wrote_is_shown_and_never_run(browser: Browser, tmp_path: Path) -> None:
    rows = [hostile(row, f"{HOSTILE}{number}") for number, row in enumerate(made_rows(3, tmp_path))]
    write_overview(rows, tmp_path, tmp_path / "overview.html")
    page = browser.new_page()
    opened = Overview(page, (tmp_path / "overview.html").as_uri() + "#marked=1,2")
    assert opened.column("experiment")[0] == f"{HOSTILE}2"
    page.get_by_text("Columns", exact=True).click()
    opened.search(HOSTILE)
    assert page.title() == "3 experiments"
    assert page.locator("img").count() == 0
    assert opened.complaints == []
    assert len(opened.asked) == 1
    page.close()


def test_without_javascript_it_is_a_table_with_links(browser: Browser, rows: list[Row]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(rows))
    assert page.locator("#table tbody tr").count() == 100
    assert page.locator("#table tbody a").count() == 100
    assert not page.locator("#controls").is_visible()
    assert "kedro experiment list" in page.locator("noscript").inner_text()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_its_screen(
    browser: Browser, rows: list[Row], screenshots: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened = Overview(page, f"{address(rows)}#marked={COUNT},{COUNT - 1}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"overview_{scheme}_{width}.png", full_page=True)
    assert opened.complaints == []
    page.close()


def test_it_prints(browser: Browser, rows: list[Row], tmp_path: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(address(rows))
    assert len(page.pdf(path=tmp_path / "overview.pdf")) > 20_000
    page.emulate_media(media="print")
    assert not page.locator("#controls").is_visible()
    page.close()


def test_ten_thousand_experiments_stay_usable(browser: Browser, tmp_path: Path) -> None:
    rows = made_rows(10_000, tmp_path)
    began = time.perf_counter()
    size = write_overview(rows, tmp_path, tmp_path / "overview.html")
    written = time.perf_counter()
    page = browser.new_page()
    opened = Overview(page, (tmp_path / "overview.html").as_uri())
    page.locator("#table tbody input").first.wait_for()
    shown = time.perf_counter()
    page.locator('[data-sort="accuracy"]').click()
    sorted_after = time.perf_counter()
    best = max(value for row in rows if (value := row.metric("accuracy")) is not None)
    assert opened.column("accuracy")[0].startswith(f"{best:.4f}")
    opened.search("model.type=*Forest* accuracy>0.95")
    assert " of 10,000 experiments" in opened.count
    page.close()
    print(  # noqa: T201 - a figure to look at, not to assert
        f"\n10,000 experiments: {size / 1e6:.1f} MB, written in {written - began:.2f} s, "
        f"first row after {shown - written:.2f} s, sorted after {sorted_after - shown:.2f} s"
    )


def test_an_empty_project_has_a_page_too(browser: Browser, tmp_path: Path) -> None:
    write_overview([], tmp_path, tmp_path / "overview.html")
    page = browser.new_page()
    opened = Overview(page, (tmp_path / "overview.html").as_uri())
    assert page.locator("h1").inner_text() == "No experiments yet"
    assert opened.complaints == []
    page.close()
