"""Whether a record of a Map Run describes a child, and what is wrong with it."""

import json

import pytest

from statebag.opening.map_records import (
    contradiction,
    described,
    is_left_out,
    output_of,
    salvaged,
    unreadable,
)

RUN = "arn:aws:states:eu-west-1:123456789012:mapRun:Main/Each:1"
CHILD = "arn:aws:states:eu-west-1:123456789012:execution:Main/Each:child-1"
RECORD = {
    "ExecutionArn": CHILD,
    "Name": "child-1",
    "Status": "SUCCEEDED",
    "Input": "{}",
    "Output": "1",
    "StartDate": "2026-01-01T00:00:00Z",
}


def test_a_description_is_that_of_a_child_of_this_map_run():
    assert described(RECORD, RUN)
    assert described({**RECORD, "NewField": 1}, RUN)
    assert described({**RECORD, "Output": None}, RUN)


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "FAILED"},
        {"Name": "other"},
        {"ExecutionArn": CHILD.replace("Main/Each", "Main/Other")},
        {"ExecutionArn": CHILD.replace("execution", "mapRun")},
        {"Output": {"n": 1}},
        {"StartDate": 1_700_000_000},
    ],
)
def test_an_output_that_looks_like_one_is_none(change):
    assert not described({**RECORD, **change}, RUN)
    assert not described([RECORD], RUN)


def test_without_the_arn_of_the_run_a_further_field_decides():
    assert described(RECORD, None)
    assert not described({**RECORD, "NewField": 1}, None)
    assert not described({**RECORD, "ExecutionArn": CHILD.replace("Main/Each", "Main")}, None)


def test_a_field_that_is_left_out_is_told_from_null():
    assert is_left_out({"OutputDetails": {"Included": False}}, "Output")
    assert is_left_out({"Output": None}, "Output")
    assert not is_left_out({"Output": "null"}, "Output")
    assert not is_left_out({}, "Output")


@pytest.mark.parametrize(
    ("record", "status", "told"),
    [
        ({}, "FAILED", None),
        ({"Status": "TIMED_OUT"}, "FAILED", None),
        ({"Status": "SUCCEEDED"}, "FAILED", "not one of those in a file of FAILED"),
        ({"Status": 7}, "FAILED", "of type int"),
        ({"Cause": {"CANARY": 1}}, "FAILED", "its Cause is of type dict"),
        ({"Name": None}, "PENDING", None),
    ],
)
def test_what_cannot_be_so(record, status, told):
    found = contradiction(record, status)
    assert found is told is None or told in found
    assert "CANARY" not in str(found)


@pytest.mark.parametrize(
    ("text", "value", "problem"),
    [
        ('{"n":1}', {"n": 1}, None),
        ("plain text", "plain text", None),
        ({"n": 1}, {"n": 1}, None),
        ('{"n":NaN}', '{"n":NaN}', "nan"),
        ('"\\ud800"', '"\\ud800"', "surrogate"),
        ("[" * 600 + "]" * 600, "[" * 600 + "]" * 600, "nest"),
    ],
)
def test_text_is_given_exactly_or_as_text_with_the_reason(text, value, problem):
    found, why = output_of(text)
    assert found == value
    assert why is problem is None or problem in why.lower()


def test_why_text_cannot_be_read_without_quoting_it():
    assert unreadable(b'{"CANARY": \xff}') == "byte 11 is not UTF-8"
    assert unreadable(b"{CANARY") == "it is not JSON"
    assert "CANARY" not in unreadable(b'{"n": ["CANARY", Infinity]}')


def test_of_a_record_that_cannot_be_decoded_name_and_input_are_kept():
    text = json.dumps(RECORD).replace('"1"', '"\\ud800"').encode()
    assert salvaged(text) == ("child-1", "{}")
    assert salvaged(b'{"Name": "x"}') == (None, None)
    assert salvaged(b"{") == (None, None)
