"""Workers of an existing Dask cluster. Work is handed to its scheduler directly, call by call."""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import importlib.util
import io
import os
import pickle
import platform
import sys
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import expfw
from expfw.errors import ExpfwError
from expfw.parallel import arrival
from expfw.parallel.arrival import Code
from expfw.parallel.outcome import Outcome, outcome
from expfw.parallel.workers import F, Opened, WorkerLost, first_done
from expfw.run.observed import leave_out_this_thread

PATIENCE = 10.0
"""Seconds that a scheduler is waited for."""

SAME = ("numpy", "pandas", "scipy", "sklearn")
"""Packages whose versions must be the same on all workers, for results to be the same."""


class DaskFuture:
    """A call on the cluster.

    Args:
        inner: Dask's future.
        scheduler: the scheduler's address.
    """

    def __init__(self, inner: Any, scheduler: str) -> None:
        self.inner, self.scheduler = inner, scheduler
        self._outcome: Outcome | None = None
        self.future: concurrent.futures.Future[None] = concurrent.futures.Future()
        inner.add_done_callback(lambda _: self.future.set_result(None))

    def result(self) -> Any:
        """What it returned, or the error that it raised; once it has arrived, the cluster keeps it no longer."""
        if self._outcome is None:
            self._outcome = self._fetched()
            self.inner.release()
        return self._outcome.get()

    def _fetched(self) -> Outcome:
        from distributed import KilledWorker

        try:
            done: Outcome = self.inner.result()
        except KilledWorker as error:
            raise WorkerLost(
                f"{error.allowed_failures + 1} workers ended one after the other, last {error.last_worker.address}, "
                "most likely because the memory was used up; give them more (dask worker --memory-limit). A cluster "
                "whose workers come and go needs more attempts (distributed.scheduler.allowed-failures)"
            ) from error
        except (concurrent.futures.CancelledError, TimeoutError, OSError) as error:
            raise WorkerLost(f"the scheduler at {self.scheduler} was lost; is it running?") from error
        except Exception as error:
            raise ExpfwError(f"a worker of {self.scheduler} cannot do its work: {error}") from error
        return done


class Dask(Opened):
    """A Dask cluster that is running. Its workers need the project's folder and packages, as they are here.

    Args:
        scheduler: address of its scheduler, for example ``tcp://host:8786``.

    Raises:
        ValueError: if the package ``distributed`` is missing, or the address is none.
    """

    def __init__(self, scheduler: str) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise ValueError("the package distributed is not installed; install it: pip install 'distributed'")
        if "://" not in scheduler:
            raise ValueError(f"scheduler is '{scheduler}', which is no address; write it as tcp://host:8786")
        self.scheduler = scheduler
        self._under_way: set[DaskFuture] = set()

    @property
    def count(self) -> int:
        """Threads of all workers at the moment; at least 1, for others may come."""
        threads: Mapping[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def check(self, root: Path) -> None:
        """Whether the cluster can do the work, before anything is handed out.

        Args:
            root: the folder of all results.

        Raises:
            ExpfwError: if no scheduler answers, or a worker has not the project's code or sees another folder.
        """
        root.mkdir(parents=True, exist_ok=True)
        marker = root / f".workers.{uuid.uuid4().hex}.tmp"
        marker.touch()
        try:
            found = self._client.run(_Sent(arrival.look, _code()), __name__, "look_around", str(marker), _versions())
        finally:
            marker.unlink(missing_ok=True)
        troubles = [f"{worker}: {trouble}" for worker, told in sorted(found.items()) for trouble in told]
        if troubles:
            lines = "\n".join(f"  {trouble}" for trouble in troubles)
            raise ExpfwError(
                f"parallel: workers of {self.scheduler} cannot do this experiment's work:\n{lines}\n"
                "They need the project's folder under the same path, and the same packages; see "
                "docs/how-to/run-on-a-cluster.md"
            )

    def submit(self, function: Callable[..., Any], /, *args: Any) -> DaskFuture:
        """Hand out a call; it is done again on another worker if its own is killed."""
        import cloudpickle

        token = uuid.uuid4().hex
        call = cloudpickle.dumps((work, (token, function, args)))
        name = f"expfw-{getattr(function, '__name__', 'call')}-{token}"
        future = DaskFuture(
            self._client.submit(_Sent(arrival.work, _code()), call, key=name, pure=False), self.scheduler
        )
        self._under_way.add(future)
        return future

    def first_done(self, futures: Collection[F]) -> set[F]:
        """Wait for the first."""
        done = first_done(futures)
        self._under_way = {future for future in self._under_way if future not in done}
        return done

    def close(self, *, at_once: bool = False) -> None:
        """Leave the cluster as it is; what is under way is broken off if it is to stop."""
        if at_once and self._under_way:
            with suppress(Exception):  # whatever ends the run, its word is the one to keep
                self._client.cancel([future.inner for future in self._under_way], force=True)
                self._client.run(_Sent(arrival.look, _code()), __name__, "break_off")
        self._under_way.clear()

    @property
    def _client(self) -> Any:
        key = (os.getpid(), self.scheduler)
        client = _clients.get(key)
        if client is None or client.status != "running":
            client = _clients[key] = _connected(self.scheduler)
        return client


_clients: dict[tuple[int, str], Any] = {}
"""By process and scheduler; connecting takes long, so connections are kept."""


class _Sent:
    """A function of :mod:`expfw.parallel.arrival` that travels as a whole, for workers cannot import it before it runs.

    Args:
        function: the function.
        code: its first argument.
    """

    def __init__(self, function: Callable[..., Any], code: Code) -> None:
        import cloudpickle

        cloudpickle.register_pickle_by_value(arrival)
        self.whole: bytes = cloudpickle.dumps(partial(function, code))

    def __call__(self, *args: Any) -> Any:
        """Call it here."""
        return pickle.loads(self.whole)(*args)  # noqa: S301 - it was pickled here

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[bytes]]:
        return pickle.loads, (self.whole,)


