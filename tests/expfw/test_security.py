"""What a configuration may import: the allow-list holds on the object itself and on every level."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from expfw.config.experiment import load_experiment
from expfw.construct.find import Components
from expfw.construct.plan import Plan, make_plan
from expfw.errors import ConfigurationError

ALLOWED = ("sklearn", "guarded_library")


def plan(**changes: Any) -> Plan:
    content = {
        "data_source": {"type": "SklearnDataset", "params": {"name": "iris"}},
        "resampling": {"type": "sklearn.model_selection.KFold"},
        "model": {"type": "sklearn.svm.SVC"},
        **changes,
    }
    files = {"config/experiments/a.json": json.dumps(content)}
    return make_plan(load_experiment("a", files, files.__getitem__, base={}, params={}), Components("", ALLOWED))


def refusal(**changes: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan(**changes)
    return str(caught.value)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """An allowed library with things that it merely re-exports, and with a class that tells when it is called."""
    import functools
    import os
    import subprocess

    module = types.ModuleType("guarded_library")
    module.__dict__.update(os=os, system=os.system, Popen=subprocess.Popen, partial=functools.partial, evaluate=eval)
    module.bound = functools.partial(os.system, "true")  # type: ignore[attr-defined]
    module.calls = []  # type: ignore[attr-defined]

    class Loud:
        def __init__(self) -> None:
            module.calls.append("made")

    Loud.__module__ = "guarded_library"
    module.Loud = Loud  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "guarded_library", module)
    return module


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.__import__",
        "importlib.import_module",
        "subprocess.Popen",
        "functools.partial",
        "pickle.loads",
        "sklearn_evil.Model",
        "expfw.run.session.ExperimentSession",
        "expfw.cli.commands",
    ],
)
def test_a_module_that_is_not_allowed_is_named_and_not_imported(path: str) -> None:
    message = refusal(model={"type": path})
    assert f"module '{path.rpartition('.')[0]}' is not allowed" in message
    assert "allowed are: expfw.components, sklearn, guarded_library" in message
    assert "component_modules" in message


def test_a_refused_module_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wicked.py").write_text(f"open({str(tmp_path / 'was_here')!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "module 'wicked' is not allowed" in refusal(model={"type": "wicked.Model"})
    assert not (tmp_path / "was_here").exists()


@pytest.mark.parametrize(
    ("name", "home"), [("Popen", "subprocess"), ("partial", "functools"), ("evaluate", "builtins")]
)
def test_what_an_allowed_module_re_exports_is_refused_by_where_it_comes_from(
    library: types.ModuleType, name: str, home: str
) -> None:
    assert f"module '{home}' is not allowed" in refusal(model={"type": f"guarded_library.{name}"})


def test_a_real_re_export_of_scikit_learns_is_refused() -> None:
    message = refusal(model={"type": "sklearn.utils.multiclass.issparse"})
    assert "module 'scipy." in message
    assert "is not allowed" in message


@pytest.mark.parametrize(
    "path",
    [
        "sklearn.utils._testing.assert_run_python_script_without_output",
        "sklearn.datasets._base.urlretrieve",
        "sklearn.svm._classes.SVC",
        "sklearn.utils.tests.test_utils.test_safe_mask",
        "sklearn.conftest.pyplot",
    ],
)
def test_the_insides_and_the_tests_of_a_library_are_no_components(path: str) -> None:
    """A test tool that runs the code it is given, handed over as a function, would run what the configuration says."""
    assert f"'{path}' is not public" in refusal(model={"type": path})
    nested = {"type": "sklearn.feature_extraction.text.CountVectorizer", "params": {"tokenizer": {"type": path}}}
    assert f"'{path}' is not public" in refusal(features=nested)


def test_a_test_tool_is_refused_through_a_re_export_as_well(library: types.ModuleType) -> None:
    from sklearn.utils import _testing

    library.run = _testing.assert_run_python_script_without_output  # type: ignore[attr-defined]
    assert "'sklearn.utils._testing' holds a library's own tests" in refusal(model={"type": "guarded_library.run"})


@pytest.mark.parametrize(
    "path",
    [
        "guarded_library.os.system",
        "sklearn.svm.SVC.fit",
    ],
)
def test_attributes_of_attributes_cannot_be_reached(library: types.ModuleType, path: str) -> None:
    assert f"there is no module '{path.rpartition('.')[0]}'" in refusal(model={"type": path})


@pytest.mark.parametrize(
    "path", ["sklearn.base.clone.__globals__", "sklearn.__builtins__.eval", "sklearn.svm.SVC.__init__.__globals__"]
)
def test_special_attributes_are_no_way_out(path: str) -> None:
    assert f"'{path}' is not public" in refusal(model={"type": path})


def test_an_object_that_is_neither_class_nor_function_is_refused(library: types.ModuleType) -> None:
    assert "is neither a class nor a function" in refusal(model={"type": "guarded_library.bound"})


@pytest.mark.parametrize(
    "nest",
    [
        lambda evil: {"type": "sklearn.ensemble.BaggingClassifier", "params": {"estimator": evil}},
        lambda evil: {"type": "sklearn.pipeline.Pipeline", "params": {"steps": [["a", evil]]}},
        lambda evil: {"type": "sklearn.model_selection.GridSearchCV", "params": {
            "estimator": {"type": "sklearn.svm.SVC"}, "param_grid": {"C": [evil]}}},
        lambda evil: {"type": "sklearn.preprocessing.FunctionTransformer", "params": {"func": evil}},
        lambda evil: {"type": "sklearn.ensemble.BaggingClassifier", "params": {"estimator": {
            "type": "sklearn.ensemble.BaggingClassifier", "params": {"estimator": evil}}}},
    ],
)  # fmt: skip
def test_the_list_holds_on_every_nested_level(nest: Any) -> None:
    assert "module 'os' is not allowed" in refusal(model=nest({"type": "os.system"}))


def test_a_callable_named_by_a_plain_text_stays_a_text() -> None:
    transformer = {"type": "sklearn.preprocessing.FunctionTransformer", "params": {"func": "os.system"}}
    assert "features.params.func" in refusal(features=transformer)


def test_a_class_without_the_interface_is_refused_before_it_is_called(library: types.ModuleType) -> None:
    message = refusal(model={"type": "guarded_library.Loud"})
    assert "'guarded_library.Loud' is no Model: it has no fit() and no predict()" in message
    assert library.calls == []


def test_a_function_is_handed_over_and_never_called_by_the_framework() -> None:
    planned = plan(
        model={"type": "sklearn.pipeline.Pipeline", "params": {"steps": [
            ["select", {"type": "sklearn.feature_selection.SelectKBest", "params": {
                "score_func": {"type": "sklearn.feature_selection.f_classif"}, "k": 2}}],
            ["svc", {"type": "sklearn.svm.SVC"}]]}}
    )  # fmt: skip
    model = planned.components["model"].build()  # type: ignore[union-attr]
    from sklearn.feature_selection import f_classif

    assert model.steps[0][1].score_func is f_classif
