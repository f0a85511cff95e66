"""Every component runs: one test per experiment in ``config/smoke``, and none of the components is left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.framework import project

from expfw.config.keys import STEPS
from expfw.construct.find import Components

CONFIG = Path(__file__).resolve().parent.parent / "config"
SMOKE = sorted((CONFIG / "smoke").glob("*.json"))
OWN = [*SMOKE, *sorted((CONFIG / "experiments").glob("*.json"))]


def named_types(value: Any) -> Iterator[str]:
    """Every ``type`` in an experiment file, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for inner in value.values():
            yield from named_types(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_types(inner)


def types_in(files: list[Path]) -> set[str]:
    """Every ``type`` in the given experiment files."""
    return {name for file in files for name in named_types(json.loads(file.read_text(encoding="utf-8")))}


def short_names(components: Components) -> set[str]:
    """Names of all components, whatever the step."""
    return {name for step in STEPS.values() for name in components.short_names(step)}


@pytest.mark.parametrize("name", [file.stem for file in SMOKE])
def test_smoke_experiment_completes(name: str, run_experiment: Callable[[str], Path]) -> None:
    folder = run_experiment(name)
    assert (folder / "report" / "index.html").is_file()


def test_every_default_component_is_covered() -> None:
    assert short_names(Components(package="", modules=())) - types_in(SMOKE) == set()


def test_every_component_of_yours_is_used_by_an_experiment() -> None:
    own = short_names(Components(package=str(project.PACKAGE_NAME), modules=()))
    assert own - short_names(Components(package="", modules=())) - types_in(OWN) == set()
