"""What any page names is there: files of the repository, modules, tests, make targets."""

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import statebag

ROOT = Path(__file__).parents[2]
SOURCE = Path(statebag.__file__).parent
TESTS = ROOT / "tests"

PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if page.name != "CHANGELOG.md"  # it may name what a later release removed
)
TOP = ("src", "tests", "examples", "benchmarks", "torture", "deploy", "docs", "requirements")
"""Folders of the repository whose files pages name with the folder."""

ROOMS = {one.name for one in SOURCE.iterdir() if (one / "__init__.py").exists()}
ROOMS |= {one.name for one in TESTS.iterdir() if one.is_dir()}
OURS = ("statebag", "examples", "benchmarks", "torture", "tests")


def text_of(page):
    return (ROOT / page).read_text("utf-8")


def names(page):
    """Words of a page that look like a path, from prose and from blocks."""
    return set(re.findall(r"(?<![\w./:~${<-])[\w.-]+(?:/[\w.*-]+)+", text_of(page)))


def is_there(name, *places):
    if "*" in name:
        return any(any(place.glob(name)) for place in places)
    return any((place / name).exists() for place in places)


@pytest.mark.parametrize("page", PAGES)
def test_files_of_the_repository_are_there(page):
    wanted = [one.rstrip(".") for one in names(page) if one.split("/")[0] in TOP]
    assert [one for one in wanted if not is_there(one, ROOT, TESTS)] == []


@pytest.mark.parametrize("page", PAGES)
def test_modules_and_tests_of_a_room_are_there(page):
    wanted = [one for one in names(page) if one.endswith(".py") and one.split("/")[0] in ROOMS]
    assert [one for one in wanted if not is_there(one, SOURCE, TESTS, ROOT)] == []


@pytest.mark.parametrize("page", PAGES)
def test_modules_that_python_runs_are_there(page):
    run = set(re.findall(r"python3? -m ([\w.]+)", text_of(page)))
    ours = [one for one in run if one.split(".")[0] in OURS]
    assert [one for one in ours if find_spec(one) is None] == []


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_are_there(page):
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|&& |\$ )make ([a-z-]+)", text_of(page), re.MULTILINE)) <= targets


@cache
def names_of_tests():
    """The names of all test functions and methods."""
    return {
        node.name
        for file in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("page", PAGES)
def test_tests_that_a_page_names_are_there(page):
    named = set(re.findall(r"(?:`|::)(test_\w+)`", text_of(page)))
    assert named <= names_of_tests()


def test_something_is_found():
    found = [one for page in PAGES for one in names(page)]
    assert sum(one.endswith(".py") for one in found) > 100
    assert any("torture" in text_of(page) and "make torture" in text_of(page) for page in PAGES)


def test_a_path_that_is_not_there_is_found(tmp_path):
    (tmp_path / "a.py").touch()
    assert is_there("a.py", tmp_path)
    assert is_there("*.py", tmp_path)
    assert not is_there("b.py", tmp_path)
    assert not is_there("b/*.py", tmp_path)
