"""Going on with a run that died: what is finished is kept, and the result is that of an unbroken run, to the bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import psutil
import pytest
from runs.lab import Command, Lab, Outcome, sklearn, trial, wait_for

KILLS = int(os.environ.get("EXPFW_RESTART_KILLS", "100"))

FOREST: dict[str, Any] = {
    "model": sklearn("ensemble.RandomForestClassifier", n_estimators=5),
    "resampling": sklearn("model_selection.KFold", n_splits=5, shuffle=True),
    "features": {"type": "TabularFeatures"},
    "reports": [{"type": "ConfusionMatrix"}],
}
"""Draws random numbers in each fold."""


def restart(lab: Lab, number: int = 1, *args: str) -> Outcome:
    """Take up an experiment."""
    return lab.kedro("experiment", "restart", str(number), *args)


def content(folder: Path) -> dict[str, Any]:
    """What an experiment computed, to be compared to the bit."""
    tables = {
        name: pd.read_feather(folder / "data" / f"{name}.feather") for name in ("predictions", "test_predictions")
    }
    return {
        "metrics": [(folder / "report" / f"{part}_metrics.json").read_bytes() for part in ("validation", "test")],
        "predictions": {name: table.to_dict("list") for name, table in tables.items()},
        "folds": (folder / "data" / "folds.npz").read_bytes(),
        "models": [joblib.hash(joblib.load(path)) for path in sorted((folder / "model").rglob("*.pkl"))],
        "sections": {path.name: path.read_bytes() for path in (folder / "report" / "sections").glob("*.json")},
    }


def interrupted(lab: Lab, tmp_path: Path, changes: dict[str, Any] | None = None, fold: int = 2) -> Outcome:
    """An experiment that was killed when it had fitted the final model and, but for one, as many folds."""
    marker = tmp_path / "marker"
    command = lab.begin({"model": trial("Waiting", marker=str(marker), fold=fold), **(changes or {})})
    wait_for("the fold", marker.exists)
    command.send(signal.SIGKILL)
    outcome = command.wait()
    (tmp_path / "marker.go").touch()
    return outcome


def fits(tmp_path: Path) -> int:
    return len((tmp_path / "marker.count").read_text().splitlines())


def test_finished_folds_are_not_fitted_again(lab: Lab, tmp_path: Path) -> None:
    interrupted(lab, tmp_path, fold=3)
    assert fits(tmp_path) == 4
    outcome = restart(lab).ok()
    assert fits(tmp_path) == 4 + 1  # the third fold
    assert outcome.sacred["status"] == "COMPLETED"
    (restarted,) = outcome.json("log/run.json")["restarts"]
    assert restarted["finished_folds"] == [0, 1]
    assert {"load", "hold_out", "resample"} <= set(restarted["finished_nodes"])
    assert (outcome.folder / "log" / "attempts" / "1" / "sacred" / "run.json").exists()
    assert len(outcome.folders) == 1


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_the_result_is_that_of_an_unbroken_run(lab: Lab, tmp_path: Path, runner: str) -> None:
    name = lab.write({**lab_experiment(), **FOREST})
    unbroken = content(lab.experiment(name, params="reuse=off").ok().folder)
    command = lab.start("run", "--params", f"experiment={name},reuse=off")
    fold = lab.root / "result_experiment_2" / "model" / "folds" / "fold_1.pkl"
    wait_for("a fold", fold.exists)
    command.send(signal.SIGKILL)
    command.wait()
    assert content(restart(lab, 2, "--runner", runner).ok().folder) == unbroken


def lab_experiment() -> dict[str, Any]:
    from runs.lab import SMALL

    return SMALL


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("harm", [truncate, alter, Path.unlink], ids=["truncated", "altered", "missing"])
@pytest.mark.parametrize("file", ["data/raw_data.pkl", "data/folds.npz", "model/folds/fold_0.pkl"])
def test_what_is_not_intact_is_computed_again(
    lab: Lab, tmp_path: Path, harm: Callable[[Path], None], file: str
) -> None:
    folder = interrupted(lab, tmp_path).folder
    harm(folder / file)
    outcome = restart(lab).ok()
    (restarted,) = outcome.json("log/run.json")["restarts"]
    node = {"raw_data": "load", "folds": "resample", "fold_0": "fit"}[Path(file).stem]
    assert node not in restarted["finished_nodes"]
    assert restarted["finished_folds"] == []
    assert outcome.sacred["status"] == "COMPLETED"


def test_a_half_written_file_does_not_count(lab: Lab, tmp_path: Path) -> None:
    folder = interrupted(lab, tmp_path).folder
    (folder / "model" / "folds" / "fold_1.pkl").write_bytes(b"half a model")
    (folder / "model" / "folds" / ".fold_1.pkl.99-9.tmp").write_bytes(b"half a draft")
    outcome = restart(lab).ok()
    assert outcome.json("log/run.json")["restarts"][0]["finished_folds"] == [0]
    assert not list(folder.rglob(".*.tmp"))


def test_a_failed_run_goes_on_when_its_reason_has_gone(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "fixed"
    outcome = lab.run({"reports": [trial("NeedsFile", path=str(marker))]})
    outcome.message()
    marker.touch()
    again = restart(lab).ok()
    assert again.sacred["status"] == "COMPLETED"
    assert {"fit", "refit", "test"} <= set(again.json("log/run.json")["restarts"][0]["finished_nodes"])
    assert not (again.folder / "log" / "traceback.txt").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on(lab: Lab, tmp_path: Path, number: signal.Signals) -> None:
    marker = tmp_path / "marker"
    command = lab.begin({"model": trial("Waiting", marker=str(marker), fold=2)})
    wait_for("the fold", marker.exists)
    command.send(number)
    command.wait()
    (tmp_path / "marker.go").touch()
    assert restart(lab).ok().sacred["status"] == "COMPLETED"


def being_restarted(lab: Lab, tmp_path: Path) -> Command:
    """An experiment that was killed, and waits in the second fold again."""
    interrupted(lab, tmp_path)
    for name in ("marker.go", "marker"):
        (tmp_path / name).unlink()
    command = lab.start("experiment", "restart", "1")
    wait_for("the second fold", (tmp_path / "marker").exists)
    return command


def test_it_can_be_restarted_again_and_again(lab: Lab, tmp_path: Path) -> None:
    command = being_restarted(lab, tmp_path)
    command.send(signal.SIGKILL)
    command.wait()
    (tmp_path / "marker.go").touch()
    outcome = restart(lab).ok()
    assert len(outcome.json("log/run.json")["restarts"]) == 2


def test_two_restarts_at_once_are_one(lab: Lab, tmp_path: Path) -> None:
    command = being_restarted(lab, tmp_path)
    assert "running" in restart(lab).message() or "restarted" in restart(lab).message()
    (tmp_path / "marker.go").touch()
    command.wait().ok()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_workers_of_a_killed_run_end_with_it(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    command = lab.begin({"model": trial("Waiting", marker=str(marker), fold=2)}, "--runner", "ParallelRunner")
    wait_for("the fold", marker.exists)
    group = os.getpgid(command.pid)
    command.send(signal.SIGKILL)
    command.wait()
    wait_for("the workers' end", lambda: len(members(group)) <= 1)  # Kedro's manager, begun before, computes nothing
    (tmp_path / "marker.go").touch()
    assert restart(lab).ok().sacred["status"] == "COMPLETED"


def members(group: int) -> list[int]:
    """Processes of a group that are at work."""
    found = []
    for process in psutil.process_iter(["pid", "status"]):
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_a_completed_run_needs_none(lab: Lab) -> None:
    lab.run().ok()
    assert "has completed" in restart(lab).message()


def test_an_unknown_number_is_told_with_the_nearest(lab: Lab) -> None:
    lab.run().ok()
    assert "there is no experiment 7" in restart(lab, 7).message()


def test_changed_configuration_is_refused_unless_forced(lab: Lab, tmp_path: Path) -> None:
    interrupted(lab, tmp_path)
    name = json.loads((lab.root / "result_experiment_1" / "log" / "run.json").read_text())["name"]
    path = lab.project.path / "config" / "experiments" / f"{name}.json"
    path.write_text(path.read_text().replace('"accuracy"', '"f1"'), encoding="utf-8")
    message = restart(lab).message()
    assert f"the configuration of '{name}'" in message
    assert "--force" in message
    outcome = restart(lab, 1, "--force").ok()
    assert list(outcome.metrics["validation"]) == ["accuracy"]
    assert outcome.json("log/run.json")["restarts"][0]["changed"] == [f"the configuration of '{name}'"]


def test_changed_code_is_refused_unless_forced(own_lab: Lab, tmp_path: Path) -> None:
    source = own_lab.project.path / "src" / "ml_experiments" / "helping.py"
    source.write_text("VALUE = 1\n", encoding="utf-8")
    interrupted(own_lab, tmp_path)
    source.write_text("VALUE = 2\n", encoding="utf-8")
    assert "src/ml_experiments/helping.py" in restart(own_lab).message()
    assert "FAILED" not in own_lab.kedro("experiment", "list").out
    outcome = restart(own_lab, 1, "--force").ok()
    assert outcome.json("log/run.json")["restarts"][0]["changed"] == ["src/ml_experiments/helping.py"]


def test_what_a_restart_removes_is_on_record_no_more(lab: Lab, tmp_path: Path) -> None:
    folder = interrupted(lab, tmp_path, fold=3).folder
    truncate(folder / "data" / "folds.npz")  # so that all folds are fitted again
    (folder / "data" / "raw_data.pkl").unlink()
    restart(lab).ok()
    saved = json.loads((folder / "log" / "checksums.json").read_text())
    assert sorted(name for name in saved if "fold_" in name) == [f"model/folds/fold_{i}.pkl" for i in range(3)]
    opened = lab.python("import expfw; print(len(expfw.open_experiment(1).fold_models))")
    assert opened.out.strip().endswith("3")


def test_changed_code_is_noticed_after_a_restart_that_was_killed_early(own_lab: Lab, tmp_path: Path) -> None:
    source = own_lab.project.path / "src" / "ml_experiments" / "helping.py"
    source.write_text("VALUE = 1\n", encoding="utf-8")
    interrupted(own_lab, tmp_path)
    killed = "from expfw.run import recording; import os, sys\n"
    killed += "recording.Recording.begin = lambda self: os._exit(137)\n"
    killed += "sys.argv = ['kedro', 'experiment', 'restart', '1']; from kedro.framework.cli.cli import main; main()"
    assert own_lab.start(code=killed).wait().code == 137
    source.write_text("VALUE = 2\n", encoding="utf-8")
    assert "src/ml_experiments/helping.py" in restart(own_lab).message()


ELSEWHERE = {
    "in memory": "MemoryDataset",
    "another file": "{type: expfw.datasets.FoldsDataset, filepath: result/result_experiment_N/data/other.npz}",
    "another class": "{type: expfw.datasets.ObjectDataset, filepath: result/result_experiment_N/data/folds.npz}",
}
"""What the private catalog may say of the folds by now."""


@pytest.mark.parametrize("entry", ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_the_catalog_of_today_keeps_otherwise_is_computed_again(own_lab: Lab, tmp_path: Path, entry: str) -> None:
    interrupted(own_lab, tmp_path)
    entry = entry if entry.startswith("{") else f"{{type: {entry}}}"
    local = own_lab.project.path / "config" / "local"
    local.mkdir(exist_ok=True)
    (local / "catalog.yml").write_text(f"folds: {entry}\n", encoding="utf-8")
    outcome = restart(own_lab).ok()
    (restarted,) = outcome.json("log/run.json")["restarts"]
    assert {"load", "prepare", "hold_out"} <= set(restarted["finished_nodes"])
    assert "resample" not in restarted["finished_nodes"]
    assert restarted["finished_folds"] == []
    recorded = [name for name in outcome.json("log/checksums.json") if name.startswith("data/") and "npz" in name]
    assert recorded == sorted(path.relative_to(outcome.folder).as_posix() for path in outcome.folder.rglob("*.npz"))


def test_a_password_that_changed_is_no_change_of_a_source_that_holds_it(own_lab: Lab, tmp_path: Path) -> None:
    source = own_lab.project.path / "src" / "ml_experiments" / "helping.py"
    source.write_text('PASSWORD = "an-0ld-passw0rd"\n', encoding="utf-8")
    credentials = own_lab.project.path / "config" / "local" / "credentials.yml"
    credentials.parent.mkdir(exist_ok=True)
    credentials.write_text("shop:\n  password: an-0ld-passw0rd\n", encoding="utf-8")
    folder = interrupted(own_lab, tmp_path).folder
    recorded = folder / "log" / "sources" / "src" / "ml_experiments" / "helping.py"
    assert "an-0ld-passw0rd" not in recorded.read_text(encoding="utf-8")
    credentials.write_text("shop:\n  password: the-n3w-passw0rd\n", encoding="utf-8")
    source.write_text('PASSWORD = "an-0ld-passw0rd"\nMORE = 1\n', encoding="utf-8")
    assert "src/ml_experiments/helping.py" in restart(own_lab).message()
    source.write_text('PASSWORD = "an-0ld-passw0rd"\n', encoding="utf-8")
    assert restart(own_lab).ok().sacred["status"] == "COMPLETED"


def archive(lab: Lab, kind: str, **experiments: dict[str, Any]) -> Path:
    """The project's configuration as an archive, or a folder, beside it, with these experiments."""
    copy = lab.scratch / "packed" / "config"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(lab.project.path / "config", copy)
    for name, changes in experiments.items():
        text = json.dumps({**lab_experiment(), **changes})
        (copy / "experiments" / f"{name}.json").write_text(text, encoding="utf-8")
    if kind == "folder":
        return copy
    return Path(shutil.make_archive(str(lab.scratch / "packed_config"), kind, copy.parent, copy.name))


