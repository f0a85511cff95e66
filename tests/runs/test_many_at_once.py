"""Many runs at once in one result folder, also from two checkouts: each has its own number, folder and record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs.lab import SMALL, Command, Lab, Outcome

from expfw.run.known import INDEX, known_hashes, numbers_of
from expfw.run.lineage import children

MANY = 50


def finished(commands: list[Command]) -> list[Outcome]:
    """How all of them ended: well."""
    return [command.wait().ok() for command in commands]


def check_apart(lab: Lab, count: int) -> list[dict[str, object]]:
    """Numbers without a gap, all COMPLETED, each folder about itself; what ``list`` tells."""
    records: list[dict[str, object]] = json.loads(lab.kedro("experiment", "list", "--format", "json").ok().out)
    assert [record["id"] for record in records] == list(range(1, count + 1))
    assert {record["status"] for record in records} == {"COMPLETED"}
    for record in records:
        folder = Path(str(record["path"]))
        run = json.loads((folder / "log" / "run.json").read_text())
        log = (folder / "log" / "experiment.log").read_text()
        captured = (folder / "log" / "sacred" / "cout.txt").read_text()
        assert (run["id"], run["name"]) == (record["id"], record["name"])
        assert f"experiment {record['id']}: {record['name']}" in log
        assert log.count("fold 1/3: fitted") == captured.count("fold 1/3: fitted") == 1
        assert not list(folder.rglob("*.tmp"))
        assert not list(folder.rglob(".room"))
    return records


@pytest.mark.slow
def test_fifty_runs_at_once(lab: Lab) -> None:
    """Each has a setting of its own, by which one sees that nothing was mixed up."""
    names = [
        lab.write({**SMALL, "model": {"type": "sklearn.linear_model.LogisticRegression", "params": {"C": n + 1.0}}})
        for n in range(MANY)
    ]
    finished([lab.start("run", "--params", f"experiment={name},reuse=off") for name in names])
    records = check_apart(lab, MANY)
    assert sorted(str(record["name"]) for record in records) == sorted(names)
    for record in records:
        config = record["config"]
        assert isinstance(config, dict)
        assert config["model"]["params"]["C"] == names.index(str(record["name"])) + 1.0
    assert int((lab.root / ".last_experiment").read_text()) in range(1, MANY + 1)
    assert lab.run().ok().folder.name == f"result_experiment_{MANY + 1}"


@pytest.mark.slow
def test_two_checkouts_share_a_result_folder(lab: Lab, own_lab: Lab) -> None:
    """Two people's clones, or one person's two branches, with EXPFW_RESULT_ROOT the same."""
    other = own_lab.at(lab.root)
    other.started, own_lab.started = own_lab.started, own_lab.started
    description = "run from the other checkout"
    names = [lab.write({**SMALL}, name="shared"), other.write({**SMALL, "description": description}, name="shared")]
    commands = [
        each.start("run", "--params", f"experiment={name},reuse=off")
        for _ in range(8)
        for each, name in zip((lab, other), names, strict=True)
    ]
    finished(commands)
    check_apart(lab, 16)
    check_apart(other, 16)
    configs = [json.loads((lab.root / f"result_experiment_{n}/log/config.json").read_text()) for n in range(1, 17)]
    assert sum(config.get("description") == description for config in configs) == 8
    hashes = known_hashes(lab.root)
    assert len(hashes) == 16
    assert numbers_of(lab.root, next(iter(hashes.values()))) == list(range(1, 17))


@pytest.mark.slow
def test_the_memory_of_configurations_stays_whole(lab: Lab) -> None:
    """Each run reads it and adds to it; a run that starts later finds all."""
    name = lab.write({**SMALL})
    finished([lab.start("run", "--params", f"experiment={name},reuse=off") for _ in range(12)])
    said = lab.start("run", "--params", f"experiment={name},if_run=skip").wait().ok().text
    assert "ran this very configuration already" in said
    lines = [line for line in (lab.root / INDEX).read_text().splitlines() if line]
    assert {line.count(":") for line in lines} == {1}
    assert {int(line.partition(":")[0]) for line in lines} == set(range(1, 13))
    (lab.root / INDEX).unlink()
    assert len(known_hashes(lab.root)) == 12


@pytest.mark.slow
def test_children_that_are_born_at_once_are_all_known_to_their_parent(lab: Lab) -> None:
    lab.run().ok()
    child = {**SMALL, "data_source": {"from_experiment": 1}}
    name = lab.write(child)
    finished([lab.start("run", "--params", f"experiment={name},reuse=off") for _ in range(12)])
    assert children(lab.root / "result_experiment_1") == list(range(2, 14))
    shown = json.loads(lab.kedro("experiment", "show", "1", "--format", "json").ok().out)
    assert shown["children"] == list(range(2, 14))
    check_apart(lab, 13)
