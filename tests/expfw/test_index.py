"""The index of all experiments: it never disagrees with the folders, whatever happens to them or to it."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from sklearn.metrics import get_scorer_names

from expfw.index import Row, best_on_same_data, better_is_lower, digests_of, lines, read_index, stamp, stamps, store
from expfw.index.reading import SOURCES, read_row
from expfw.index.row import Settings
from expfw.index.store import INDEX
from expfw.record import read_records
from expfw.run.folder import experiment_folders


@pytest.fixture(autouse=True)
def _fine_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' file system tells changes apart at once, or nothing would be kept until two seconds have passed."""
    monkeypatch.setattr(stamp, "UNSURE", -3600.0)


def put(path: Path, content: Any) -> None:
    """Write a file of a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def experiment(root: Path, number: int | str, chance: random.Random | None = None, **changes: Any) -> Path:
    """A recorded experiment."""
    chance = chance or random.Random(int(number))
    folder = root / f"result_experiment_{number}"
    put(folder / "log/run.json", {"name": "forest", "hash": f"{chance.getrandbits(32):08x}", "parents": [], **STARTED})
    model = {"type": chance.choice(["A", "B"]), "params": {"C": chance.choice([1, 1.0, True, None, 0.5])}}
    put(folder / "log/config.json", {"model": model, "holdout": None, "tags": ["a"], "description": "d", **changes})
    put(folder / "log/sacred/run.json", {"status": "COMPLETED", "stop_time": "2026-05-01T10:00:02.5"})
    put(folder / "log/checksums.json", {"data/development_data.pkl": "sha256:aa", "data/folds.npz": "sha256:bb"})
    accuracy = {"mean": chance.random(), "std": 0.1, "folds": [0.1, 0.2]}
    put(folder / "report/validation_metrics.json", {"accuracy": accuracy})
    put(folder / "report/test_metrics.json", {"accuracy": chance.random()})
    return folder


STARTED = {"started": "2026-05-01T10:00:00+00:00"}


def from_folders(root: Path) -> list[Row]:
    """What the index must say."""
    return [read_row(folder) for folder in experiment_folders(root)]


def agree(root: Path) -> list[Row]:
    """The rows of the index, which are those of the folders, types included; twice, for the second call has it."""
    expected = from_folders(root)
    for _ in range(2):
        rows = read_index(root)
        assert rows == expected
        assert repr(rows) == repr(expected)
    return rows


def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the experiments whose folders were opened from now on."""
    opened: list[int] = []

    def noting(folder: Any) -> Row:
        opened.append(folder.id)
        return read_row(folder)

    monkeypatch.setattr(store, "read_row", noting)
    return opened


