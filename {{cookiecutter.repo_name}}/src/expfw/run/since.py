"""What differs by now from what a run had that is to be taken up again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.pipeline import Pipeline

from expfw.config.leaves import leaves
from expfw.config.loader import ExperimentConfigLoader
from expfw.config.secrets import MARK
from expfw.errors import RecordError
from expfw.reuse.basis import KEYS
from expfw.run.compared import changed, surroundings
from expfw.run.environment import Environment, thread_pools
from expfw.run.events import EventLog
from expfw.run.files import read_json
from expfw.run.folder import ResultFolder
from expfw.run.inputs import state
from expfw.run.sources import is_setting, source_files

HIDDEN = rb"[^\s\"']+"
"""What the mark of a secret in a recorded source stands for."""


def attempts(folder: ResultFolder) -> list[Path]:
    """Records of earlier attempts, the oldest first."""
    found = [path for path in (folder.log / "attempts").glob("*") if path.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.name))


def changes_since(
    folder: ResultFolder, project: Path, loader: ExperimentConfigLoader, environment: Environment
) -> list[str]:
    """What differs by now in code, settings, packages, Python and surroundings from what the experiment ran with.

    Args:
        folder: the experiment's folder.
        project: the project's folder.
        loader: the config loader of today, which reads where the experiment's did.
        environment: that of today.

    Returns:
        A sentence part each.
    """
    logs = [folder.log, *reversed(attempts(folder))]  # a restart that was killed early recorded nothing of its own
    records = [record for log in logs if (record := read_json(log / "environment.json"))]
    kept = next((log for log in logs if (log / "sacred" / "run.json").exists() and (log / "sources").is_dir()), None)
    found = [] if kept is None else _changed_sources(kept / "sources", project, loader)
    return [*found, *(_changed_environment(records[0], environment) if records else ())]


def _changed_environment(recorded: Mapping[str, Any], environment: Environment) -> Iterator[str]:
    now = {**environment.record, "thread_pools": thread_pools()}
    if recorded.get("python") not in (None, now["python"]):
        yield f"Python (was {recorded['python']}, is {now['python']})"
    packages = recorded.get("packages") or now["packages"]
    for name, (then, today) in changed(packages, now["packages"]).items():
        yield f"package {name} (was {then or 'absent'}, is {today or 'absent'})"
    for name, (then, today) in surroundings(recorded, now).items():
        yield f"{name} (was {_shown(then)}, is {_shown(today)})"


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)


def _changed_sources(recorded: Path, project: Path, loader: ExperimentConfigLoader) -> list[str]:
    """Names of source files and settings that differ."""
    before = {
        path.relative_to(recorded).as_posix(): path.read_bytes() for path in recorded.rglob("*") if path.is_file()
    }
    now = {source.name: source.content for source in source_files(project, config=loader.files())}
    names = filter(_decides, sorted({*before, *now}))
    return [name for name in names if not _same_source(before.get(name), now.get(name))]


def _same_source(then: bytes | None, now: bytes | None) -> bool:
    """Whether a file is what it was; where a secret was hidden may be any word, for a password changes."""
    if then is None or now is None or then == now:
        return then == now
    parts = then.split(MARK.encode())
    return re.fullmatch(HIDDEN.join(map(re.escape, parts)), now) is not None


def _decides(name: str) -> bool:
    """Whether a recorded file may decide what comes out; the experiment's own are compared by what they give.

    Example:
        >>> [_decides(name) for name in ("src/a.py", "config/base/globals.yml", "config/base/logging.yml")]
        [True, True, False]
    """
    path = PurePosixPath(name)
    if path.parts[0] != "config":
        return name == "pyproject.toml" or path.parts[0] == "src"
    return is_setting(name) and not path.name.startswith("logging")


def changed_inputs(
    folder: ResultFolder, project: Path, pipeline: Pipeline, done: frozenset[str], *, folds: bool
) -> list[str]:
    """Files that what stays was made from, that what is left to do reads as well, and that are others by now.

    A file that only finished nodes read is not read again, and one that only unfinished nodes read decided nothing that
    stays. What is left to do reads a file if it did so in an earlier attempt, or has a component of a node that did.

    Args:
        folder: the experiment's folder.
        project: the project's folder.
        pipeline: the workflow.
        done: nodes that are finished.
        folds: whether some folds of ``fit`` are.

    Returns:
        A sentence part each.
    """
    read = _read_files(EventLog(folder.log / "events.jsonl"), pipeline)
    kept = {*done, *(["fit"] if folds else [])}
    rest = {node.name for node in pipeline.nodes} - done
    components = {key for node in rest for key in KEYS.get(node, ())}
    again = {name for node in rest for name in read.get(node, {})}
    found = []
    for node in sorted(kept & read.keys()):
        shared = bool(components & {*KEYS.get(node, ())})
        for name, digest in read[node].items():
            now = state(str(project / name)) if shared or name in again else {"sha256": digest}
            if now is None or now["sha256"] != digest:
                found.append(f"{name}, which {node} read")
    return found


def _read_files(events: EventLog, pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """By node, by file that it read, the last checksum; without what it read for outputs that were all removed."""
    makers = {output: node.name for node in pipeline.nodes for output in node.outputs}
    read: dict[str, dict[str, str]] = {}
    for event in events.read("read", "removed"):
        if event["event"] == "removed":
            if not event["kept"]:
                read.pop(makers.get(event["output"], ""), None)
            continue
        files = read.setdefault(event["node"], {})
        files |= {name: entry["sha256"] for name, entry in event["files"].items()}
    return read


def refusal(folder: ResultFolder, differing: list[str]) -> RecordError:
    """Why a restart is refused."""
    shown = ", ".join(differing[:5]) + (f" and {len(differing) - 5} more" if len(differing) > 5 else "")
    return RecordError(
        f"experiment {folder.id} was begun with something else than there is now: {shown}; what it finished and what "
        f"it would go on with would not fit together. '{_command(folder)}' begins anew; --force goes on, and "
        "records that"
    )


def _command(folder: ResultFolder) -> str:
    """The command that runs the same experiment as a new one, with the parameters that it was given."""
    run = read_json(folder.log / "run.json", {})
    given = {".".join(path): value for path, value in leaves(run.get("params") or {}) if path}
    given = {"experiment": run.get("name", "NAME"), **given}
    texts = [f"{key}={_typed(value)}" for key, value in given.items() if key != "if_run"]
    environment = f" --env {shlex.quote(run['env'])}" if run.get("env") else ""
    return f"kedro run{environment} --params {shlex.quote(','.join(texts))}"


def _typed(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value).replace(MARK, "…")
