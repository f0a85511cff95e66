"""The lines of a run's log: what they hold, who writes them, and that nothing torn, secret or foreign is among them."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from expfw.config.secrets import MARK, Secrets, known
from expfw.errors import RecordError
from expfw.run import log, place
from expfw.run.log import ComponentLogger, RunLog, log_to
from expfw.run.place import Place, at, here, place_of
from expfw.run.redacted_log import hidden_in_logs
from expfw.run.structured import FIELDS, chosen, read_log

logger = logging.getLogger("tests.structured")


@pytest.fixture
def run_log(tmp_path: Path) -> Iterator[RunLog]:
    """The log of a run, in a folder of its own."""
    logger.setLevel(logging.DEBUG)
    with hidden_in_logs(), log_to(tmp_path) as opened:
        yield opened
    logger.setLevel(logging.NOTSET)


def test_a_line_holds_what_the_reference_says(run_log: RunLog, tmp_path: Path) -> None:
    with at(node="fit", fold=0, folds=3, component="SVC"):
        logger.info("%d rows", 3, extra={"loss": 0.5})
    (line,) = read_log(tmp_path)
    assert tuple(line) == (*FIELDS, "extra")
    told = {key: line[key] for key in ("level", "logger", "message", "node", "fold", "folds", "component", "extra")}
    assert told == {
        "level": "INFO",
        "logger": "tests.structured",
        "message": "3 rows",
        "node": "fit",
        "fold": 0,
        "folds": 3,
        "component": "SVC",
        "extra": {"loss": 0.5},
    }
    assert line["time"].endswith("+00:00")
    (plain,) = (tmp_path / "experiment.log").read_text(encoding="utf-8").splitlines()
    assert plain.endswith("INFO    fit fold 1/3 SVC tests.structured: 3 rows")


def test_a_thread_of_a_component_counts_as_that_component(run_log: RunLog, tmp_path: Path) -> None:
    with at(node="fit", fold=1, folds=3, component="SVC"):
        thread = threading.Thread(target=logger.info, args=("in a thread",))
        thread.start()
        thread.join()
    (line,) = read_log(tmp_path)
    assert (line["node"], line["fold"], line["component"]) == ("fit", 1, "SVC")


def test_of_two_folds_at_work_a_strange_thread_knows_only_what_they_share(run_log: RunLog, tmp_path: Path) -> None:
    ready, done = threading.Barrier(3), threading.Event()

    def work(fold: int) -> None:
        with at(node="fit", fold=fold, folds=3, component="SVC"):
            ready.wait()
            done.wait()

    threads = [threading.Thread(target=work, args=(fold,)) for fold in (0, 1)]
    for thread in threads:
        thread.start()
    ready.wait()
    stranger = threading.Thread(target=logger.info, args=("whose?",))
    stranger.start()
    stranger.join()
    done.set()
    for thread in threads:
        thread.join()
    (line,) = read_log(tmp_path)
    assert (line["node"], line["fold"], line["folds"], line["component"]) == ("fit", None, 3, "SVC")


def test_runs_in_threads_of_one_process_do_not_mix(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    ready = threading.Barrier(2)

    def run(folder: Path) -> None:
        folder.mkdir()
        with log_to(folder):
            ready.wait()
            logger.warning("said by %s", folder.name)
            ready.wait()

    with hidden_in_logs():
        threads = [threading.Thread(target=run, args=(folder,)) for folder in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [[line["message"] for line in read_log(folder)] for folder in folders] == [["said by one"], ["said by two"]]


def test_no_secret_gets_into_a_line(run_log: RunLog, tmp_path: Path) -> None:
    with known(Secrets.of(["k-8Jd0sWq3"])):
        logger.warning("the key is %s", "k-8Jd0sWq3", extra={"key": "k-8Jd0sWq3"})
        try:
            raise ValueError("k-8Jd0sWq3")
        except ValueError:
            logger.exception("refused")
    text = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
    assert "k-8Jd0sWq3" not in text
    assert text.count(MARK) >= 3


def test_what_is_no_json_is_kept_as_text(run_log: RunLog, tmp_path: Path) -> None:
    logger.info("odd", extra={"where": tmp_path, "half": float("nan")})
    run_log.handle(logging.getLogRecordFactory()("a", logging.INFO, "", 0, "%d rows", ("three",), None))
    odd, misfit = read_log(tmp_path)
    assert odd["extra"] == {"where": str(tmp_path), "half": None}
    assert misfit["message"] == "%d rows ('three',)"


def test_a_torn_line_is_left_out_and_the_next_one_is_read(run_log: RunLog, tmp_path: Path) -> None:
    logger.info("first")
    path = tmp_path / "log.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:40] + whole + '{"other": "object"}\n\n' + whole.replace("first", "last"), encoding="utf-8")
    assert [line["message"] for line in read_log(tmp_path)] == ["first", "last"]


def test_lines_are_in_the_order_of_time(run_log: RunLog, tmp_path: Path) -> None:
    for number in range(3):
        logger.info("%d", number)
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(reversed(path.read_text(encoding="utf-8").splitlines())), encoding="utf-8")
    assert [line["message"] for line in read_log(tmp_path)] == ["0", "1", "2"]


def test_a_log_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"log\.jsonl cannot be read: No such file or directory"):
        read_log(tmp_path)


def test_lines_are_chosen_by_place_and_level(run_log: RunLog, tmp_path: Path) -> None:
    for fold in (0, 1):
        with at(node="fit", fold=fold, folds=2, component="SVC"):
            logger.debug("debug %d", fold)
            logger.error("error %d", fold)
    logger.error("elsewhere")
    lines = read_log(tmp_path)

    def told(**asked: object) -> list[str]:
        return [line["message"] for line in chosen(lines, **asked)]  # type: ignore[arg-type]

    assert told() == ["debug 0", "error 0", "debug 1", "error 1", "elsewhere"]
    assert told(fold=0) == ["debug 0", "error 0"]
    assert told(node="fit", level="ERROR") == ["error 0", "error 1"]
    assert told(component="SVC", fold=1, level="ERROR") == ["error 1"]
    assert told(node="refit") == []


def test_an_error_knows_where_it_was_raised(run_log: RunLog, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught, at(node="fit", fold=1, folds=3, component="SVC"):
        _ = 1 / 0
    assert place_of(caught.value) == Place(str(tmp_path), "fit", 1, 3, "SVC")
    run_log.ending(caught.value)
    (line,) = read_log(tmp_path)
    assert (line["level"], line["node"], line["fold"]) == ("ERROR", "fit", 1)
    assert "ZeroDivisionError" in line["exception"]


def test_after_the_run_nothing_is_written_and_the_thread_is_nowhere(tmp_path: Path) -> None:
    with hidden_in_logs(), log_to(tmp_path):
        logger.warning("within")
    logger.warning("after")
    assert [line["message"] for line in read_log(tmp_path)] == ["within"]
    assert here() == place.NOWHERE


def test_in_a_file_a_components_logger_is_a_plain_one() -> None:
    """A model may keep it; whoever loads the model is at no place of that run."""
    kept = pickle.dumps(ComponentLogger.get("expfw.model.SVC"))
    assert b"ComponentLogger" not in kept
    assert pickle.loads(kept).name == "expfw.model.SVC"


def test_to_a_worker_a_components_logger_takes_its_place_along(
    run_log: RunLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "FEEDER", threading.current_thread().name)
    with at(node="fit", fold=1, folds=3, component="SVC"):
        call, arguments = ComponentLogger.get("expfw.model.SVC").__reduce__()
    assert call is log.logger_in_worker
    assert arguments[-1] == Place(str(tmp_path), "fit", 1, 3, "SVC")
    assert json.dumps(arguments[:1])
