"""Compiled templates, kept beside them as Python keeps compiled modules: compiling takes longer than writing a page."""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Keeps templates in ``__pycache__``, or wherever and if at all Python is told to keep what it compiles.

    Jinja takes one for another template as soon as its text changed.

    Args:
        templates: folder of the templates.

    Example:
        >>> Path(CompiledTemplates(Path("/project/templates")).directory).name
        '__pycache__'
    """

    def __init__(self, templates: Path) -> None:
        folder = Path(cache_from_source(str(templates / "page.py"))).parent
        super().__init__(str(folder), f"%s.{sys.implementation.cache_tag}-jinja-{version('jinja2')}")

    def get_bucket(self, environment: jinja2.Environment, name: str, filename: str | None, source: str) -> Bucket:
        """Where a template lies; one that is compiled with other options is another one."""
        options = (environment.autoescape, environment.trim_blocks, environment.lstrip_blocks, environment.undefined)
        return super().get_bucket(environment, name, f"{filename} {options}", source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template from there; a file that is torn is as good as none."""
        try:
            super().load_bytecode(bucket)
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, OSError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template, where that is wanted and the folder can be written to."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(parents=True, exist_ok=True)
                super().dump_bytecode(bucket)
