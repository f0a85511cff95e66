"""Services that a component's constructor can ask for by type; the framework passes them.

Annotate a constructor parameter with one of these types and leave it out of the experiment file::

    class MyModel:
        def __init__(self, depth: int, logger: logging.Logger, timer: Timer, collector: ReportCollector) -> None: ...

| type | what it does |
|---|---|
| :class:`ReportCollector` | adds text, tables and figures to the experiment's page |
| :class:`logging.Logger` | writes to the experiment's log and to the terminal |
| :class:`Timer` | measures a part of the component's work |
| :class:`ResultFolder` | paths of the experiment's folder |
| :class:`kedro.io.DataCatalog` | the project's catalog, for data sources |
"""

from __future__ import annotations

from expfw.report.collector import ReportCollector
from expfw.run.events import Timer
from expfw.run.folder import ResultFolder

__all__ = ["ReportCollector", "ResultFolder", "Timer"]
