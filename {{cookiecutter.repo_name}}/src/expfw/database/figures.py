"""The figures of a report as drawings of their own, for those who do not open the whole page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

DRAWN = ("chart", "image")
"""Kinds of additions to a report that are drawings."""

STYLE = Path(__file__).resolve().parent.parent / "report" / "templates" / "style.css"


def figures(sections: Path) -> Iterator[tuple[str, bytes]]:
    """The drawings among a report's additions: names that end with ``.svg``, and the drawings.

    A chart takes its colours from the page, so the page's style goes with it.

    Args:
        sections: the folder of the additions; it need not exist.

    Example:
        >>> list(figures(Path("no/such/folder")))
        []
    """
    number = 0
    for path in sorted(sections.glob("[!.]*.json")) if sections.is_dir() else ():
        try:
            content = json.loads(path.read_bytes())
            kind, body, title = content["kind"], str(content["body"]), str(content["title"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if kind in DRAWN and body.startswith("<svg"):
            number += 1
            yield f"figure-{number:02d}-{_slug(title)}.svg", _alone(body, kind).encode("utf-8", "replace")


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "untitled"


def _alone(svg: str, kind: str) -> str:
    """A drawing that stands without its page."""
    head, end, rest = svg.partition(">")
    if "xmlns=" not in head:
        head += ' xmlns="http://www.w3.org/2000/svg"'
    return f"{head}{end}<style><![CDATA[{_style()}]]></style>{rest}" if kind == "chart" else f"{head}{end}{rest}"


@cache
def _style() -> str:
    alone = "svg { background: var(--paper); font-family: system-ui, sans-serif; }"
    return f"{STYLE.read_text(encoding='utf-8')}{alone}"
