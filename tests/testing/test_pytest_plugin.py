"""The plugin in a run of pytest of its own, as a team has it."""

import subprocess
import sys

import pytest

TEST = """
import os
import pytest
import statebag

@statebag.step
def grow(state, context):
    return {**state, "text": "x" * 300_000, "total": 3}

@statebag.step
def check(state, context):
    return {**state, "length": len(state["text"])}

MACHINE = {"StartAt": "Grow", "States": {
    "Grow": {"Type": "Task", "Resource": "grow", "Next": "Check"},
    "Check": {"Type": "Task", "Resource": "check", "End": True}}}
FUNCTIONS = {"grow": grow, "check": check}
INPUT = {"execution_id": "m/e"}


def test_bags_are_opened(run_workflow):
    ran = run_workflow(MACHINE, input=INPUT, functions=FUNCTIONS)
    assert ran.succeeded()["length"] == 300_000
    assert ran.outputs("Grow")[0]["text"] == "x" * 300_000
    ran.visited("Grow", "Check")
    ran.fitted()

def test_a_store_is_there_and_empty(statebag_store):
    assert os.environ["STATEBAG_STORE"] == statebag_store.store.url
    assert list(statebag_store.store.list()) == []
    bag = statebag_store.seal({"a": "x" * 100_000}, scope="m/e")
    assert statebag.Statebag().open(bag)["a"] == "x" * 100_000

def test_a_failure(run_workflow):
    outcome = {"Throw": {"Error": "Full", "Cause": "no room"}}
    ran = run_workflow(MACHINE, input=INPUT, functions=FUNCTIONS, mocks={"Check": outcome})
    assert ran.failed("Full") == "no room"

def test_a_file(run_workflow, tmp_path):
    (tmp_path / "flow.asl.json").write_text(
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "End": true}}}')
    assert run_workflow(tmp_path / "flow.asl.json").succeeded() == 1
"""
WRONG = """
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "No", "Cause": "because"}}}

def test_one(run_workflow):
    run_workflow(MACHINE).succeeded()
def test_two(run_workflow):
    run_workflow(MACHINE).failed("Other")
def test_three(run_workflow):
    run_workflow(MACHINE).visited("B")
def test_four(run_workflow):
    run_workflow(MACHINE).outputs("A")
def test_five(run_workflow):
    run_workflow(MACHINE).fitted(1)
"""
STRICT = """
import statebag
@statebag.step
def a(state, context):
    return {"run": "m/e", "route": "x"}
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "a", "Next": "C"},
    "C": {"Type": "Pass", "InputPath": "$.route", "End": True}}}
def test_strict(run_workflow):
    run_workflow(MACHINE, input={"execution_id": "m/e"}, functions={"a": a}).succeeded()
"""


def pytest_run(folder, code, *arguments):
    (folder / "test_it.py").write_text(code)
    return pytest_in(folder, *arguments)


def pytest_in(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_a_team_uses_it(tmp_path):
    ran = pytest_run(tmp_path, TEST)
    assert "4 passed" in ran.stdout, ran.stdout + ran.stderr


def test_what_fails_is_told_with_the_states_and_the_cause(tmp_path):
    ran = pytest_run(tmp_path, WRONG)
    assert "5 failed" in ran.stdout, ran.stdout
    assert "the workflow ended FAILED with No: because" in ran.stdout
    assert "its last states: A" in ran.stdout
    assert "A was not left" in ran.stdout
    assert "a payload of Main/A has 2 bytes" in ran.stdout


def test_runs_are_strict_unless_it_is_said_otherwise(tmp_path):
    ran = pytest_run(tmp_path, STRICT)
    assert "Statebag.PathNotNamed" in ran.stdout
    assert "1 passed" in pytest_run(tmp_path, STRICT, "--statebag-as-deployed").stdout


def test_help_shows_it(tmp_path):
    assert "--statebag-as-deployed" in pytest_run(tmp_path, "", "--help").stdout


def test_the_package_says_that_pytest_is_to_load_it():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    entry = project["project"]["entry-points"]["pytest11"]
    assert entry == {"statebag": "statebag.testing.pytest_plugin"}
    assert pytest.__name__ in sys.modules


SETTINGS = """
template = "flow.asl.json"
control = ["$.more"]
[handlers]
Grow = "app.py:grow"
[env]
LEVEL = "high"
"""
APP = """
import os
import statebag

@statebag.step
def grow(state, context):
    return {**state, "more": True, "level": os.environ["LEVEL"]}
"""
FLOW = """{"StartAt": "Grow", "States": {
    "Grow": {"Type": "Task", "Resource": "${Grow}", "Next": "More"},
    "More": {"Type": "Choice", "Choices": [
        {"Variable": "$.more", "BooleanEquals": true, "Next": "End"}]},
    "End": {"Type": "Succeed"}}}"""
WITH_SETTINGS = """
import pytest
from statebag.errors import ConfigurationError

INPUT = {"execution_id": "m/e"}


def test_the_settings_beside_the_project_are_read(run_workflow):
    ran = run_workflow(input=INPUT)
    assert ran.succeeded()["level"] == "high"
    ran.passed_through("Grow", "End")
    ran.passed_through("More")
    ran.visited("Grow", "More", "End")
    for wrong in (("End", "Grow"), ("Grow", "Grow"), ("None",)):
        with pytest.raises(AssertionError, match="was not entered in this order"):
            ran.passed_through(*wrong)

def test_what_the_test_gives_wins(run_workflow):
    ran = run_workflow(input=INPUT, environment={"LEVEL": "low"})
    assert ran.succeeded()["level"] == "low"
    grow = lambda event, context: {"more": True, "level": "own"}
    assert run_workflow(input=INPUT, functions={"Grow": grow}).succeeded()["level"] == "own"

def test_a_definition_that_is_given_has_nothing_of_them(run_workflow):
    machine = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    assert run_workflow(machine, input=INPUT).succeeded() == INPUT
"""


def test_the_settings_file_is_read(tmp_path):
    (tmp_path / "tests").mkdir()
    files = {"statebag.toml": SETTINGS, "app.py": APP, "flow.asl.json": FLOW}
    for name, text in {**files, "tests/test_flow.py": WITH_SETTINGS}.items():
        (tmp_path / name).write_text(text)
    done = pytest_in(tmp_path)
    assert "3 passed" in done.stdout, done.stdout


def test_without_settings_a_definition_is_needed(tmp_path):
    (tmp_path / "test_flow.py").write_text("def test_it(run_workflow):\n    run_workflow()\n")
    done = pytest_in(tmp_path)
    assert "no definition was given, and no statebag.toml is in" in done.stdout
    (tmp_path / "statebag.toml").write_text('control = ["$.a"]\n')
    done = pytest_in(tmp_path)
    assert "statebag.toml names no template" in done.stdout
