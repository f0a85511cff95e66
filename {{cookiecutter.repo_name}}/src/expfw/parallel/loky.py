"""Workers that are processes of this machine, by joblib's ``loky``; they stay warm between one use and the next."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
from joblib.externals.loky import ProcessPoolExecutor

from expfw.parallel.outcome import Outcome, outcome
from expfw.parallel.output import Output, live_output, printed
from expfw.parallel.workers import F, Opened, WorkerLost, first_done
from expfw.run.inputs import installed_folders
from expfw.run.observed import unobserved
from expfw.run.signals import leave_to_the_main_process

IDLE = 300.0
"""Seconds after which a worker ends that nobody has needed."""

WATCH = 0.5
"""Seconds after which a worker notices at the latest that the main process was killed."""

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMBA", "NUMEXPR")
"""Numerical libraries that have such a variable, all named alike."""

THREADS = (*(f"{library}_NUM_THREADS" for library in LIBRARIES), "VECLIB_MAXIMUM_THREADS")
"""Environment variables that say how many threads a numerical library may use; read when it is loaded."""

LOST = (
    "a worker process ended in the middle of its work, most likely because the memory was used up (the system kills "
    "the largest process); fewer workers need less: lower parallel.params.n_jobs"
)


class LokyFuture:
    """A call in a worker process."""

    def __init__(self, future: concurrent.futures.Future[Outcome]) -> None:
        self.future = future

    def result(self) -> Any:
        """What it returned, or the error that it raised."""
        try:
            done = self.future.result()
        except (BrokenExecutor, CancelledError) as error:
            raise WorkerLost(LOST) from error
        return done.get()


class Loky(Opened):
    """Processes of this machine. They are started at the first call, and kept for the next use in this process.

    Args:
        n_jobs: how many; -1 for one on each core, -2 for all cores but one, and so on.
        threads: how many threads the numerical libraries (BLAS, OpenMP) of each may use; null for an equal share of the
            cores.

    Raises:
        ValueError: if ``n_jobs`` is 0, or ``threads`` is less than 1.

    Example:
        >>> with Loky(n_jobs=2) as workers:
        ...     workers.submit(pow, 2, 3).result()
        8
    """

    def __init__(self, n_jobs: int = -1, threads: int | None = None) -> None:
        cores = joblib.cpu_count()
        if n_jobs == 0:
            raise ValueError(
                "n_jobs is 0, so nobody would work; give a number of processes, or -1 for one on each core"
            )
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; give 1 or more, or null for an equal share of the cores")
        self.count = n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
        self.threads = threads or max(1, cores // self.count)

    def submit(self, function: Callable[..., Any], /, *args: Any) -> LokyFuture:
        """Hand out a call; processes that have ended are replaced."""
        with unobserved():  # what a node's component computes does not depend on where it does
            return LokyFuture(self._executor().submit(_work, live_output(), function, args))

    def first_done(self, futures: Collection[F]) -> set[F]:
        """Wait for the first."""
        return first_done(futures)

    def close(self, *, at_once: bool = False) -> None:
        """Kill them if they are to stop; otherwise they wait for more, for :data:`IDLE` seconds."""
        pool = _pools.get(os.getpid())
        if pool is not None and (at_once or pool.is_broken):
            stop_all()

    def _executor(self) -> Any:
        """The processes that are there, if they are of the kind that is needed; else new ones."""
        with _lock:
            pool, wanted = _pools.get(os.getpid()), (self.count, self.threads, tuple(sys.path), str(Path.cwd()))
            if pool is None or pool.kind != wanted or pool.is_broken or pool.is_stale():
                stop_all()  # two kinds at once would be more than there are cores
                pool = _pools[os.getpid()] = _Pool(wanted, _started(self.count, self.threads))
            return pool.executor


class _Pool:
    """Processes that stay warm, and what they were started for.

    Args:
        kind: what of this process they must have been started with.
        executor: loky's.
    """

    def __init__(self, kind: tuple[Any, ...], executor: Any) -> None:
        self.kind, self.executor = kind, executor
        self.code = _code_in_use()

    @property
    def is_broken(self) -> bool:
        """Whether one of them was killed."""
        return self.executor._flags.broken is not None

    def is_stale(self) -> bool:
        """Whether code that they may have read was changed since, as in a notebook."""
        now = _code_in_use()
        changed = any(now[path] != stamp for path, stamp in self.code.items() if path in now)
        self.code = {**now, **self.code}
        return changed


_pools: dict[int, _Pool] = {}
"""By process: a forked one has no use for its parent's."""

_lock = threading.RLock()


def _code_in_use() -> dict[str, int]:
    """Files of the modules that are no installed package's, with the time of their last change."""
    files = {getattr(module, "__file__", None) or "" for module in tuple(sys.modules.values())}
    own = [path for path in files if path.endswith(".py") and not path.startswith(installed_folders())]
    stamps: dict[str, int] = {}
    for path in own:
        with suppress(OSError):
            stamps[path] = Path(path).stat().st_mtime_ns
    return stamps


def _started(count: int, threads: int) -> Any:
    environment = {name: str(min(threads, _number(os.environ.get(name), threads))) for name in THREADS}
    environment["LOKY_MAX_CPU_COUNT"] = str(threads)
    return ProcessPoolExecutor(count, timeout=IDLE, initializer=_begin, initargs=(os.getpid(),), env=environment)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else otherwise


def stop_all() -> None:
    """Kill all worker processes of this process, idle ones included."""
    pool = _pools.pop(os.getpid(), None)
    if pool is not None:
        pool.executor.shutdown(wait=True, kill_workers=True)


def _begin(parent: int) -> None:
    """What a worker process does first: leave signals to the main process, whose end is its own end."""
    leave_to_the_main_process()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    Output.discard()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    os.kill(os.getpid(), signal.SIGKILL)


def _work(live: tuple[str, str] | None, function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    with printed(live) as output:
        done = outcome(function, args)
    return done if output.live else Outcome(done.value, done.errors, done.trace, output.texts())
