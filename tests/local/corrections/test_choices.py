from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag.local.corrections.choices import matches
from tests.local.machines import chain, run


def decided(rule, input_value, **fields):
    definition = chain(
        ("C", {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], **fields}),
        ("Yes", {"Type": "Pass", "Result": "yes"}),
        ("No", {"Type": "Pass", "Result": "no"}),
    )
    definition["States"]["Yes"] = {"Type": "Pass", "Result": "yes", "End": True}
    return run(definition, input_value)


@pytest.mark.parametrize(
    ("rule", "input_value", "answer"),
    [
        ({"Variable": "$.n", "NumericEquals": 1}, {"n": 1}, "yes"),
        ({"Variable": "$.n", "NumericEquals": 1}, {"n": True}, "no"),
        ({"Variable": "$.n", "NumericEquals": 1}, {"n": "1"}, "no"),
        ({"Variable": "$.n", "IsPresent": True}, {}, "no"),
        ({"Not": {"Variable": "$.n.deep", "IsPresent": True}}, {}, "yes"),
        ({"Variable": "$.n", "IsNull": True}, {"n": None}, "yes"),
        ({"Variable": "$.s", "StringMatches": "a?c*"}, {"s": "abc"}, "no"),
        ({"Variable": "$.s", "StringMatches": "a*c"}, {"s": "a\nbc"}, "yes"),
        (
            {
                "And": [
                    {"Variable": "$.n", "NumericGreaterThanPath": "$.m"},
                    {"Or": [{"Variable": "$.b", "BooleanEquals": True}]},
                ]
            },
            {"n": 2, "m": 1, "b": True},
            "yes",
        ),
        (
            {
                "And": [
                    {"Variable": "$.n", "IsPresent": True},
                    {"Variable": "$.n", "NumericEquals": 1},
                ]
            },
            {},
            "no",
        ),
    ],
)
def test_a_rule_decides(rule, input_value, answer):
    assert decided(rule, input_value, Default="No").output == answer


def test_a_variable_that_is_missing_fails_the_state():
    execution = decided({"Variable": "$.gone", "NumericEquals": 1}, {}, Default="No")
    assert execution.error == "States.Runtime"
    assert "Invalid path '$.gone'" in execution.cause


def test_no_match_has_an_error_of_its_own():
    rule = {"Variable": "$.n", "NumericEquals": 1}
    assert decided(rule, {"n": 1}).output == "yes"
    assert decided(rule, {"n": 2}).error == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    ("text", "pattern", "same"),
    [
        ("log-2026.txt", "log-*.txt", True),
        ("Log", "log", False),
        ("a*b", r"a\*b", True),
        ("axb", r"a\*b", False),
        ("a\\b", r"a\\b", True),
        ("[ab]", "[ab]", True),
        ("", "*", True),
    ],
)
def test_a_star_is_the_only_wildcard(text, pattern, same):
    assert matches(text, pattern) is same


@pytest.mark.parametrize(
    ("text", "pattern", "same"),
    [
        ("a" * 100_000, "*a" * 40 + "*b", False),
        ("a" * 100_000 + "b", "*a" * 40 + "*b", True),
        ("a" * 39, "a*" * 40, False),
        ("aXbYaXbc", "a*b*c", True),
        ("ab", "ab*b", False),
        ("abab", "*ab", True),
        ("aba", "*b*b*", False),
        ("a*c", r"*\**", True),
    ],
)
@pytest.mark.timeout(60)  # days, where every star is tried at every place
def test_many_stars_take_no_time(text, pattern, same):
    assert matches(text, pattern) is same


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_stars_are_those_of_a_regular_expression(pattern, text):
    expression = "".join(".*" if letter == "*" else letter for letter in pattern)
    assert matches(text, pattern) is (re.fullmatch(expression, text) is not None)