def test_a_row_tells_what_the_record_tells(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        experiment(tmp_path, number)
    put(tmp_path / "result_experiment_2/log/sacred/run.json", {"status": "FAILED", "fail_trace": ["T\n", "E: no\n"]})
    put(tmp_path / "result_experiment_10/log/sacred/run.json", {"status": "RUNNING"})
    for row, record in zip(agree(tmp_path), read_records(tmp_path), strict=True):
        for name in ("id", "name", "status", "started", "stopped", "path", "error"):
            assert getattr(row, name) == getattr(record, name), name
        assert list(row.parents) == list(record.parents)
        for key in ("accuracy", "validation.accuracy", "test.accuracy"):
            assert row.metric(key) == record.metric(key)
        assert row.metrics["validation"]["accuracy"]["std"] == record.metrics["validation"]["accuracy"]["std"]


SURROUNDINGS = {
    "base_dir": ".",
    "dependencies": [f"package-{number}==1.0" for number in range(300)],
    "mainfile": None,
    "sources": [[f"module_{number}.py", "_sources/x"] for number in range(100)],
}


def sacred_texts() -> list[str]:
    """What may stand in Sacred's file beside what a row tells of: much or little, whole or torn, tidy or not."""
    entry = {"status": "COMPLETED", "stop_time": "2026-05-01T10:00:02.5"}
    whole = json.dumps({"experiment": SURROUNDINGS, **entry}, indent=2, sort_keys=True)
    other = json.dumps({"experiment": {**SURROUNDINGS, "dependencies": ["x" * 9000]}, **entry}, indent=2)
    odd = json.dumps({"experiment": {**SURROUNDINGS, "dependencies": [float("nan")] * 3000}, **entry}, indent=2)
    last = json.dumps({**entry, "experiment": {**SURROUNDINGS, "zone": 2**70}}, indent=2)
    torn = [whole[: len(whole) * tenth // 10] for tenth in range(10)]
    lost = ('"mainfile"', '"sources"', "\n    ]", "\n  }", '"package-7==1.0"', "{")
    altered = [whole.replace(one, "", 1) for one in lost]
    commas = [whole.replace("\n    ],", "\n    ]", 1), whole.replace("\n    ]", "\n    ],", 2)]
    return [whole, other, whole, odd, whole, last, json.dumps(json.loads(whole)), *torn, *altered, *commas, whole]


def test_what_a_row_does_not_tell_of_does_not_change_it(tmp_path: Path) -> None:
    """Long lists in Sacred's file are looked through once; whatever is wrong with a file is seen all the same."""
    for number, text in enumerate(sacred_texts(), 1):
        put(experiment(tmp_path, number) / "log/sacred/run.json", text)
    found = [(row.status, row.stopped) for row in agree(tmp_path)]
    assert found == [(record.status, record.stopped) for record in read_records(tmp_path)]
    assert {status for status, _ in found} == {"COMPLETED", "DEAD"}


BEST = {"trial": 3, "experiment": 7, "values": [0.9], "point": {"C": 1}}
SEARCH = {"metrics": ["accuracy"], "configurations": 40, "best": BEST}


def test_a_row_of_a_search_tells_its_best_and_no_metric_of_its_own(tmp_path: Path) -> None:
    experiment(tmp_path, 1)
    folder = experiment(tmp_path, 2)
    put(folder / "report/validation_metrics.json", {})
    put(folder / "report/test_metrics.json", {})
    put(folder / "report/search.json", SEARCH)
    plain, search = agree(tmp_path)
    assert plain.search is None
    assert search.search == {"metric": "accuracy", "value": 0.9, "experiment": 7, "configurations": 40}
    assert search.metric("accuracy") is None
    put(folder / "report/search.json", {**SEARCH, "configurations": 50})
    assert (agree(tmp_path)[1].search or {})["configurations"] == 50


@pytest.mark.parametrize("changes", [{"configurations": "many"}, {"best": {**BEST, "values": []}}, {"metrics": []}])
def test_a_search_whose_figures_are_none_makes_one_row_unreadable_and_no_other(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    experiment(tmp_path, 1)
    put(experiment(tmp_path, 2) / "report/search.json", {**SEARCH, **changes})
    assert [row.status for row in agree(tmp_path)] == ["COMPLETED", "?"]


@pytest.mark.parametrize("name", ["validation_metrics.json", "test_metrics.json"])
@pytest.mark.parametrize("content", [{"accuracy": "high"}, {"accuracy": [1]}, {"accuracy": {"mean": "high"}}])
def test_metrics_that_are_no_figures_make_one_row_unreadable_and_no_other(
    tmp_path: Path, name: str, content: Any
) -> None:
    experiment(tmp_path, 1)
    put(experiment(tmp_path, 2) / "report" / name, content)
    first, second = agree(tmp_path)
    assert (first.status, second.status) == ("COMPLETED", "?")
    assert "result_experiment_2" in str(second.error)


def test_a_row_holds_settings_digests_and_findings(tmp_path: Path) -> None:
    folder = experiment(tmp_path, 1, model={"type": "A", "params": {"C": 1}})
    findings = [{"code": "EX101", "muted": None}, {"code": "EX102", "muted": "known"}]
    put(folder / "report/diagnostics.json", {"findings": findings})
    [row] = agree(tmp_path)
    assert dict(row.settings) == {"model.type": "A", "model.params.C": 1, "holdout": None}
    assert (row.tags, row.description, row.seconds) == (("a",), "d", 2.5)
    assert (row.data, row.folds) == digests_of(json.loads((folder / "log/checksums.json").read_text()))
    assert row.findings == ("EX101",)


def test_what_is_kept_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        experiment(tmp_path, number)
    opened = reads(monkeypatch)
    read_index(tmp_path)
    assert opened == [1, 2, 3, 4, 5]
    experiment(tmp_path, 6)
    read_index(tmp_path)
    assert opened == [1, 2, 3, 4, 5, 6]


def helped(monkeypatch: pytest.MonkeyPatch, processors: int) -> None:
    """From now on helpers look at the files, also where there are few."""
    monkeypatch.setattr(stamps, "WORTH_IT", 2)
    monkeypatch.setattr(stamps, "processors", lambda: processors)


@pytest.mark.parametrize("processors", [1, 2, 3, 50])
def test_helpers_see_what_this_process_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: int) -> None:
    for number in range(1, 12):
        experiment(tmp_path, number)
    read_index(tmp_path)
    helped(monkeypatch, processors)
    opened = reads(monkeypatch)
    agree(tmp_path)
    assert opened == []
    for number in (1, 6, 11):
        put(tmp_path / f"result_experiment_{number}/report/test_metrics.json", {"accuracy": number / 10})
    agree(tmp_path)
    assert opened == [1, 6, 11]


@pytest.mark.parametrize("script", [None, "raise SystemExit(3)", "print('12345678' * 7)", "import os; os.abort()"])
def test_without_its_helpers_it_looks_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    for number in range(1, 12):
        experiment(tmp_path / "result", number)
    read_index(tmp_path / "result")
    helped(monkeypatch, 3)
    if script is None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no such program"))
    else:
        put(tmp_path / "helper.py", script)
        monkeypatch.setattr(stamp, "__file__", str(tmp_path / "helper.py"))
    opened = reads(monkeypatch)
    agree(tmp_path / "result")
    assert opened == []


def test_no_helper_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody waits for what it has to say."""
    for number in range(1, 12):
        experiment(tmp_path / "result", number)
    put(tmp_path / "helper.py", "import time; time.sleep(600)")
    monkeypatch.setattr(stamp, "__file__", str(tmp_path / "helper.py"))
    helped(monkeypatch, 3)
    names = [folder.path.name for folder in experiment_folders(tmp_path / "result")]
    others = set(psutil.Process().children())
    with suppress(KeyboardInterrupt), stamps.stamping(str(tmp_path / "result"), names, SOURCES):
        assert set(psutil.Process().children()) > others
        raise KeyboardInterrupt
    assert set(psutil.Process().children()) <= others


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_torn_index_repairs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    for number in range(1, 6):
        experiment(tmp_path, number)
    read_index(tmp_path)
    whole = (tmp_path / INDEX).read_bytes()
    (tmp_path / INDEX).write_bytes(whole[: int(share * len(whole))])
    opened = reads(monkeypatch)
    read_index(tmp_path)
    lost = len(opened)
    assert lost > 0
    agree(tmp_path)
    assert len(opened) == lost


def test_a_file_that_has_just_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second change within one tick of the clock would not show in its times."""
    monkeypatch.setattr(stamp, "UNSURE", 3600.0)
    experiment(tmp_path, 1)
    opened = reads(monkeypatch)
    read_index(tmp_path)
    read_index(tmp_path)
    assert opened == [1, 1]


@pytest.mark.parametrize("status", ["RUNNING", None])
def test_a_run_that_has_not_ended_is_always_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str | None
) -> None:
    """Whether it is alive, no file tells."""
    folder = experiment(tmp_path, 1)
    put(folder / "log/sacred/run.json", {"status": status} if status else "{")
    opened = reads(monkeypatch)
    agree(tmp_path)
    assert opened == [1, 1]


def test_an_edit_of_the_same_size_with_its_date_restored_is_seen(tmp_path: Path) -> None:
    path = experiment(tmp_path, 1) / "report/test_metrics.json"
    put(path, {"accuracy": 0.1})
    before = agree(tmp_path)
    times = path.stat()
    with path.open("r+") as file:
        file.write(json.dumps({"accuracy": 0.2}))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert agree(tmp_path) != before


Change = Callable[[Path, random.Random], None]


def _some(root: Path, chance: random.Random) -> Path:
    return chance.choice(sorted(root.glob("result_experiment_*")) or [experiment(root, 1, chance)])


def new(root: Path, chance: random.Random) -> None:
    experiment(root, chance.randrange(10, 100), chance)


def deleted(root: Path, chance: random.Random) -> None:
    shutil.rmtree(_some(root, chance))


def renamed(root: Path, chance: random.Random) -> None:
    target = root / f"result_experiment_{chance.randrange(10, 100)}"
    if not target.exists():
        _some(root, chance).rename(target)


def swapped(root: Path, chance: random.Random) -> None:
    one, other = _some(root, chance), _some(root, chance)
    if one != other:
        one.rename(root / "aside")
        other.rename(one)
        (root / "aside").rename(other)


def edited(root: Path, chance: random.Random) -> None:
    """In place, a digit for another."""
    folder = _some(root, chance)
    path = folder / chance.choice(SOURCES)
    if path.is_file():
        text = path.read_text()
        path.write_text("".join(str(chance.randrange(1, 9)) if c.isdigit() and c != "0" else c for c in text))


def replaced(root: Path, chance: random.Random) -> None:
    path = _some(root, chance) / "report/test_metrics.json"
    draft = path.with_name("draft")
    put(draft, {"accuracy": chance.random(), "f1": chance.choice([float("nan"), 2**70, 0.5, None])})
    draft.replace(path)


def restarted(root: Path, chance: random.Random) -> None:
    path = _some(root, chance) / "log/sacred/run.json"
    put(path, {"status": chance.choice(["RUNNING", "FAILED", "INTERRUPTED", "COMPLETED"])})


def torn_record(root: Path, chance: random.Random) -> None:
    path = _some(root, chance) / chance.choice(SOURCES)
    put(path, chance.choice(['{"torn": ', "[]", "", '{"tags": 3}', "\xff"]))


def missing(root: Path, chance: random.Random) -> None:
    (_some(root, chance) / chance.choice(SOURCES)).unlink(missing_ok=True)


def no_index(root: Path, chance: random.Random) -> None:
    (root / INDEX).unlink(missing_ok=True)


def torn_index(root: Path, chance: random.Random) -> None:
    path = root / INDEX
    if path.exists():
        content = path.read_bytes()
        path.write_bytes(content[: chance.randrange(len(content) + 1)])


def altered_index(root: Path, chance: random.Random) -> None:
    path = root / INDEX
    content = bytearray(path.read_bytes() if path.exists() else b"x")
    content[chance.randrange(len(content)) if content else 0 : 1] = b"7"
    path.write_bytes(content)


def zeros(root: Path, chance: random.Random) -> None:
    """As a machine that lost its power leaves the end of a file."""
    with (root / INDEX).open("ab") as file:
        file.write(b"\0" * 100)


def old_index(root: Path, chance: random.Random) -> None:
    """Another process, which began earlier, adds what was true then."""
    path = root / INDEX
    content = path.read_bytes() if path.exists() else b""
    new(root, chance)
    read_index(root)
    edited(root, chance)
    with path.open("ab") as file:
        file.write(content)


CHANGES: tuple[Change, ...] = (
    *(new, deleted, renamed, swapped, edited, replaced, restarted, torn_record, missing),
    *(no_index, torn_index, altered_index, zeros, old_index),
)


@pytest.mark.parametrize("seed", range(12))
def test_the_index_never_disagrees_with_the_folders(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(store, "SLACK", 5)
    monkeypatch.setattr(lines, "AT_ONCE", 1 + seed % 4)
    for number in range(1, 6):
        experiment(tmp_path, number, chance)
    for _ in range(40):
        chance.choice(CHANGES)(tmp_path, chance)
        agree(tmp_path)


def test_without_the_stamps_it_would_disagree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property above is none that holds by itself."""
    monkeypatch.setattr(stamp, "looked_at", lambda *arguments: ([0], [0]))
    folder = experiment(tmp_path, 1)
    read_index(tmp_path)
    put(folder / "report/test_metrics.json", {"accuracy": 2.0})
    assert read_index(tmp_path) != from_folders(tmp_path)


def test_it_is_written_anew_when_most_of_it_is_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SLACK", 0)
    folder = experiment(tmp_path, 1)
    sizes = []
    for number in range(20):
        put(folder / "report/test_metrics.json", {"accuracy": number / 100})
        agree(tmp_path)
        sizes.append((tmp_path / INDEX).stat().st_size)
    assert max(sizes) < 4 * sizes[0]
    assert not list(tmp_path.glob("*.tmp"))


def test_a_folder_that_cannot_be_written_to_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment(tmp_path, 1)

    def refused(*arguments: Any, **options: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    assert [row.id for row in read_index(tmp_path)] == [1]
    assert not (tmp_path / INDEX).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_read_only_folder_is_listed(tmp_path: Path) -> None:
    experiment(tmp_path, 1)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert [row.id for row in read_index(tmp_path)] == [1]
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_many_at_once_get_the_same(tmp_path: Path) -> None:
    for number in range(1, 40):
        experiment(tmp_path, number)
    expected, found = from_folders(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(read_index(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8
    agree(tmp_path)


def test_lines_of_another_make_do_no_harm(tmp_path: Path) -> None:
    experiment(tmp_path, 1)
    read_index(tmp_path)
    with (tmp_path / INDEX).open("ab") as file:
        for text in (
            *(b'["result_experiment_1"]', b"[]", b"3", b'{"a": 3}', b'["result_experiment_1", 1, 2, 3]', b"{"),
            *(b'{"rows": [], "sections": {}}', b'{"rows": [[]], "sections": {}}', b'{"rows": 3, "sections": {}}'),
            b'{"rows": [[[], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]], "sections": {}}',
            b'{"rows": [["result_experiment_1", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]]}',
        ):
            file.write(b"%08x %b\n" % (zlib.crc32(text), text))
    agree(tmp_path)


def test_no_folder_and_a_foreign_one(tmp_path: Path) -> None:
    assert read_index(tmp_path / "none") == []
    (tmp_path / "result_experiment_x").mkdir()
    (tmp_path / "result_experiment_3").write_text("a file")
    assert [(row.id, row.status) for row in agree(tmp_path)] == [(3, "DEAD")]


def row(number: int, value: float | None = None, **changes: Any) -> Row:
    """A row with one metric."""
    validation = {} if value is None else {"accuracy": {"mean": value}, "log_loss": {"mean": value}}
    plain = Row(
        number, "a", "COMPLETED", "", (), None, None, None, Settings(()), {"validation": validation, "test": {}}, (),
        Path(f"result_experiment_{number}"), data="d", folds="f",
    )  # fmt: skip
    return plain._replace(**changes)


def test_the_best_on_the_same_data() -> None:
    rows = [row(1, 0.5), row(2, 0.9), row(3, 0.9), row(4, 0.99, data="e"), row(5, 0.99, folds="g"), row(6, 1.0)]
    rows += [row(7, 1.0, status="FAILED"), row(8), row(9, float("nan"))]

    def best(like: Any, metric: str, before: int) -> int | None:
        found = best_on_same_data(rows, like, metric, before)
        return None if found is None else found.id

    assert best(row(6), "accuracy", 6) == 2
    assert best(("d", "f"), "accuracy", 100) == 6
    assert best(("d", "f"), "log_loss", 100) == 1
    assert best(("d", "f"), "f1", 100) is None
    assert best(("d", "f"), "test.accuracy", 100) is None
    assert best((None, "f"), "accuracy", 100) is None
    assert best(("d", "f"), "accuracy", 1) is None


def test_equal_rows_have_equal_digests_and_others_have_not() -> None:
    sums = {"data/development_data.pkl": "a", "data/test_data.pkl": "b", "data/folds.npz": "c", "model/x": "d"}
    assert digests_of(sums) == digests_of({**sums, "model/x": "e"})
    for name in ("data/development_data.pkl", "data/test_data.pkl"):
        assert digests_of({**sums, name: "z"})[0] != digests_of(sums)[0]
        assert digests_of({**sums, name: "z"})[1] == digests_of(sums)[1]
    assert digests_of({**sums, "data/folds.npz": "z"})[1] != digests_of(sums)[1]


@pytest.mark.parametrize("name", get_scorer_names())
def test_of_a_scorer_more_is_better(name: str) -> None:
    assert not better_is_lower(name)


@pytest.mark.parametrize(
    "name",
    "brier_score_loss hamming_loss hinge_loss zero_one_loss log_loss coverage_error label_ranking_loss max_error "
    "mean_absolute_error mean_squared_error root_mean_squared_error mean_squared_log_error median_absolute_error "
    "root_mean_squared_log_error mean_absolute_percentage_error mean_pinball_loss mean_poisson_deviance "
    "mean_gamma_deviance mean_tweedie_deviance davies_bouldin_score NormalizedRootMeanSquaredError rmse "
    "test.max_error validation.mean_squared_error_2".split(),
)
def test_of_an_error_less_is_better(name: str) -> None:
    assert better_is_lower(name)


def test_an_index_is_not_in_the_way_of_a_clock(tmp_path: Path) -> None:
    """A file from the future is only read each time."""
    folder = experiment(tmp_path, 1)
    os.utime(folder / "log/run.json", (time.time() + 1e6,) * 2)
    agree(tmp_path)
