"""Early metrics: never the end of a run, and never an addition to the page."""

from __future__ import annotations

from sklearn.dummy import DummyClassifier

from expfw.construct.blueprint import Blueprint
from expfw.report.collector import ReportCollector
from expfw.run.live import asks_for_services


class Inner:
    """Asks for a service."""

    def __init__(self, collector: ReportCollector) -> None:
        self.collector = collector


INNER = Blueprint("Inner", Inner, {}, services={"collector": ReportCollector})


def test_services_are_found_however_deep_they_are_asked_for() -> None:
    plain = Blueprint("Dummy", DummyClassifier, {"strategy": "prior"})
    assert not asks_for_services(["accuracy", plain, None])
    assert asks_for_services(INNER)
    assert asks_for_services(Blueprint("Outer", DummyClassifier, {"inner": INNER}))
    assert asks_for_services(Blueprint("Outer", DummyClassifier, {"steps": [{"one": INNER}]}))
