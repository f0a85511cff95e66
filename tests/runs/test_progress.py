"""Progress of what takes long: on a real terminal and nowhere else, and never at the run's expense."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest
from runs.lab import SMALL, Command, Lab, trial, wait_for

from expfw.run.screen import CLEAR, LONG

ON_A_TERMINAL = """
import os, pty, sys
from kedro.framework.cli.cli import main

child, terminal = pty.fork()
if child == 0:
    sys.argv = ["kedro", *{args!r}]
    main()
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:  # Linux's way to say that nobody has the terminal open any more
        break
    if not piece:
        break
    os.write(1, piece)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
SHOWN = "fit fold 2/3, 0:0"
PEOPLE = {"TERM": "xterm", "CI": "", "NO_COLOR": ""}
"""The environment of somebody who looks on."""


def slow(marker: Path) -> dict[str, object]:
    """An experiment whose second fold waits for a file; the final model, which is fitted first, does not."""
    return {
        **SMALL,
        "model": trial("Waiting", marker=str(marker), fold=2),
        "data_source": trial("Made", target="number"),
    }


def start(lab: Lab, marker: Path, env: dict[str, str], *, terminal: bool = True) -> Command:
    """Run it, on a terminal or not."""
    args = ["run", "--params", f"experiment={lab.write({**slow(marker), 'metrics': []})}"]
    code = ON_A_TERMINAL.format(args=args) if terminal else ""
    return lab.start(*args, env=env, code=code)


def seen(command: Command) -> str:
    """What was shown so far."""
    path = command.notes / "stdout"
    return path.read_bytes().decode() if path.exists() else ""


def test_a_fold_that_takes_long_shows_its_progress_and_nothing_of_it_is_recorded(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    command = start(lab, marker, PEOPLE)
    wait_for("the line of progress", lambda: SHOWN in seen(command))
    Path(f"{marker}.go").touch()
    outcome = command.wait().ok()
    shown = seen(command)
    line = f"{CLEAR.decode()}fit fold 2/3, 0:0"
    assert line in shown
    assert shown.index("fit fold 1/3: fitted") < shown.index(line) < shown.rindex(CLEAR.decode())
    assert shown.rindex(CLEAR.decode()) < shown.index("completed"), "it was taken away before the next line"
    for name in ("log/experiment.log", "log/log.jsonl", "log/sacred/cout.txt"):
        recorded = (outcome.folder / name).read_text(encoding="utf-8")
        assert "fit fold 2/3: fitted" in recorded or '"fold": 1' in recorded
        assert "\x1b" not in recorded
        assert "fit fold 2/3, " not in recorded


@pytest.mark.slow
def test_there_is_no_progress_where_nobody_looks_on(lab: Lab, tmp_path: Path) -> None:
    circumstances = {
        "no terminal": (PEOPLE, False),
        "CI": ({**PEOPLE, "CI": "true"}, True),
        "a dumb terminal": ({**PEOPLE, "TERM": "dumb"}, True),
        "no colour": ({**PEOPLE, "NO_COLOR": "1"}, True),
    }
    commands = {
        name: start(lab, tmp_path / name, env, terminal=terminal) for name, (env, terminal) in circumstances.items()
    }
    for name in commands:
        wait_for(f"the second fold: {name}", (tmp_path / name).exists)
    time.sleep(LONG + 1)  # by then it would be shown
    for name, command in commands.items():
        (tmp_path / f"{name}.go").touch()
        outcome = command.wait().ok()
        assert "fit fold 2/3: fitted" in outcome.text, name
        assert "fit fold 2/3, " not in outcome.text, name
        assert CLEAR.decode() not in outcome.text, name


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1], ids=["the first", "the second"])
def test_a_killed_screen_does_no_harm_to_the_run(lab: Lab, tmp_path: Path, which: int) -> None:
    """There are two processes; one is enough to read what the run prints."""
    marker = tmp_path / "marker"
    command = start(lab, marker, PEOPLE)
    wait_for("the line of progress", lambda: SHOWN in seen(command))
    screens = sorted(filter(is_screen, psutil.Process(command.pid).children(recursive=True)), key=lambda p: p.pid)
    assert len(screens) == 2
    screens[which].kill()
    wait_for("its end", lambda: not screens[which].is_running() or screens[which].status() == psutil.STATUS_ZOMBIE)
    Path(f"{marker}.go").touch()
    outcome = command.wait().ok()
    assert outcome.sacred["status"] == "COMPLETED"
    printed = (outcome.folder / "log" / "sacred" / "cout.txt").read_text(encoding="utf-8")
    assert printed.count("a word before waiting") == outcome.out.count("a word before waiting") == 2
    folds = {json.loads(line)["fold"] for line in (outcome.folder / "log" / "log.jsonl").read_text().splitlines()}
    assert folds == {None, 0, 1, 2}
    assert "completed" in outcome.out


def is_screen(process: psutil.Process) -> bool:
    """Whether it is the process that shows progress."""
    try:
        return any(part.endswith("screen.py") for part in process.cmdline())
    except psutil.Error:
        return False
