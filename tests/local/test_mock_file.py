"""The mock configuration of Step Functions Local.

As in the Developer Guide, "Using mocked service integrations".
"""

from __future__ import annotations

import json

import pytest

from statebag.errors import ConfigurationError
from statebag.local import load_mocks

RESPONSES = {
    "Ok": {"0": {"Return": {"StatusCode": 200, "Payload": {"n": 1}}}},
    "Retried": {
        "0": {"Throw": {"Error": "Lambda.ResourceNotReadyException", "Cause": "not yet"}},
        "1-2": {"Throw": {"Error": "Lambda.TimeoutException", "Cause": "late"}},
        "3": {"Return": {"StatusCode": 200}},
    },
}
MACHINES = {"Flow": {"TestCases": {"Happy": {"A": "Ok"}, "Slow": {"A": "Retried", "B": "Ok"}}}}


def written(tmp_path, machines=None, responses=None):
    file = tmp_path / "MockConfigFile.json"
    file.write_text(
        json.dumps(
            {"StateMachines": machines or MACHINES, "MockedResponses": responses or RESPONSES}
        )
    )
    return file


def test_a_case_names_an_answer_for_each_state(tmp_path):
    file = written(tmp_path)
    assert load_mocks(file, "Happy") == {"A": [RESPONSES["Ok"]["0"]]}
    slow = load_mocks(file, "Slow", machine="Flow")
    assert [one.get("Throw", {}).get("Error", "returned") for one in slow["A"]] == [
        "Lambda.ResourceNotReadyException",
        "Lambda.TimeoutException",
        "Lambda.TimeoutException",
        "returned",
    ]
    assert slow["B"] == [RESPONSES["Ok"]["0"]]


def test_the_machine_may_be_left_out_where_one_has_the_case(tmp_path):
    machines = {**MACHINES, "Other": {"TestCases": {"Mine": {"A": "Ok"}, "Happy": {"A": "Ok"}}}}
    file = written(tmp_path, machines)
    assert load_mocks(file, "Mine")
    with pytest.raises(ConfigurationError, match="2 state machines") as caught:
        load_mocks(file, "Happy")
    assert "Flow, Other" in caught.value.hint
    assert load_mocks(file, "Happy", machine="Other")


@pytest.mark.parametrize(
    ("case", "machine", "known"),
    [("Gone", None, "Happy, Slow"), ("Happy", "Gone", "Flow"), ("Gone", "Flow", "Happy, Slow")],
)
def test_a_name_that_is_not_there_is_told_with_those_that_are(tmp_path, case, machine, known):
    with pytest.raises(ConfigurationError, match="Gone") as caught:
        load_mocks(written(tmp_path), case, machine=machine)
    assert known in caught.value.hint


@pytest.mark.parametrize(
    "response",
    [
        {"first": {"Return": 1}},
        {"0": {"Return": 1}, "2": {"Return": 1}},
        {"1-0": {"Return": 1}},
        {"0-1": {"Return": 1}, "1": {"Return": 2}},
        {"0-999999": {"Return": 1}},
        [],
    ],
)
def test_attempts_of_another_form_are_refused(tmp_path, response):
    file = written(tmp_path, responses={"Ok": response, "Retried": {}})
    with pytest.raises(ConfigurationError):
        load_mocks(file, "Happy")


def test_a_response_that_is_not_there(tmp_path):
    machines = {"Flow": {"TestCases": {"Happy": {"A": "Gone"}}}}
    with pytest.raises(ConfigurationError, match="no mocked response 'Gone'") as caught:
        load_mocks(written(tmp_path, machines), "Happy")
    assert caught.value.path == "$.StateMachines.Flow.TestCases.Happy.A"
