"""For tests and doctests alike: Kedro's own log stays out of what an example prints."""

import logging

import pytest


@pytest.fixture(autouse=True)
def _quiet_kedro() -> None:
    logging.getLogger("kedro").setLevel(logging.WARNING)
