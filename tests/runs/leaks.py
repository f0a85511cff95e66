"""Components that tell their credentials in every way there is; tests put this file into a baked project's package."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from kedro.framework.session.store import BaseSessionStore
from kedro.io import AbstractDataset

from expfw.interfaces import Data, count
from expfw.results import Results
from expfw.services import ReportCollector, Timer


def secrets() -> list[str]:
    """What the project's credentials hold, and the address of the database, as a component could have them."""
    entries = yaml.safe_load(Path("config/local/credentials.yml").read_text(encoding="utf-8"))
    own = json.loads(os.environ["LEAK"])
    return [entries["clinic"]["con"], entries["bucket"]["secret"], entries["key"]["private_key"], *own]


class Refusing(AbstractDataset[Any, Any]):
    """A database whose errors quote its address, as some drivers' do."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        self._address = credentials["con"]

    def load(self) -> Any:
        """Fail."""
        try:
            raise OSError(f"no route to {self._address}")
        except OSError as error:
            raise ConnectionError(f"(OperationalError) could not connect to {self._address!r}") from error

    def save(self, data: Any) -> None:
        """Nothing."""

    def _describe(self) -> dict[str, Any]:
        return {"address": self._address}


class Rows:
    """Rows, one of which holds what is secret."""

    def load(self) -> Data:
        """Make them."""
        random = np.random.default_rng(0)
        X = pd.DataFrame(random.normal(size=(60, 2)), columns=["a", "b"])
        return Data(X, (X["a"] > 0).astype(int))


class Leaking:
    """A model that tells all it knows, and may then fail or wait.

    Args:
        collector: the page.
        logger: the log.
        timer: the clock.
        ends: how.
        marker: file to touch before waiting.
        api_key: a parameter that is a secret.
    """

    def __init__(
        self,
        collector: ReportCollector,
        logger: logging.Logger,
        timer: Timer,
        ends: str = "well",
        marker: str = "",
        api_key: str = "",
    ) -> None:
        self.services = collector, logger, timer
        self.ends, self.marker, self.api_key = ends, marker, api_key

    def fit(self, X: Any, y: Any = None) -> Leaking:
        """Tell."""
        for text in [*secrets(), *filter(None, [self.api_key])]:
            self.say(text)
            self.record(text)
        self.api_key = ""
        if self.ends == "badly":
            raise RuntimeError(f"cannot use {secrets()} with {self.api_key}")
        if self.ends == "never":
            Path(self.marker).touch()
            end = time.monotonic() + 100
            while time.monotonic() < end and not Path(f"{self.marker}.go").exists():
                time.sleep(0.02)
        return self

    def say(self, text: str) -> None:
        """On all channels."""
        print("printed", text)  # noqa: T201
        sys.stderr.write(f"error {text!r}\n")
        for half in (text[:3], text[3:]):  # as a library that writes in pieces
            os.write(1, half.encode())
            time.sleep(0.01)
        os.write(1, b"\n")
        os.environ["ONE"] = text
        os.system('echo "a shell says $ONE"')
        subprocess.run([sys.executable, "-c", "import os; print('a child says', os.environ['ONE'])"], check=True)
        del os.environ["ONE"]
        thread = threading.Thread(target=lambda: {}[text])  # type: ignore[index]
        thread.start()
        thread.join()
        warnings.warn(f"beware of {text}", stacklevel=1)

    def record(self, text: str) -> None:
        """With all services."""
        collector, logger, timer = self.services
        logger.warning("told %s and %s", text, {"it": text})
        logging.getLogger("some.library").error(f"connecting to {text}")
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception("it failed")
        with timer(f"with {text}"):
            pass
        collector.add_text(f"Used {text}.", title=text)
        collector.add_table([{"name": text, text: 1}], title="Table", caption=text)
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{text}</desc></svg>'
        collector.add_figure(svg, title="Figure", caption=text)

    def __getstate__(self) -> dict[str, Any]:
        """Its services are no part of the model."""
        return {"ends": self.ends}

    def predict(self, X: Any) -> Any:
        """Zero."""
        return np.zeros(count(X), dtype=int)


class LeakingReport:
    """A report that tells in another process, which knows nothing of the run's secrets.

    Args:
        collector: the page.
    """

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector

    def report(self, results: Results) -> None:
        """Tell."""
        from joblib import Parallel, delayed

        Parallel(n_jobs=2)(delayed(add)(self.collector, text) for text in secrets())


def add(collector: ReportCollector, text: str) -> None:
    """Tell."""
    print("a worker says", text, flush=True)  # noqa: T201
    collector.add_text(text, title="From a worker")


class KeptNotes(BaseSessionStore):
    """Kedro's notes of a session, kept in a file."""

    def save(self) -> None:
        """Write them."""
        path = Path(self._path) / "notes.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self.data, default=str), encoding="utf-8")
