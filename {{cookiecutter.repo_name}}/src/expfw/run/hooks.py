"""The framework's Kedro hooks: components into nodes, node events into the run's event log."""

from __future__ import annotations

import inspect
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from expfw.config.keys import STEPS
from expfw.config.loader import CONTEXT
from expfw.config.secrets import learn
from expfw.errors import ExpfwError
from expfw.reuse import nodes as reuse
from expfw.reuse.identity import Identity
from expfw.run import place
from expfw.run.build import RunContext, builder
from expfw.run.events import checksum
from expfw.run.folder import PLACEHOLDER
from expfw.run.generators import seed_generators
from expfw.run.inputs import Inputs
from expfw.run.kept import Catalog, class_of, path_of
from expfw.run.log import attend
from expfw.run.redacted_log import hide_in_logs
from expfw.run.restart import clear_outputs, expect
from expfw.run.workers import be_a_worker


class _Current(threading.local):
    """The node that a thread is at."""

    node: str | None = None
    run: tuple[RunContext, Catalog] | None = None
    inputs: Inputs | None = None
    identity: Identity | None = None
    started: float = 0.0

    def begin(self, node: str) -> None:
        self.node, self.started = node, time.perf_counter()
        place.enter(node=node)
        self.end_inputs()

    def end_inputs(self) -> None:
        """Observe the node no more, which was this thread's last."""
        if self.inputs is not None:
            self.inputs.end()
            self.inputs = None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


class ExperimentHooks:
    """Wires an experiment into the fixed workflow. Kedro calls it, in worker processes too.

    What a node needs to know of its run lies in the catalog, under :data:`expfw.config.loader.CONTEXT`, where a worker
    process finds it. A node is loaded, run and saved in one thread, so what is noted in between is kept by thread.
    """

    def __init__(self) -> None:
        self._session_process: int | None = None
        self._current = _Current()

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Refuse to write to the folder ``…_N`` itself, as a run that bypasses the project's session would."""
        self._session_process = os.getpid()
        for name in pipeline.datasets():
            path = path_of(catalog, name)
            if path is not None and PLACEHOLDER in path.as_posix():
                raise ExpfwError(
                    f"catalog entry '{name}' belongs to an experiment, and this run is none; start it with 'kedro run' "
                    "or settings.SESSION_CLASS, which take a folder for it"
                )
        if CONTEXT in catalog:
            context: RunContext = catalog.load(CONTEXT)
            if (context.folder.log / "attempts").is_dir():
                paths = {name: path_of(catalog, name) for name in pipeline.all_outputs()}
                clear_outputs(context.folder, paths, context.finished)
                expect(context.folder, catalog, context.finished)

    @hook_impl
    def before_dataset_loaded(self, node: Node) -> None:
        """A node's time begins with its first input; in a worker process, signals end it without a word."""
        if self._session_process != os.getpid():
            be_a_worker()
        if self._current.node != node.name:
            self._current.begin(node.name)

    @hook_impl
    def before_node_run(self, node: Node, catalog: Catalog, inputs: dict[str, Any]) -> dict[str, Any]:
        """Put components in the place of their parameters."""
        self._current.node = None  # what is loaded next belongs to another node
        self._current.run = None
        self._current.end_inputs()
        if CONTEXT not in catalog:
            return {}
        context: RunContext = catalog.load(CONTEXT)
        self._current.run = context, catalog
        if self._session_process != os.getpid():
            learn(context.secrets)
            hide_in_logs()
            attend(context.folder.log)
        place.enter(str(context.folder.log), node.name)
        seed_generators(context.seed)
        keys = {name: name.removeprefix("params:") for name in inputs}
        planned = [context.plan.components[key] for name, key in keys.items() if name != key and key in STEPS]
        self._current.identity, taken = reuse.before(node, context, catalog, inputs)
        if not taken:  # what is taken has nothing to read
            folder, project = context.folder.path, context.reuse.project if context.reuse else None
            self._current.inputs = Inputs(context.events, node.name, folder.parent, planned, catalog, folder, project)
        return {
            name: builder(key, context, catalog, node.name)
            for name, key in keys.items()
            if name != key and key in STEPS
        }

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Note the time of a node that may save nothing (``fit`` without resampling)."""
        if self._current.run is not None:
            context, _ = self._current.run
            self._note_inputs()
            context.events.append("ran", node=node.name, seconds=self._current.seconds)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Record what a node wrote, with its checksum, and how long the node has taken so far."""
        if self._current.run is None:
            return
        context, catalog = self._current.run
        self._note_inputs()
        files = {_name(path, context.folder.path): checksum(path) for path in _files(catalog, dataset_name, data)}
        reuse.check_taken(data, files)
        if self._current.inputs is not None:
            reuse.before_record(node, self._current.identity, context)
        context.events.append(
            "saved",
            node=node.name,
            output=dataset_name,
            seconds=self._current.seconds,
            files=files,
            dataset=class_of(catalog, dataset_name),
            modules=list(getattr(catalog.get(dataset_name), "modules", ())),
        )
        if dataset_name == node.outputs[-1] and not inspect.isgeneratorfunction(node.func):
            place.leave()

    @hook_impl
    def on_node_error(self, error: Exception) -> None:
        """Record what a node had read that failed, and that it was this one."""
        place.note(error, place.here())
        with suppress(OSError):  # of a full disk: what ended the run is the word to keep
            self._note_inputs()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Observe no more."""
        self._current.end_inputs()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Observe no more."""
        self._current.end_inputs()

    def _note_inputs(self) -> None:
        if self._current.inputs is not None:
            self._current.inputs.note()


def _files(catalog: Catalog, name: str, data: Any) -> list[Path]:
    """The files that were just written; none for a dataset that is no file."""
    written = getattr(catalog.get(name), "files", None)
    if written is not None:
        return list(written(data))
    path = path_of(catalog, name)
    return [path] if path is not None and path.is_file() else []


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()
