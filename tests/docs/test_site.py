"""The documentation as a site: it is complete, needs no network, and keeps to what may be said in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from baking import TEMPLATE

DOCS = TEMPLATE / "docs"
SOURCES = [TEMPLATE / "README.md", TEMPLATE / "mkdocs.yml", *sorted(DOCS.rglob("*.md"))]
FETCHED = re.compile(
    r"<(?:script|img|iframe)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*rel=\"(?:stylesheet|preconnect|icon)\"[^>]*href=\"(?:https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a broken link, anchor or a page outside of the navigation is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    result = subprocess.run(command, cwd=TEMPLATE, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")} - {"404"}
    assert built == {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}


def test_no_page_fetches_anything(site: Path) -> None:
    assert [path.name for path in site.rglob("*.html") if FETCHED.search(path.read_text(encoding="utf-8"))] == []


def test_the_readme_links_to_what_exists() -> None:
    text = (TEMPLATE / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    assert [target for target in targets if not (TEMPLATE / target).exists()] == []


def test_pictures_are_small_and_shown() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    for picture in (DOCS / "images").iterdir():
        assert picture.stat().st_size < 200_000, picture.name
        assert f"images/{picture.name})" in pages, f"{picture.name} is on no page"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(TEMPLATE).as_posix())
def test_a_page_names_no_machine_and_no_issue(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:home|root|work|tmp|Users)/", text)
    assert not re.search(r"(?<![\w&/(])#\d+\b", text)


@pytest.mark.parametrize("path", sorted((DOCS / "explanation" / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_says_why_what_and_how_it_is_confirmed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(path.name[:4])} ")
    assert re.findall(r"^\*\*(Context|Decision|Confirmed by)\b", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Confirmed by",
    ]
