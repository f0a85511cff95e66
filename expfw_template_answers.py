"""Checks the answers to the template's questions, and keeps them data.

Cookiecutter loads this module into its Jinja environment (``_extensions`` in ``cookiecutter.json``), and so does Kedro,
which calls Cookiecutter. A hook would come too late: Cookiecutter renders an answer given with ``--no-input`` or in a
file as a Jinja template, and creates the project's folder, before the first hook runs. Here

- an answer with a Jinja tag is refused instead of rendered,
- every answer is checked before anything is created, so a refused one leaves nothing behind,
- the two derived defaults are words that both roads can show ("project name with hyphens"), as Kedro shows a default
  as it stands in ``cookiecutter.json``.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify

QUESTIONS = ("project_name", "repo_name", "python_package", "description")

DERIVED = {
    "project name with hyphens": "{{ cookiecutter | repo_name }}",
    "project name with underscores": "{{ cookiecutter | python_package }}",
}

TAG = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")

ACCEPTED = "{{ cookiecutter | accepted }}"
"""The one default in ``cookiecutter.json`` that is a tag: it runs the checks after the last question."""

FOLDER_TAG = re.compile(r"\{\{cookiecutter\.(?:repo_name|python_package)\}\}")
"""The tags in the names of the template's folders."""

PROJECT_NAMES = frozenset({"config", "expfw", "result", "src", "tests"})
"""Names of the project's own folders and modules."""

MODULE_NAMES = frozenset(
    """
    _pytest _yaml aiofiles alembic annotated_doc annotated_types antlr4 anyio appdirs arrow ast_serialize asttokens attr
    attrs autogluon binaryornot bokeh boto3 bson build bumpversion cachetools catboost certifi cffi chardet
    charset_normalizer click click_default_group cloudpickle colorama colorlog cookiecutter coverage cpuinfo cruft
    cryptography cv2 cycler cython dask datasets dateutil dbos decorator diffusers distributed django dns docker
    docopt
    docstring_parser docutils duckdb dynaconf evidently execnet executing fastapi fastjsonschema filelock flask
    flax fsspec
    gensim git gitdb google great_expectations greenlet gridfs grimp h11 h5py httpcore httptools httpx
    huggingface_hub hydra hypothesis idna imblearn importlib_metadata importlib_resources importlinter iniconfig
    ipykernel IPython ipywidgets jax jaxlib jedi jinja2 joblib jsonpickle jsonschema jupyter jupyterlab jwt kedro
    kedro_boot kedro_datasets kedro_datasets_benchmarks kedro_datasets_experimental kedro_mlflow kedro_telemetry
    kedro_viz keras lazy_importer lazy_loader librt lightgbm lightning locket loguru lxml mako markdown markdown_it
    markupsafe
    matplotlib matplotlib_inline mdurl mlflow mlxtend more_itertools mpmath msgpack munch mypy mypy_extensions mypyc
    narwhals nbformat networkx nltk notebook numba numpy omegaconf onnx onnxruntime openai openml openpyxl
    opentelemetry optuna orjson packaging pandas parse parso partd pathspec patsy peewee pexpect pickleshare pil pip
    pkg_resources platformdirs plotly pluggy polars prefect prompt_toolkit prophet psutil psycopg2 ptyprocess
    pure_eval py pyarrow pydantic pydantic_core pygments pylab pymongo pynndescent pyparsing pyproject_hooks pyspark
    pytest pytest_cov pytorch_lightning pytz ray redis referencing regex requests rich rpds ruff s3fs sacred
    scikitplot scipy seaborn secure sentence_transformers setuptools shap shellingham six skimage sklearn skopt
    skore slugify smmap sniffio sortedcontainers spacy sqlalchemy stack_data starlette statsmodels streamlit sympy
    tables tblib tensorboard tensorflow text_unidecode threadpoolctl tlz tokenizers toml tomli tomli_w tomlkit toolz
    torch torchvision tornado tqdm traitlets transformers trio typeguard typer typing_extensions typing_inspection
    tzdata tzlocal umap urllib3 uv uvicorn uvloop vendor_licenses venv virtualenv wandb watchdog watchfiles wcwidth
    websockets werkzeug wheel wrapt xarray xdist xgboost yaml yarl zict zipp zmq zstandard
    """.split()
)
"""Import names of the project's dependencies, their dependencies, and well-known packages in this field."""

