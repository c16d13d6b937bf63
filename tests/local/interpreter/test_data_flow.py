from __future__ import annotations

import pytest

from statebag.local import run
from tests.local.machines import chain, task


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, {"r": 1, "list": [1]}),
        ({"ResultPath": None}, {"a": {"b": 1}, "l": [1, 2]}),
        (
            {"ResultPath": "$.new.deep"},
            {"a": {"b": 1}, "l": [1, 2], "new": {"deep": {"r": 1, "list": [1]}}},
        ),
        ({"ResultPath": "$.a"}, {"a": {"r": 1, "list": [1]}, "l": [1, 2]}),
        ({"ResultPath": "$.l[0]"}, {"a": {"b": 1}, "l": [{"r": 1, "list": [1]}, 2]}),
        ({"ResultSelector": {"x.$": "$.list[0]"}}, {"x": 1}),
        ({"OutputPath": "$.list"}, [1]),
        ({"OutputPath": None}, {}),
        ({"ResultSelector": {"x.$": "$.r"}, "ResultPath": "$.a", "OutputPath": "$.a.x"}, 1),
    ],
)  # fmt: skip
def test_from_a_result_to_an_output(fields, output):
    given = {"a": {"b": 1}, "l": [1, 2]}
    execution = run(
        chain(("T", task(**fields))), input=given, mocks={"T": {"Return": {"r": 1, "list": [1]}}}
    )
    assert execution.output == output


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({}, {"a": {"b": 1}}),
        ({"InputPath": "$.a"}, {"b": 1}),
        ({"InputPath": None}, {}),
        ({"InputPath": "$.a", "Parameters": {"p.$": "$.b"}}, {"p": 1}),
    ],
)
def test_from_an_input_to_arguments(fields, seen):
    told = []
    run(
        chain(("T", task(**fields))),
        input={"a": {"b": 1}},
        functions={"work": lambda event, _: told.append(event)},
    )
    assert told == [seen]


@pytest.mark.parametrize("path", ["$.a.b.c", "$.l[2]", "$.a[0]"])
def test_a_result_that_has_no_place_can_be_caught(path):
    catch = {"ErrorEquals": ["States.ResultPathMatchFailure"], "ResultPath": "$.e", "Next": "C"}
    definition = chain(("T", task(ResultPath=path, Catch=[catch])), ("C", {"Type": "Pass"}))
    execution = run(definition, input={"a": {"b": 1}, "l": [1, 2]}, mocks={"T": {"Return": 1}})
    assert execution.output["e"]["Error"] == "States.ResultPathMatchFailure"
    assert execution.output["a"] == {"b": 1}


def test_values_that_states_share_are_never_changed():
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"kept.$": "$"}, "ResultPath": "$.x", "Result": 1}),
        ("B", {"Type": "Pass", "ResultPath": "$.o.y", "Result": 2}),
        ("C", {"Type": "Pass", "Parameters": {"first.$": "$$.Execution.Input", "now.$": "$"}}),
    )
    execution = run(definition, input={"o": {}})
    assert execution.output == {"first": {"o": {}}, "now": {"o": {"y": 2}, "x": 1}}


def test_a_function_that_changes_its_event_changes_nothing_else():
    def spoil(event, _context):
        event["list"].clear()
        return event

    definition = chain(("T", task(ResultPath="$.r")), ("P", {"Type": "Pass"}))
    given = {"list": [1, 2]}
    assert run(definition, input=given, functions={"work": spoil}).output == {
        "list": [1, 2],
        "r": {"list": []},
    }
    assert given == {"list": [1, 2]}


def test_assign_and_output_see_the_variables_of_before():
    assign = {"n": "{% $n + 1 %}", "m": "{% $n %}"}
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"n": 1}}),
        ("B", {"Type": "Pass", "Assign": assign, "Output": "{% $n %}"}),
        ("C", {"Type": "Pass", "Output": "{% [$states.input, $n, $m] %}"}),
        QueryLanguage="JSONata",
    )  # fmt: skip
    assert run(definition).output == [1, 2, 1]
