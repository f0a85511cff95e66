"""What in a component's code makes its result depend on more than its parameters and inputs, and cannot be seen later.

Files that Python opens, folders that it lists, connections and processes that it starts are seen while a node runs.
What is listed here is not: so a component of the user's whose code mentions it is computed anew each time, unless the
component says ``reusable = True``.
"""

from __future__ import annotations

from collections.abc import Mapping

_CLOCK = "the time"
_CHANCE = "chance that no seed decides"
_VARIABLES = "environment variables"
_SYSTEM = "the state of the machine"
_NATIVE = "files or connections that are opened without Python's knowledge"
_WORKERS = "other processes, where nothing is observed"

NAMES: Mapping[str, str] = {
    **dict.fromkeys(("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"), _VARIABLES),
    **dict.fromkeys(
        (
            "datetime.datetime.now",
            "datetime.datetime.today",
            "datetime.datetime.utcnow",
            "datetime.date.today",
            "pandas.Timestamp.now",
            "pandas.Timestamp.today",
            "pandas.Timestamp.utcnow",
            "time",
        ),
        _CLOCK,
    ),
    **dict.fromkeys(("uuid", "secrets", "random.SystemRandom", "os.urandom", "os.getrandom", "ssl"), _CHANCE),
    **dict.fromkeys(
        (
            "builtins.input",
            "getpass",
            "locale",
            "os.access",
            "os.cpu_count",
            "os.getcwd",
            "os.getlogin",
            "os.getpid",
            "os.path.exists",
            "os.path.expanduser",
            "os.path.getctime",
            "os.path.getmtime",
            "os.path.getsize",
            "os.path.isdir",
            "os.path.isfile",
            "os.stat",
            "os.uname",
            "pathlib.Path.cwd",
            "pathlib.Path.home",
            "platform",
            "psutil",
            "socket",
            "sys.argv",
            "sys.stdin",
            "tempfile",
            "expfw.config",
            "expfw.opening",
            "expfw.run",
            "expfw.open_experiment",
            "kedro.config",
            "kedro.framework",
        ),
        _SYSTEM,
    ),
    **dict.fromkeys(
        (
            "aiohttp",
            "av",
            "azure",
            "boto3",
            "botocore",
            "cffi",
            "ctypes",
            "cv2",
            "dask",
            "datasets",
            "deltalake",
            "duckdb",
            "fiona",
            "fsspec",
            "ftplib",
            "gcsfs",
            "geopandas",
            "google",
            "h5py",
            "http",
            "httpx",
            "huggingface_hub",
            "ibis",
            "kedro_datasets",
            "lmdb",
            "mlflow",
            "mysql",
            "netCDF4",
            "openml",
            "paramiko",
            "polars",
            "psycopg",
            "psycopg2",
            "pyarrow",
            "pymongo",
            "pymysql",
            "pyodbc",
            "pyreadr",
            "pyreadstat",
            "pyspark",
            "rasterio",
            "redis",
            "requests",
            "s3fs",
            "snowflake",
            "soundfile",
            "sqlalchemy",
            "sqlite3",
            "tables",
            "tensorflow",
            "torch.from_file",
            "torch.hub",
            "torch.jit.load",
            "torch.load",
            "torchvision",
            "transformers",
            "urllib",
            "urllib3",
            "wandb",
            "xarray",
            "xlrd",
            "zarr",
        ),
        _NATIVE,
    ),
    **dict.fromkeys(
        (
            "concurrent.futures.ProcessPoolExecutor",
            "joblib",
            "loky",
            "multiprocessing",
            "os.exec",
            "os.fork",
            "os.popen",
            "os.posix_spawn",
            "os.spawn",
            "os.system",
            "ray",
            "subprocess",
        ),
        _WORKERS,
    ),
}
"""By dotted name (of a module: all that is in it), what it depends on."""

METHODS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "read_csv_arrow",
            "read_delta",
            "read_feather",
            "read_gbq",
            "read_hdf",
            "read_orc",
            "read_parquet",
            "read_sas",
            "read_spss",
            "read_sql",
            "read_sql_query",
            "read_sql_table",
            "read_stata",
            "scan_csv",
            "scan_parquet",
        ),
        _NATIVE,
    ),
    **dict.fromkeys(("exists", "is_dir", "is_file", "lstat", "stat", "expanduser"), _SYSTEM),
    **dict.fromkeys(("utcnow", "today"), _CLOCK),
    **dict.fromkeys(("environ", "getenv"), _VARIABLES),
}
"""The same by the last part of a name, whatever it is called on."""

UNSEEDED = (
    "numpy.random.default_rng",
    "numpy.random.RandomState",
    "numpy.random.SeedSequence",
    "numpy.random.PCG64",
    "numpy.random.MT19937",
    "numpy.random.Philox",
    "numpy.random.SFC64",
    "numpy.random.seed",
    "random.Random",
    "random.seed",
)
"""What draws its seed from the system where none is given."""

DYNAMIC = (
    "builtins.__import__",
    "builtins.compile",
    "builtins.eval",
    "builtins.exec",
    "cloudpickle",
    "dill",
    "imp",
    "importlib",
    "pickle",
    "pkgutil",
    "pydoc.locate",
    "runpy",
    "sys.meta_path",
    "sys.modules",
    "sys.path",
    "sys.path_hooks",
    "zipimport",
)
"""What may bring in code that nobody can foresee: then all of the project's code counts."""


def doubt(name: str) -> str | None:
    """What a dotted name makes a result depend on; None if nothing is known against it.

    Example:
        >>> doubt("os.environ.get"), doubt("numpy.mean"), doubt("frame.read_parquet") is not None
        ('environment variables', None, True)
    """
    found = _listed(name, NAMES)
    if found:
        return NAMES[found]
    return next((METHODS[part] for part in name.split(".")[1:] if part in METHODS), None)


def is_dynamic(name: str) -> bool:
    """Whether a dotted name may bring in any code.

    Example:
        >>> is_dynamic("importlib.import_module"), is_dynamic("sys.pathological")
        (True, False)
    """
    return _listed(name, DYNAMIC) is not None


def chance_of(name: str) -> str | None:
    """What a call without arguments, or with None, depends on.

    Example:
        >>> chance_of("numpy.random.default_rng"), chance_of("numpy.zeros")
        ('chance that no seed decides', None)
    """
    return _CHANCE if name in UNSEEDED else None


def _listed(name: str, names: Mapping[str, str] | tuple[str, ...]) -> str | None:
    """The name itself or the longest beginning of it, at a dot, that is listed."""
    while name:
        if name in names:
            return name
        name = name.rpartition(".")[0]
    return None
