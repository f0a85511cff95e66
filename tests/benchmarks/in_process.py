"""Runs a Kedro project's default pipeline many times in one process; prints the seconds of each run as JSON."""

import json
import logging
import sys
import time
from pathlib import Path

from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project


def main(project: Path, rounds: int, params: dict[str, object]) -> list[float]:
    """Seconds of each run after a first that is not counted."""
    bootstrap_project(project)
    logging.disable(logging.INFO)
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        with settings.SESSION_CLASS.create(project_path=project, runtime_params=params) as session:
            session.run()
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))))
