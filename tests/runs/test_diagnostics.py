"""The checks in a run: on record, in the log, told by ``show``, muted by the experiment file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs.lab import Lab, Outcome, trial

from baking import PROJECT

SMOKE = sorted((PROJECT / "config" / "smoke").glob("*.json"))
NUMBERED = {"code": "EX105", "name": "identifier-among-features"}


def codes(outcome: Outcome) -> list[str]:
    """The codes of a run's findings that are not muted."""
    return [finding["code"] for finding in outcome.json("report/diagnostics.json")["findings"] if not finding["muted"]]


@pytest.mark.parametrize("file", SMOKE, ids=lambda file: file.stem)
def test_a_smoke_experiment_raises_no_alarm(lab: Lab, file: Path) -> None:
    outcome = lab.experiment(file.stem, "--env", "smoke").ok()
    found = outcome.json("report/diagnostics.json")
    assert codes(outcome) == [], found["findings"]
    assert [skipped for skipped in found["skipped"] if "Error" in skipped["why"]] == []


def test_a_finding_is_on_record_in_the_log_and_told_by_show(lab: Lab) -> None:
    outcome = lab.run().ok()
    (finding,) = outcome.json("report/diagnostics.json")["findings"]
    assert {key: finding[key] for key in NUMBERED} == NUMBERED
    log = (outcome.folder / "log" / "experiment.log").read_text(encoding="utf-8")
    (line,) = [line for line in log.splitlines() if "EX105" in line]
    for words in ("WARNING", "docs/reference/checks.md#ex105", "column 'id'"):
        assert words in line
    shown = lab.kedro("experiment", "show", "1").ok().out
    for words in ("EX105", "column 'id'", finding["advice"], finding["how"][:30]):
        assert words in shown
    assert json.loads(lab.kedro("experiment", "show", "1", "--format", "json").ok().out)["diagnostics"]["findings"] == [
        finding
    ]


@pytest.mark.parametrize("mute", [["EX105"], {"EX105": "the trial's numbers"}], ids=["list", "reasons"])
def test_a_muted_finding_is_recorded_and_not_told(lab: Lab, mute: object) -> None:
    loud, muted = lab.run().ok(), lab.run({"mute": mute}).ok()
    (finding,) = muted.json("report/diagnostics.json")["findings"]
    assert finding["muted"] in ("no reason given", "the trial's numbers")
    assert "EX105" not in muted.text
    assert "EX105" in loud.text
    hashes = [json.loads((folder / "log" / "run.json").read_text())["hash"] for folder in muted.folders]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("mute", "words"),
    [
        (["EX1O5"], "mute.0: there is no check 'EX1O5'; did you mean 'EX105'"),
        ({"EX999": "why"}, "mute.EX999: there is no check 'EX999'"),
        ({"EX105": 3}, "mute.EX105: holds 3, expected a text; say why it is muted"),
        ("EX105", "mute: holds 'EX105', expected a list or an object"),
    ],
)
def test_what_cannot_be_muted_is_a_fault(lab: Lab, mute: object, words: str) -> None:
    assert words in lab.run({"mute": mute}).message()


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_the_findings_are_the_same_with_every_runner(lab: Lab, runner: str) -> None:
    changes = {"model": {"type": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}}
    lab.run(changes).ok()
    lab.run(changes, "--runner", runner).ok()
    one, other = lab.run(changes).folders[:2]
    assert (one / "report/diagnostics.json").read_bytes() == (other / "report/diagnostics.json").read_bytes()


def test_a_model_with_services_adds_nothing_to_the_page_when_it_is_checked(lab: Lab) -> None:
    outcome = lab.run({"model": trial("Served")}).ok()
    assert outcome.json("report/diagnostics.json")["training"] is None
