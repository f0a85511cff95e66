"""A comparison as one HTML page that needs nothing else: result first, then drawings, then what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from expfw.compare.comparison import Comparison
from expfw.compare.drawing import DotRow, dot_rows
from expfw.compare.metrics import MetricComparison, Paired, p_value, signed
from expfw.compare.sentences import Sentence, untested
from expfw.compare.words import labelled, shown_values, surroundings
from expfw.record import ExperimentRecord, number, with_spread
from expfw.report.charts import Chart
from expfw.report.page import templates
from expfw.report.ranges import shown_interval
from expfw.run.files import atomic

MAX_DRAWN = 12
"""Metrics that are drawn; the table holds all."""

MAX_LINES = 2000
"""Lines of a file's diff that the page shows."""


@dataclass(frozen=True)
class Figure:
    """A drawing with what to look for.

    Args:
        chart: the drawing, and the numbers behind it.
        caption: what to look for.
    """

    chart: Chart
    caption: str


@dataclass(frozen=True)
class Diff:
    """The diff of one file, or as much of it as the page has room for."""

    name: str
    lines: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class ComparisonView:
    """Everything that the page shows, ready to be written.

    Args:
        title: the page's title.
        records: the experiments, the reference first.
        links: by number of an experiment the address of its report, where it has one.
        notes: what a reader must know first.
        main: the first metric's comparisons, told on top.
        metrics: for each metric and part its name, a cell for each experiment and one for each difference.
        tested: for each metric that was put to the test its name, the other experiment's, and what came of it.
        untested: why others were not.
        figures: for each metric that is drawn its name and its drawings.
        undrawn: how many metrics are not drawn.
        settings: for each setting that differs its key and, for each experiment, value and origin.
        surroundings: for each kind of what differs beside the settings its name and, for each other experiment, what
            differs.
        alike: the kinds in which nothing differs.
        diffs: for each other experiment the files of code that changed.
    """

    title: str
    records: tuple[ExperimentRecord, ...]
    links: dict[int, str]
    notes: list[str]
    main: tuple[tuple[str, Paired], ...]
    metrics: list[tuple[str, list[str], list[str]]]
    tested: list[tuple[str, str, Paired]]
    untested: list[Sentence]
    figures: list[tuple[str, list[Figure]]]
    undrawn: int
    settings: list[tuple[str, list[tuple[str, str]]]]
    surroundings: list[tuple[str, list[list[str]]]]
    alike: list[str]
    diffs: list[tuple[ExperimentRecord, list[Diff]]]

    @property
    def reference(self) -> ExperimentRecord:
        """The experiment that the others are compared with."""
        return self.records[0]


def write_comparison(comparison: Comparison, root: Path, path: Path | None = None) -> Path:
    """Write the page; it appears under its name only when it is whole.

    Args:
        comparison: the experiments.
        root: folder of all experiments.
        path: the file; ``comparison_A_B.html`` in ``root`` if None.

    Returns:
        The file.
    """
    target = path or root / f"comparison_{'_'.join(str(record.id) for record in comparison.records)}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    links = _links(comparison) if target.absolute().parent == root else {}
    with atomic(target) as file:
        file.write(render_comparison(build_comparison(comparison, links)).encode("utf-8", "replace"))
    return target


def _links(comparison: Comparison) -> dict[int, str]:
    """Addresses beside the page, of the reports that were written."""
    there = [record for record in comparison.records if (record.path / "report" / "index.html").exists()]
    return {record.id: f"{record.path.name}/report/index.html" for record in there}


def render_comparison(view: ComparisonView) -> str:
    """The page: one HTML document with its style and drawings inside, that loads nothing and runs no script."""
    environment = templates().overlay()
    environment.filters = {**environment.filters, "signed": signed, "p": p_value}
    return environment.get_template("comparison.html.j2").render(view=view)


