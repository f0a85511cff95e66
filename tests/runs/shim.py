"""The command ``kedro`` for shells: hands the command to a forge, which has done the imports, and gives what it says.

Installed by :meth:`runs.lab.Lab.shell` under the name ``kedro``; what it must know stands in the environment:
``FORGE``, the pipe on which the forge takes jobs, ``FORGE_NOTES``, a folder for what commands say, and ``FORGE_SRC``,
the sources of the project.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Have the command done, say what it said, end as it ended."""
    notes = Path(tempfile.mkdtemp(dir=os.environ["FORGE_NOTES"]))
    job = {
        "args": sys.argv[1:],
        "code": "",
        "cwd": str(Path.cwd()),
        "env": dict(os.environ),
        "folder": str(notes),
        "limit": 0,
        "src": os.environ["FORGE_SRC"],
        "merged": os.path.sameopenfile(1, 2),
    }
    with Path(os.environ["FORGE"]).open("w", encoding="utf-8") as jobs:
        jobs.write(json.dumps(job) + "\n")
    while not (notes / "exit").exists():
        time.sleep(0.01)
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        if (notes / name).exists():
            stream.buffer.write((notes / name).read_bytes())
            stream.flush()
    code = int((notes / "exit").read_text(encoding="ascii"))
    sys.exit(128 - code if code < 0 else code)


if __name__ == "__main__":
    main()
