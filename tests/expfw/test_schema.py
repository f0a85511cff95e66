"""The JSON Schema of experiment files: what it takes, what it refuses, what an editor can offer, that it is current."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sklearn
from click.testing import CliRunner
from jsonschema import Draft7Validator, Draft202012Validator
from sklearn.utils._param_validation import generate_valid_param, make_constraint
from sklearn.utils.discovery import all_estimators

from baking import PROJECT, BakedProject
from expfw.cli.schema import write_schema
from expfw.config.keys import KEYS, STEPS
from expfw.construct.catalogue import docs_of, library
from expfw.construct.find import Components
from expfw.construct.schema import experiment_schema
from expfw.construct.schema_file import FILE, check_schema, differences, project_schema, save_schema, schema_text
from expfw.construct.schema_types import SENTINELS, from_constraints, from_hint, from_words, is_json
from expfw.construct.signature import configurable, services_of, signature_of
from expfw.errors import ExpfwError

Schema = dict[str, Any]
SHIPPED = sorted([*(PROJECT / "config/experiments").glob("*.json"), *(PROJECT / "config/smoke").glob("*.json")])
BAD = sorted((Path(__file__).parent / "bad_experiments").glob("*.json"))
FOREST = "sklearn.ensemble.RandomForestClassifier"
FOLDS = {"type": "sklearn.model_selection.KFold"}
ALONE = {"data_source": {"type": "SklearnDataset", "params": {"name": "iris"}}, "resampling": FOLDS}
REFRESH = (
    "bake a project, run 'kedro experiment schema' in it, copy its config/experiment.schema.json into the template"
)


@pytest.fixture(scope="module")
def project(default_project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BakedProject]:
    """A fresh project of these tests' own, its package importable."""
    path = tmp_path_factory.mktemp("schema") / "project"
    shutil.copytree(default_project.path, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path / "src")
        yield BakedProject(path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "ml_experiments"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def schema(project: BakedProject) -> Schema:
    return project_schema(project.path, "ml_experiments")


@pytest.fixture(scope="module")
def errors(schema: Schema) -> Callable[[Any], list[str]]:
    """Messages of a plain validator."""
    validator = Draft202012Validator(schema)
    return lambda experiment: [error.message for error in validator.iter_errors(experiment)]


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_templates_schema_is_current(schema: Schema) -> None:
    written = read(PROJECT / FILE)
    assert differences(written, schema) == [], REFRESH
    if written["x-generated-with"] == {"sklearn": sklearn.__version__}:
        assert (PROJECT / FILE).read_text(encoding="utf-8") == schema_text(schema), REFRESH


def test_a_plain_validator_takes_the_schema_as_both_of_its_drafts(schema: Schema) -> None:
    Draft202012Validator.check_schema(schema)
    Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_experiment_is_accepted(file: Path, errors: Callable[[Any], list[str]]) -> None:
    assert errors(read(file)) == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_experiment_is_refused(file: Path, schema: Schema, errors: Callable[[Any], list[str]]) -> None:
    assert errors(read(file)) != []
    assert not Draft7Validator(schema).is_valid(read(file))


def test_the_bad_experiments_are_many_and_sound_but_for_one_thing(errors: Callable[[Any], list[str]]) -> None:
    assert len(BAD) >= 15
    sound = {
        **ALONE,
        "model": {"type": FOREST, "params": {"n_estimators": 200}},
        "features": {"type": "TabularFeatures"},
    }
    assert errors(sound) == []
    assert [file.stem for file in BAD if len(top_level_keys_at_fault(errors, read(file), sound)) > 1] == []


def top_level_keys_at_fault(errors: Callable[[Any], list[str]], bad: Any, sound: Any) -> set[str]:
    """Keys that are refused in a sound experiment, each on its own; no two of them in one bad file."""
    if "extends" in bad and isinstance(bad["extends"], str):
        return set()
    alone = {key: value for key, value in bad.items() if key not in ("holdout", "resampling")}
    return {key for key, value in alone.items() if errors({**sound, key: value})}


@pytest.mark.parametrize(
    "part",
    [
        {"model": {"params": {"n_estimators": 5}}},
        {"model": {"type": FOREST}},
        {"data_source": {"type": "CsvFile", "params": {"path": "other.csv"}}},
        {"holdout": {"type": "LastRows"}},
        {"features": None},
        {"resampling": None},
        {"model": {"type": "sklearn.model_selection.GridSearchCV", "params": {"estimator": {"params": {"C": 3}}}}},
        {},
    ],
    ids=json.dumps,
)
def test_what_an_extending_file_leaves_out_is_not_missed(part: Any, errors: Callable[[Any], list[str]]) -> None:
    assert errors({"extends": "iris_logistic", **part}) == []


@pytest.mark.parametrize("key", [key for key, step in STEPS.items() if not step.several])
def test_an_earlier_experiments_output_can_stand_at_every_step(key: str, errors: Callable[[Any], list[str]]) -> None:
    sound = {**ALONE, "model": {"type": "MajorityOrMean"}}
    assert errors({**sound, key: {"from_experiment": 12}}) == []
    assert errors({**sound, key: {"from_experiment": "12"}}) != []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", {"type": "ml_experiments.components.model.MyModel", "params": {"anything": 1}}),
        ("model", {"type": "expfw.components.model.MajorityOrMean"}),
        ("metrics", ["accuracy", {"type": "sklearn.metrics.fbeta_score", "params": {"beta": 2}}, {"type": "MyMetric"}]),
        ("resampling", {"type": "sklearn.model_selection.KFold", "params": {"random_state": None, "shuffle": False}}),
        ("features", {"type": "sklearn.preprocessing.MinMaxScaler", "params": {"feature_range": [0, 2]}}),
        ("features", {"type": "sklearn.feature_selection.SelectKBest", "params": {"k": "all"}}),
        (
            "features",
            {
                "type": "sklearn.feature_selection.SelectKBest",
                "params": {"score_func": {"type": "sklearn.feature_selection.chi2"}},
            },
        ),
        (
            "model",
            {
                "type": "sklearn.gaussian_process.GaussianProcessRegressor",
                "params": {"kernel": {"type": "sklearn.gaussian_process.kernels.RBF", "params": {"length_scale": 2}}},
            },
        ),
        (
            "model",
            {
                "type": "sklearn.neighbors.KNeighborsClassifier",
                "params": {"metric": {"type": "sklearn.metrics.pairwise.haversine_distances"}},
            },
        ),
        ("model", {"type": FOREST, "params": {"max_features": 0.5, "class_weight": {"a": 2}, "n_jobs": -1}}),
        ("defaults", {"random_state": 1, "n_jobs": None, "max_iter": 10}),
    ],
)
def test_what_the_framework_takes_is_accepted(key: str, value: Any, errors: Callable[[Any], list[str]]) -> None:
    assert errors({**ALONE, "model": {"type": "MajorityOrMean"}, key: value}) == []


