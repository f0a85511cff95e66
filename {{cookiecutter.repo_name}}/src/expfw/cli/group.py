"""Commands that end by one message where the machine, not their code, is at fault: a full disk, no right to write."""

from __future__ import annotations

import errno
import os
from typing import Any

import click

from expfw.errors import ExperimentInterrupted, ExpfwError


class PatientGroup(click.Group):
    """A group of commands without tracebacks for errors of the operating system, and for Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for.

        Raises:
            ExpfwError: in the place of an error of the operating system.
            ExperimentInterrupted: in the place of Ctrl-C, with its exit code.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise ExperimentInterrupted("interrupted by Ctrl-C") from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read the output has gone, which click knows
                raise
            raise ExpfwError(_told(error)) from error


def _told(error: OSError) -> str:
    if error.errno == errno.ENOSPC and error.filename is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries to write the rest when it ends
        return "the output cannot be written: the disk that it goes to is full"
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}; see to it that it can be read and written, then try again"
