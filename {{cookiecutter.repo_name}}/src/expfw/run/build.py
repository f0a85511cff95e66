"""Building a run's components where they are needed, with the services of that run, step and fold."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expfw.blame import blame
from expfw.config.secrets import Secrets, hide
from expfw.construct.blueprint import Blueprint
from expfw.construct.plan import Plan
from expfw.construct.reference import Reference
from expfw.report.collector import ReportCollector
from expfw.reuse.basis import Basis
from expfw.run.events import EventLog, Timer, timing
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.kept import Catalog
from expfw.run.log import ComponentLogger
from expfw.run.recorded import load_output
from expfw.run.restart import Finished

if TYPE_CHECKING:
    from expfw.results import Results


@dataclass(frozen=True)
class RunContext:
    """What a node must know of its run; picklable.

    Args:
        plan: the experiment's plan.
        folder: the experiment's folder.
        secrets: what is hidden in all that is logged and recorded; for worker processes, which cannot know it.
        finished: what an earlier attempt at this very experiment finished.
        reuse: what the identities of its nodes rest on; None where nothing is reused.
    """

    plan: Plan
    folder: ResultFolder
    secrets: Secrets = field(default_factory=Secrets)
    finished: Finished = field(default_factory=Finished)
    reuse: Basis | None = None

    @property
    def events(self) -> EventLog:
        """The run's event log."""
        return EventLog(self.folder.log / "events.jsonl")

    @property
    def seed(self) -> int:
        """Seed of Python's and numpy's global generators: the default ``random_state``, or 0."""
        seed = self.plan.experiment.values["defaults"].get("random_state")
        return seed % 2**32 if isinstance(seed, int) and seed >= 0 else 0


class Builder:
    """Builds the component (or components) of one key of the experiment file.

    (No dataclass: Kedro would take the annotation for a type to validate the parameter with.)

    Args:
        key: the key.
        context: the run.
        catalog: the project's catalog, for components that ask for it.
        node: the node that builds.
    """

    def __init__(self, key: str, context: RunContext, catalog: Catalog | None = None, node: str = "") -> None:
        self.key, self.context, self.catalog, self.node = key, context, catalog, node

    def __str__(self) -> str:
        planned = self.planned
        return f"{self.key} {planned.type}" if isinstance(planned, Blueprint | Reference) else self.key

    @property
    def planned(self) -> Any:
        """The plan at this key."""
        return self.context.plan.components[self.key]

    @property
    def blueprint(self) -> Blueprint | None:
        """The plan of a key that holds one component; None where the key is null or a reference."""
        return self.planned if isinstance(self.planned, Blueprint) else None

    @property
    def reference(self) -> Reference | None:
        """The earlier experiment that takes the component's place; None if there is none."""
        return self.planned if isinstance(self.planned, Reference) else None

    def taken(self, output: str) -> Any:
        """An output of the experiment that is referred to, verified by its checksums, to go on with."""
        content = self.earlier(output)
        assert self.reference is not None  # noqa: S101 - asked by the steps first
        self.logger.info("%s taken from experiment %d", output, self.reference.number)
        return content

    def earlier(self, output: str) -> Any:
        """The same to compare with."""
        assert self.reference is not None  # noqa: S101 - asked by the steps first
        return load_output(self.reference.folder, output)

    @property
    def events(self) -> EventLog:
        """The run's event log."""
        return self.context.events

    @property
    def logger(self) -> logging.Logger:
        """The step's logger."""
        return logging.getLogger(f"expfw.{self.key}")

    def builder_of(self, key: str) -> Builder:
        """The builder of another key of the same run."""
        return Builder(key, self.context, self.catalog, self.node)

    def build(self, fold: int | None = None) -> Any:
        """A fresh component, for a fold or for all rows."""
        return self._one(self.planned, 0, fold)

    def build_all(self) -> list[Any]:
        """Fresh components of a key that holds several; names (of scorers) stay names."""
        return [self._one(planned, order, None) for order, planned in enumerate(self.planned)]

    def _one(self, planned: Any, order: int, fold: int | None) -> Any:
        if not isinstance(planned, Blueprint):
            return planned
        names: Counter[str] = Counter()

        def inject(service: type, component: Blueprint) -> Any:
            name = component.type.rsplit(".", 1)[-1]
            if service is ReportCollector:  # what several of a kind add must not overwrite each other
                names[name] += 1
                name = name if names[name] == 1 else f"{name} {names[name]}"
            return self._service(service, name, order, fold)

        with blame(f"{self.key} {planned.type}", "construction", fold):
            return planned.build(inject)

    def _service(self, service: type, name: str, order: int, fold: int | None) -> Any:
        folder = self.context.folder
        if service is ReportCollector:
            return ReportCollector(folder.sections, step=self._section, component=name, order=order, fold=fold)
        if service is Timer:
            return Timer(self.events, step=self.key, fold=fold, node=self.node)
        if service is logging.Logger:
            return ComponentLogger.get(f"expfw.{self.key}.{name}")
        return folder if service is ResultFolder else self.catalog

    @property
    def _section(self) -> str:
        """Where on the page a component's additions stand; metrics of test rows apart from those of folds."""
        if self.key == "reports":
            return "report"
        return f"{self.key} (test)" if self.node == "test" else self.key


class RunReports(Builder):
    """The reports, and the page that they make together."""

    def page(self, results: Results) -> str:
        """Run every report over a run's results, and give the page."""
        from expfw.report.collector import read_fragments
        from expfw.report.page import build_view, render_page
        from expfw.run.reported import reported

        for planned, report in zip(self.planned, self.build_all(), strict=True):
            with blame(f"reports {planned.type}", "report"):
                report.report(results)
        folder = self.context.folder
        record = reported(folder, self.events, self.context.plan.experiment.values, results)
        return hide(render_page(build_view(results, read_fragments(folder.sections), record)))

    def results(
        self,
        development_data: Any,
        test_data: Any,
        folds: Sequence[Any],
        predictions: Any,
        validation_metrics: Mapping[str, Any],
        final_model: Any,
        test_predictions: Any,
        test_metrics: Mapping[str, float],
    ) -> Results:
        """A run's outputs as the reports see them."""
        from expfw.results import Predictions, Results

        plan = self.context.plan
        return Results(
            id=self.context.folder.id,
            name=plan.experiment.name,
            config=plan.config,
            development_data=development_data,
            test_data=test_data,
            folds=folds,
            predictions=Predictions(predictions),
            test_predictions=Predictions(test_predictions),
            validation_metrics=validation_metrics,
            test_metrics=test_metrics,
            final_model=final_model,
            timing=timing(self.events)["nodes"],
            environment=read_json(self.context.folder.log / "environment.json", {}),
        )


def builder(key: str, context: RunContext, catalog: Catalog, node: str) -> Builder:
    """The builder that takes the place of ``params:<key>`` among a node's inputs."""
    return (RunReports if key == "reports" else Builder)(key, context, catalog, node)