def offered(schema: Schema, kind: str, name: str) -> Mapping[str, Schema]:
    """The parameters that an editor offers once the ``type`` is chosen: what the branch for it leads to."""
    for source in resolve(schema, {"$ref": f"#/$defs/all:params:{kind}"})["allOf"]:
        for branch in resolve(schema, source).get("allOf", []):
            if branch["if"]["properties"]["type"]["const"] == name:
                properties: Mapping[str, Schema] = resolve(schema, branch["then"]["properties"]["params"])["properties"]
                return properties
    return {}


def names(schema: Schema, kind: str) -> list[str]:
    """The names that an editor offers for ``type``."""
    choices = [resolve(schema, one) for one in schema["$defs"][f"all:type:{kind}"]["anyOf"]]
    return [name for choice in choices for name in choice.get("enum", [])]


def resolve(schema: Schema, part: Schema) -> Schema:
    found: Schema = schema["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else part
    return found


def test_for_a_chosen_type_its_parameters_are_offered_with_text_and_default(schema: Schema) -> None:
    parameters = offered(schema, "model", FOREST)
    signature = signature_of(sklearn.ensemble.RandomForestClassifier)
    assert signature is not None
    assert set(parameters) == set(signature.parameters)
    assert all(one["description"] and "default" in one for one in parameters.values())
    assert parameters["criterion"]["enum"] == ["entropy", "gini", "log_loss"]
    assert parameters["n_estimators"] == {
        "type": "integer",
        "minimum": 1,
        "default": 100,
        "description": "The number of trees in the forest.",
    }


def test_a_step_offers_what_fits_and_nothing_else(schema: Schema) -> None:
    assert {"MyModel", "MajorityOrMean", FOREST} <= set(names(schema, "model"))
    assert {"MySplitter", "LastRows", "sklearn.model_selection.GroupKFold"} <= set(names(schema, "splitter"))
    assert not {"MyFeatures", "sklearn.preprocessing.StandardScaler"} & set(names(schema, "model"))
    assert all(not name.startswith("sklearn.") for name in names(schema, "reports"))
    assert "accuracy" in schema["$defs"]["sklearn:scorers"]["enum"]


def test_each_name_comes_with_what_it_is(schema: Schema) -> None:
    choices = schema["$defs"]["sklearn:type:model"]
    assert len(choices["enum"]) == len(choices["enumDescriptions"])
    assert "" not in choices["enumDescriptions"]
    described = {name: one["description"] for name, one in choices["x-intellij-enum-metadata"].items()}
    assert described == dict(zip(choices["enum"], choices["enumDescriptions"], strict=True))


def test_a_misspelt_parameter_is_refused_only_of_a_class_that_is_known(errors: Callable[[Any], list[str]]) -> None:
    def with_model(name: str) -> Any:
        return {**ALONE, "model": {"type": name, "params": {"n_estimator": 3}}}

    (message,) = errors(with_model(FOREST))
    assert "'n_estimator' was unexpected" in message
    assert errors(with_model("ml_experiments.components.forests.MyForest")) == []


def test_every_key_of_an_experiment_file_is_described(schema: Schema) -> None:
    assert set(schema["properties"]) == set(KEYS)
    for key, part in schema["properties"].items():
        assert resolve(schema, part)["description"], key


def test_every_name_is_one_that_the_project_can_build(schema: Schema) -> None:
    components = Components("ml_experiments", ("sklearn",))
    for step in STEPS.values():
        for name in names(schema, step.module):
            assert callable(components.find(name, step)), name
    for name in names(schema, "any"):
        if "." in name:
            assert callable(components.resolve(name)), name


def test_every_estimator_of_scikit_learn_is_listed(schema: Schema) -> None:
    found = {path.rpartition(".")[2] for path in names(schema, "estimator")}
    experimental = {"HalvingGridSearchCV", "HalvingRandomSearchCV", "IterativeImputer"}
    assert {name for name, _ in all_estimators()} - experimental - found == set()


def test_a_default_satisfies_its_own_schema(schema: Schema) -> None:
    validator = Draft202012Validator(schema)
    unfit = [
        f"{key} {name}"
        for key, part in schema["$defs"].items()
        if ":class:" in key
        for name, one in part.get("properties", {}).items()
        if "default" in one and not validator.evolve(schema={**one, "$defs": schema["$defs"]}).is_valid(one["default"])
    ]
    # scikit-learn's own slip: the default stands for "not given", which is refused.
    assert set(unfit) <= {"sklearn:class:sklearn.semi_supervised.SelfTrainingClassifier estimator"}


def test_what_scikit_learns_constraints_admit_is_admitted(schema: Schema) -> None:
    for name, estimator in all_estimators():
        for parameter, constraints in getattr(estimator, "_parameter_constraints", {}).items():
            if constraints == "no_validation":
                continue
            part = {**from_constraints(constraints), "$defs": schema["$defs"]}
            for value in json_values(constraints):
                assert Draft202012Validator(part).is_valid(value), f"{name}.{parameter}: {value!r}"


def json_values(constraints: list[Any]) -> Iterator[Any]:
    """A value for each constraint that JSON can say."""
    for constraint in map(make_constraint, constraints):
        try:
            value = generate_valid_param(constraint)
        except (TypeError, ValueError):  # scikit-learn has no example for it
            continue
        if is_json(value) and str(value) not in SENTINELS and constraint.is_satisfied_by(value):
            yield value


def test_services_are_left_out(schema: Schema) -> None:
    for step in STEPS.values():
        for name in names(schema, step.module):
            target = Components("ml_experiments", ("sklearn",)).find(name, step)
            assert not set(services_of(target)) & set(offered(schema, step.module, name))
    assert list(offered(schema, "reports", "MyReport")) == ["rows"]


def write_package(folder: Path, name: str, **modules: str) -> None:
    """A package with modules; a double underscore in a module's name stands for a dot."""
    for module, text in {"__init__": "", **modules}.items():
        path = (
            folder / name / module.replace("__", "/") if module != "__init__" else folder / name / module
        ).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        (path.parent / "__init__.py").touch()


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes packages that can be imported for the time of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield lambda name, **modules: write_package(tmp_path, name, **modules)
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("study", "boosting"):
            del sys.modules[name]


OWN_MODEL = '''
from typing import Literal
from expfw.interfaces import Model, Splitter

class Stack:
    """A stack of models.

    Args:
        inner: the models below.
        cv: how they are cross-validated.
        depth: how deep. Not too deep.
        how: the way.
        weights: one for each.
        random_state: seed.
    """

    def __init__(self, inner: list[Model], cv: Splitter | None, depth: int, how: Literal["a", "b"] = "a",
                 weights: dict[str, float] | None = None, *, random_state: int) -> None: ...
    def fit(self, X, y=None): ...
    def predict(self, X): ...
'''


def test_hints_and_docstring_of_the_users_class_are_in_it(packages: Callable[..., None]) -> None:
    packages("study", components__model=OWN_MODEL, networks="raise SystemExit('not to be imported')")
    schema = experiment_schema(Components("study", ()), {})
    assert offered(schema, "model", "Stack") == {
        "inner": {"type": "array", "items": {"$ref": "#/$defs/all:entry:model"}, "description": "the models below."},
        "cv": {
            "anyOf": [{"type": "null"}, {"$ref": "#/$defs/all:component:splitter"}],
            "description": "how they are cross-validated.",
        },
        "depth": {"type": "integer", "description": "how deep. Not too deep."},
        "how": {"enum": ["a", "b"], "default": "a", "description": "the way."},
        "weights": {
            "type": ["object", "null"],
            "additionalProperties": {"type": "number"},
            "default": None,
            "description": "one for each.",
        },
        "random_state": {"type": "integer", "description": "seed."},
    }
    is_valid = Draft202012Validator(schema).is_valid
    inner = {"type": "MajorityOrMean"}
    stack: Any = {"type": "Stack", "params": {"inner": [inner], "cv": None, "depth": 1}}
    sound = {**ALONE, "resampling": {"type": "Bootstrap"}, "model": stack}
    assert is_valid(sound)
    assert not is_valid({**sound, "model": {"type": "Stack", "params": {"inner": [inner], "cv": None}}})
    assert not is_valid({**sound, "model": {**stack, "params": {**stack["params"], "inner": [{"type": "Bootstrap"}]}}})
    assert is_valid({**sound, "model": {"type": "study.networks.Deep", "params": {"anything": 1}}})
    assert not is_valid({**sound, "model": {"type": "study.settings.Deep"}})


def test_what_config_base_gives_is_not_missed() -> None:
    base = {"model": {"type": "MajorityOrMean"}, "resampling": FOLDS, "defaults": {"test_size": 3}}
    schema = experiment_schema(Components("", ("sklearn",)), base)
    experiment = {"data_source": ALONE["data_source"], "holdout": {"type": "LastRows"}, "model": {"params": {}}}
    assert Draft202012Validator(schema).is_valid(experiment)
    assert not Draft202012Validator(experiment_schema(Components("", ("sklearn",)), {})).is_valid(experiment)


def test_config_local_has_no_say(project: BakedProject, schema: Schema) -> None:
    local = project.path / "config" / "local" / "parameters.yml"
    local.write_text("model: {type: MajorityOrMean}\n", encoding="utf-8")
    try:
        assert differences(project_schema(project.path, "ml_experiments"), schema, strict=True) == []
    finally:
        local.unlink()


def test_another_library_that_is_allowed_is_listed_with_its_public_classes(packages: Callable[..., None]) -> None:
    classes = "class Boost:\n  def __init__(self, rounds: int = 1, **more): ...\n  def fit(self, X, y=None): ...\n"
    classes += "  def predict(self, X): ...\n__version__ = '7.1'\nclass _Hidden: ...\n"
    packages("boosting", dask="", _private="")
    package = Path(sys.path[0]) / "boosting" / "__init__.py"
    package.write_text(classes, encoding="utf-8")
    schema = experiment_schema(Components("", ("boosting",)), {})
    assert schema["x-generated-with"] == {"boosting": "7.1", "sklearn": sklearn.__version__}
    assert schema["$defs"]["boosting:type:any"]["enum"] == ["boosting.Boost"]
    is_valid = Draft202012Validator(schema).is_valid

    def with_model(name: str, **params: Any) -> bool:
        return bool(is_valid({**ALONE, "resampling": {"type": "Bootstrap"}, "model": {"type": name, "params": params}}))

    assert with_model("boosting.Boost", rounds=3, what_keywords_take=1)
    assert not with_model("boosting.Boost", rounds="many")
    assert not with_model("boosting.Bost")
    assert with_model("boosting.dask.DaskBoost", anything=1)
    assert not with_model("boosting._private.Boost")
    assert not with_model(FOREST)


def test_a_library_that_is_not_installed_is_not_checked() -> None:
    assert library("no_such_library").version is None
    schema = experiment_schema(Components("", ("no_such_library", "sklearn")), {})
    experiment = {**ALONE, "model": {"type": "no_such_library.Model", "params": {"a": 1}}}
    assert Draft202012Validator(schema).is_valid(experiment)


def test_a_new_release_of_a_library_does_not_make_it_stale_but_a_change_of_ones_own_does(schema: Schema) -> None:
    older = json.loads(schema_text(schema))
    older["x-generated-with"]["sklearn"] = "1.0"
    older["$defs"]["sklearn:class:sklearn.svm.SVC"] = {}
    del older["$defs"]["sklearn:class:sklearn.svm.NuSVC"]
    assert differences(older, schema) == []
    older["$defs"]["own:class:model.MyModel"] = {}
    assert differences(older, schema) == ["own:class:model.MyModel"]


def test_a_change_in_a_library_of_the_same_version_makes_it_stale(schema: Schema) -> None:
    older = json.loads(schema_text(schema))
    older["$defs"]["sklearn:class:sklearn.svm.SVC"] = {}
    assert differences(older, schema) == ["sklearn:class:sklearn.svm.SVC"]


def test_it_is_small_quick_and_the_same_each_time(project: BakedProject, schema: Schema) -> None:
    docs_of.cache_clear()
    start = time.perf_counter()
    again = schema_text(project_schema(project.path, "ml_experiments"))
    seconds = time.perf_counter() - start
    assert again == schema_text(schema)
    assert seconds < 2
    assert len(again.encode()) < 2_000_000


def test_it_says_nothing_of_the_project_or_the_machine(project: BakedProject, schema: Schema) -> None:
    text = schema_text(schema)
    assert "ml_experiments" not in text
    assert str(Path.home()) not in text
    assert str(project.path) not in text


def test_the_command_writes_it_and_check_compares(project: BakedProject) -> None:
    metadata = SimpleNamespace(project_path=project.path, package_name="ml_experiments")

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(write_schema, arguments, obj=metadata)
        return result.exit_code, result.output

    file = project.path / FILE
    file.unlink(missing_ok=True)
    assert run("--check") == (1, f"Error: {FILE}: is missing; write it anew: kedro experiment schema\n")
    code, output = run()
    assert (code, output.startswith(f"wrote {FILE}: parameters of ")) == (0, True)
    assert run("--check") == (0, f"{FILE} is current\n")
    file.write_text(
        file.read_text(encoding="utf-8").replace("own:class:model.MyModel", "own:class:model.X"), encoding="utf-8"
    )
    code, output = run("--check")
    assert code == 1
    assert f"{FILE}: is not current; it differs in own:class:model.MyModel, own:class:model.X" in output
    assert "write it anew: kedro experiment schema" in output
    file.write_text("{", encoding="utf-8")
    assert run("--check")[0] == 1


def test_a_module_of_the_user_that_cannot_be_imported_is_named(packages: Callable[..., None], tmp_path: Path) -> None:
    packages("study", components__model="def fit(:\n")
    with pytest.raises(ExpfwError, match=r"module 'study\.components\.model' cannot be imported: SyntaxError"):
        save_schema(tmp_path, "study")
    with pytest.raises(ExpfwError, match="is missing"):
        check_schema(tmp_path, "study")


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (int | float, {"type": "number"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, str], {"type": "array", "items": {"type": ["integer", "string"]}, "minItems": 2, "maxItems": 2}),
        (Path, {"type": "string"}),
        (Any, {}),
        ("not resolved", {}),
        (Callable[..., Any], {"$ref": "#/$defs/all:component:any"}),
    ],
    ids=str,
)
def test_hints(hint: Any, expected: Schema) -> None:
    assert from_hint(hint) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("int, default=5", {"type": "integer"}),
        ("float or ndarray of shape (n_features,), default=1.0", {"type": ["number", "array"]}),
        ("{‘a’, ‘b’} or None", {"enum": ["a", "b", None]}),
        ("estimator object", {}),
        ("", {}),
    ],
)
def test_types_in_words(words: str, expected: Schema) -> None:
    assert from_words(words) == expected


def test_parameters_that_a_configuration_cannot_give_are_not_offered() -> None:
    schema = experiment_schema(Components("", ("sklearn",)), {})
    parameters = offered(schema, "metrics", "sklearn.metrics.fbeta_score")
    signature = signature_of(sklearn.metrics.fbeta_score)
    assert signature is not None
    assert set(parameters) == configurable(signature, {}) - {"y_true", "y_pred"}
