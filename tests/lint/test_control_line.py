"""The lines that `statebag lint --control` prints make a machine run, and without them it fails."""

import json

import pytest
from click.testing import CliRunner

import statebag
from statebag.cli.group import cli
from statebag.lint.finding import RULES
from statebag.lint.linter import Options, lint
from statebag.local import run as run_workflow
from statebag.local.reads import PATH_NOT_NAMED
from statebag.testing.process import forget
from tests.lint.control_machines import (
    DATA_ID,
    FUNCTIONS,
    ID,
    MACHINES,
    START,
    TAKE,
    invoke,
    paths,
)

IN_A_BAG = {"SB201", "SB202", "SB203"}


@pytest.fixture
def store(monkeypatch, tmp_path):
    for name in ("STATEBAG_CONTROL", "STATEBAG_MOVABLE", "STATEBAG_STRICT", "STATEBAG_WIRE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATEBAG_STORE", (tmp_path / "store").as_uri())
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "2000")
    forget()


def printed(file):
    """The variables in what `lint --control` prints, exactly as a shell would take them."""
    ran = CliRunner().invoke(cli, ["lint", "--control", str(file), "--sealed", "*"])
    assert ran.exit_code == 0, ran.output
    return dict(line.split("=", 1) for line in ran.output.splitlines())


def findings(file):
    return {one.code for one in lint([file], Options(sealed=("*",))).findings} & IN_A_BAG


def run(definition, *, strict):
    return run_workflow(
        definition,
        functions=FUNCTIONS,
        input={"state_data": START},
        wait_scale=0,
        timeout=240,
        strict=strict,
    )


@pytest.mark.parametrize("name", MACHINES)
def test_the_printed_lines_make_the_machine_run(store, monkeypatch, tmp_path, name):
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(MACHINES[name]))
    assert findings(file), "there is nothing to name"
    ran = run(MACHINES[name], strict=True)
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED), ran.cause
    lines = printed(file)
    assert set(lines) <= {"STATEBAG_CONTROL", "STATEBAG_MOVABLE"}
    for variable, value in lines.items():
        monkeypatch.setenv(variable, value)
    for strict in (False, True):
        ran = run(MACHINES[name], strict=strict)
        assert (ran.status, ran.cause) == ("SUCCEEDED", None), f"{lines}: {ran.cause}"


@pytest.mark.parametrize("name", MACHINES)
def test_each_path_of_the_lines_is_read(name, tmp_path):
    """With the printed lines there is nothing left to say, and without any of them there is."""
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(MACHINES[name]))
    report = lint([file], Options(sealed=("*",)))
    control, movable = report.needed[str(file)], report.needed_movable[str(file)]
    named = Options(sealed=("*",), control=control, movable=movable)
    assert not {one.code for one in lint([file], named).findings} & IN_A_BAG
    assert RULES.keys() >= IN_A_BAG
    for path in report.control.get(str(file), ()):
        # Of a function that may seal its state in either of two ways, one path of each is enough.
        others = tuple(
            one for one in control if not one.endswith(path[1:]) and not path.endswith(one[1:])
        )
        fewer = Options(sealed=("*",), control=others, movable=movable)
        assert {one.code for one in lint([file], fewer).findings} & IN_A_BAG, path


@pytest.mark.parametrize(
    "name", ["the main loop of a kernel", "a function that seals the state in its answer"]
)
def test_the_lines_are_whole_wherever_they_are_printed(tmp_path, name):
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(MACHINES[name]))
    for already in ((), ("--control", "$.already")):
        asked = CliRunner().invoke(cli, ["lint", "--control", str(file), "--sealed", "*", *already])
        told = CliRunner().invoke(cli, ["lint", str(file), "--sealed", "*", *already])
        lines = [line.strip() for line in told.output.splitlines()]
        assert set(asked.output.splitlines()) <= set(lines)
        assert ("STATEBAG_CONTROL=$.already," in asked.output) == bool(already)


def without_ids(value):
    """A definition whose functions are not told their execution; the state has its id."""
    if isinstance(value, dict):
        return {key: without_ids(one) for key, one in value.items() if key not in {*ID, *DATA_ID}}
    return [without_ids(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name",
    [
        "the main loop of a kernel",
        "the main loop, with the result of each step next to the state",
        "the main loop in JSONata, with the state in a variable",
        "a state alone in each answer",
        "a Map over the branches of a state",
        "a Parallel whose branches are read",
        "objects that JSONata merges",
        "a Map in JSONata, folded",
    ],
)
def test_the_lines_are_for_functions_that_nothing_says_anything_of(
    store, monkeypatch, tmp_path, name
):
    definition = without_ids(MACHINES[name])
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(definition))
    asked = CliRunner().invoke(cli, ["lint", "--control", str(file)])
    for line in asked.output.splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    for strict in (False, True):
        ran = run_workflow(
            definition,
            functions=FUNCTIONS,
            input={"state_data": {**START, "execution_id": "kernel/run-1"}},
            wait_scale=0,
            timeout=240,
            strict=strict,
        )
        assert (ran.status, ran.cause) == ("SUCCEEDED", None), f"{asked.output}: {ran.cause}"


@pytest.mark.parametrize("read", ["$.state_data..route", "$.state_data.*", "$.state_data[*]"])
def test_what_searches_a_whole_bag_cannot_be_named(tmp_path, read):
    definition = paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Take"),
        Take={"Type": "Pass", "Parameters": {"found.$": read}, "Next": "Good"},
    )
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(definition))
    report = lint([file], Options(sealed=("*",)))
    (one,) = [one for one in report.findings if one.code in IN_A_BAG]
    assert (one.code, one.path) == ("SB201", "$.States.Take.Parameters.found.$")
    assert "computes with all of a bag" in one.message
    assert report.needed[str(file)] == ()


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"first.$": "$.rows[0]"}},
        {"Type": "Pass", "InputPath": "$.rows[0]"},
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.rows[0] %}"},
        {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Assign": {"a": "{% $states.input.rows[0] %}"},
        },
    ],
)
def test_an_item_of_an_array_needs_a_control_path(store, monkeypatch, tmp_path, state):
    """A movable array may be a stub, and an item of it is in no payload then."""
    definition = {
        "StartAt": "Make",
        "States": {
            "Make": {"Type": "Task", "Resource": "make", "Next": "Pick"},
            "Pick": {**state, "End": True},
        },
    }
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(definition))
    report = lint([file], Options(sealed=("*",)))
    needed = report.needed[str(file)], report.needed_movable.get(str(file), ())
    assert needed == (("$.rows",), ())
    assert "SB201" in {one.code for one in report.findings}
    monkeypatch.setenv("STATEBAG_CONTROL", "$.rows")

    def make(_event, _context):
        return statebag.Statebag().seal({"rows": [1, 2], "other": 3}, scope="machine/run")

    ran = run_workflow(definition, functions={"make": make}, input={}, strict=True)
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)
