"""What a run ran with: Python, packages, platform, git. Collected beside the run's first imports, in a thread."""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from expfw.run.files import read_json, write_json
from expfw.run.repository import GitState, git_state

NUMERIC_VARIABLES = tuple(
    """
    ACCELERATE_NEW_LAPACK ARROW_USER_SIMD_LEVEL ATEN_CPU_CAPABILITY BLIS_ARCH_TYPE BLIS_NUM_THREADS
    CUBLAS_WORKSPACE_CONFIG CUDA_DEVICE_ORDER CUDA_VISIBLE_DEVICES CUDNN_DETERMINISTIC DNNL_MAX_CPU_ISA
    DYLD_LIBRARY_PATH FLEXIBLAS GLIBC_TUNABLES GOMP_CPU_AFFINITY GOTO_NUM_THREADS HIP_VISIBLE_DEVICES
    JAX_DEFAULT_MATMUL_PRECISION JAX_ENABLE_X64 JAX_PLATFORMS JOBLIB_MULTIPROCESSING KMP_AFFINITY
    KMP_DETERMINISTIC_REDUCTION LANG LC_ALL LC_COLLATE LC_CTYPE LC_NUMERIC LC_TIME LD_LIBRARY_PATH LD_PRELOAD
    LOKY_MAX_CPU_COUNT MKL_CBWR MKL_DEBUG_CPU_TYPE MKL_DOMAIN_NUM_THREADS MKL_DYNAMIC MKL_ENABLE_INSTRUCTIONS
    MKL_INTERFACE_LAYER MKL_NUM_THREADS MKL_THREADING_LAYER NPY_DISABLE_CPU_FEATURES NPY_ENABLE_CPU_FEATURES
    NPY_PROMOTION_STATE NUMBA_CPU_FEATURES NUMBA_CPU_NAME NUMBA_DISABLE_JIT NUMBA_NUM_THREADS NUMBA_THREADING_LAYER
    NUMEXPR_MAX_THREADS NUMEXPR_NUM_THREADS NVIDIA_TF32_OVERRIDE OMP_DYNAMIC OMP_MAX_ACTIVE_LEVELS OMP_NESTED
    OMP_NUM_THREADS OMP_PLACES OMP_PROC_BIND OMP_SCHEDULE OMP_THREAD_LIMIT ONEDNN_DEFAULT_FPMATH_MODE
    ONEDNN_MAX_CPU_ISA OPENBLAS_CORETYPE OPENBLAS_DEFAULT_NUM_THREADS OPENBLAS_NUM_THREADS POLARS_MAX_THREADS
    PYTHONHASHSEED PYTHONOPTIMIZE PYTHONUTF8 RAYON_NUM_THREADS ROCR_VISIBLE_DEVICES SCIPY_ARRAY_API
    SKLEARN_ASSUME_FINITE SKLEARN_PAIRWISE_DIST_CHUNK_SIZE SKLEARN_WORKING_MEMORY TF_CUDNN_DETERMINISTIC
    TF_DETERMINISTIC_OPS TF_ENABLE_ONEDNN_OPTS TF_NUM_INTEROP_THREADS TF_NUM_INTRAOP_THREADS TF_XLA_FLAGS
    TORCH_ALLOW_TF32_CUBLAS_OVERRIDE TZ VECLIB_MAXIMUM_THREADS XLA_FLAGS
    """.split()
)
"""Environment variables that can change numerical results; no other variable is recorded."""


@dataclass(frozen=True)
class Environment:
    """What a run runs with.

    Args:
        record: what ``environment.json`` holds, but for the threads of libraries, which are still being imported.
        git: the repository's part.
    """

    record: dict[str, Any]
    git: GitState

    def keep(self, log: Path) -> None:
        """Write ``environment.json``, and beside it what differs from the commit.

        Args:
            log: the experiment's ``log`` folder.
        """
        write_json(log / "environment.json", {**self.record, "thread_pools": thread_pools()})
        self.git.keep(log)


