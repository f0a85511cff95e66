"""Components made to be watched, or to fail. The tests put this file into a baked project's package."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator

from expfw.errors import ComponentError
from expfw.interfaces import Data, Rows, count, take
from expfw.results import Results
from expfw.services import ReportCollector, ResultFolder, Timer

Place = Literal["constructor", "load", "prepare", "split", "fit", "transform", "predict", "measure", "report", "never"]


def append(path: str, **entry: Any) -> None:
    """Add a line to a file, from whatever process."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, (json.dumps(entry) + "\n").encode())
    os.close(descriptor)


def ids(X: Any) -> list[int]:
    """The row numbers that :class:`Made` puts into the first column."""
    return [int(value) for value in np.asarray(X)[:, 0]]


class Made:
    """Rows whose first column is their number.

    Args:
        kind: what the features are kept in.
        target: what the target looks like.
        rows: how many.
        groups: how many groups; 0 for none.
        seed: of the numbers.
    """

    def __init__(
        self,
        kind: Literal["frame", "indexed", "array", "list", "sparse", "text"] = "frame",
        target: Literal[
            "none", "binary", "multi", "text", "boolean", "constant", "number", "several", "multilabel", "category"
        ] = "binary",
        rows: int = 60,
        groups: int = 0,
        seed: int = 0,
    ) -> None:
        self.kind, self.target, self.rows, self.groups, self.seed = kind, target, rows, groups, seed

    def load(self) -> Data:
        """Make them."""
        random = np.random.default_rng(self.seed)
        values = random.normal(size=(self.rows, 3))
        y = self.targets(values + random.normal(scale=0.5, size=values.shape))
        table = np.column_stack([np.arange(self.rows), values])
        X: Any = table
        if self.kind in ("frame", "indexed"):
            X = pd.DataFrame(table, columns=["id", "a", "b", "c"])
        if self.kind == "list":
            X = table.tolist()
        if self.kind == "sparse":
            X = sparse.csr_matrix(table)
        if self.kind == "text":
            X = [f"number {i} {'good fine' if row[0] > 0 else 'bad poor'} day" for i, row in enumerate(values)]
        groups: Any = None if not self.groups else np.arange(self.rows) % self.groups
        if self.kind == "indexed":
            names = pd.Index([f"row{i // 2}" for i in range(self.rows)], name="who")
            X.index = names
            y = None if y is None else pd.Series(y, index=names[::-1])
            groups = None if groups is None else pd.Series(groups, index=names[::-1])
        return Data(X, y, groups)

    def targets(self, values: Any) -> Any:
        """The target of rows."""
        first = values[:, 0]
        third = np.digitize(first, [-0.5, 0.5])
        choices: dict[str, Callable[[], Any]] = {
            "none": lambda: None,
            "binary": lambda: (first > 0).astype(int),
            "multi": lambda: third,
            "text": lambda: np.array(["low", "middle", "high"], dtype=object)[third],
            "boolean": lambda: first > 0,
            "constant": lambda: np.ones(self.rows, dtype=int),
            "number": lambda: first * 10 + values[:, 1],
            "several": lambda: values[:, :2] * 10,
            "multilabel": lambda: (values[:, :2] > 0).astype(int),
            "category": lambda: pd.Categorical(np.array(["no", "yes"])[(first > 0).astype(int)]),
        }
        return choices[self.target]()


class Watched:
    """A model that notes the rows that it is given.

    Args:
        journal: the file to note them in.
    """

    def __init__(self, journal: str) -> None:
        self.journal = journal

    def fit(self, X: Any, y: Any = None) -> Watched:
        """Note the training rows."""
        append(self.journal, what="model.fit", ids=ids(X))
        self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X: Any) -> Any:
        """Note the rows, predict the first class."""
        append(self.journal, what="model.predict", ids=ids(X))
        return np.repeat(self.classes_[:1], count(X))


class WatchedFeatures:
    """Features that note the rows that they learn from.

    Args:
        journal: the file to note them in.
    """

    def __init__(self, journal: str) -> None:
        self.journal = journal

    def fit(self, X: Any, y: Any = None) -> WatchedFeatures:
        """Note the training rows."""
        append(self.journal, what="features.fit", ids=ids(X), targets=count(y))
        self.seen_ = ids(X)
        return self

    def transform(self, X: Any) -> Any:
        """The rows as they are; whether any was learnt from is noted."""
        append(self.journal, what="features.transform", ids=ids(X), learnt=sorted(set(ids(X)) & set(self.seen_)))
        return X


