"""Writing the page of a search: one HTML file that loads nothing and runs no script."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from expfw.config.secrets import hide
from expfw.construct.plan import Plan
from expfw.report.page import TEMPLATES, templates
from expfw.report.search.found import read_search
from expfw.report.search.view import SearchView, build_search
from expfw.run.files import atomic
from expfw.run.folder import ResultFolder
from expfw.search.section import Search


def write_search(folder: ResultFolder, plan: Plan, search: Search) -> Path:
    """Draw the page of a search from what is on record of it; it appears under its name only when it is whole.

    Args:
        folder: the search's folder.
        plan: its plan.
        search: what is searched.

    Returns:
        The page's file.
    """
    page = render_search(build_search(read_search(folder, plan, search)))
    path = folder.report / "index.html"
    with atomic(path) as file:
        file.write(hide(page).encode("utf-8", "replace"))
    return path


def render_search(view: SearchView) -> str:
    """The page as HTML."""
    css = Markup((TEMPLATES / "search.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return templates().get_template("search.html.j2").render(view=view, css=css)
