"""How long everything took, where it ran, and what it descends from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from expfw.report.charts import bars, line_chart
from expfw.report.collector import Fragment
from expfw.report.table import Table, cell

MAX_LISTED = 500
MAX_BARS = 12


@dataclass(frozen=True)
class Ancestor:
    """One line of the lineage.

    Args:
        what: what was taken over, or what happened.
        number: number of the experiment that it concerns; None where that is this one.
        how: further words; may be empty.
    """

    what: str
    number: int | None = None
    how: str = ""


def seconds(nodes: Mapping[str, float], timing: Mapping[str, Any], reused: Mapping[str, int]) -> tuple[Fragment, ...]:
    """Drawings of the seconds per node and per fold, and a table of the parts that components measured.

    Args:
        nodes: seconds per node so far.
        timing: ``folds`` and ``parts``, as in ``log/timing.json``; both optional.
        reused: by node that took its outputs, the experiment that computed them.

    Example:
        >>> [fragment.title for fragment in seconds({"fit": 1.0}, {"folds": {"0": 0.4, "1": 0.6}}, {})]
        ['Seconds per node', 'Seconds per fold']
    """
    parts = [_nodes(nodes, reused), _folds(timing.get("folds") or {}), _parts(timing.get("parts") or ())]
    return tuple(part for part in parts if part is not None)


def _nodes(nodes: Mapping[str, float], reused: Mapping[str, int]) -> Fragment | None:
    if not nodes:
        return None
    whole, longest = sum(nodes.values()), max(nodes, key=lambda node: nodes[node])
    chart = bars(nodes, title="Seconds per node", unit="s", description=f"Of {whole:.3g} s, {longest} took most.")
    share = nodes[longest] / whole if whole > 0 else 0.0
    caption = (
        f"Up to this page, {whole:.3g} s, loading and saving included. To be quicker, begin with {longest}: it took "
        f"{share:.0%} of it."
    )
    taken = f" Reused, not computed: {', '.join(node for node in reused if node in nodes)}." if reused else ""
    return Fragment("chart", "Seconds per node", chart.svg, f"{caption}{taken} {chart.note}".strip(), chart.table)


def _folds(folds: Mapping[str, float]) -> Fragment | None:
    known = sorted((int(fold), float(value)) for fold, value in folds.items())
    if len(known) < 2:
        return None
    title, values = "Seconds per fold", [value for _, value in known]
    if len(known) <= MAX_BARS:
        chart = bars({f"fold {fold + 1}": value for fold, value in known}, title=title, unit="s")
    else:
        lines = {"fit": ([fold + 1 for fold, _ in known], values)}
        chart = line_chart(lines, title=title, x_label="fold", y_label="seconds", limits=None)
    caption = (
        f"Fitting only, {min(values):.3g} to {max(values):.3g} s. A fold that takes much longer than its neighbours "
        "had more rows, a harder problem, or a busy machine."
    )
    return Fragment("chart", title, chart.svg, caption, chart.table)


def _parts(parts: Iterable[Mapping[str, Any]]) -> Fragment | None:
    sums: dict[tuple[str, str], list[float]] = {}
    for part in parts:
        sums.setdefault((str(part["step"]), str(part["part"])), []).append(float(part["seconds"]))
    rows = tuple((step, name, len(each), sum(each), max(each)) for (step, name), each in sums.items())
    if not rows:
        return None
    table = Table.excerpt(("step", "part", "times", "seconds", "longest"), rows, limit=50)
    return Fragment("table", "Measured by components", caption="With the service Timer, over all folds.", table=table)


def environment(entries: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    r"""Name and value of what the experiment ran on, without packages and long texts.

    Example:
        >>> list(environment({"python": "3.11", "git": {"commit": "abc", "diff": "+a\n-b"}}))
        [('python', '3.11'), ('git commit', 'abc')]
    """
    for name, value in entries.items():
        if isinstance(value, Mapping) and name != "packages":
            yield from ((key if key.isupper() else f"{name} {key}", text) for key, text in environment(value))
        elif isinstance(value, (str, int, float)) and str(value) and "\n" not in str(value).strip():
            yield name if name.isupper() else name.replace("_", " "), str(cell(str(value).strip()))


def packages(entries: Any) -> tuple[tuple[str, str], ...]:
    """Name and version of each package, sorted."""
    pairs = entries.items() if isinstance(entries, Mapping) else [(str(name), "") for name in entries or ()]
    return tuple(sorted((str(name), str(version)) for name, version in pairs)[:MAX_LISTED])


def lineage(record: Mapping[str, Any], reused: Mapping[str, int]) -> tuple[Ancestor, ...]:
    """What the experiment rests on, and how it came about.

    Args:
        record: ``parents``, ``rerun_of`` and ``restarts``, each optional.
        reused: by node that took its outputs, the experiment that computed them.

    Example:
        >>> [(line.what, line.number, line.how) for line in lineage({"parents": [7]}, {"load": 3, "fit": 3})]
        [('Built on', 7, 'as its configuration says'), ('Outputs reused', 3, 'load, fit')]
    """
    lines = [_ancestor("Built on", parent, "as its configuration says") for parent in record.get("parents") or ()]
    if record.get("rerun_of") is not None:
        lines.append(_ancestor("Rerun of", record["rerun_of"], "its exact configuration, run again"))
    for number in sorted(set(reused.values())):
        nodes = ", ".join(node for node, origin in reused.items() if origin == number)
        lines.append(Ancestor("Outputs reused", number, nodes))
    return (*lines, *map(_restart, record.get("restarts") or ()))


def _ancestor(what: str, number: Any, how: str) -> Ancestor:
    """A line on another experiment; one that has no number is named, not linked to."""
    return Ancestor(what, number, how) if isinstance(number, int) else Ancestor(what, None, f"{number}, {how}")


def _restart(restart: Mapping[str, Any]) -> Ancestor:
    started = str(restart.get("started") or "")[:16].replace("T", " ")
    finished = ", ".join(restart.get("finished_nodes") or ()) or "nothing"
    changed = ", ".join(restart.get("changed") or ())
    forced = f"; with --force, although changed: {changed}" if changed else ""
    return Ancestor("Taken up again", None, f"{started} UTC; finished before: {finished}{forced}")
