from __future__ import annotations

import copy

import pytest

from statebag.asl.definition import check_definition, function_uses, with_function_arns
from statebag.errors import ConfigurationError
from tests.local.machines import chain, invoke, task

GOOD = chain(
    ("First", task("one", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Last"}])),
    (
        "Pick",
        {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "IsPresent": True, "Next": "Each"}],
            "Default": "Both",
        },
    ),
    ("Each", {"Type": "Map", "ItemProcessor": chain(("Inner", task("two"))), "Next": "Last"}),
    ("Both", {"Type": "Parallel", "Branches": [chain(("Left", invoke("three")))], "Next": "Last"}),
    ("Last", {"Type": "Succeed"}),
)


def changed(path, value):
    definition = copy.deepcopy(GOOD)
    place = definition
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return definition


def test_a_good_definition_has_no_warnings():
    assert check_definition(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (["StartAt"], None, "$.StartAt"),
        (["StartAt"], "Gone", "$.StartAt"),
        (["States"], {}, "$.States"),
        (["States", "First", "Next"], "Gone", "$.States.First.Next"),
        (["States", "First", "Next"], None, "$.States.First"),
        (["States", "First", "End"], True, "$.States.First"),
        (["States", "First", "Type"], "Tusk", "$.States.First.Type"),
        (["States", "First", "Type"], None, "$.States.First.Type"),
        (["States", "First", "Resource"], None, "$.States.First.Resource"),
        (["States", "First", "Catch", 0, "Next"], "Gone", "$.States.First.Catch[0].Next"),
        (
            ["States", "First", "Catch", 0, "ErrorEquals"],
            ["States.ALL", "Mine"],
            "$.States.First.Catch[0].ErrorEquals",
        ),
        (["States", "First", "Retry"], [{}], "$.States.First.Retry[0].ErrorEquals"),
        (["States", "Pick", "Default"], "Gone", "$.States.Pick.Default"),
        (["States", "Pick", "Choices", 0, "Next"], "Gone", "$.States.Pick.Choices[0].Next"),
        (["States", "Pick", "Choices"], [], "$.States.Pick.Choices"),
        (["States", "Pick", "Next"], "Last", "$.States.Pick.Next"),
        (["States", "Last", "End"], True, "$.States.Last.End"),
        (["States", "Both", "Branches"], [], "$.States.Both.Branches"),
        (["States", "Both", "Branches", 0, "StartAt"], None, "$.States.Both.Branches[0].StartAt"),
        (["States", "Each", "ItemProcessor"], None, "$.States.Each.ItemProcessor"),
        (
            ["States", "Each", "ItemProcessor", "States", "Inner", "Next"],
            "Last",  # of the outer machine
            "$.States.Each.ItemProcessor.States.Inner",
        ),
        (["States", "a b"], 7, "$.States['a b']"),
    ],
)
def test_a_fault_is_told_with_its_place(path, value, place):
    with pytest.raises(ConfigurationError) as caught:
        check_definition(changed(path, value))
    assert caught.value.path == place
    assert "\n" not in str(caught.value)


def test_a_name_is_used_once():
    inner = chain(("First", {"Type": "Succeed"}))
    with pytest.raises(ConfigurationError, match="same name"):
        check_definition(changed(["States", "Both", "Branches", 0], inner))


def test_a_state_that_nothing_reaches_is_a_warning():
    (warning,) = check_definition(changed(["States", "Lonely"], {"Type": "Succeed"}))
    assert "$.States.Lonely" in warning


def test_functions_are_found_at_every_depth():
    assert {(use.name, use.path) for use in function_uses(GOOD)} == {
        ("one", "$.States.First.Resource"),
        ("two", "$.States.Each.ItemProcessor.States.Inner.Resource"),
        ("three", "$.States.Both.Branches[0].States.Left.Parameters.FunctionName"),
    }


def test_a_computed_function_is_left_to_the_run():
    jsonata = {
        **invoke(),
        "QueryLanguage": "JSONata",
        "Arguments": {"FunctionName": "{% $states.input.f %}"},
    }
    del jsonata["Parameters"]
    path = invoke(Parameters={"FunctionName.$": "$.f"})
    assert function_uses(chain(("A", jsonata), ("B", path))) == []


def test_what_is_no_function_name_is_told():
    with pytest.raises(ConfigurationError, match="neither a function's name"):
        function_uses(chain(("A", task("not a name!"))))


def test_bare_names_become_arns_in_a_copy():
    before = copy.deepcopy(GOOD)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:one"
    assert with_function_arns(GOOD, "eu-west-1")["States"]["First"]["Resource"] == arn
    assert before == GOOD
