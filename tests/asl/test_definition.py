from __future__ import annotations

import copy

import pytest

from statebag.asl.definition import problems_of, unreached_states
from statebag.asl.model import Definition
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


def test_a_good_definition_has_no_problems():
    assert list(problems_of(GOOD)) == []
    assert list(unreached_states(Definition(GOOD))) == []


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
    problem = next(problems_of(changed(path, value)))
    assert problem.path == place
    assert "\n" not in str(problem)


def test_a_name_is_used_once():
    inner = chain(("First", {"Type": "Succeed"}))
    (problem,) = problems_of(changed(["States", "Both", "Branches", 0], inner))
    assert "same name" in problem.message


def test_a_state_that_nothing_reaches():
    lonely = changed(["States", "Lonely"], {"Type": "Succeed"})
    assert list(unreached_states(Definition(lonely))) == ["$.States.Lonely"]
