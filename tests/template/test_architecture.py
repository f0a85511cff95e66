"""Who may know whom: the framework never knows the project, components know only what the framework makes public."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from baking import PROJECT, TEMPLATE

EXPFW = PROJECT / "src" / "expfw"
MODULES = sorted(path for path in EXPFW.rglob("*.py"))

PUBLIC = {
    "expfw.errors",
    "expfw.interfaces",
    "expfw.report.charts",
    "expfw.report.ranges",
    "expfw.results",
    "expfw.services",
}
"""What a component may import, the framework's own as well as the user's; besides other components."""

DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "pkg_resources": "setuptools",
    "bson": "pymongo",
    "gridfs": "pymongo",
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("expfw", include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(EXPFW).as_posix())
def test_the_framework_holds_no_jinja(path: Path) -> None:
    """In Python. The report's page is Jinja, rendered when a report is written."""
    text = path.read_text(encoding="utf-8")
    assert "cookiecutter" not in text
    assert "{%" not in text
    ast.parse(text)


def test_the_framework_is_never_rendered() -> None:
    patterns = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))["_copy_without_render"]
    assert {"src/expfw", "src/expfw/*"} <= set(patterns)


def test_the_framework_imports_only_itself_and_the_declared_dependencies(graph: grimp.ImportGraph) -> None:
    """So it never imports the project, whose name it cannot know."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    declared = {re.split(r"[^\w-]", text)[0].lower().replace("-", "_") for text in texts}
    outside = {module for module in graph.modules if graph.is_module_squashed(module)}
    unknown = {
        module for module in outside if DISTRIBUTIONS.get(module, module).lower().replace("-", "_") not in declared
    }
    assert unknown - standard_library() == set()


def standard_library() -> set[str]:
    """Modules that come with Python."""
    return set(sys.stdlib_module_names)


def test_components_import_only_public_names(graph: grimp.ImportGraph) -> None:
    components = {module for module in graph.modules if module.startswith("expfw.components")}
    for component in sorted(components):
        imported = {
            module for module in graph.find_modules_directly_imported_by(component) if module.startswith("expfw")
        }
        assert imported - PUBLIC - components == set(), f"{component} imports what is not public"


def test_the_public_modules_do_not_import_components(graph: grimp.ImportGraph) -> None:
    for public in sorted(PUBLIC & graph.modules):
        assert not any(name.startswith("expfw.components") for name in graph.find_upstream_modules(public))


def test_the_users_components_import_only_public_names() -> None:
    package = PROJECT / "src" / "{{cookiecutter.python_package}}" / "components"
    for path in package.rglob("*.py"):
        imported = {module for module in imports_of(path) if module.startswith("expfw")}
        assert imported - PUBLIC - {"expfw.components"} == set(), path.name


def imports_of(path: Path) -> Iterator[str]:
    """Names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(EXPFW).as_posix())
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(EXPFW).as_posix())
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = [statement for statement in node.body if not is_docstring(statement)]
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 50, f"{node.name}: {length} lines"


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is a plain string."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_every_package_of_the_framework_says_what_it_is_for() -> None:
    empty = [
        path.parent.name for path in EXPFW.rglob("__init__.py") if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert empty == []