def _connected(scheduler: str) -> Any:
    from distributed import Client

    try:
        make: Any = Client
        client = make(scheduler, timeout=PATIENCE, set_as_default=False, name="expfw")
    except (OSError, TimeoutError, ValueError) as error:
        raise ExpfwError(
            f"parallel: no scheduler answers at {scheduler} within {PATIENCE:.0f} s; start one (dask scheduler), "
            "correct parallel.params.scheduler, or run without: --params parallel=null"
        ) from error
    client.loop.add_callback(leave_out_this_thread)  # it talks to the cluster, not for a component
    return client


def _code() -> Code:
    """The framework and the user's package, as they are at present."""
    from kedro.framework.project import PACKAGE_NAME

    packages = tuple(filter(None, ("expfw", PACKAGE_NAME)))
    folders = [str(Path(str(expfw.__file__)).parents[1])]
    package = sys.modules.get(PACKAGE_NAME or "")
    if package is not None and package.__file__:
        folders.insert(0, str(Path(package.__file__).parents[1]))  # the framework may serve several projects
    found = tuple(dict.fromkeys(folders))
    return Code(found, packages, arrival.digest_of(found, packages))


def _versions() -> dict[str, str]:
    """Versions of Python and of what computes."""
    versions = {name: str(getattr(importlib.import_module(name), "__version__", "")) for name in SAME}
    return {"Python": platform.python_version(), **versions}


def look_around(marker: str, versions: Mapping[str, str]) -> list[str]:
    """On a worker: what keeps it from doing the work.

    Args:
        marker: a file that it must see.
        versions: versions of packages that it must have.
    """
    troubles = []
    if not Path(marker).exists():
        troubles.append(f"it does not see {Path(marker).parent}, the folder of all results")
    if not os.access(Path(marker).parent, os.W_OK):
        troubles.append(f"it cannot write to {Path(marker).parent}")
    own = _versions()
    differ = [f"{name} {own[name]} instead of {version}" for name, version in versions.items() if own[name] != version]
    return troubles + ([f"it has {', '.join(differ)}"] if differ else [])


class BrokenOff(KeyboardInterrupt):
    """The main process was interrupted, so nobody needs the work."""


_at: dict[str, int] = {}
"""On a worker: by call, the thread that is at it."""


def work(token: str, function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """On a worker: make a call; what it prints is told with its result.

    Args:
        token: names the call.
        function: the function.
        args: its arguments.
    """
    out, err = io.StringIO(), io.StringIO()
    _at[token] = threading.get_ident()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            done = outcome(function, args)
    finally:
        _at.pop(token, None)
    return Outcome(done.value, done.errors, done.trace, (out.getvalue(), err.getvalue()))


def break_off() -> list[str]:
    """On a worker: end the calls that are under way, as soon as they are back in Python."""
    for thread in tuple(_at.values()):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(BrokenOff))
    return []
