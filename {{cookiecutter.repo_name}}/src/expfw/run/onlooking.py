"""Services for a model of an earlier experiment that is only looked at or used again: they leave its folder alone.

A model may have kept the report collector or the timer of its run, and use them in ``predict``. Its run is over, and
the record of a run that is over does not change.
"""

from __future__ import annotations

from typing import Any

from expfw.report.collector import ReportCollector
from expfw.run.events import EventLog


class OnlookingCollector(ReportCollector):
    """Takes additions to a page that is finished, and keeps none."""

    def _write(self, *_: Any, **__: Any) -> None:
        """Nothing."""


class OnlookingEvents(EventLog):
    """Reads the events of a run that is over, and adds none."""

    def append(self, kind: str, **fields: Any) -> None:
        """Nothing."""


INSTEAD: dict[tuple[str, str], type] = {
    (ReportCollector.__module__, ReportCollector.__name__): OnlookingCollector,
    (EventLog.__module__, EventLog.__name__): OnlookingEvents,
}
"""What to use for what is found in an earlier experiment's pickles; see :func:`expfw.pickling.load`."""