def start_collecting(project: Path) -> Future[Environment]:
    """Begin to collect the environment in the background; ``.result()`` waits for it.

    Args:
        project: the project's folder.
    """
    future: Future[Environment] = Future()

    def work() -> None:
        try:
            future.set_result(collect(project))
        except BaseException as error:
            future.set_exception(error)

    # No executor: one that is interrupted while it starts its thread keeps Python from ending.
    threading.Thread(target=work, name="environment", daemon=True).start()
    return future


def collect(project: Path) -> Environment:
    """The environment, as ``log/environment.json`` holds it.

    Args:
        project: the project's folder.

    Returns:
        Its record has ``python``, ``packages`` (``{name: version}``), ``variables``, ``git`` (a mapping or None) …
    """
    git = git_state(project)
    record = {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "build": " ".join(platform.python_build()),
        "compiler": platform.python_compiler(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "cpu_model": cpu_model(),
        "cpu_count": os.cpu_count(),
        "cpu_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "variables": {name: os.environ[name] for name in NUMERIC_VARIABLES if name in os.environ},
        "packages": packages(),
        "package_origins": package_origins(),
        "git": git.record,
    }
    return Environment(record, git)


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name; on Linux as the kernel gives it, else as Python does.

    Args:
        cpuinfo: the kernel's list of processors.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0].splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    about = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    arm = [f"{key} {about[key]}" for key in ("CPU implementer", "CPU part", "CPU revision") if key in about]
    return about.get("model name") or ", ".join(arm) or platform.processor() or platform.machine()


def thread_pools() -> list[dict[str, Any]]:
    """The numerical libraries that are loaded by now (BLAS, OpenMP), with their threads and the processor they found.

    A library that a component imports later is not among them; nothing is loaded to be listed.
    """
    from threadpoolctl import threadpool_info  # with scikit-learn, while the environment is collected

    found = [{key: value for key, value in pool.items() if key != "filepath"} for pool in threadpool_info()]
    return sorted(found, key=lambda pool: (pool["user_api"], pool["prefix"], str(pool["version"])))


def packages() -> dict[str, str]:
    """All installed packages, from the names of their metadata folders (reading the metadata takes 50 times longer).

    A package installed from a repository or a folder has its commit, or ``editable``, behind the version.

    Example:
        >>> "numpy" in packages()
        True
    """
    found: dict[str, str] = {}
    for info in _metadata_folders():
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        if name:
            found.setdefault(name.lower().replace("_", "-"), version + _source(info))
    return dict(sorted(found.items()))


def package_origins() -> dict[str, str]:
    """Where packages came from that came from no index: an address that pip takes, without user and password.

    Returns:
        ``{name: address}``; a package installed ``editable`` is not among them.

    Example:
        >>> "numpy" in package_origins()
        False
    """
    found: dict[str, str] = {}
    for info in _metadata_folders():
        direct = read_json(info / "direct_url.json")
        name = info.name.removesuffix(".dist-info").rpartition("-")[0].lower().replace("_", "-")
        if (
            isinstance(direct, dict)
            and isinstance(direct.get("url"), str)
            and not direct.get("dir_info", {}).get("editable")
        ):
            found.setdefault(name, _address(direct))
    return dict(sorted(found.items()))


def _address(direct: dict[str, Any]) -> str:
    """The address in ``direct_url.json``, as a requirement has it."""
    parts = urlsplit(direct["url"])
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    control = direct.get("vcs_info", {})
    if control.get("commit_id"):
        address = f"{control.get('vcs', 'git')}+{address}@{control['commit_id']}"
    return f"{address}#subdirectory={direct['subdirectory']}" if direct.get("subdirectory") else address


VENDORED = "_vendor"
"""Folder of what a package brings along for itself; ``pkg_resources`` puts that of setuptools on the search path."""


def _metadata_folders() -> Iterator[Path]:
    for entry in sys.path:
        folder = Path(entry or ".")
        if folder.name != VENDORED and folder.is_dir():
            yield from folder.glob("*.dist-info")


def _source(info: Path) -> str:
    direct = read_json(info / "direct_url.json")
    if not isinstance(direct, dict):
        return ""
    commit = direct.get("vcs_info", {}).get("commit_id")
    return f" (commit {commit})" if commit else " (editable)" if direct.get("dir_info", {}).get("editable") else ""
