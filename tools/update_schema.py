"""``make schema``: generate the template's ``config/experiment.schema.json`` anew, from a freshly baked project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = TEMPLATE / "{{cookiecutter.repo_name}}"
SCHEMA = Path("config/experiment.schema.json")


def main() -> None:
    """Bake, generate, copy back."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "cookiecutter", "--no-input", "-o", folder, str(TEMPLATE)], check=True)
        project = next(Path(folder).iterdir())
        environment = {**os.environ, "PYTHONPATH": str(project / "src"), "DO_NOT_TRACK": "1"}
        command = [sys.executable, "-m", "kedro", "experiment", "schema"]
        subprocess.run(command, cwd=project, env=environment, check=True)
        shutil.copyfile(project / SCHEMA, PROJECT / SCHEMA)


if __name__ == "__main__":
    main()