@pytest.mark.parametrize("kind", ["zip", "gztar", "folder"])
def test_a_run_with_other_configuration_is_compared_with_that(own_lab: Lab, tmp_path: Path, kind: str) -> None:
    marker, fixed = tmp_path / "marker", tmp_path / "fixed"
    changes = {"model": trial("Waiting", marker=str(marker), fold=99), "reports": [trial("NeedsFile", path=str(fixed))]}
    packed = archive(own_lab, kind, packed=changes)
    base = own_lab.project.path / "config" / "base" / "catalog.yml"
    own_lab.kedro("run", f"--conf-source={packed}", "--params", "experiment=packed").message()
    before = base.read_text(encoding="utf-8")
    base.write_text(f"{before}# not read by this run\n", encoding="utf-8")
    fixed.touch()
    archive(own_lab, kind, packed={**changes, "metrics": ["f1_macro"]})
    own_lab.write({**lab_experiment(), **changes}, name="packed")  # as it was, but not where it was read
    assert "the configuration of 'packed'" in restart(own_lab).message()
    archive(own_lab, kind, packed=changes)  # with the folder's catalog, which is another by now
    assert "config/base/catalog.yml" in restart(own_lab).message()
    base.write_text(before, encoding="utf-8")
    archive(own_lab, kind, packed=changes)
    packed.rename(tmp_path / "away")
    assert f"the configuration in '{packed}', which is gone" in restart(own_lab).message()
    (tmp_path / "away").rename(packed)
    base.write_text(f"{before}# not read by this run\n", encoding="utf-8")
    own_lab.write({**lab_experiment(), "metrics": ["f1_macro"]}, name="packed")
    outcome = restart(own_lab).ok()
    assert "fit" in outcome.json("log/run.json")["restarts"][0]["finished_nodes"]


