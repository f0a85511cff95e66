"""Nested search: what the whole procedure, search included, is worth on rows that no trial has seen.

A search's own score flatters: it is the best of many, chosen by the very rows that it is measured on. So within each
fold of ``resampling`` a search of its own runs on the training rows alone, divided by the splitter under ``nested``;
what it chooses is fitted on these training rows, and measured on the fold's validation rows. Source: G. Cawley,
N. Talbot, "On Over-fitting in Model Selection and Subsequent Selection Bias in Performance Evaluation", Journal of
Machine Learning Research 11 (2010), 2079-2107.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from expfw import steps
from expfw.interfaces import Data, Fold
from expfw.parallel.handover import handed_over
from expfw.reuse.linked import draft_of
from expfw.run.build import Builder, RunContext
from expfw.run.generators import seed_generators
from expfw.run.place import at_fold
from expfw.search.bench import Bench
from expfw.search.conduct import best_of
from expfw.search.record import Outputs
from expfw.search.section import varied
from expfw.search.summary import told
from expfw.search.trials import Trial

logger = logging.getLogger("expfw.search")

Conduct = Callable[[Bench, str, int], list[Trial]]
"""Conducts a study: the bench, the study's name, and what is added to the seed of its sampler."""


@dataclass(frozen=True)
class Nested:
    """A nested search.

    Args:
        bench: the search.
        context: its run.
        rows: development data and the outer folds.
        conduct: conducts a study.
    """

    bench: Bench
    context: RunContext
    rows: tuple[Data, Sequence[Fold]]
    conduct: Conduct

    def run(self) -> dict[str, Any]:
        """Search within each outer fold, and measure what was chosen on its validation rows.

        Returns:
            ``{"metrics": …, "chosen": [{"fold", "trial", "experiment", "values", "point"}]}``.
        """
        started = time.perf_counter()
        data, folds = self.rows
        tables, chosen = [], []
        for number in range(len(folds)):
            with at_fold(number, len(folds)):
                best = self.best_within(number)
                tables.append(self.predicted(number, best))
                chosen.append({"fold": number, **told(best)})
                logger.info("chosen within this fold: experiment %d, %s", best.experiment, dict(best.point))
        table = pd.concat(tables, ignore_index=True)
        metrics = steps.evaluate(table, folds, data, None, Builder("metrics", self.context, None, "evaluate"))
        Outputs(self.bench.folder).measured(table, metrics, {"fit": time.perf_counter() - started})
        return {"metrics": metrics, "chosen": chosen}

    def best_within(self, number: int) -> Trial:
        """The best trial of the search within an outer fold."""
        layer = {"resampling": self.within(number)}
        search = replace(self.bench.search, nested=None)
        inner = replace(self.bench, experiment=varied(self.bench.experiment, layer, "the nested search"), search=search)
        plan = inner.plan({}, "the nested search")
        data, _ = self.rows
        folds = steps.resample(data, Builder("resampling", RunContext(plan, self.bench.folder), None, "resample"))
        with handed_over((data, folds), draft_of(self.bench.folder.data / f"rows_{number}")) as handed:
            trials = self.conduct(replace(inner, handed=handed, shares_folds=False), f"outer_{number}", number + 1)
        best = best_of(trials, self.bench.search.metrics[0])
        assert best is not None  # noqa: S101 - otherwise all had failed
        return best

    def within(self, number: int) -> dict[str, Any]:
        """The splitter of the trials within an outer fold."""
        outer: Mapping[str, Any] = self.bench.experiment.values["resampling"]
        return {"type": "WithinFold", "params": {"outer": outer, "fold": number, "inner": self.bench.search.nested}}

    def predicted(self, number: int, best: Trial) -> pd.DataFrame:
        """Fit what was chosen on an outer fold's training rows, and predict its validation rows."""
        plan = self.bench.plan(self.bench.layer(best.point), f"trial {best.number} of outer_{number}")
        context = RunContext(plan, self.bench.folder, self.bench.secrets)
        seed_generators(context.seed)
        data, folds = self.rows
        features, model = (Builder(key, context, None, "fit") for key in ("features", "model"))
        fitted, _ = steps.fit_fold(data, folds, number, features, model, None)
        return steps.predicted(fitted, data, folds[number].validation, number)
