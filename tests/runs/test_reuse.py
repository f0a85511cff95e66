"""Outputs of earlier experiments are taken where they are the same, and never where they might not be."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from runs.lab import PACKAGE, Lab, Outcome, sklearn, trial, wait_for

ALL = {"load", "prepare", "hold_out", "resample", "fit", "predict", "evaluate", "refit", "test"}
"""All nodes but ``report``, which is made anew each time."""

IRIS: dict[str, Any] = {
    "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
    "preparer": {"type": f"{PACKAGE}.parts.Scaled"},
    "model": sklearn("linear_model.LogisticRegression", max_iter=500),
}

SOURCES = {
    "parts.py": """
from expfw.interfaces import Data
from ml_experiments.near import factor


class Scaled:
    def __init__(self, by: float = 1.0) -> None:
        self.by = by

    def prepare(self, data: Data) -> Data:
        from ml_experiments.late import shift

        return Data(data.X * self.by * factor() + shift(), data.y, data.groups)
""",
    "near.py": "from .far.deep import base\n\ndef factor():\n    return base() + 1.0\n",
    "far/__init__.py": "POWER = 1.0\n",
    "far/deep.py": "from . import POWER\n\ndef base():\n    return 2.0 ** POWER\n",
    "late.py": "def shift():\n    return 0.5\n",
    "aside.py": "UNUSED = 1\n",
}


def write(lab: Lab, name: str, text: str) -> Path:
    """Write a file of the user's package."""
    path = lab.project.path / "src" / PACKAGE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    time.sleep(0.03)  # what changes while a process begins is not trusted to be what it runs
    return path


@pytest.fixture
def scaled(own_lab: Lab) -> Lab:
    """A project with a preparer whose code lies in several modules."""
    for name, text in SOURCES.items():
        write(own_lab, name, text)
    return own_lab


def run(lab: Lab, changes: dict[str, Any] | None = None, *args: str, **options: Any) -> Outcome:
    """Run the experiment to a good end."""
    return lab.run({**IRIS, **(changes or {})}, *args, **options).ok()


def reused(outcome: Outcome) -> set[str]:
    """The nodes that took their outputs."""
    path = outcome.folder / "log" / "reused.json"
    return set(json.loads(path.read_text())) if path.exists() else set()


def reasons(outcome: Outcome, node: str) -> str:
    """Why a node has no identity."""
    lines = (outcome.folder / "log" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if line]
    return " | ".join(
        why for event in events if event["event"] == "identity" and event["node"] == node for why in event["why"]
    )