def test_parameters_of_the_command_line_are_kept_for_the_next_restart(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "fixed"
    changes = {"reports": [trial("NeedsFile", path=str(marker))]}
    lab.run(changes, params="model.params.C=3.0").message()
    restart(lab).message()
    marker.touch()
    outcome = restart(lab).ok()
    assert outcome.json("log/config.json")["model"]["params"]["C"] == 3.0
    assert outcome.json("log/run.json")["params"]["model"] == {"params": {"C": 3.0}}


def test_what_unfinished_nodes_added_to_the_page_is_gone(lab: Lab, tmp_path: Path) -> None:
    folder = interrupted(lab, tmp_path).folder
    section = {"kind": "text", "title": "stale", "body": "stale", "step": "model", "fold": 2, "component": "X"}
    (folder / "report" / "sections").mkdir(exist_ok=True)
    (folder / "report" / "sections" / "99-stale.json").write_text(json.dumps(section), encoding="utf-8")
    assert "stale" not in (restart(lab).ok().folder / "report" / "index.html").read_text(encoding="utf-8")


def test_a_run_killed_before_its_configuration_was_recorded_says_so(lab: Lab) -> None:
    (lab.root / "result_experiment_1" / "log").mkdir(parents=True)
    assert "before its configuration was recorded" in restart(lab).message()


@pytest.mark.slow
def test_runs_killed_at_random_moments_all_end_alike(lab: Lab, say: Callable[[str], None]) -> None:
    name = lab.write({**lab_experiment(), **FOREST})
    whole = lab.start("run", "--params", f"experiment={name},reuse=off")
    wait_for("its folder", (lab.root / "result_experiment_1").exists)
    started = time.perf_counter()
    unbroken = content(whole.wait().ok().folder)
    usual = time.perf_counter() - started
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    alike, early, late = 0, 0, 0
    for number in range(2, KILLS + 2):
        command = lab.start("run", "--params", f"experiment={name},reuse=off")
        folder = lab.root / f"result_experiment_{number}"
        wait_for("its folder", folder.exists)
        time.sleep(draw.uniform(0, 0.6 * usual))
        with suppress(ProcessLookupError):  # it had just ended
            command.send(signal.SIGKILL, group=True)
        command.wait()
        outcome = restart(lab, number)
        if "before its configuration was recorded" in outcome.text:
            early += 1
            continue
        if "has completed" in outcome.text:
            late += 1
        else:
            outcome.ok()
        assert content(folder) == unbroken, f"seed {seed}, experiment {number}"
        alike += 1
    say(
        f"killed at {KILLS} random moments (seed {seed}): {alike} have the bits of an unbroken run, {late} of "
        f"them completed before; {early} were killed before their configuration was on record"
    )
    assert alike + early == KILLS