class WatchedTransformer(WatchedFeatures):
    """The same with ``fit_transform``, which must then be preferred."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Note that this way was gone."""
        append(self.journal, what="features.fit_transform", ids=ids(X))
        self.seen_ = ids(X)
        return X


class Waiting:
    """A model whose fit does not end by itself.

    Args:
        marker: file that appears as soon as it is waited.
        fold: how many fits end at once before; the file ``marker`` with ``.count`` behind it counts them.
            ``.waiting`` behind it counts those that have come to wait.
        seconds: when to give up.
        refuses: whether it swallows every ordinary exception, as badly written code does.
    """

    def __init__(self, marker: str, fold: int = 0, seconds: float = 120, refuses: bool = False) -> None:
        self.marker, self.fold, self.seconds, self.refuses = marker, fold, seconds, refuses

    def fit(self, X: Any, y: Any = None) -> Waiting:
        """Say that it waits, then wait."""
        append(f"{self.marker}.count", fit=1)
        if len(Path(f"{self.marker}.count").read_text().splitlines()) <= self.fold:
            return self
        print("a word before waiting", flush=True)  # noqa: T201
        append(f"{self.marker}.waiting", fit=1)
        Path(self.marker).touch()
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not Path(f"{self.marker}.go").exists():
            self.wait()
        return self

    def wait(self) -> None:
        """For a moment."""
        try:
            time.sleep(0.05)
        except Exception:
            if not self.refuses:
                raise

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


class Talking:
    """A model that prints, here and in a child process, and may then fail.

    Args:
        fails: whether it does.
    """

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def fit(self, X: Any, y: Any = None) -> Talking:
        """Print in all ways there are."""
        print("said with print")  # noqa: T201
        sys.stderr.write("said on standard error\n")
        os.write(1, b"said by a library\n")
        subprocess.run([sys.executable, "-c", "print('said by a child')"], check=True)
        logging.getLogger("some.library").warning("said with logging")
        if self.fails:
            print("said at last", end="")  # noqa: T201
            raise RuntimeError("no more words")
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


class Served:
    """A model that asks for every service.

    Args:
        collector: the page.
        logger: the log.
        timer: the clock.
        folder: the experiment's folder.
        depth: an ordinary parameter.
    """

    def __init__(
        self,
        collector: ReportCollector,
        logger: logging.Logger,
        timer: Timer,
        folder: ResultFolder,
        depth: int = 1,
    ) -> None:
        self.collector, self.logger, self.timer, self.folder, self.depth = collector, logger, timer, folder, depth

    def fit(self, X: Any, y: Any = None) -> Served:
        """Use them all."""
        with self.timer("thinking"):
            self.logger.info("served with %d rows", count(X))
        self.collector.add_text(f"Fitted on {count(X)} rows.", title="Served text")
        figure = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
        self.collector.add_figure(figure, title="Served figure")
        (self.folder.data / "served.txt").write_text("kept", encoding="utf-8")
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


class Speaking:
    """A model that logs in every way there is: by its logger, by a library, in a thread, in joblib's workers.

    Args:
        logger: the log.
        workers: how many of joblib's workers log.
    """

    def __init__(self, logger: logging.Logger, workers: int = 0) -> None:
        self.logger, self.workers = logger, workers

    def fit(self, X: Any, y: Any = None) -> Speaking:
        """Log."""
        import threading

        from joblib import Parallel, delayed

        self.logger.info("said by itself", extra={"rows": count(X)})
        library = logging.getLogger("some.library")
        library.warning("said by a library")
        thread = threading.Thread(target=library.warning, args=("said in a thread",))
        thread.start()
        thread.join()
        if self.workers:
            Parallel(self.workers)(delayed(speak)(self.logger, number) for number in range(self.workers))
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


def speak(logger: logging.Logger, number: int) -> None:
    """Log in a worker."""
    logger.info("said in worker %d", number)


class Random(BaseEstimator):  # type: ignore[misc]
    """A regressor that draws from the global generators: only a framework that seeds them makes it reproducible.

    It takes its time, and lets others go first, so that whatever runs beside it would disturb its draws.
    """

    def fit(self, X: Any, y: Any = None) -> Random:
        """Draw."""
        import random

        draws = []
        for _ in range(50):
            draws.append(random.random() + np.random.random())
            time.sleep(0.001)
        self.value_ = draws[-1]
        return self

    def predict(self, X: Any) -> Any:
        """What was drawn, and more."""
        return self.value_ + np.random.random(count(X))


