"""The record of one trial: that of an ordinary experiment; what it shares with its search is linked, not copied."""

from __future__ import annotations

import os
import platform
import shutil
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import psutil

from expfw.config.secrets import hide, hide_in
from expfw.construct.plan import Plan
from expfw.database.mark import remove_mark
from expfw.datasets import FoldsDataset, ObjectDataset, TableDataset
from expfw.interfaces import Data
from expfw.reuse.linked import link_file
from expfw.run.events import EventLog, checksum, checksums, timing
from expfw.run.files import atomic, plain, read_json
from expfw.run.folder import ResultFolder
from expfw.run.kept import fold_model_file
from expfw.run.lineage import link_to_parents
from expfw.run.tracking import mongo_safe
from expfw.search.bench import Bench, Rows

LINKED = ("environment.json", "inputs.json", "git.diff")
"""Files of a search's record that hold for its trials as well."""

TREES = ("sources", "untracked")
"""Folders of which the same is true."""


@dataclass(frozen=True)
class Task:
    """A trial that is to be run.

    Args:
        study: the study that it belongs to.
        number: its number there.
        point: the values of the space's parameters.
        layer: what it changes in the search's configuration.
        folder: its own folder.
        uuid: identity of the experiment that it is.
        told: how many trials before it have ended for certain when it is decided whether to break it off.
    """

    study: str
    number: int
    point: Mapping[str, Any]
    layer: Mapping[str, Any]
    folder: ResultFolder
    uuid: str
    told: int = 0

    @property
    def origin(self) -> str:
        """What to call it as the origin of values."""
        return f"trial {self.number}" + (f" of {self.study}" if self.study else "")


