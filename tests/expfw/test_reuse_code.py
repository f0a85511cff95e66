"""What code a component consists of, and what in it gives reason for doubt."""

from __future__ import annotations

import importlib
import os
import py_compile
import subprocess
import sys
import time
from pathlib import Path

import pytest

import expfw
from expfw.reuse.code import FrameworkTree, SourceTree, is_installed
from expfw.reuse.doubts import doubt
from expfw.reuse.memory import as_compiled, as_imported
from expfw.reuse.reading import read_code


def tree(folder: Path, **files: str) -> SourceTree:
    """A source tree."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return SourceTree(folder)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("import pack.one", {"pack", "pack.one"}),
        ("import pack.one as o", {"pack", "pack.one"}),
        ("from pack import one", {"pack", "pack.one"}),
        ("from pack.one import anything", {"pack", "pack.one"}),
        ("from pack import *", {"pack", "pack.one", "pack.two"}),
        ("def f():\n    from pack import two", {"pack", "pack.two"}),
        ("import pack\nvalue = lambda: pack.two.value", {"pack", "pack.two"}),
        ("try:\n    import pack.two\nexcept ImportError:\n    import json", {"pack", "pack.two"}),
        ("import json", set()),
        ("import importlib\nimportlib.import_module('pack.one')", {"pack", "pack.one", "pack.two", "other"}),
        ("__import__('pack.one')", {"pack", "pack.one", "pack.two", "other"}),
        ("import sys\nsys.modules['pack.one']", {"pack", "pack.one", "pack.two", "other"}),
        ("exec('import pack.one')", {"pack", "pack.one", "pack.two", "other"}),
        ("import pack\ngetattr(pack, 'one')", {"pack", "pack.one", "pack.two", "other"}),
        ("import pickle", {"pack", "pack.one", "pack.two", "other"}),
        ("this is no Python", {"pack", "pack.one", "pack.two", "other"}),
    ],
)
def test_the_modules_that_are_imported_are_found(tmp_path: Path, statement: str, found: set[str]) -> None:
    sources = tree(tmp_path, **{"start": statement, "pack/__init__": "", "pack/one": "", "pack/two": "", "other": ""})
    assert set(sources.code(["start"]).modules) == {"start", *found}


def test_relative_imports_and_packages_on_the_way_count(tmp_path: Path) -> None:
    files = {
        "a/__init__": "from . import sub",
        "a/sub/__init__": "",
        "a/sub/x": "from ..y import z\nfrom . import w",
        "a/sub/w": "",
        "a/y": "",
        "a/unused": "",
    }
    assert set(tree(tmp_path, **files).code(["a.sub.x"]).modules) == {"a", "a.sub", "a.sub.x", "a.sub.w", "a.y"}


def test_a_class_within_a_module_may_be_named(tmp_path: Path) -> None:
    assert tree(tmp_path, a="import b", b="").code(["a.Class"]).modules == ("a", "b")


def test_the_digest_is_of_names_and_content_alone(tmp_path: Path) -> None:
    first = tree(tmp_path / "one", a="x = 1").code(["a"])
    assert tree(tmp_path / "two", a="x = 1", b="unused = 1").code(["a"]).digest == first.digest
    os.utime(tmp_path / "one" / "a.py", (0, 0))
    assert SourceTree(tmp_path / "one").code(["a"]).digest == first.digest
    assert tree(tmp_path / "one", a="x = 2").code(["a"]).digest != first.digest


def test_files_that_are_no_python_count_and_what_python_makes_does_not(tmp_path: Path) -> None:
    first = tree(tmp_path, **{"pack/__init__": "", "a": ""}).code(["a"]).digest
    (tmp_path / "pack" / "__pycache__").mkdir()
    (tmp_path / "pack" / "__pycache__" / "a.pyc").touch()
    assert SourceTree(tmp_path).code(["a"]).digest == first
    (tmp_path / "pack" / "query.sql").write_text("select 1")
    assert SourceTree(tmp_path).code(["a"]).digest != first


def test_what_lies_elsewhere_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "my_editable.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert not is_installed("my_editable")
    (reason,) = tree(tmp_path / "src", a="import numpy, json, no_such_module, my_editable").code(["a"]).reasons
    assert reason == "my_editable lies neither in the project nor in Python"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['A']",
        "from os import environ as e\ne['A']",
        "import os as o\no.getenv('A')",
        "import os\nf = os\nf.environ.get('A')",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.datetime.utcnow()",
        "import time\ntime.time()",
        "from time import perf_counter\nperf_counter()",
        "import uuid",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng\ndefault_rng(None)",
        "import random\nrandom.Random()",
        "import random\nrandom.SystemRandom()",
        "frame.read_parquet('a')",
        "import pandas as pd\npd.read_sql('a', b)",
        "import pyarrow.parquet as pq",
        "from sqlalchemy import create_engine",
        "import torch\ntorch.load('a')",
        "import subprocess",
        "import joblib",
        "from pathlib import Path\nPath('a').exists()",
        "import os.path\nos.path.isfile('a')",
        "x = input()",
        "import expfw\nexpfw.open_experiment(1)",
        "import os\ngetattr(os, 'env' + 'iron')",
    ],
)
def test_what_depends_on_more_than_its_inputs_is_doubted(code: str) -> None:
    assert read_code(code.encode(), "a", package=False).doubts


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "import numpy as np\nnp.random.default_rng(3)",
        "import random\nrandom.Random(self.seed)",
        "import os\nos.path.join('a', 'b')",
        "import torch",
        "import datetime\ndatetime.timedelta(1)",
        "import logging, json, math",
        "from scipy import stats\nstats.norm",
        "timer('part')",
    ],
)
def test_ordinary_code_is_not(code: str) -> None:
    assert read_code(code.encode(), "a", package=False).doubts == []


def test_a_doubt_says_what_and_where(tmp_path: Path) -> None:
    (reason,) = tree(tmp_path, a="import b", b="import os\nKEY = os.environ.get('KEY')").code(["a"]).reasons
    assert reason == "b.py mentions os.environ.get (line 2): environment variables"
    assert tree(tmp_path, a="import b").code(["a"], doubted=False).reasons == ()
    assert doubt("environ") is None


def test_a_module_in_memory_may_be_older_than_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "loaded_before.py"
    path.write_text("VALUE = 1")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert as_imported("loaded_before", path), "it will be read when it is imported"
    importlib.import_module("loaded_before")
    assert not as_imported("loaded_before", path), "it changed after this process began, who knows when"
    code = (
        "import loaded_before, sys, pathlib; from expfw.reuse.memory import as_imported; "
        "path = pathlib.Path(loaded_before.__file__); print(as_imported('loaded_before', path)); "
        "path.write_text('VALUE = 2'); print(as_imported('loaded_before', path))"
    )
    time.sleep(0.1)
    search = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-2:] == ["True", "False"]


def test_what_python_compiled_before_the_file_changed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "compiled.py"
    path.write_text("VALUE = 1")
    status = path.stat()
    assert as_compiled(path, path.read_bytes()), "there is nothing compiled"
    py_compile.compile(str(path))
    assert as_compiled(path, path.read_bytes())
    path.write_text("VALUE = 2")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not as_compiled(path, path.read_bytes()), "same second, same size: Python would run what it compiled"
    path.write_text("VALUE = 33")
    assert as_compiled(path, path.read_bytes()), "Python sees another size"


def test_the_frameworks_files_have_the_digests_of_their_content() -> None:
    folder = Path(expfw.__file__).parent
    plain = SourceTree(folder)
    for _ in range(2):
        quick = FrameworkTree(folder)
        assert quick.digest(quick.files) == plain.digest(plain.files)


@pytest.mark.parametrize("settled", [0, 2_000_000_000])
def test_a_file_of_the_framework_that_is_another_by_now_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settled: int
) -> None:
    """Also if name, length and time of the last change are the same."""
    monkeypatch.setattr("expfw.reuse.code.SETTLED", settled)
    before = tree(tmp_path, a="x = 1").files["a.py"]
    first = FrameworkTree(tmp_path).digest(["a.py"])
    other = tmp_path / "other"
    other.write_text("x = 2")
    os.utime(other, ns=(before.stat().st_atime_ns, before.stat().st_mtime_ns))
    other.replace(before)
    assert FrameworkTree(tmp_path).digest(["a.py"]) == SourceTree(tmp_path).digest(["a.py"]) != first