def events(outcome: Outcome) -> list[Any]:
    """What would explain a failure: identities without a value, and what was touched."""
    lines = (outcome.folder / "log" / "events.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines if line]
    return [str(event) for event in found if event.get("why") or event.get("folders") or event.get("outside")]


def content(folder: Path) -> dict[str, Any]:
    """What an experiment computed, to be compared to the bit."""
    tables = [pd.read_feather(folder / "data" / f"{n}.feather") for n in ("predictions", "test_predictions")]
    return {
        "metrics": [(folder / "report" / f"{part}_metrics.json").read_bytes() for part in ("validation", "test")],
        "predictions": [table.to_dict("list") for table in tables],
        "data": [path.read_bytes() for path in sorted((folder / "data").glob("*.pkl"))],
        "models": [path.read_bytes() for path in sorted((folder / "model").rglob("*.pkl"))],
        "sections": {path.name: path.read_bytes() for path in (folder / "report" / "sections").glob("*.json")},
    }


def test_an_unchanged_experiment_takes_everything_and_says_so(scaled: Lab) -> None:
    first = run(scaled)
    assert reused(first) == set()
    second = run(scaled)
    assert reused(second) == ALL
    assert content(second.folder) == content(first.folder)
    assert "raw_data taken from experiment 1, which computed it from the same code, parameters and inputs" in second.err
    assert "fold 1/3" not in second.text
    told = second.json("log/reused.json")["fit"]
    assert told["from"] == 1
    assert len(told["identity"]) == 64
    assert second.json("log/checksums.json") == {
        **first.json("log/checksums.json"),
        "report/index.html": second.json("log/checksums.json")["report/index.html"],
    }
    model = "model/folds/fold_1.pkl"
    assert (first.folder / model).samefile(second.folder / model), "the file system of the tests has hard links"


def test_an_output_goes_on_to_a_third_and_the_first_may_be_deleted(scaled: Lab) -> None:
    import shutil

    first = run(scaled)
    before = content(first.folder)
    run(scaled)
    shutil.rmtree(first.folder)
    third = run(scaled)
    assert reused(third) == ALL
    assert third.json("log/reused.json")["load"]["from"] == 1  # that is who computed it
    assert content(third.folder) == before
    assert not list(third.folder.rglob(".*.tmp"))


EDITS: dict[str, tuple[str, str, str]] = {
    "the component itself": ("parts.py", "data.X *", "2 * data.X *"),
    "a helper": ("near.py", "+ 1.0", "+ 3.0"),
    "a helper of the helper": ("far/deep.py", "2.0 **", "5.0 **"),
    "the __init__ of a package": ("far/__init__.py", "1.0", "2.0"),
    "what is imported in a function": ("late.py", "0.5", "0.6"),
    "a file that is no Python": ("far/words.txt", "", "new"),
}


@pytest.mark.slow
def test_changed_code_is_never_taken_for_the_same(scaled: Lab) -> None:
    write(scaled, "far/words.txt", "old")
    run(scaled)
    for what, (name, old, new) in EDITS.items():
        path = scaled.project.path / "src" / PACKAGE / name
        status = path.stat()
        path.write_text(path.read_text().replace(old, new) if old else new)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        changed = run(scaled)
        assert "prepare" not in reused(changed), what
        assert "load" in reused(changed), what
        assert content(run(scaled, params="reuse=off").folder) == content(changed.folder), what
        assert reused(run(scaled)) == ALL, what


def test_a_changed_module_that_is_not_imported_changes_nothing(scaled: Lab) -> None:
    run(scaled)
    write(scaled, "aside.py", "UNUSED = 2\n")
    assert reused(run(scaled)) == ALL


def test_what_is_computed_anew_with_the_same_result_lets_the_rest_be_taken(scaled: Lab) -> None:
    run(scaled)
    write(scaled, "late.py", SOURCES["late.py"] + "# a comment\n")
    assert reused(run(scaled)) == ALL - {"prepare"}


@pytest.mark.slow
def test_other_parameters_seeds_and_variables_are_others(scaled: Lab) -> None:
    run(scaled)
    assert reused(run(scaled, params="model.params.C=2.0")) == ALL - {"fit", "refit", "predict", "evaluate", "test"}
    tree = sklearn("tree.DecisionTreeClassifier", max_depth=1)
    nested = {"model": sklearn("ensemble.BaggingClassifier", n_estimators=3, estimator=tree)}
    run(scaled, nested)
    nested["model"]["params"]["estimator"]["params"]["max_depth"] = 2
    assert not reused(run(scaled, nested)) & {"fit", "refit", "predict", "test"}
    assert reused(run(scaled, params="defaults.random_state=7")) == set()
    assert reused(run(scaled, env={"SKLEARN_WORKING_MEMORY": "512"})) == set()
    assert reused(run(scaled, {"metrics": ["accuracy", "f1_macro"]})) == ALL - {"evaluate", "test"}


def test_another_version_of_a_package_is_another_environment(scaled: Lab, tmp_path: Path) -> None:
    entry = tmp_path / "entry"
    info = entry / "something-1.0.dist-info"
    info.mkdir(parents=True)
    write(scaled, "__init__.py", f"import sys\nsys.path.append({str(entry)!r})\n")
    run(scaled)
    second = run(scaled)
    assert reused(second) == ALL - {"prepare"}, events(second)  # whose package changes the path: anything may come in
    info.rename(entry / "something-1.1.dist-info")
    assert reused(run(scaled)) == set()


@pytest.mark.slow
def test_settings_count(scaled: Lab) -> None:
    run(scaled)
    write(scaled, "own_hooks.py", "class Hooks:\n    FACTOR = 1\n")
    path = scaled.project.path / "src" / PACKAGE / "settings.py"
    text = path.read_text().replace("HOOKS = (", f"from {PACKAGE}.own_hooks import Hooks\n\nHOOKS = (Hooks(), ")
    write(scaled, "settings.py", text)
    assert reused(run(scaled)) == set()
    second = run(scaled)
    assert reused(second) == ALL, events(second)
    write(scaled, "own_hooks.py", "class Hooks:\n    FACTOR = 2\n")
    assert reused(run(scaled)) == set()
    write(scaled, "own_hooks.py", "import os\n\nclass Hooks:\n    FACTOR = os.getenv('FACTOR')\n")
    run(scaled)
    last = run(scaled)
    assert reused(last) == set()
    assert "environment variables" in reasons(last, "load")


def csv(lab: Lab) -> tuple[Path, dict[str, Any]]:
    """An experiment on a file, without the project's own code."""
    path = lab.project.path / "data" / "a.csv"
    path.parent.mkdir(exist_ok=True)
    rows = [f"{i},{(i * 7) % 5},{i % 2}" for i in range(60)]
    path.write_text("\n".join(["a,b,y", *rows]) + "\n")
    return path, {"data_source": {"type": "CsvFile", "params": {"path": "data/a.csv", "target": "y"}}, "preparer": None}


def test_changed_data_under_the_same_path_are_read_again(scaled: Lab) -> None:
    path, changes = csv(scaled)
    run(scaled, changes)
    second = run(scaled, changes)
    assert reused(second) == ALL
    assert second.json("log/inputs.json")["data/a.csv"]["nodes"] == ["load"]
    status = path.stat()
    path.write_text(path.read_text().replace("3,1,1", "9,1,1"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    changed = run(scaled, changes)
    assert reused(changed) == set()
    assert content(changed.folder) == content(run(scaled, changes, params="reuse=off").folder)


READER = """
from pathlib import Path
import pandas as pd
from expfw.interfaces import Data


class Folder:
    {word}
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def load(self) -> Data:
        frame = pd.concat([pd.read_csv(path) for path in sorted(Path(self.folder).glob("*.csv"))])
        return Data(frame[["a", "b"]].reset_index(drop=True), frame["y"].reset_index(drop=True))
"""


@pytest.mark.slow
def test_a_source_of_the_users_is_taken_only_on_its_word_and_what_it_saw_must_be_the_same(scaled: Lab) -> None:
    path, changes = csv(scaled)
    changes["data_source"] = {"type": f"{PACKAGE}.reader.Folder", "params": {"folder": "data"}}
    write(scaled, "reader.py", READER.format(word=""))
    run(scaled, changes)
    assert reused(run(scaled, changes)) == ALL - {"load"}
    write(scaled, "reader.py", READER.format(word="reusable = True"))
    run(scaled, changes)
    assert reused(run(scaled, changes)) == ALL
    path.with_name("b.csv").write_text("a,b,y\n1,2,0\n")
    assert "load" not in reused(run(scaled, changes))
    assert reused(run(scaled, changes)) == ALL
    path.with_name("b.csv").write_text("a,b,y\n1,3,0\n")
    assert "load" not in reused(run(scaled, changes))
    write(scaled, "reader.py", READER.format(word="reusable = False"))
    run(scaled, changes)
    assert reused(run(scaled, changes)) == ALL - {"load"}


DOUBTFUL = {
    "a variable": ("import os", "float(os.environ.get('FACTOR', '1'))", "environment variables"),
    "the clock": ("from datetime import datetime as d", "float(d.now().year > 0)", "the time"),
    "chance": ("import numpy as np", "np.random.default_rng().random()", "chance"),
    "a file": ("", "float(open('data/factor').read())", ""),
    "another process": ("import subprocess", "float(subprocess.run(['echo', '1'], capture_output=True).stdout)", ""),
    "a folder": ("import os as system", "float(len(system.listdir('data')))", ""),
    "a file by the system's call": ("import os as s", "float(s.read(s.open('data/factor', s.O_RDONLY), 9))", ""),
}


@pytest.mark.slow
def test_what_depends_on_more_than_its_inputs_is_computed_each_time(scaled: Lab) -> None:
    (scaled.project.path / "data").mkdir(exist_ok=True)
    (scaled.project.path / "data" / "factor").write_text("1.0")
    for what, (first, value, reason) in DOUBTFUL.items():
        write(scaled, "late.py", f"{first}\n\ndef shift():\n    return {value}\n")
        run(scaled)
        second = run(scaled)
        assert "prepare" not in reused(second), what
        assert "load" in reused(second), what
        assert reason in reasons(second, "prepare"), what


def test_a_model_that_reads_a_file_is_read_again_after_it_was_pickled(scaled: Lab) -> None:
    """Its ``predict`` is what `predict` and `test` run, though these nodes name no component."""
    (scaled.project.path / "data").mkdir(exist_ok=True)
    (scaled.project.path / "data" / "answer").write_text("0")
    write(
        scaled,
        "reading_model.py",
        "import numpy as np\n\nclass Model:\n    def fit(self, X, y):\n        return self\n\n"
        "    def predict(self, X):\n        return np.full(len(X), int(open('data/answer').read()))\n",
    )
    changes = {"model": {"type": f"{PACKAGE}.reading_model.Model"}}
    run(scaled, changes)
    (scaled.project.path / "data" / "answer").write_text("1")
    second = run(scaled, changes)
    assert not reused(second) & {"predict", "test"}
    assert second.metrics != {}
    assert content(second.folder) == content(run(scaled, changes, params="reuse=off").folder)


def test_the_class_of_what_comes_in_counts(scaled: Lab) -> None:
    """`hold_out` splits rows whose class is the user's: its code decides, wherever it was made."""
    own = (
        "import numpy as np\n\nclass Rows(list):\n    def __getitem__(self, i):\n"
        "        return [x * FACTOR for x in list.__getitem__(self, i)]\n\nFACTOR = 1.0\n"
    )
    write(scaled, "rows.py", own)
    write(
        scaled,
        "listing.py",
        "from expfw.interfaces import Data\nimport numpy as np\n\nclass Source:\n    def load(self):\n"
        f"        from {PACKAGE}.rows import Rows\n"
        "        rows = Rows([float(i), float(i % 3)] for i in range(40))\n"
        "        return Data(rows, np.arange(40) % 2)\n",
    )
    changes = {"data_source": {"type": f"{PACKAGE}.listing.Source"}, "preparer": None}
    run(scaled, changes)
    assert reused(run(scaled, changes)) == ALL
    write(scaled, "rows.py", own.replace("1.0", "3.0"))
    changed = run(scaled, changes)
    assert "hold_out" not in reused(changed)
    assert content(changed.folder) == content(run(scaled, changes, params="reuse=off").folder)


@pytest.mark.parametrize("file", ["data/raw_data.pkl", "model/folds/fold_1.pkl", "report/test_metrics.json"])
def test_what_was_altered_is_computed_anew(scaled: Lab, file: str) -> None:
    first = run(scaled)
    before = content(first.folder)
    altered = bytearray((first.folder / file).read_bytes())
    altered[len(altered) // 2] ^= 1
    (first.folder / file).write_bytes(bytes(altered))
    second = run(scaled)
    node = {"raw_data": "load", "fold_1": "fit", "test_metrics": "test"}[Path(file).stem]
    assert reused(second) == ALL - {node}
    assert content(second.folder) == before


def test_a_link_in_the_place_of_a_file_is_not_followed(scaled: Lab, tmp_path: Path) -> None:
    first = run(scaled)
    moved = (first.folder / "data" / "raw_data.pkl").rename(tmp_path / "raw_data.pkl")
    (first.folder / "data" / "raw_data.pkl").symlink_to(moved)
    assert reused(run(scaled)) == ALL - {"load"}


def test_off_takes_nothing_and_offers_all(scaled: Lab) -> None:
    run(scaled, params="reuse=off")
    assert reused(run(scaled, params="reuse=off")) == set()
    assert reused(run(scaled, params="reuse=false")) == set()
    assert reused(run(scaled, params="reuse=on")) == ALL
    parameters = scaled.project.path / "config" / "base" / "parameters.yml"
    parameters.write_text(parameters.read_text() + "\nreuse: off\n")
    last = run(scaled)
    assert reused(last) == set()
    hashes = {json.loads((path / "log" / "run.json").read_text())["hash"] for path in last.folders}
    assert len(hashes) == 1


def test_another_word_is_refused(lab: Lab) -> None:
    outcome = lab.run(params="reuse=of")
    assert outcome.code == 2
    assert "reuse: there is no 'of'; did you mean 'off'" in outcome.message()
    assert outcome.folders == []


def test_a_rerun_computes_everything(scaled: Lab) -> None:
    run(scaled)
    assert reused(scaled.kedro("experiment", "rerun", "1").ok()) == set()


def test_a_reference_is_no_reuse(scaled: Lab) -> None:
    run(scaled)
    changes = {"holdout": {"from_experiment": 1}}
    run(scaled, changes)
    assert reused(run(scaled, changes)) == ALL - {"hold_out"}


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_every_runner_takes_and_offers(scaled: Lab, runner: str) -> None:
    first = run(scaled, None, "--runner", runner)
    second = run(scaled)
    assert reused(second) == ALL, events(first)
    third = run(scaled, None, "--runner", runner)
    assert reused(third) == ALL
    assert content(third.folder) == content(second.folder) == content(first.folder)


def test_the_page_and_what_is_kept_of_the_folder_are_the_new_experiments(scaled: Lab) -> None:
    write(
        scaled,
        "talker.py",
        "import numpy as np\nfrom expfw.services import ReportCollector, ResultFolder\n\n\nclass Model:\n"
        "    reusable = True\n\n"
        "    def __init__(self, collector: ReportCollector, folder: ResultFolder) -> None:\n"
        "        self.collector, self.folder = collector, folder\n\n"
        "    def fit(self, X, y):\n        self.collector.add_text('fitted', title='Fit')\n        return self\n\n"
        "    def predict(self, X):\n        self.collector.add_text('predicted', title='Predict')\n"
        "        return np.zeros(len(X), dtype=int)\n",
    )
    changes = {"model": {"type": f"{PACKAGE}.talker.Model"}, "reports": [{"type": "ConfusionMatrix"}]}
    first = run(scaled, changes)
    second = run(scaled, changes)
    assert reused(second) == ALL
    assert content(second.folder) == content(first.folder)
    assert len(content(first.folder)["sections"]) == 4 + 3 + 1  # fits, predictions of folds, of the rows held out
    code = "from expfw import open_experiment; print(open_experiment(2).final_model.model.folder.id)"
    assert scaled.python(code).out.split()[-1] == "2"


def test_a_component_that_may_leave_files_is_not_taken_without_its_word(lab: Lab) -> None:
    changes = {**IRIS, "preparer": None, "model": trial("Served")}
    lab.run(changes).ok()
    assert not reused(lab.run(changes).ok()) & {"fit", "refit"}


def test_two_at_once_are_both_right(scaled: Lab) -> None:
    commands = [scaled.begin(IRIS) for _ in range(3)]
    outcomes = [command.wait().ok() for command in commands]
    first, *others = (content(folder) for folder in outcomes[0].folders)
    assert [first] * 2 == others
    assert reused(run(scaled)) == ALL


def test_a_run_that_goes_on_offers_what_it_has_finished(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    changes = {**IRIS, "preparer": None}
    going = lab.begin({**changes, "model": trial("Waiting", marker=str(marker))})
    wait_for("the model", marker.exists)
    assert reused(lab.run(changes).ok()) >= {"load", "prepare", "hold_out"}
    going.send(signal.SIGKILL)
    going.wait()


@pytest.mark.slow
def test_a_restart_takes_as_well_and_the_result_is_the_same(scaled: Lab) -> None:
    whole = run(scaled)
    name = scaled.write({**json.loads(json.dumps({**IRIS})), **{k: v for k, v in small().items() if k not in IRIS}})
    rng = random.Random(5)
    for before in range(1, 5):
        command = scaled.start("run", "--params", f"experiment={name}")
        number = rng.randint(1, 9)
        wait_for("the folder", lambda: len(list(scaled.root.glob("result_experiment_*"))) > before)  # noqa: B023
        events = scaled.root / f"result_experiment_{before + 1}" / "log" / "events.jsonl"
        wait_for("some nodes", lambda: not command.running or count(events, "saved") >= number)  # noqa: B023
        with suppress(ProcessLookupError):
            command.send(signal.SIGKILL)
        last = command.wait()
        if last.code:
            last = scaled.kedro("experiment", "restart", last.folder.name.rpartition("_")[2]).ok()
        assert content(last.folder) == content(whole.folder)
        assert not list(last.folder.rglob(".*.tmp"))


def count(path: Path, kind: str) -> int:
    """How many events of a kind there are by now."""
    return path.read_text().count(f'"event": "{kind}"') if path.exists() else 0


def small() -> dict[str, Any]:
    from runs.lab import SMALL

    return SMALL


@pytest.mark.slow
def test_the_index_may_be_lost_torn_or_stale(scaled: Lab) -> None:
    import shutil

    from expfw.reuse.index import INDEX

    run(scaled)
    index = scaled.root / INDEX
    shutil.rmtree(index)
    assert reused(run(scaled)) == ALL
    for path in index.iterdir():
        path.write_bytes(b"\x00torn" + path.read_bytes()[:-3])
    assert content(run(scaled).folder) == content(run(scaled, params="reuse=off").folder)
    harms: list[Callable[[Path], Any]] = [lambda path: path.write_text(""), lambda path: path.unlink()]
    for harm in harms:
        for path in index.iterdir():
            harm(path)
        assert content(run(scaled).folder) == content(run(scaled, params="reuse=off").folder)


@pytest.mark.slow
def test_random_edits_are_noticed_exactly_where_they_matter(scaled: Lab) -> None:
    """Ten modules in a chain with side branches; a node is reused if and only if none of its own was edited."""
    rng = random.Random(3)
    imports = {0: [1, 2], 1: [3], 2: [], 3: [4], 4: [], 5: [0, 6], 6: [7], 7: [], 8: [], 9: [8]}
    for number, others in imports.items():
        lines = [f"from ml_experiments.chain.m{other} import value as v{other}" for other in others]
        total = " + ".join(["OWN", *(f"v{other}()" for other in others)])
        write(scaled, f"chain/m{number}.py", "\n".join([*lines, "OWN = 1.0", f"def value():\n    return {total}\n"]))
    write(scaled, "chain/__init__.py", "")
    write(scaled, "late.py", "from ml_experiments.chain.m0 import value\n\ndef shift():\n    return value()\n")
    run(scaled)
    inside = {0, 1, 2, 3, 4}
    for step in range(6):
        number = rng.randrange(10)
        path = scaled.project.path / "src" / PACKAGE / "chain" / f"m{number}.py"
        path.write_text(path.read_text().replace("OWN = 1", "OWN = 2").replace("OWN = 2.0", f"OWN = 2.{step}"))
        changed = run(scaled)
        assert ("prepare" in reused(changed)) == (number not in inside), number
        assert content(changed.folder) == content(run(scaled, params="reuse=off").folder)


def test_show_tells_what_was_taken(scaled: Lab) -> None:
    run(scaled)
    run(scaled)
    shown = json.loads(scaled.kedro("experiment", "show", "2", "--format", "json").ok().out)
    assert shown["reused"] == dict.fromkeys(ALL, 1)
    assert "from experiment 1" in scaled.kedro("experiment", "show", "2").ok().out
