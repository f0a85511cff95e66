"""Commands that this project adds to ``kedro``: the framework's, and any of your own."""

from expfw.cli import commands as cli
from expfw.cli.run import run  # what "python -m" runs when the project is packaged

__all__ = ["cli", "run"]