DISTRIBUTION_NAMES = frozenset(
    """
    antlr4_python3_runtime attrs dnspython docopt_ng gitpython imbalanced_learn ipython jinja2 kedro_viz markdown_it_py
    markupsafe opencv_python opentelemetry_api pandas_stubs pillow prompt_toolkit py_cpuinfo pytest_xdist pygments
    python_dateutil python_slugify pyyaml scikit_image scikit_learn sqlalchemy types_pyyaml umap_learn werkzeug
    """.split()
)
"""Names of distributions whose import name is another: the project's own distribution is named like its package."""

DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
"""Names that no file or folder can have on Windows."""

RESERVED = frozenset(
    name.lower() for name in {*PROJECT_NAMES, *MODULE_NAMES, *DISTRIBUTION_NAMES, *sys.stdlib_module_names, "test"}
)


ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER = "\u200c", "\u200d"
"""Format characters that some scripts, and emoji, need."""


def has_text(answer: object) -> str:
    """Refuse what is not text or is empty."""
    if not isinstance(answer, str):
        return f"must be text, not {answer!r}"
    return "" if answer.strip() else "must not be empty"


def has_no_control_character(answer: str) -> str:
    """Refuse line breaks, control characters, halves of surrogate pairs and characters that turn the reading order."""
    visible = answer.replace(ZERO_WIDTH_JOINER, "").replace(ZERO_WIDTH_NON_JOINER, "")
    wrong = [char for char in visible if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    return f"must be one line without control characters; it holds {wrong[0]!a}" if wrong else ""


def has_no_tag(answer: str) -> str:
    """Refuse Jinja tags."""
    tag = TAG.search(answer)
    return f"must not hold '{tag.group()}', which marks a Jinja tag" if tag else ""


def is_at_most(limit: int) -> Callable[[str], str]:
    """Refuse more than ``limit`` characters."""
    return lambda answer: f"has {len(answer)} characters; {limit} are allowed" if len(answer) > limit else ""


def is_folder_name(answer: str) -> str:
    """Refuse what is no plain folder name on every system."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_-])?", answer):
        return (
            "must be one folder: ASCII letters, digits, hyphens, dots and underscores, "
            "a letter or a digit first, no dot last"
        )
    device = answer.lower().partition(".")[0] in DEVICES
    return f"is the name of a device on Windows; choose another, for example {answer}-project" if device else ""


def is_package_name(answer: str) -> str:
    """Refuse what is no lower-case identifier, or not allowed as a distribution's name."""
    if re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", answer):
        return ""
    return (
        "must be a Python name of lower-case ASCII letters, digits and underscores, "
        "a letter first, no underscore last; for example churn_study"
    )


def is_free_name(answer: str) -> str:
    """Refuse names that already mean something to Python or to the project."""
    if keyword.iskeyword(answer) or keyword.issoftkeyword(answer):
        return f"is a keyword of Python; choose another, for example {answer}_project"
    if answer in PROJECT_NAMES:
        return f"is a name that the project itself uses; choose another, for example {answer}_project"
    if answer in DEVICES:
        return f"is the name of a device on Windows; choose another, for example {answer}_project"
    if answer in RESERVED:
        return f"would hide the module or package of that name; choose another, for example {answer}_project"
    return ""


VALIDATORS: dict[str, tuple[Callable[[str], str], ...]] = {
    "project_name": (has_no_control_character, has_no_tag, is_at_most(80)),
    "repo_name": (has_no_control_character, has_no_tag, is_at_most(80), is_folder_name),
    "python_package": (has_no_control_character, has_no_tag, is_at_most(50), is_package_name, is_free_name),
    "description": (has_no_control_character, has_no_tag, is_at_most(200)),
}
"""What each answer must satisfy, after :func:`has_text`. A validator returns a sentence's end, or nothing."""


def fault_of(question: str, answer: Any) -> str:
    """The first thing that is wrong with one answer, as a sentence; empty if there is none.

    Example:
        >>> fault_of("python_package", "json")
        "python_package 'json' would hide the module or package of that name; choose another, for example json_project."
        >>> fault_of("python_package", "churn_study")
        ''
    """
    fault = has_text(answer) or next(filter(None, (check(answer) for check in VALIDATORS[question])), "")
    shown = answer if isinstance(answer, str) and len(answer) <= 80 else "(too long to show)"
    return f"{question} {shown!a} {fault}." if fault else ""


def refusal(faults: Sequence[str]) -> FailedHookException:
    """What Cookiecutter and Kedro show as a message, without a traceback."""
    return FailedHookException("\n".join(["No project was created:", *filter(None, faults)]))


def tag_fault(source: str) -> str:
    """The sentence about an answer that would be rendered."""
    return f"the answer {source!a} {has_no_tag(source)}."


def repo_name(answers: Mapping[str, Any]) -> str:
    """The default repository name.

    Example:
        >>> repo_name({"project_name": "Größe & Gewicht"})
        'grosse-gewicht'
    """
    name = slugify(str(answers.get("project_name", "")), max_length=70) or "experiments"
    return f"{name}-project" if is_folder_name(name) else name


def python_package(answers: Mapping[str, Any]) -> str:
    """The default package name; a derived name is altered until it is allowed.

    Example:
        >>> python_package({"project_name": "JSON"}), python_package({"project_name": "2024 Churn"})
        ('json_project', 'project_2024_churn')
    """
    name = slugify(str(answers.get("project_name", "")), separator="_", max_length=40)
    name = name if name[:1].isalpha() else f"project_{name}".rstrip("_")
    return f"{name}_project" if is_free_name(name) else name


def toml_text(answer: str) -> str:
    r"""An answer as the inside of a TOML string. JSON's escapes are TOML's, but for characters escaped as two halves.

    Example:
        >>> print(toml_text('a "b" c'))
        a \"b\" c
    """
    return json.dumps(answer, ensure_ascii=False)[1:-1]


def markdown_text(answer: str) -> str:
    r"""An answer as Markdown that shows it as it was given.

    Example:
        >>> print(markdown_text("a*b <c>"))
        a\*b \<c\>
    """
    return re.sub(r"([\\`*_\[\]<>&#|~$!])", r"\\\1", answer)


class Answers(Extension):
    """Cookiecutter's Jinja environment, with the filters of this module, and with answers kept data.

    Cookiecutter makes one environment to ask the questions and another one to generate the project. In both, a source
    without a name is an answer, a default or a folder's name; files have a name.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.tagged: list[str] = []
        filters = (self.accepted, repo_name, python_package, toml_text, markdown_text)
        environment.filters.update({function.__name__: function for function in filters})

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Refuse a tag in a source without a name, unless it is one of the template's own.

        Raises:
            FailedHookException: if an answer holds a tag.
        """
        if name is not None or source == ACCEPTED:
            return source
        if TAG.search(FOLDER_TAG.sub("", source)):
            raise refusal([tag_fault(source)])
        if TAG.search(source):
            self.tagged.append(source)
        return DERIVED.get(source, source)

    def accepted(self, answers: Mapping[str, Any]) -> str:
        """Refuse the project if an answer is refused. No folder has been named so far: a tag seen is an answer's.

        Raises:
            FailedHookException: with one sentence per refused answer.
        """
        faults = [tag_fault(source) for source in self.tagged]
        faults += [fault_of(question, answers.get(question)) for question in QUESTIONS]
        if any(faults):
            raise refusal(faults)
        return "yes"
