"""A project to run experiments in, shared by the tests of one process; results go to a folder of each test's own."""

from runs.fixtures import lab, own_lab, shared_lab

__all__ = ["lab", "own_lab", "shared_lab"]
