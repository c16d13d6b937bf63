"""Definitions with something odd in any one place: each gets an answer."""

import itertools
import json

import pytest

from statebag.errors import StatebagError
from statebag.lint import fields
from statebag.lint.linter import Options, lint
from tests.odd_places import places, with_odd

INNER = {"StartAt": "X", "States": {"X": {"Type": "Pass", "End": True}}}
LEAST = {
    "Task": {"Resource": "arn:aws:states:::lambda:invoke", "End": True},
    "Pass": {"End": True},
    "Choice": {"Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "B"}], "Default": "B"},
    "Wait": {"Seconds": 1, "End": True},
    "Succeed": {},
    "Fail": {},
    "Parallel": {"Branches": [INNER], "End": True},
    "Map": {"ItemProcessor": INNER, "End": True},
}
IN_JSONATA = {"Choice": {"Choices": [{"Condition": "{% true %}", "Next": "B"}], "Default": "B"}}
FIELDS = sorted(set().union(*fields.STATE.values()) - {"Type"})
ODD = [None, 0, "0", [], {}, [[]], {"a": 1}, [{"Next": "B"}]]
ODDER = [*ODD, True, "", "$", "$.", "{% $a %}", "{%", "${X}", {"a.$": 1}, {"a.$": "$.x"}, -1.5]

CAUGHT = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "F"}
RETRIED = {"ErrorEquals": ["StoreUnavailable"], "MaxAttempts": 2, "BackoffRate": 2.0}
IN_PATHS = {
    "StartAt": "T",
    "TimeoutSeconds": 60,
    "States": {
        "T": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": {"n.$": "States.Format('{}', $.a)"}},
            "ResultSelector": {"v.$": "$.Payload"},
            "ResultPath": "$.t",
            "Credentials": {"RoleArn.$": "$.role"},
            "Assign": {"x.$": "$.Payload"},
            "Retry": [RETRIED],
            "Catch": [CAUGHT],
            "Next": "C",
        },
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.a", "IsPresent": True, "Next": "M"},
                {
                    "And": [
                        {"Variable": "$.b", "NumericEquals": 1},
                        {"Not": {"Variable": "$.c", "StringEqualsPath": "$.d"}},
                    ],
                    "Next": "P",
                    "Assign": {"y": 1},
                },
            ],
            "Default": "P",
        },
        "M": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemSelector": {"i.$": "$$.Map.Item.Value"},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **INNER},
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON", "MaxItems": 9},
                "Parameters": {"Bucket": "b", "Key.$": "$.k"},
            },
            "ItemBatcher": {"MaxItemsPerBatch": 3, "BatchInput": {"z.$": "$.z"}},
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {}},
            "Next": "P",
        },
        "P": {"Type": "Parallel", "Branches": [INNER, INNER], "ResultPath": "$.p", "Next": "W"},
        "W": {"Type": "Wait", "SecondsPath": "$.s", "OutputPath": "$.y", "Next": "T"},
        "F": {"Type": "Fail", "ErrorPath": "$.e.Error", "Cause": "no"},
    },
}
IN_EXPRESSIONS = {
    "QueryLanguage": "JSONata",
    "StartAt": "T",
    "States": {
        "T": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "f", "Payload": {"s": "{% $states.input %}"}},
            "Output": "{% $merge([$states.input, {'t': $states.result.Payload}]) %}",
            "Assign": {"x": "{% $states.result %}"},
            "TimeoutSeconds": "{% $states.input.n %}",
            "Catch": [{"ErrorEquals": ["A"], "Output": "{% $states.errorOutput %}", "Next": "F"}],
            "Next": "C",
        },
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $x > 1 %}", "Output": {"a": "{% $x %}"}, "Next": "M"},
            ],
            "Default": "S",
        },
        "M": {
            "Type": "Map",
            "Items": "{% [1..9] %}",
            "ItemSelector": {"i": "{% $states.context.Map.Item.Value %}"},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **INNER},
            "Output": {"m": "{% $join($x, '-----') %}"},
            "Next": "S",
        },
        "S": {"Type": "Succeed", "Output": "{% $states.input %}"},
        "F": {"Type": "Fail", "Error": "{% $x %}", "Cause": "c"},
    },
}


def judged(file, definition):
    """Whether there is a report, or a typed error; anything else is raised."""
    file.write_text(json.dumps(definition))
    try:
        report = lint([file], Options())
    except StatebagError:
        return
    assert report.machines == 1


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("kind", LEAST)
def test_any_field_in_any_state(kind, language, tmp_path):
    least = {**LEAST, **(IN_JSONATA if language == "JSONata" else {})}
    for field, odd in itertools.product(FIELDS, ODD):
        state = {"Type": kind, **least[kind], field: odd}
        end = {"Type": "Pass", "End": True}
        definition = {"StartAt": "A", "QueryLanguage": language, "States": {"A": state, "B": end}}
        judged(tmp_path / "m.asl.json", definition)


@pytest.mark.parametrize("definition", [IN_PATHS, IN_EXPRESSIONS], ids=["JSONPath", "JSONata"])
def test_anything_in_any_place(definition, tmp_path):
    judged(tmp_path / "m.asl.json", definition)
    changes = list(itertools.product(places(definition), ODDER))
    for path, odd in changes[::3]:
        judged(tmp_path / "m.asl.json", with_odd(definition, path, odd))


@pytest.mark.parametrize("language", ["XPath", 1, [], None])
def test_a_language_that_is_none_is_told_and_changes_nothing(language, tmp_path):
    for definition in (
        {"StartAt": "A", "States": {"A": {**LEAST["Map"], "Type": "Map"}}},
        {"StartAt": "A", "States": {"A": {**LEAST["Parallel"], "Type": "Parallel"}}},
    ):
        definition["States"]["A"]["QueryLanguage"] = language
        (tmp_path / "m.asl.json").write_text(json.dumps(definition))
        (finding,) = lint([tmp_path / "m.asl.json"], Options()).findings
        assert (finding.code, finding.path) == ("SB006", "$.States.A.QueryLanguage")
