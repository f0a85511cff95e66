"""What a type names, and what it may not name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.svm import SVC

from expfw.components.model import MajorityOrMean
from expfw.config.keys import STEPS
from expfw.construct.find import Components, NotFound, project_components
from expfw.errors import ExpfwError

SKLEARN = Components(package="", modules=("sklearn",))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A user's package with components."""
    folder = tmp_path / "find_users" / "components"
    folder.mkdir(parents=True)
    for path in (folder.parent, folder):
        (path / "__init__.py").touch()
    (folder / "model.py").write_text(
        "from sklearn.svm import SVC\nimport subprocess\nfrom os import system\n\n\n"
        "class Mine:\n    pass\n\n\nclass MajorityOrMean:\n    pass\n\n\nclass _Hidden:\n    pass\n\n\nconstant = 3\n"
    )
    (folder / "metrics.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "find_users"
    for name in [name for name in sys.modules if name.startswith("find_users")]:
        del sys.modules[name]


def problem(components: Components, name: str, key: str = "model") -> str:
    """Why a name is refused."""
    with pytest.raises(NotFound) as caught:
        components.find(name, STEPS[key])
    return f"{caught.value.what}; {caught.value.hint}"


def test_a_short_name_is_a_component_of_the_framework() -> None:
    assert SKLEARN.find("MajorityOrMean", STEPS["model"]) is MajorityOrMean


def test_the_users_component_comes_before_the_frameworks(package: str) -> None:
    found = Components(package, ()).find("MajorityOrMean", STEPS["model"])
    assert found.__module__ == "find_users.components.model"


def test_short_names_are_what_a_module_defines_itself(package: str) -> None:
    names = Components(package, ("sklearn",)).short_names(STEPS["model"])
    assert set(names) == {"MajorityOrMean", "Mine"}


def test_a_short_name_counts_for_its_step_only() -> None:
    assert "unknown type 'MajorityOrMean'" in problem(SKLEARN, "MajorityOrMean", "features")


@pytest.mark.parametrize("name", ["_Hidden", "constant", "subprocess", "system"])
def test_what_merely_lies_in_a_module_is_no_component(package: str, name: str) -> None:
    assert problem(Components(package, ()), name)


def test_a_dotted_path_is_imported() -> None:
    assert SKLEARN.find("sklearn.svm.SVC", STEPS["model"]) is SVC


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "sklearnx.svm.SVC",
        "expfw.run.folder.take_folder",
        "sklearn.utils.parallel.warnings.warn",
        "sklearn.os.system",
    ],
)
def test_what_is_not_allowed_is_refused(path: str) -> None:
    assert problem(SKLEARN, path)


def test_a_name_that_an_allowed_module_merely_re_exports_is_refused(package: str) -> None:
    """Judged by where the object really comes from."""
    message = problem(Components(package, ()), f"{package}.components.model.system")
    assert "is not allowed" in message
    assert problem(Components(package, ()), f"{package}.components.model.SVC").startswith("module 'sklearn.svm")


def test_a_module_that_is_not_allowed_is_not_even_imported() -> None:
    assert "antigravity" not in sys.modules
    problem(SKLEARN, "antigravity.webbrowser")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sklearn.svm.SVCC", "module 'sklearn.svm' has no 'SVCC'; did you mean 'SVC'?"),
        ("sklearn.svn.SVC", "there is no module 'sklearn.svn'; did you mean 'svm'?"),
        ("MajorityOrMena", "unknown type 'MajorityOrMena'; did you mean 'MajorityOrMean'?"),
        ("sklearn.svm", "sklearn"),
        ("sklearn.", "sklearn"),
        (".SVC", ""),
        ("..", ""),
    ],
)
def test_a_slip_is_answered_with_the_nearest(path: str, words: str) -> None:
    assert words in problem(SKLEARN, path)


def test_a_users_module_that_cannot_be_imported_says_why(package: str) -> None:
    assert "no_such_library" in problem(Components(package, ()), f"{package}.components.metrics.Mine", "metrics")
    assert "no_such_library" in problem(Components(package, ()), "Mine", "metrics")


def test_the_allow_list_is_the_projects(tmp_path: Path) -> None:
    assert project_components(tmp_path, "mine").allowed == ("mine", "expfw.components", "sklearn")
    (tmp_path / "pyproject.toml").write_text('[tool.expfw]\ncomponent_modules = ["xgboost", "mine"]\n')
    assert project_components(tmp_path, "mine").allowed == ("mine", "expfw.components", "xgboost")


@pytest.mark.parametrize("value", ['"sklearn"', "[1]", "{}"])
def test_an_allow_list_that_is_no_list_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.expfw]\ncomponent_modules = {value}\n")
    with pytest.raises(ExpfwError, match="expected a list of texts"):
        project_components(tmp_path, "mine")
