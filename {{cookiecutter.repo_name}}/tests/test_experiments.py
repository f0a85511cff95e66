"""Every experiment file of the project is sound, whether or not anybody runs it today."""

from __future__ import annotations

from pathlib import Path

from kedro.framework import project

from expfw.check import check

PROJECT = Path(__file__).resolve().parent.parent


def test_every_experiment_file_is_sound() -> None:
    faults = check(PROJECT, str(project.PACKAGE_NAME))
    assert faults
    assert {name: [str(fault) for fault in found] for name, found in faults.items() if found} == {}
