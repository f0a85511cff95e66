"""Services that a component asks for by type: the page, the log, the clock, the folder, the catalog."""

from __future__ import annotations

import re

import pytest
from runs.lab import Lab, read_lines, trial

RUNNERS = ["SequentialRunner", "ThreadRunner", "ParallelRunner"]
SERVED = {"model": trial("Served"), "metrics": [], "data_source": trial("Made", target="number")}


@pytest.mark.parametrize("runner", RUNNERS)
def test_what_a_component_adds_in_a_fold_is_on_the_page_once_per_fold(lab: Lab, runner: str) -> None:
    outcome = lab.run(SERVED, "--runner", runner).ok()
    page = (outcome.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert len(re.findall(r"Fitted on \d+ rows\.", page)) == 4, "three folds and the final model"
    assert page.count("Fitted on 48 rows.") == 1
    assert page.count("Fitted on 32 rows.") == 3
    assert page.count("Served figure") >= 4
    sections = [path.name for path in (outcome.folder / "report" / "sections").iterdir()]
    assert len(sections) == 8


@pytest.mark.parametrize("runner", RUNNERS)
def test_what_a_component_logs_is_in_the_experiments_log(lab: Lab, runner: str) -> None:
    outcome = lab.run(SERVED, "--runner", runner).ok()
    log = (outcome.folder / "log" / "experiment.log").read_text(encoding="utf-8")
    assert log.count("served with 32 rows") == 3
    assert log.count("served with 48 rows") == 1
    assert log.count("fit fold 1/3 Served: served with 32 rows") == 1
    assert outcome.err.count("served with") == 4, "and on the terminal"


@pytest.mark.parametrize("runner", RUNNERS)
def test_what_a_component_measures_is_in_the_timing(lab: Lab, runner: str) -> None:
    parts = lab.run(SERVED, "--runner", runner).ok().json("log/timing.json")["parts"]
    assert {part["fold"] for part in parts} == {None, 0, 1, 2}
    assert {(part["step"], part["part"]) for part in parts} == {("model", "thinking")}
    assert len(parts) == 4


def test_a_component_keeps_a_file_in_the_experiments_folder(lab: Lab) -> None:
    outcome = lab.run(SERVED).ok()
    assert (outcome.folder / "data" / "served.txt").read_text() == "kept"


def test_a_service_is_no_part_of_the_configuration(lab: Lab) -> None:
    config = lab.run({**SERVED, "model": trial("Served", depth=3)}).ok().json("log/config.json")
    assert config["model"]["params"] == {"depth": 3}


def test_two_experiments_at_once_do_not_mix(lab: Lab) -> None:
    commands = [lab.begin(SERVED) for _ in range(3)]
    for command in commands:
        command.wait().ok()
    for folder in (lab.root / f"result_experiment_{n}" for n in (1, 2, 3)):
        assert len(list((folder / "report" / "sections").iterdir())) == 8
        assert (folder / "log" / "experiment.log").read_text().count("served with") == 4


def test_a_report_is_given_everything(lab: Lab) -> None:
    journal = lab.root.parent / "journal.jsonl"
    lab.run({"reports": [trial("Keeping", journal=str(journal))]}).ok()
    (entry,) = read_lines(journal)
    assert (entry["id"], entry["task"], entry["folds"]) == (1, "classification", 3)
    assert (entry["development"], entry["test"], entry["predictions"]) == (48, 12, 48)
    assert {"load", "fit", "evaluate", "refit", "test"} <= set(entry["nodes"])


def test_a_data_source_reads_the_projects_catalog(own_lab: Lab) -> None:
    catalog = own_lab.project.path / "config" / "base" / "catalog.yml"
    entry = "\nmine:\n  type: pandas.CSVDataset\n  filepath: config/smoke/data/smoke.csv\n"
    catalog.write_text(catalog.read_text() + entry)
    changes = {
        "data_source": {"type": "CatalogEntry", "params": {"entry": "mine", "target": "ill"}},
        "features": {"type": "TabularFeatures"},
    }
    for runner in RUNNERS:
        assert own_lab.run(changes, "--runner", runner).ok().metrics["validation"]["accuracy"]["folds"]


def test_the_page_holds_the_figures_of_the_record(lab: Lab) -> None:
    outcome = lab.run({"reports": [{"type": "MetricsTable"}]}).ok()
    page = (outcome.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert f"{outcome.metrics['validation']['accuracy']['mean']:.3f}" in page or (
        f"{outcome.metrics['validation']['accuracy']['mean']:.4g}" in page
    )
    assert "<script src" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
