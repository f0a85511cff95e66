"""What components add to the experiment's page: one small file per addition, so that no process waits for another.

An addition is a JSON file, written beside its place and then renamed into it, so it is there as a whole or not at all.
Its name sorts by workflow order, step, fold and number, and is the same again when a restarted run adds it again.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import pathlib
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from expfw.config.secrets import hide_in
from expfw.errors import ComponentError
from expfw.report.charts import Chart
from expfw.report.table import Table

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "table", "chart", "image", "fault"]

MAX_TEXT = 100_000
MAX_IMAGE = 1_000_000


@dataclass(frozen=True)
class Fragment:
    """One addition, as the page shows it.

    Args:
        kind: what ``body`` is: a text, an SVG drawn by :mod:`expfw.report.charts` ("chart"), any other SVG ("image"),
            or a sentence on an addition that could not be read ("fault"). A "table" has no body.
        title: heading of the addition; may be empty.
        body: see ``kind``.
        caption: sentences below a table or figure.
        table: the table, or the numbers behind a figure.
        step: the step of the workflow that added it.
        component: name of the component that added it; may be empty.
        fold: number of the fold, from 0; None outside of folds.
        order: place of the step, or of the report, on the page.
    """

    kind: Kind
    title: str = ""
    body: str = ""
    caption: str = ""
    table: Table = field(default_factory=Table)
    step: str = ""
    component: str = ""
    fold: int | None = None
    order: int = 0


class ReportCollector:
    """Adds text, tables and figures to the experiment's page; ask for it in a component's constructor by type.

    It can be used from threads and be sent to other processes, and no addition gets lost or waits for a lock. Adding
    the same things in the same sequence again, as a restarted run does, replaces the earlier ones.

    Args:
        folder: where additions are kept; made with the first of them.
        step: the step of the workflow on whose behalf things are added, for example ``fit``.
        component: name of the component that adds, for example ``RandomForestClassifier``.
        order: place of the step, or of the report, on the page: lower comes first.
        fold: number of the fold, from 0; None outside of folds.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ReportCollector(pathlib.Path(folder), step="fit", fold=0).add_text("It converged.", title="Note")
        ...     [(fragment.step, fragment.title, fragment.body) for fragment in read_fragments(pathlib.Path(folder))]
        [('fit', 'Note', 'It converged.')]
    """

    def __init__(
        self, folder: pathlib.Path, *, step: str, component: str = "", order: int = 0, fold: int | None = None
    ) -> None:
        self.folder = pathlib.Path(folder)
        self.step = step
        self.component = component
        self.order = order
        self.fold = fold
        self._lineage = ""
        self._begin()

    def add_text(self, text: str, *, title: str = "") -> None:
        """Add plain text; an empty line begins a new paragraph. Nothing in it is read as HTML.

        Args:
            text: the text; of more than 100,000 characters the rest is left out.
            title: a heading.
        """
        body = str(text)
        self._write("text", title, body if len(body) <= MAX_TEXT else f"{body[:MAX_TEXT]}… (the rest is left out)")

    def add_table(self, table: pd.DataFrame | Sequence[Mapping[str, Any]], *, title: str, caption: str = "") -> None:
        """Add a table; of a long or wide one the first 200 rows and 50 columns are shown.

        Args:
            table: a frame, or a list of records with one key per column.
            title: a heading.
            caption: what to look for.
        """
        self._write("table", title, "", caption, Table.of(table))

    def add_figure(
        self,
        figure: Any,
        *,
        title: str,
        caption: str = "",
        data: pd.DataFrame | Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Add a figure.

        Args:
            figure: a :class:`~expfw.report.charts.Chart`, the text of an SVG drawing (shown as an image, so that no
                script in it can run), or a matplotlib figure.
            title: a heading.
            caption: what to look for.
            data: the numbers behind the figure; those of a chart if not given.

        Raises:
            ComponentError: if ``figure`` is none of these, or its drawing is larger than 1 MB.
        """
        table = Table() if data is None else Table.of(data, limit=50)
        if isinstance(figure, Chart):
            caption = f"{caption} {figure.note}".strip()
            self._write("chart", title, figure.svg, caption, figure.table if data is None else table)
        else:
            self._write("image", title, _image(figure, title), caption, table)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, wherever it is sent to, numbers its additions apart from its original and from other copies."""
        state = {key: value for key, value in vars(self).items() if key not in ("_numbers", "_copies", "_process")}
        return state | {"_lineage": f"{self._lineage}~{next(self._copies):03d}"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Numbers start anew in a copy; its lineage keeps them apart."""
        vars(self).update(state)
        self._begin()

    def _begin(self) -> None:
        self._numbers = itertools.count()
        self._copies = itertools.count()
        self._process = os.getpid()

    def _write(self, kind: Kind, title: str, body: str, caption: str = "", table: Table | None = None) -> None:
        number = next(self._numbers)
        content = {
            "kind": kind,
            "title": str(title),
            "body": body,
            "caption": str(caption),
            "table": None if table is None else [table.columns, table.rows, table.note],
            "step": self.step,
            "component": self.component,
            "fold": self.fold,
            "order": self.order,
        }
        text = json.dumps(hide_in(content))
        self._replace(f"{self._prefix()}-{number:05d}{self._suffix(text)}.json", text)

    def _prefix(self) -> str:
        fold = 0 if self.fold is None else self.fold + 1
        return f"{self.order:05d}-{slug(self.step)}-{fold:06d}-{slug(self.component)}{self._lineage}"

    def _suffix(self, text: str) -> str:
        """Tells forked children apart, which share their parent's numbers: by content, so that a restart repeats it."""
        return "" if os.getpid() == self._process else f"-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def _replace(self, name: str, text: str) -> None:
        draft = self.folder / f".{name}.{os.getpid()}-{threading.get_ident()}"
        try:
            draft.write_text(text, encoding="utf-8")
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
        draft.replace(self.folder / name)


