"""Kedro's config loader, extended: parameters from an experiment, the catalog's paths in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from expfw.config.loader import CONTEXT, ExperimentConfigLoader
from expfw.errors import ConfigurationError
from expfw.run.folder import ResultFolder

WHOLE = {"data_source": {"type": "A"}, "holdout": {"type": "H"}, "model": {"type": "M", "params": {"depth": 1}}}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder ``config`` with two experiments."""
    folder = tmp_path / "config"
    for name in ("base", "local", "experiments", "smoke"):
        (folder / name).mkdir(parents=True)
    (folder / "base" / "parameters.yml").write_text("experiment: first\ndefaults: {random_state: 42}\nmine: {a: 1}\n")
    (folder / "base" / "catalog.yml").write_text(
        "raw_data:\n  type: A\n  filepath: result/result_experiment_N/data/raw.pkl\nother:\n  filepath: data/x.csv\n"
    )
    (folder / "experiments" / "first.json").write_text(json.dumps(WHOLE))
    (folder / "experiments" / "second.yml").write_text("extends: first\nmodel: {params: {depth: 2}}\n")
    (folder / "smoke" / "tiny.json").write_text(json.dumps({"extends": "first"}))
    (folder / "smoke" / "catalog.yml").write_text("{}")
    return folder


def loader(config: Path, **params: Any) -> ExperimentConfigLoader:
    """A loader as Kedro makes it."""
    settings = {"base_env": "base", "default_run_env": "local"}
    return ExperimentConfigLoader(str(config), runtime_params=params, **settings)


def test_parameters_are_those_of_the_experiment(config: Path) -> None:
    parameters = loader(config)["parameters"]
    assert parameters["model"] == {"type": "M", "params": {"depth": 1}}
    assert parameters["defaults"] == {"random_state": 42}
    assert (parameters["experiment"], parameters["mine"], parameters["resampling"]) == ("first", {"a": 1}, None)


@pytest.mark.parametrize(("name", "depth"), [("second", 2), ("tiny", 1)])
def test_the_experiment_is_chosen_by_a_parameter(config: Path, name: str, depth: int) -> None:
    parameters = loader(config, experiment=name)["parameters"]
    assert (parameters["experiment"], parameters["model"]["params"]["depth"]) == (name, depth)


def test_runtime_parameters_are_the_strongest_layer(config: Path) -> None:
    chosen = loader(config, experiment="second", model={"params": {"depth": 3}}, mine={"a": 5})
    assert chosen["parameters"]["model"]["params"]["depth"] == 3
    assert chosen["parameters"]["mine"]["a"] == 5
    assert chosen.experiment.origin("model", "params", "depth") == "--params"


def test_a_runtime_parameter_that_reaches_nothing_is_refused(config: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--params: modle: reaches nothing; did you mean 'model'\?"):
        loader(config, modle=1)["parameters"]


def test_runtime_parameters_survive_reading_the_base(config: Path) -> None:
    chosen = loader(config, mine={"a": 5})
    chosen["parameters"]
    assert chosen.runtime_params == {"mine": {"a": 5}}


def test_experiment_files_are_named_relative_to_the_project(config: Path) -> None:
    files = loader(config).experiment_files
    assert set(files) == {"config/experiments/first.json", "config/experiments/second.yml", "config/smoke/tiny.json"}


def test_without_a_run_the_catalog_keeps_its_placeholder(config: Path) -> None:
    catalog = loader(config)["catalog"]
    assert catalog["raw_data"]["filepath"] == "result/result_experiment_N/data/raw.pkl"
    assert CONTEXT not in catalog


def test_in_a_run_the_catalog_lies_in_the_experiments_folder(config: Path) -> None:
    class Context:
        folder = ResultFolder(Path("/somewhere/result_experiment_7"))

    chosen = loader(config)
    chosen.run_context = Context()  # type: ignore[assignment]
    catalog = chosen["catalog"]
    assert catalog["raw_data"]["filepath"] == "/somewhere/result_experiment_7/data/raw.pkl"
    assert catalog["other"]["filepath"] == "data/x.csv"
    assert catalog[CONTEXT]["data"] is chosen.run_context


def test_the_loader_made_last_is_known_to_the_previews(config: Path) -> None:
    chosen = loader(config)
    assert ExperimentConfigLoader.current is chosen


def test_a_project_without_parameters_says_that_no_experiment_is_named(config: Path) -> None:
    (config / "base" / "parameters.yml").unlink()
    with pytest.raises(ConfigurationError, match="no experiment is named"):
        loader(config)["parameters"]


def test_credentials_that_a_hook_puts_there_are_those_that_count(config: Path) -> None:
    (config / "local" / "credentials.yml").write_text("team: {password: of-the-file}\n")
    asked = loader(config)
    assert asked["credentials"] == {"team": {"password": "of-the-file"}}
    asked["credentials"]["team"]["password"] = "of nobody"
    assert asked["credentials"] == {"team": {"password": "of-the-file"}}
    asked["credentials"] = {"team": {"password": "of-the-vault"}}
    assert asked["credentials"] == {"team": {"password": "of-the-vault"}}


def test_a_global_default_has_the_file_that_it_stands_in(config: Path) -> None:
    (config / "local" / "parameters.yml").write_text("defaults: {n_jobs: 2}\n")
    (config / "base" / ".parameters.yml").write_text("defaults: {n_jobs: 3}\n")
    found = loader(config).experiment
    assert found.origin("defaults", "n_jobs") == "config/local/parameters.yml"
    assert loader(config).experiment.texts.keys() >= {"config/base/parameters.yml", "config/local/parameters.yml"}
    assert not any("/." in where for where in found.texts)
