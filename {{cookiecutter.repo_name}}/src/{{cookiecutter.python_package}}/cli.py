"""Commands that this project adds to ``kedro``: the framework's, and any of your own."""

from kedro.framework.cli.project import run  # what "python -m" runs when the project is packaged

from expfw.cli import commands as cli

__all__ = ["cli", "run"]