def read_fragments(folder: pathlib.Path) -> list[Fragment]:
    """All additions in ``folder``, in the order of the page; one that can not be read is a sentence that says so.

    Args:
        folder: where collectors keep additions; it need not exist.

    Example:
        >>> read_fragments(pathlib.Path("no/such/folder"))
        []
    """
    paths = sorted(folder.glob("[!.]*.json")) if folder.is_dir() else []
    return [_read(path) for path in paths]


def _read(path: pathlib.Path) -> Fragment:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        columns, rows, note = content.pop("table") or ((), (), "")
        return Fragment(**content, table=Table(tuple(columns), tuple(map(tuple, rows)), note))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        return Fragment("fault", body=f"The addition {path.name} could not be read ({reason[:200]}).", step="report")


def slug(name: str) -> str:
    """A name as a part of a file name; a digest keeps names apart that would look alike.

    Example:
        >>> slug("model"), slug("metrics (test)")
        ('model', 'metrics__test__d55336d5')
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)[:40]
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _image(figure: Any, title: str) -> str:
    svg = _saved(figure) if hasattr(figure, "savefig") else figure
    if not isinstance(svg, str) or "<svg" not in svg:
        given = f"text without <svg: {svg[:40]!r}" if isinstance(svg, str) else f"a {type(figure).__name__}"
        raise ComponentError(
            f"figure '{title}': {given} was given; give a Chart from expfw.report.charts, the text of an SVG drawing, "
            "or a matplotlib figure"
        )
    if len(svg) > MAX_IMAGE:
        raise ComponentError(
            f"figure '{title}': its SVG has {len(svg):,} characters, {MAX_IMAGE:,} are allowed; draw fewer points "
            "(in matplotlib, rasterized=True)"
        )
    return svg[svg.index("<svg") :]


def _saved(figure: Any) -> str:
    """A matplotlib figure as SVG, its text as text; without date and random ids, so that equal figures are equal."""
    matplotlib = sys.modules.get("matplotlib")
    style = {"svg.fonttype": "none", "svg.hashsalt": "expfw"}
    buffer = io.BytesIO()
    with matplotlib.rc_context(style) if matplotlib else nullcontext():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().decode("utf-8")