class Outputs:
    """Writes outputs into an experiment's folder as the workflow's nodes do, each with its event.

    Args:
        folder: the experiment's folder.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder
        self.events = EventLog(folder.log / "events.jsonl")

    def save(self, node: str, output: str, kind: Any, name: str, content: Any, seconds: float = 0.0) -> None:
        """Write an output.

        Args:
            node: the node that gives it.
            output: its catalog entry.
            kind: class of the dataset.
            name: the file, relative to the folder.
            content: what to write.
            seconds: what the node has taken.
        """
        dataset = kind(filepath=str(self.folder.path / name))
        dataset.save(content)
        self.saved(node, output, name, f"{kind.__module__}.{kind.__qualname__}", dataset.modules, seconds)

    def saved(self, node: str, output: str, name: str, kind: str, modules: Sequence[str], seconds: float) -> None:
        """Note that an output was written."""
        self.events.append(
            "saved",
            node=node,
            output=output,
            seconds=seconds,
            files={name: checksum(self.folder.path / name)},
            dataset=kind,
            modules=list(modules),
        )

    def measured(self, table: Any, metrics: Mapping[str, Any], seconds: Mapping[str, float]) -> None:
        """Write predictions and metrics.

        Args:
            table: predictions on validation rows.
            metrics: see :func:`expfw.scoring.validation_metrics`.
            seconds: by node, what it has taken.
        """
        for node, spent in seconds.items():
            self.events.append("ran", node=node, seconds=spent)
        self.save(
            "predict", "predictions", TableDataset, "data/predictions.feather", table, seconds.get("predict", 0.0)
        )
        for output, node, content in (("validation_metrics", "evaluate", metrics), ("test_metrics", "test", {})):
            path = f"report/{output}.json"
            _write(self.folder.path / path, plain(content))
            self.saved(node, output, path, "expfw.datasets.JsonDataset", (), seconds.get(node, 0.0))


class TrialRecord(Outputs):
    """Writes the record of one trial.

    Args:
        bench: its search.
        task: the trial.
        plan: its plan.
    """

    def __init__(self, bench: Bench, task: Task, plan: Plan) -> None:
        super().__init__(task.folder)
        self.bench, self.task, self.plan, self.log = bench, task, plan, task.folder.log
        self.entry: dict[str, Any] = {}

    def begin(self) -> None:
        """Write what is known before the first fold."""
        now = datetime.now(UTC)
        for name in LINKED:
            if (self.bench.folder.log / name).exists():
                link_file(self.bench.folder.log / name, self.log / name)
        for name in TREES:
            _lead_to(self.bench.folder.log / name, self.log / name)
        config = hide_in(plain(self.plan.config))
        _write(self.log / "config.json", config)
        _write(self.log / "origin.json", self.plan.origins)
        _write(self.log / "run.json", self.run(now))
        (self.log / "sacred").mkdir(exist_ok=True)
        _write(self.log / "sacred" / "config.json", mongo_safe({**config, "seed": self.seed}))
        (self.log / "sacred" / "cout.txt").touch()
        self.entry = {
            **_sacred_entry(str(self.bench.folder.log)),
            "start_time": _as_sacred(now),
            "status": "RUNNING",
            "artifacts": [],
            "resources": [],
            "heartbeat": None,
            "result": None,
        }
        self.keep()
        link_to_parents(self.folder, [self.bench.folder.id])

    @property
    def seed(self) -> int:
        """The default seed."""
        seed = self.plan.experiment.values["defaults"].get("random_state")
        return seed if isinstance(seed, int) else 0

    def run(self, now: datetime) -> dict[str, Any]:
        """Content of ``run.json``."""
        process = psutil.Process()
        return {
            "id": self.folder.id,
            "uuid": self.task.uuid,
            "name": self.plan.experiment.name,
            "hash": self.plan.hash,
            "parents": [self.bench.folder.id],
            "env": self.bench.env,
            "process": {"pid": process.pid, "created": process.create_time(), "host": platform.node()},
            "command": None,
            "params": {},
            "started": now.isoformat(),
            "trial": {"search": self.bench.folder.id, "study": self.task.study, "number": self.task.number},
        }

    def keep(self) -> None:
        """Write Sacred's entry of the run, as its file observer would."""
        _write(self.log / "sacred" / "run.json", self.entry)

    def rows(self, rows: Rows) -> None:
        """Give the trial its data and folds: links to the search's, or files of its own."""
        if not rows.events:
            self.save("hold_out", "development_data", ObjectDataset, "data/development_data.pkl", rows.development)
            none = rows.development.take([]) if isinstance(rows.development, Data) else rows.development
            self.save("hold_out", "test_data", ObjectDataset, "data/test_data.pkl", none)
        for event in rows.events:
            for name in event["files"]:
                link_file(self.bench.folder.path / name, self.folder.path / name)
            self.events.append("saved", **{key: value for key, value in event.items() if key != "event"})
        for node in dict.fromkeys(event["node"] for event in rows.events):
            outputs = [event["output"] for event in rows.events if event["node"] == node]
            self.events.append("reused", node=node, outputs=outputs, **{"from": self.bench.folder.id})
        if "folds" not in [event["output"] for event in rows.events]:
            self.save("resample", "folds", FoldsDataset, "data/folds.npz", rows.folds)

    def save_model(self, fold: int, model: Any) -> None:
        """Keep the fitted model of a fold."""
        from expfw.datasets import FoldModelsDataset

        dataset = FoldModelsDataset(filepath=str(self.folder.model / "folds"))
        dataset.save({fold: model})
        name = fold_model_file(self.folder.model / "folds", fold).relative_to(self.folder.path).as_posix()
        kind = f"{FoldModelsDataset.__module__}.{FoldModelsDataset.__qualname__}"
        self.saved("fit", "fold_models", name, kind, dataset.modules, 0.0)

    def results(self, table: Any, metrics: Mapping[str, Any], seconds: Mapping[str, float]) -> None:
        """Write predictions and metrics of all folds that were run."""
        self.measured(table, metrics, seconds)
        _write(self.log / "sacred" / "metrics.json", _sacred_metrics(metrics, _as_sacred(datetime.now(UTC))))
        self.entry["result"] = {f"validation.{name}": plain(values["mean"]) for name, values in metrics.items()}

    def end(self, status: str, error: BaseException | None = None) -> None:
        """Write how it ended."""
        _write(self.log / "timing.json", timing(self.events))
        _write(self.log / "checksums.json", checksums(self.events))
        now = _as_sacred(datetime.now(UTC))
        self.entry |= {"status": status, "stop_time": now, "heartbeat": now}
        if error is not None:
            trace = [hide(line) for line in traceback.format_exception(error)]
            self.entry["fail_trace"] = trace
            with suppress(OSError), atomic(self.log / "traceback.txt") as file:
                file.write("".join(trace).encode("utf-8", "replace"))
        remove_mark(self.folder)
        self.keep()


def _write(path: Path, content: Any) -> None:
    """JSON as the framework writes it elsewhere, several times as quickly."""
    with atomic(path) as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")


def _lead_to(source: Path, target: Path) -> None:
    """Let a folder of a trial be that of its search: some hundred files, which each trial would have to be given."""
    if not source.is_dir():
        return
    try:
        target.symlink_to(os.path.relpath(source, target.parent), target_is_directory=True)
    except OSError:  # Windows lets few users do so
        shutil.copytree(source, target)


@lru_cache(maxsize=4)
def _sacred_entry(log: str) -> Mapping[str, Any]:
    """What Sacred has on record of a search, which holds for its trials: sources, packages, repository, host."""
    entry = read_json(Path(log) / "sacred" / "run.json", {})
    return {key: entry[key] for key in ("experiment", "command", "host", "meta", "format") if key in entry}


def _as_sacred(now: datetime) -> str:
    """A time as Sacred writes it: UTC, and not said so."""
    return now.replace(tzinfo=None).isoformat()


def _sacred_metrics(metrics: Mapping[str, Any], stamp: str) -> dict[str, Any]:
    told = {}
    for name, values in metrics.items():
        folds = plain(values["folds"])
        told[f"validation.{name}"] = {
            "steps": list(range(len(folds))),
            "timestamps": [stamp] * len(folds),
            "values": folds,
        }
    return told
