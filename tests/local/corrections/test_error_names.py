from __future__ import annotations

import json

import pytest

from statebag.errors import StoreUnavailable
from statebag.local.corrections.error_names import is_taken
from tests.local.machines import chain, run, task


@pytest.mark.parametrize(
    ("error", "wanted", "taken"),
    [
        ("StoreUnavailable", {"StoreUnavailable"}, True),
        ("StoreUnavailable", {"BlobMissing"}, False),
        ("StoreUnavailable", {"States.TaskFailed"}, True),
        ("StoreUnavailable", {"States.ALL"}, True),
        (None, {"States.ALL"}, True),
        ("States.Timeout", {"States.TaskFailed"}, False),
        ("States.Timeout", {"States.ALL"}, True),
        ("States.Timeout", {"States.HeartbeatTimeout"}, False),
        ("States.Runtime", {"States.ALL"}, False),
        ("States.Runtime", {"States.Runtime"}, False),
        ("States.DataLimitExceeded", {"States.ALL"}, False),
        ("States.DataLimitExceeded", {"States.TaskFailed"}, False),
        ("States.DataLimitExceeded", {"States.DataLimitExceeded"}, True),
    ],
)
def test_what_error_equals_takes(error, wanted, taken):
    assert is_taken(error, wanted) is taken


def test_a_heartbeat_timeout_has_two_names():
    assert is_taken("States.Timeout", {"States.HeartbeatTimeout"}, heartbeat=True)


def failing(_event, _context):
    raise StoreUnavailable("the store is away")


def test_a_catch_takes_an_error_of_the_library_by_its_class_name():
    state = task(Catch=[{"ErrorEquals": ["StoreUnavailable"], "Next": "Rescued"}])
    definition = chain(("S", state), ("Rescued", {"Type": "Pass"}))
    execution = run(definition, {}, {"work": failing})
    assert execution.status == "SUCCEEDED"
    assert execution.output["Error"] == "StoreUnavailable"
    assert json.loads(execution.output["Cause"])["errorMessage"] == "the store is away"


def missing_path(**fields):
    return {"Type": "Pass", "Parameters": {"v.$": "$.gone"}, **fields}


def test_a_runtime_error_is_not_caught():
    state = {
        "Type": "Parallel",
        "Branches": [chain(("P", missing_path()))],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Rescued"}],
    }
    definition = chain(("S", state), ("Rescued", {"Type": "Pass"}))
    execution = run(definition, {})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert "$.gone" in execution.cause


@pytest.mark.parametrize("kind", ["Map", "Parallel"])
def test_a_states_error_keeps_its_name_on_its_way_out(kind):
    inner = chain(
        (
            "C",
            {
                "Type": "Choice",
                "Choices": [{"Variable": "$", "NumericEquals": 7, "Next": "Never"}],
            },
        ),
        ("Never", {"Type": "Succeed"}),
    )
    state = {"Type": "Map", "ItemProcessor": inner, "ItemsPath": "$"}
    input_value = [1]
    if kind == "Parallel":
        state, input_value = {"Type": "Parallel", "Branches": [inner]}, 1
    caught = {**state, "Catch": [{"ErrorEquals": ["States.NoChoiceMatched"], "Next": "Rescued"}]}
    definition = chain(("S", caught), ("Rescued", {"Type": "Pass"}))
    assert run(chain(("S", state)), input_value).error == "States.NoChoiceMatched"
    assert run(definition, input_value).output["Error"] == "States.NoChoiceMatched"


def test_a_fail_state_ends_with_its_error():
    execution = run(chain(("F", {"Type": "Fail", "Error": "Mine", "Cause": "because"})))
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Mine", "because")