class Faulty:
    """Any component; it raises at a place of one's choice.

    Args:
        at: where.
        kind: ``plain`` for an ordinary exception, ``component`` for one with a message for the user, ``exit`` for a
            component that ends the process.
    """

    def __init__(self, at: Place = "never", kind: Literal["plain", "component", "exit"] = "plain") -> None:
        self.at, self.kind = at, kind
        self.reach("constructor")

    def reach(self, place: Place) -> None:
        """Raise, if it is here."""
        if place != self.at:
            return
        if self.kind == "exit":
            sys.exit(0)
        raise ComponentError("told the user") if self.kind == "component" else ZeroDivisionError("broken on purpose")

    def load(self) -> Data:
        """Rows."""
        self.reach("load")
        return Made().load()

    def prepare(self, data: Data) -> Data:
        """The rows."""
        self.reach("prepare")
        return data

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Rows, Rows]]:
        """One pair."""
        self.reach("split")
        rows = np.arange(count(X))
        yield rows[:-10], rows[-10:]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """One."""
        return 1

    def fit(self, X: Any, y: Any = None) -> Faulty:
        """Nothing."""
        self.reach("fit")
        return self

    def transform(self, X: Any) -> Any:
        """The rows."""
        self.reach("transform")
        return X

    def predict(self, X: Any) -> Any:
        """Zero."""
        self.reach("predict")
        return np.zeros(count(X), dtype=int)

    def __call__(self, y_true: Any, y_pred: Any, /) -> float:
        """Zero."""
        self.reach("measure")
        return 0.0

    def report(self, results: Results) -> None:
        """Nothing."""
        self.reach("report")


class Pairs:
    """A splitter that gives the pairs that it is told.

    Args:
        pairs: training and validation rows.
    """

    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Any, Any]]:
        """The pairs, as they were given."""
        yield from self.pairs

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many."""
        return len(self.pairs)


class Odd:
    """A model that predicts something odd.

    Args:
        how: what.
    """

    def __init__(self, how: Literal["short", "nan", "none", "text"]) -> None:
        self.how = how

    def fit(self, X: Any, y: Any = None) -> Odd:
        """Nothing."""
        return self

    def predict(self, X: Any) -> Any:
        """What is odd."""
        rows = count(X)
        return {
            "short": np.zeros(max(rows - 1, 0)),
            "nan": np.full(rows, np.nan),
            "none": None,
            "text": np.array(["?"] * rows),
        }[self.how]


class NotData:
    """A data source that gives a plain table."""

    def load(self) -> Any:
        """No ``Data``."""
        return pd.DataFrame({"a": [1]})


class Fitless:
    """Only half of a model."""

    def fit(self, X: Any, y: Any = None) -> Fitless:
        """Nothing; there is no ``predict``."""
        return self


class Nobody:
    """A preparer that keeps no row, or changes what it was given.

    Args:
        rows: how many to keep.
    """

    def __init__(self, rows: int = 0) -> None:
        self.rows = rows

    def prepare(self, data: Data) -> Data:
        """The first rows."""
        return data.take(range(self.rows))


class Needs:
    """A model with parameters that must be given.

    Args:
        depth: must be given.
        width: may be given.
    """

    def __init__(self, depth: int, *, width: float = 1.0) -> None:
        self.depth, self.width = depth, width

    def fit(self, X: Any, y: Any = None) -> Needs:
        """Nothing."""
        return self

    def predict(self, X: Any) -> Any:
        """The depth."""
        return np.full(count(X), self.depth)


class Keeping:
    """A report that notes what it was given.

    Args:
        journal: the file to note it in.
    """

    def __init__(self, journal: str) -> None:
        self.journal = journal

    def report(self, results: Results) -> None:
        """Note the results."""
        append(
            self.journal,
            id=results.id,
            name=results.name,
            task=results.task,
            folds=len(results.folds),
            development=len(results.development_data),
            test=len(results.test_data),
            predictions=len(results.predictions),
            first=repr(take(results.development_data.X, [0])),
            nodes=sorted(results.timing),
        )


def error_of_ten(y_true: Any, y_pred: Any, *, weight: float = 10.0) -> float:
    """A metric that is a function."""
    return float(weight * np.mean(np.asarray(y_true) != np.asarray(y_pred)))


class Unpicklable:
    """A model that holds something that cannot be kept on disk."""

    def fit(self, X: Any, y: Any = None) -> Unpicklable:
        """Hold it."""
        self.much = b"much" * 1000
        self.function = lambda: None
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X), dtype=int)


class Tolerant:
    """A model that takes any options.

    Args:
        options: whatever.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def fit(self, X: Any, y: Any = None) -> Tolerant:
        """Nothing."""
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X), dtype=int)


