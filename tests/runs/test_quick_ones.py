"""What is run at every change of the files whose other tests are slow: it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs.conftest import QUICK


@pytest.mark.parametrize("file", QUICK)
def test_each_quick_test_is_there(file: str) -> None:
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    assert [name for name in QUICK[file].split() if f"def {name}(" not in text] == []
