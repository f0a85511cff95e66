"""Answers are data: refused with a sentence, or harmless, and never executed."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import keyword
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cookiecutter.exceptions import CookiecutterException, FailedHookException
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from baking import PROJECT, TEMPLATE, Bake
from expfw_template_answers import QUESTIONS, RESERVED, fault_of, markdown_text, python_package, repo_name

HARMLESS = {
    "quotes": "It's \"quoted\" and 'quoted' and '''more''' and \"\"\"more\"\"\"",
    "backslashes": r"C:\new\table \" \\ \u0041",
    "braces": "{curly} {0} %(percent)s ${HOME} $(id) `id`",
    "unicode": "Größe – 日本語 – हिन्दी – 👩‍🔬 – نمونه",
    "markup": "<script>alert(1)</script> & <!-- # not a heading --> [link](x) | cell |",
    "toml": "x\" # comment = [1] '",
    "shell": "; rm -rf / && echo $PATH",
}

REFUSED = {
    "empty": ("project_name", "   ", "must not be empty"),
    "line break": ("description", "one\ntwo", "one line"),
    "control character": ("project_name", "a\x1b[31mb", "control characters"),
    "right-to-left override": ("description", "a\u202eb", "control characters"),
    "long name": ("project_name", "x" * 81, "80 are allowed"),
    "long description": ("description", "x" * 201, "200 are allowed"),
    "no text": ("description", None, "must be text"),
    "path": ("repo_name", "a/b/c", "one folder"),
    "parent": ("repo_name", "../elsewhere", "one folder"),
    "dots": ("repo_name", "..", "one folder"),
    "absolute": ("repo_name", "/tmp/elsewhere", "one folder"),
    "backslash": ("repo_name", "a\\b", "one folder"),
    "hidden": ("repo_name", ".git", "one folder"),
    "device": ("repo_name", "con", "device"),
    "device with an ending": ("repo_name", "AUX.txt", "device"),
    "package named like a device": ("python_package", "nul", "device"),
    "space": ("repo_name", "my repo", "one folder"),
    "long folder": ("repo_name", "x" * 81, "80 are allowed"),
    "empty folder": ("repo_name", "", "must not be empty"),
    "keyword": ("python_package", "class", "keyword"),
    "soft keyword": ("python_package", "match", "keyword"),
    "constant": ("python_package", "None", "lower-case"),
    "standard library": ("python_package", "json", "would hide"),
    "dependency": ("python_package", "sklearn", "would hide"),
    "distribution": ("python_package", "scikit_learn", "would hide"),
    "framework": ("python_package", "expfw", "the project itself"),
    "tests": ("python_package", "tests", "the project itself"),
    "config": ("python_package", "config", "the project itself"),
    "hyphen": ("python_package", "my-package", "lower-case"),
    "digit first": ("python_package", "1st", "lower-case"),
    "dotted": ("python_package", "a.b", "lower-case"),
    "unicode package": ("python_package", "größe", "lower-case"),
    "code": ("python_package", "x; import os", "lower-case"),
    "long package": ("python_package", "x" * 51, "50 are allowed"),
}

TAGGED = [
    "{{ 7 * 7 }}",
    "{{cookiecutter.python_package}}",
    "{{cookiecutter.repo_name}}",
    "{{ cookiecutter | accepted }}",
    "{% set x = 1 %}",
    "{# comment #}",
    "{{ cookiecutter.__class__.__mro__ }}",
    "{{ lipsum.__globals__['os'].system('touch executed') }}",
    "}}",
]


@pytest.mark.parametrize("question", ["project_name", "description"])
@pytest.mark.parametrize("answer", HARMLESS.values(), ids=HARMLESS)
def test_a_hostile_answer_arrives_as_it_was_given(bake: Bake, question: str, answer: str) -> None:
    names = {"repo_name": "study", "python_package": "study"}
    project = bake(**{**names, question: answer})
    settings = tomllib.loads((project.path / "pyproject.toml").read_text(encoding="utf-8"))
    arrived = {
        "project_name": settings["tool"]["kedro"]["project_name"],
        "description": settings["project"]["description"],
    }
    assert arrived[question] == answer
    assert markdown_text(answer) in (project.path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("question", "answer", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_refused_answer_gets_a_sentence_and_leaves_nothing(
    bake: Bake, tmp_path: Path, question: str, answer: object, sentence: str
) -> None:
    with pytest.raises(FailedHookException) as error:
        bake(**{question: answer})
    assert question in str(error.value)
    assert sentence in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", TAGGED)
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_is_never_rendered(
    bake: Bake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, answer: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CookiecutterException):
        bake(**{question: answer})
    assert list(tmp_path.iterdir()) == []


def test_all_refused_answers_are_told_at_once(bake: Bake) -> None:
    with pytest.raises(FailedHookException) as error:
        bake(repo_name="a/b", python_package="json", description="")
    assert all(question in str(error.value) for question in ("repo_name", "python_package", "description"))


@pytest.mark.parametrize("answer", ["json", "sklearn", "{{ 7 * 7 }}"])
def test_cookiecutter_shows_the_sentence_without_a_traceback(template: Path, tmp_path: Path, answer: str) -> None:
    command = ["cookiecutter", "--no-input", str(template), f"python_package={answer}"]
    result = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert answer in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", ["sklearn", "{{ 7 * 7 }}", "x/../y"])
def test_kedro_shows_the_sentence_without_a_traceback(template: Path, tmp_path: Path, answer: str) -> None:
    answers = {"project_name": "Study", "repo_name": "study", "python_package": answer, "description": "x"}
    (tmp_path / "answers.yml").write_text(yaml.safe_dump(answers), encoding="utf-8")
    command = ["kedro", "new", f"--starter={template}", "--config=answers.yml"]
    result = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode != 0
    assert answer in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["answers.yml"]


@settings(deadline=None)
@given(name=st.text(max_size=100))
@example(name="Con")
@example(name="COM0")
@example(name="Types PyYAML")
@example(name="")
@example(name="2024")
def test_derived_names_are_accepted(name: str) -> None:
    answers = {"project_name": name}
    assert fault_of("repo_name", repo_name(answers)) == ""
    assert fault_of("python_package", python_package(answers)) == ""


@pytest.mark.parametrize("name", sorted({*keyword.kwlist, *sys.stdlib_module_names}))
def test_names_of_python_are_refused(name: str) -> None:
    assert fault_of("python_package", name)


def test_names_of_the_dependencies_are_refused() -> None:
    """Whatever the project installs, directly or not: both its import names and its distributions' names."""
    installed = {canonicalize_name(requirement.name) for requirement in requirements()}
    modules = {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if {canonicalize_name(owner) for owner in owners} & installed and re.fullmatch(r"[a-z]\w*", module)
    }
    names = {name.replace("-", "_") for name in installed} | modules
    assert sorted(name for name in names if name.lower() not in RESERVED and not fault_of("python_package", name)) == []


