from __future__ import annotations

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from statebag.local.interpreter.choice_rules import moment_of
from tests.local.machines import chain


def decided(rule, given, **choice):
    definition = {
        "StartAt": "C",
        "States": {
            "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], **choice},
            "Yes": {"Type": "Pass", "Result": "yes", "End": True},
            "No": {"Type": "Pass", "Result": "no", "End": True},
        },
    }
    return run(definition, input=given)


@pytest.mark.parametrize(
    ("rule", "given", "holds"),
    [
        ({"StringEquals": "a"}, "a", True),
        ({"StringEquals": "1"}, 1, False),
        ({"NumericEquals": 1}, 1.0, True),
        ({"NumericEquals": 1}, True, False),
        ({"NumericLessThan": 2}, "1", False),
        ({"BooleanEquals": True}, True, True),
        ({"BooleanEquals": True}, 1, False),
        ({"IsNull": True}, None, True),
        ({"IsNumeric": False}, "1", True),
        ({"IsTimestamp": True}, "2026-01-02T03:04:05Z", True),
        ({"IsTimestamp": True}, "2026-01-02", False),
        ({"TimestampLessThan": "2026-01-02T03:04:05+02:00"}, "2026-01-02T01:04:04.999Z", True),
        ({"TimestampEquals": "2026-01-02T03:04:05Z"}, "never", False),
        ({"StringMatches": "log-*.txt"}, "log-2026.txt", True),
        ({"StringMatches": "a\\*b"}, "a*b", True),
        ({"StringMatches": "a\\*b"}, "axb", False),
        ({"StringGreaterThanEqualsPath": "$.w"}, "b", True),
        ({"IsPresent": True}, "x", True),
    ],
)
def test_a_comparison(rule, given, holds):
    execution = decided({"Variable": "$.v", **rule}, {"v": given, "w": "b"}, Default="No")
    assert execution.output == ("yes" if holds else "no")


def test_rules_are_combined():
    one = {"Variable": "$.n", "NumericGreaterThan": 1}
    other = {"Variable": "$.n", "NumericLessThan": 5}
    for n, both, either, neither in ((0, "no", "yes", "yes"), (3, "yes", "yes", "no")):
        given = {"n": n}
        assert decided({"And": [one, other]}, given, Default="No").output == both
        assert decided({"Or": [one, other]}, given, Default="No").output == either
        assert decided({"Not": one}, given, Default="No").output == neither


def test_a_variable_that_is_missing_fails_the_state():
    execution = decided({"Variable": "$.gone", "IsNull": True}, {}, Default="No")
    assert execution.error == "States.Runtime"
    assert "Invalid path '$.gone': The choice state's condition path" in execution.cause
    assert decided({"Variable": "$.gone", "IsPresent": False}, {}, Default="No").output == "yes"


def test_no_match_has_an_error_of_its_own():
    execution = decided({"Variable": "$.v", "NumericEquals": 1}, {"v": 2})
    assert execution.error == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    "rule",
    [
        {"Variable": "$.v"},
        {"Variable": "$.v", "NumericEqual": 1},
        {"Variable": "$.v", "IsNull": True, "IsString": True},
        {"NumericEquals": 1},
    ],
)
def test_a_rule_without_one_operator_is_refused_before_the_run(rule):
    with pytest.raises(ConfigurationError) as caught:
        decided(rule, {"v": 1}, Default="No")
    assert caught.value.path.startswith("$.States.C.Choices[0]")


def test_a_pattern_of_many_stars_takes_no_time():
    execution = decided(
        {"Variable": "$.v", "StringMatches": "*a" * 30 + "b"}, {"v": "a" * 5000}, Default="No"
    )
    assert execution.output == "no"


def test_a_moment_keeps_its_offset_and_not_its_nanoseconds():
    assert moment_of("2026-01-02T03:04:05.123456789Z").microsecond == 123456
    assert moment_of("2026-01-02T03:04:05+01:00") == moment_of("2026-01-02T02:04:05Z")
    assert moment_of("2026-13-02T03:04:05Z") is None
    assert moment_of("2026-01-02T03:04:05") is None


def test_jsonata_conditions_and_what_they_assign():
    choice = {
        "Type": "Choice",
        "Choices": [
            {
                "Condition": "{% $states.input.n > 1 %}",
                "Assign": {"v": "{% $states.input.n %}"},
                "Output": {"seen": True},
                "Next": "End",
            }
        ],
        "Default": "End",
        "Output": {"seen": False},
    }
    end = {
        "Type": "Pass",
        "Output": {"v": "{% $exists($v) ? $v : 0 %}", "in": "{% $states.input %}"},
    }
    definition = chain(("C", choice), ("End", end), QueryLanguage="JSONata")
    assert run(definition, input={"n": 2}).output == {"v": 2, "in": {"seen": True}}
    assert run(definition, input={"n": 1}).output == {"v": 0, "in": {"seen": False}}
