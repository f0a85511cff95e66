"""The schema by which editors complete and check experiment files knows your components as they are now."""

from __future__ import annotations

import json
from pathlib import Path

from kedro.framework import project

from expfw.construct.schema_file import FILE, differences, project_schema

PROJECT = Path(__file__).resolve().parent.parent


def test_the_schema_of_experiment_files_is_current() -> None:
    written = json.loads((PROJECT / FILE).read_text(encoding="utf-8"))
    differing = differences(written, project_schema(PROJECT, str(project.PACKAGE_NAME)))
    assert differing == [], "write it anew: kedro experiment schema"