def requirements() -> Iterator[Requirement]:
    """The project's requirements and theirs, without extras of theirs."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    waiting = [Requirement(text) for text in [*project["dependencies"], *(text for extra in extras for text in extra)]]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if requirement.name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(requirement.name)
        yield requirement
        try:
            waiting += [Requirement(text) for text in importlib.metadata.requires(requirement.name) or []]
        except importlib.metadata.PackageNotFoundError:
            continue


def test_each_question_has_an_explanation_on_both_roads() -> None:
    context = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    prompts = yaml.safe_load((TEMPLATE / "prompts.yml").read_text(encoding="utf-8"))
    asked = [key for key in context if not key.startswith("_")]
    assert asked == list(QUESTIONS) == list(context["__prompts__"]) == list(prompts)
    assert all(context[key] and prompts[key]["text"] for key in asked)


def test_kedro_shows_no_default_in_jinja() -> None:
    context = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    assert not any("{" in context[question] for question in QUESTIONS)


def test_kedros_prompts_accept_the_defaults_and_refuse_what_the_template_refuses() -> None:
    context = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    prompts = yaml.safe_load((TEMPLATE / "prompts.yml").read_text(encoding="utf-8"))
    assert all(re.match(prompts[question]["regex_validator"], context[question]) for question in QUESTIONS)
    for question, answer, _ in REFUSED.values():
        if isinstance(answer, str) and not fault_of(question, answer).startswith("python_package"):
            assert fault_of(question, answer)


def test_the_hook_and_the_answers_module_hold_no_jinja_tag() -> None:
    """Cookiecutter renders a hook; a tag in it would be an answer inside of code."""
    hook = (TEMPLATE / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")
    assert "{{" not in hook
    assert "{%" not in hook
    ast.parse(hook)
