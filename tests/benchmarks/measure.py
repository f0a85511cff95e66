"""Runs a command and prints its wall time and peak memory as JSON.

A process of its own: what Linux calls the peak of a child includes that of the parent it was forked from.
"""

import json
import os
import subprocess
import sys
import time


def main(command: list[str]) -> tuple[float, float, int]:
    """Seconds, MiB and exit code of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - started, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
