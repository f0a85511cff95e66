"""Commands that this project adds to ``kedro``: the framework's, and any of your own."""

from expfw.cli import commands as cli

__all__ = ["cli"]
