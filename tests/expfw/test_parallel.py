"""Workers: what a call gives, which errors come back, who is stopped, how many threads there are, how much memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
import pytest

from expfw.blame import blame
from expfw.errors import ComponentError, ExpfwError
from expfw.parallel.handover import HandedOver, handed_over
from expfw.parallel.loky import Loky, stop_all
from expfw.parallel.outcome import RemoteError, is_worker, outcome
from expfw.parallel.workers import Serial, WorkerLost, Workers


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    """Each test begins and ends without processes."""
    stop_all()
    yield
    stop_all()


@pytest.fixture(params=["serial", "loky"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """Both kinds."""
    with Serial() if request.param == "serial" else Loky(n_jobs=2) as opened:
        yield opened


def broken(what: str) -> None:
    """Fail as a component does."""
    with blame("model Broken", "fit", 3):
        raise ValueError(what)


class Peculiar(Exception):
    """An error that cannot be pickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def peculiar() -> None:
    """Raise it."""
    raise Peculiar("very", "odd")


def nap(seconds: float) -> int:
    """Sleep, and say who did."""
    time.sleep(seconds)
    return os.getpid()


def threads() -> tuple[list[int], int, bool]:
    """Threads of the numerical libraries, processes that joblib would use, and whether this is a worker."""
    from threadpoolctl import threadpool_info

    np.ones((4, 4)) @ np.ones((4, 4))
    return [pool["num_threads"] for pool in threadpool_info()], joblib.effective_n_jobs(8), is_worker()


def total(handed: HandedOver, _: int) -> tuple[float, int, int]:
    """Sum of what was handed over; the process, and the bytes of memory that are its own."""
    (values,) = handed.get()
    return float(values.sum()), os.getpid(), psutil.Process().memory_full_info().uss


def die() -> None:
    """End as the system ends a process that takes too much memory."""
    os.kill(os.getpid(), 9)


def test_calls_give_what_they_return_in_whatever_order(workers: Workers) -> None:
    waiting: dict[Any, int] = {workers.submit(divmod, number, 3): number for number in range(6)}
    found = {}
    while waiting:
        for future in workers.first_done(waiting):
            found[waiting.pop(future)] = future.result()
    assert found == {number: divmod(number, 3) for number in range(6)}


def test_an_error_comes_back_as_it_was_with_what_it_came_from(workers: Workers) -> None:
    with pytest.raises(ComponentError, match="model Broken: fit failed in fold 4: ValueError: on purpose") as caught:
        workers.submit(broken, "on purpose").result()
    assert isinstance(caught.value.__cause__, ValueError)


def test_the_traceback_of_a_worker_is_told() -> None:
    with Loky(n_jobs=1) as workers, pytest.raises(ComponentError) as caught:
        workers.submit(broken, "on purpose").result()
    last = caught.value.__cause__
    assert last is not None
    assert isinstance(last.__cause__, RemoteError)
    assert "raise ValueError(what)" in str(last.__cause__)


def test_an_error_that_cannot_be_pickled_is_told_in_words() -> None:
    with pytest.raises(ExpfwError, match="Peculiar: very odd"):
        outcome(peculiar, ()).get()


def test_a_normal_end_leaves_processes_warm_and_an_error_stops_them() -> None:
    with Loky(n_jobs=1) as workers:
        first = workers.submit(nap, 0).result()
    with Loky(n_jobs=1) as workers:
        assert workers.submit(nap, 0).result() == first
    workers = Loky(n_jobs=1)
    workers.submit(nap, 600)
    workers.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE


def test_warm_processes_are_replaced_when_their_code_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "altered_module.py").write_text("def value():\n    return 1\n", encoding="utf-8")
    module = importlib.import_module("altered_module")
    with Loky(n_jobs=1) as workers:
        assert workers.submit(module.value).result() == 1
    (tmp_path / "altered_module.py").write_text("def value():\n    return 22\n", encoding="utf-8")
    with Loky(n_jobs=1) as workers:
        assert workers.submit(module.value).result() == 22


def test_a_killed_process_is_told_and_replaced() -> None:
    with Loky(n_jobs=1) as workers:
        with pytest.raises(WorkerLost, match="most likely because the memory was used up"):
            workers.submit(die).result()
        assert workers.submit(abs, -1).result() == 1


def test_workers_use_no_more_threads_than_there_are_cores() -> None:
    with Loky(n_jobs=2) as workers:
        found, nested, inside = workers.submit(threads).result()
    share = max(1, joblib.cpu_count() // 2)
    assert all(number <= share for number in found)
    assert (nested, inside) == (1, True)
    assert not is_worker()


def test_data_are_read_once_in_each_process_and_memory_stays_flat(tmp_path: Path) -> None:
    values = np.arange(5_000_000, dtype=float)
    before = psutil.Process().memory_full_info().uss
    used: dict[int, list[int]] = {}
    path = tmp_path / "values"
    with handed_over((values,), path) as handed, Loky(n_jobs=2) as workers:
        for number in range(50):
            found, process, own = workers.submit(total, handed, number).result()
            assert found == values.sum()
            used.setdefault(process, []).append(own)
    assert not path.exists()
    for sizes in used.values():
        assert max(sizes) - sizes[0] < values.nbytes / 2, "40 MB of rows are mapped, not copied"
    assert psutil.Process().memory_full_info().uss - before < values.nbytes


def test_the_job_script_of_slurm_starts_workers_of_one_thread(tmp_path: Path) -> None:
    jobqueue = pytest.importorskip("dask_jobqueue")
    options = {"cores": 1, "processes": 1, "memory": "4GB", "walltime": "01:00:00", "queue": "normal"}
    local = {"scheduler_options": {"host": "127.0.0.1", "dashboard": False}, "local_directory": str(tmp_path)}
    with jobqueue.SLURMCluster(**options, **local) as cluster:
        script = cluster.job_script()
    assert "#SBATCH -p normal" in script
    assert "#SBATCH -t 01:00:00" in script
    assert "--nthreads 1" in script
    assert "tcp://127.0.0.1:" in script
