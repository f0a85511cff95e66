"""Starts ``kedro`` commands as processes of their own, without the seconds that imports take.

Run as ``python forge.py`` with a project's sources on the path, whose framework serves all projects. It imports what
a command imports, then reads one job per line from standard input: ``{"args", "code", "cwd", "env", "folder", "limit",
"src"}``, and ``"merged"`` if both outputs go to one file. Each job is a forked process, in a session of its own, that
calls Kedro's entry point as the ``kedro`` command does, or runs ``code`` as a script of Python. Its output goes to
``stdout`` and ``stderr`` in ``folder``, its process id to ``pid``, its exit code (negative: the signal that ended it)
to ``exit``.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import inspect
import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

PRELOADED = (
    "encodings.cp437 encodings.unicode_escape expfw.cli expfw.compare.comparison expfw.compare.page "
    "expfw.components.data_source expfw.components.features expfw.components.metrics expfw.components.model "
    "expfw.components.reports expfw.detail expfw.interruption expfw.listing.request expfw.report.page "
    "expfw.reproduce.in_env expfw.reproduce.searches expfw.run.capture expfw.run.hooks expfw.run.reported "
    "expfw.run.session expfw.run.tracking expfw.scoring expfw.search.start expfw.search.work expfw.steps "
    "expfw.workflow fsspec.implementations.local jinja2 joblib kedro.framework.cli.cli "
    "kedro.framework.cli.project kedro.framework.session kedro.framework.session.store kedro.ipython "
    "kedro.runner kedro_datasets.json kedro_datasets.pickle kedro_datasets.text "
    "narwhals._interchange.dataframe narwhals._pandas_like.dataframe narwhals._pandas_like.group_by "
    "narwhals._pandas_like.namespace narwhals._pandas_like.selectors narwhals.stable.v1 "
    "narwhals.stable.v2._namespace optuna optuna.samplers optuna.storages.journal pandas pandas.api.types "
    "pandas.core.arrays.arrow.extension_types pyarrow.feather pyarrow.vendored.version "
    "pydantic._internal._generate_schema pydantic.main pydantic.plugin._schema_validator requests "
    "rich.console rich.table sacred scipy.io sklearn.compose sklearn.datasets sklearn.ensemble "
    "sklearn.feature_extraction.text sklearn.impute sklearn.linear_model sklearn.metrics "
    "sklearn.model_selection sklearn.pipeline sklearn.preprocessing sklearn.svm"
).split()


def serve() -> None:
    """Fork a job for each line of standard input, until it ends."""
    from kedro.framework.cli.utils import load_entry_points

    for module in PRELOADED:
        importlib.import_module(module)
    for group in ("global", "project", "init", "hooks"):
        load_entry_points(group)
    warm_templates()
    inspect.stack()  # fills the table of modules that Kedro's settings look through
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        job = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child = os.fork()
            if child == 0:
                leave(run, job)
            watch(child, Path(job["folder"]))


def warm_templates() -> None:
    """Compile the templates of an experiment's page, which each run would compile anew."""
    from jinja2 import TemplateError

    from expfw.report.page import templates

    for name in templates().list_templates(extensions=["j2"]):
        with suppress(TemplateError):  # another page's, which has filters of its own
            templates().get_template(name)


def watch(child: int, folder: Path) -> None:
    """Note the process id, wait for the end, note the exit code."""
    note(folder / "pid", child)
    _, status = os.waitpid(child, 0)
    note(folder / "exit", os.waitstatus_to_exitcode(status))
    os._exit(0)


def note(path: Path, number: int) -> None:
    """Write a number so that a reader sees all of it or no file."""
    draft = path.with_suffix(".draft")
    draft.write_text(str(number), encoding="ascii")
    draft.replace(path)


def leave(run: Callable[[dict[str, Any]], None], job: dict[str, Any]) -> None:
    """End as Python ends a script, but for the clearing of its memory, which takes longest."""
    code: object = 0
    try:
        run(job)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def run(job: dict[str, Any]) -> None:
    """Become the command."""
    os.setsid()
    folder = Path(job["folder"])
    for descriptor, name in ((1, "stdout"), (2, "stdout" if job.get("merged") else "stderr")):
        opened = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if job["limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    os.chdir(job["cwd"])
    sys.path[:] = [job["src"], *(entry for entry in sys.path if entry != os.environ["PYTHONPATH"])]
    os.environ["PYTHONPATH"] = job["src"]
    os.environ.update(job["env"])
    sys.argv = ["kedro", *job["args"]]
    if job["code"]:
        exec(compile(job["code"], "script", "exec"), {"__name__": "__main__"})
        return
    from kedro.framework.cli.cli import main

    main()


if __name__ == "__main__":
    serve()
