"""Folders of experiments made by hand: what a run leaves, without a run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from expfw.run.folder import ResultFolder

THIS = psutil.Process()
HERE = {"pid": THIS.pid, "created": THIS.create_time(), "host": os.uname().nodename}
"""What ``log/run.json`` says of a run in this very process."""

STARTED = "2026-03-01T10:00:00"
STOPPED = "2026-03-01T10:05:00"
ENTRY: dict[str, Any] = {
    "artifacts": [],
    "command": "main",
    "experiment": {
        "base_dir": ".",
        "dependencies": ["numpy==2.0"],
        "mainfile": None,
        "name": "tree",
        "repositories": [{"commit": "abc", "dirty": False, "url": None}],
        "sources": [["src/a.py", "../sources/src/a.py"]],
    },
    "heartbeat": STOPPED,
    "host": {"ENV": {}, "hostname": "elsewhere", "os": ["Linux", "6"], "python_version": "3.11.7"},
    "meta": {"command": "main", "options": {"--id": 1}},
    "resources": [],
    "result": {"test.accuracy": 0.75, "validation.accuracy": 0.8},
    "start_time": STARTED,
    "status": "COMPLETED",
    "stop_time": STOPPED,
}
CURVE = {"steps": [0, 1], "values": [0.7, 0.9], "timestamps": [STARTED, STOPPED]}
CONFIG = {"description": "A tree", "metrics": ["accuracy"], "model": {"type": "a.Tree"}, "tags": ["first"]}
SVG = '<svg viewBox="0 0 1 1"><title>t</title></svg>'


def write(path: Path, content: Any) -> None:
    """Write a file: bytes and text as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def make_experiment(
    root: Path, number: int = 1, *, uuid: str | None = "", files: Mapping[str, Any] | None = None, **entry: Any
) -> ResultFolder:
    """A folder like that of a small experiment.

    Args:
        root: folder of all experiments.
        number: the experiment's number.
        uuid: its identity; one made from root and number by default, None for an experiment from before identities.
        files: further files, or other content; None leaves a file out.
        entry: what is different about Sacred's entry.
    """
    folder = ResultFolder(root / f"result_experiment_{number}")
    run = {"id": number, "name": "tree", "hash": "f00", "parents": [], "started": f"{STARTED}+00:00", "process": {}}
    run |= {} if uuid is None else {"uuid": uuid or f"{root.name}-{number}"}
    chart = {"kind": "chart", "title": "A figure", "body": SVG}
    content: dict[str, Any] = {
        "log/run.json": {**run, "process": {"pid": number, "created": 0, "host": "elsewhere"}},
        "log/config.json": CONFIG,
        "log/origin.json": {},
        "log/environment.json": {"python": "3.11.7", "git": None},
        "log/timing.json": {},
        "log/checksums.json": {},
        "log/experiment.log": "it began\nit ended\n",
        "log/events.jsonl": "",
        "log/sacred/run.json": {**ENTRY, **entry},
        "log/sacred/config.json": {**CONFIG, "seed": 1},
        "log/sacred/cout.txt": "it began\n",
        "log/sacred/metrics.json": {"validation.accuracy": CURVE},
        "log/sources/src/a.py": "A = 1\n",
        "report/index.html": "<h1>tree</h1>",
        "report/validation_metrics.json": {"accuracy": {"mean": 0.8, "std": 0.1, "folds": [0.7, 0.9]}},
        "report/test_metrics.json": {"accuracy": 0.75},
        "report/sections/a.json": chart,
        "data/raw_data.pkl": b"rows",
        "model/final_model.pkl": b"model",
        **(files or {}),
    }
    for name, what in content.items():
        if what is not None:
            write(folder.path / name, what)
    return folder


def running(folder: ResultFolder, process: Mapping[str, Any]) -> None:
    """Make an experiment look as if ``process`` runs it at this moment."""
    run = json.loads((folder.log / "run.json").read_text(encoding="utf-8"))
    write(folder.log / "run.json", {**run, "process": dict(process)})
    write(folder.log / "sacred" / "run.json", {**ENTRY, "status": "RUNNING", "stop_time": None, "result": None})