def build_comparison(comparison: Comparison, links: dict[int, str] | None = None) -> ComparisonView:
    """Arrange a comparison for the page.

    Args:
        comparison: the experiments.
        links: by number of an experiment the address of its report.
    """
    names = {record.id: f"{record.id} {record.name}" for record in comparison.records}
    metrics = comparison.metrics
    return ComparisonView(
        title=_title(comparison),
        records=comparison.records,
        links=links or {},
        notes=comparison.notes,
        main=tuple((names[pair.id], pair) for pair in metrics[0].pairs) if metrics else (),
        metrics=[row for metric in metrics for row in _metric_rows(metric, comparison.records)],
        tested=[(labelled(m), names[pair.id], pair) for m in metrics for pair in m.pairs if pair.result is not None],
        untested=list(untested(comparison)),
        figures=[(labelled(m), list(_figures(m, comparison))) for m in metrics[:MAX_DRAWN] if m.validation],
        undrawn=len(metrics[MAX_DRAWN:]),
        settings=[(row.key, list(zip(shown_values(row), row.origins, strict=True))) for row in comparison.settings],
        surroundings=[(kind, cells) for kind, cells in surroundings(comparison) if any(cells)],
        alike=[kind for kind, cells in surroundings(comparison) if not any(cells)],
        diffs=[
            (other, list(_diffs(comparison, other.id)))
            for other in comparison.others
            if comparison.changes[other.id].code
        ],
    )


def _title(comparison: Comparison) -> str:
    numbers = [str(record.id) for record in comparison.records]
    return f"Experiments {', '.join(numbers[:-1])} and {numbers[-1]} compared"


def _metric_rows(
    metric: MetricComparison, records: tuple[ExperimentRecord, ...]
) -> Iterator[tuple[str, list[str], list[str]]]:
    if metric.validation:
        means = [with_spread(metric.validation[r.id]) if r.id in metric.validation else "–" for r in records]
        yield f"{labelled(metric)}, folds", means, [signed(pair.validation) for pair in metric.pairs]
    if metric.test:
        values = [number(metric.test.get(record.id)) for record in records]
        yield f"{labelled(metric)}, test data", values, [signed(pair.test) for pair in metric.pairs]


def _diffs(comparison: Comparison, other: int) -> Iterator[Diff]:
    for name, text in comparison.changes[other].code.items():
        lines = text.splitlines()
        yield Diff(name, tuple(lines[:MAX_LINES]), len(lines[MAX_LINES:]))


def _figures(metric: MetricComparison, comparison: Comparison) -> Iterator[Figure]:
    """The differences on shared folds, if there are any, and the values side by side."""
    if any(pair.per_fold for pair in metric.pairs):
        yield _differences(metric, comparison)
    yield _side_by_side(metric, comparison)


def _differences(metric: MetricComparison, comparison: Comparison) -> Figure:
    reference = comparison.reference.id
    colours = {record.id: at for at, record in enumerate(comparison.records)}
    rows = [
        DotRow(
            f"{pair.id} − {reference}",
            pair.per_fold,
            pair.validation,
            None if pair.result is None else pair.result.ci95,
            colours[pair.id],
            f": better on {pair.better_folds} of {len(pair.per_fold)} folds",
        )
        for pair in metric.pairs
        if pair.per_fold
    ]
    chart = dot_rows(
        rows,
        title=f"{metric.name}: difference on each fold",
        x_label=f"difference in {metric.name}",
        description=" ".join(f"{pair.id} against {reference}: {pair.verdict}" for pair in metric.pairs),
        zero=True,
    )
    side = "Left" if metric.lower_is_better else "Right"
    caption = (
        f"Each dot: how far the experiment is from experiment {reference} on one fold, on the very same rows. {side} "
        "of the dashed line is better. Look whether the band, the 95 % interval of the mean difference, keeps clear of "
        "the line: then chance hardly explains it. Without a band no test can be made."
    )
    return Figure(chart, caption)


def _side_by_side(metric: MetricComparison, comparison: Comparison) -> Figure:
    rows = [
        _values(record, metric, at) for at, record in enumerate(comparison.records) if record.id in metric.validation
    ]
    chart = dot_rows(
        rows,
        title=f"{metric.name}: value on each fold",
        x_label=metric.name,
        description=" ".join(f"{row.name}: mean {number(row.mean)}." for row in rows),
    )
    end = "left" if metric.lower_is_better else "right"
    shared = all(rows.shared for rows in comparison.rows.values())
    hint = (
        "Bands that overlap do not make experiments alike: the differences on shared folds tell more."
        if shared
        else "Not all were measured on the same rows: a fold of one is no fold of the other; look at means and spread."
    )
    caption = f"One dot for each fold, a line at the mean, its 95 % interval as a band; further {end} is better. {hint}"
    return Figure(chart, caption)


def _values(record: ExperimentRecord, metric: MetricComparison, colour: int) -> DotRow:
    recorded = metric.validation[record.id]
    interval = shown_interval(metric.name, recorded)
    return DotRow(f"{record.id} {record.name}", recorded.get("folds") or (), recorded.get("mean"), interval, colour)