class Broken:
    """A report whose constructor fails with what it is given.

    Args:
        collector: the page.
    """

    def __init__(self, collector: ReportCollector) -> None:
        raise ZeroDivisionError("broken on purpose")

    def report(self, results: Results) -> None:
        """Never reached."""


class Jobs:
    """A model whose fit does its work in joblib's workers, which do not end by themselves.

    Args:
        marker: file that appears as soon as a worker waits.
        backend: joblib's name of the kind of workers.
        seconds: when they give up.
    """

    def __init__(self, marker: str, backend: str = "loky", seconds: float = 120) -> None:
        self.marker, self.backend, self.seconds = marker, backend, seconds

    def fit(self, X: Any, y: Any = None) -> Jobs:
        """Let two workers wait."""
        from joblib import Parallel, delayed

        job = delayed(wait_in_worker)
        Parallel(n_jobs=2, backend=self.backend)(job(self.marker, self.seconds) for _ in range(4))
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


def wait_in_worker(marker: str, seconds: float) -> None:
    """Say that it waits, then wait."""
    Path(marker).touch()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not Path(f"{marker}.go").exists():
        time.sleep(0.05)


class Deaf:
    """A model that takes no interruption for an answer, as code that hopes to train on does.

    Args:
        marker: file that appears as soon as it listens for one.
        how: where it is swallowed: by the code itself, by Python in a destructor, or made another error.
    """

    def __init__(self, marker: str, how: Literal["caught", "destructor", "other"]) -> None:
        self.marker, self.how = marker, how

    def fit(self, X: Any, y: Any = None) -> Deaf:
        """Wait, and swallow what comes."""
        if self.how == "destructor":
            Dying(self.marker)
            time.sleep(60)
        try:
            wait_in_worker(self.marker, 60)
        except BaseException:
            if self.how == "other":
                raise ZeroDivisionError("made something else of it") from None
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


class Dying:
    """An object that takes its time to go; Python prints and forgets what is raised meanwhile.

    Args:
        marker: file that appears as soon as it goes.
    """

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __del__(self) -> None:
        """Take some time."""
        wait_in_worker(self.marker, 60)


class Deadly:
    """A model whose fit ends its process as the system ends one that uses up the memory.

    Args:
        depth: of no use; for searches.
    """

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth

    def fit(self, X: Any, y: Any = None) -> Deadly:
        """Be killed."""
        os.kill(os.getpid(), signal.SIGKILL)
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X))


class Greedy:
    """A model that fills the disk, as another program may do at any time.

    Args:
        folder: a folder on that disk.
        leave: bytes that it leaves.
        always: whether it takes what becomes free as well, until the process ends.
    """

    def __init__(self, folder: str, leave: int = 0, always: bool = False) -> None:
        self.folder, self.leave, self.always = folder, leave, always

    def fit(self, X: Any, y: Any = None) -> Greedy:
        """Fill it."""
        import threading

        fill(Path(self.folder), self.leave)
        if self.always:
            threading.Thread(target=self.go_on, daemon=True).start()
        self.much_ = np.random.default_rng(0).bytes(100_000)
        return self

    def go_on(self) -> None:
        """Fill it again and again."""
        for number in range(100_000):
            fill(Path(self.folder), 0, f"ballast_{number}")

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X), dtype=int)


def fill(folder: Path, leave: int, name: str = "ballast") -> None:
    """Write a file that leaves so many bytes on the disk."""
    state = os.statvfs(folder)
    with (folder / name).open("wb", buffering=0) as file:
        try:
            file.write(bytes(max(state.f_bavail * state.f_frsize - leave, 0)))
        except OSError:
            return


class Locking:
    """A model that makes the folders of the last experiment read-only.

    Args:
        root: folder of all experiments.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    def fit(self, X: Any, y: Any = None) -> Locking:
        """Lock them."""
        last = max(Path(self.root).glob("result_experiment_*"), key=lambda path: int(path.name.rpartition("_")[2]))
        for folder in [path for path in last.rglob("*") if path.is_dir()]:
            folder.chmod(0o555)
        return self

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X), dtype=int)


class NeedsFile:
    """A report that fails as long as a file is not there.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def report(self, results: Any) -> None:
        """Look for it."""
        if not Path(self.path).exists():
            raise FileNotFoundError(self.path)
