from __future__ import annotations

from itertools import pairwise

import pytest

from statebag.local import run
from tests.local.interpreter.events import types
from tests.local.machines import chain, task

FAILED = {"Throw": {"Error": "Mine", "Cause": "why"}}


def times(events, kind):
    return [event["timestamp"] for event in events if event["type"] == kind]


def test_a_retry_waits_on_the_clock_of_the_run():
    retry = {"ErrorEquals": ["Mine"], "IntervalSeconds": 100, "BackoffRate": 3, "MaxAttempts": 3}
    execution = run(
        chain(("T", task(Retry=[retry]))), mocks={"T": [FAILED, FAILED, FAILED, {"Return": 1}]}
    )
    assert execution.output == 1
    began = times(execution.history, "LambdaFunctionScheduled")
    waits = [round((b - a).total_seconds()) for a, b in pairwise(began)]
    assert waits == [100, 300, 900]


def test_a_longest_delay_and_jitter():
    retry = {
        "ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "BackoffRate": 3,
        "MaxAttempts": 4, "MaxDelaySeconds": 200, "JitterStrategy": "FULL",
    }  # fmt: skip
    definition = chain(("T", task(Retry=[retry])))
    mocks = {"T": [*[FAILED] * 4, {"Return": 1}]}

    def waits(seed):
        execution = run(definition, mocks=mocks, seed=seed)
        began = times(execution.history, "LambdaFunctionScheduled")
        return [round((b - a).total_seconds()) for a, b in pairwise(began)]

    assert waits(1) == waits(1)
    assert waits(1) != waits(2)
    assert all(0 <= one <= 200 for seed in range(5) for one in waits(seed))


def test_each_retrier_counts_its_own_attempts():
    retry = [
        {"ErrorEquals": ["A"], "MaxAttempts": 1},
        {"ErrorEquals": ["B"], "MaxAttempts": 2},
    ]
    a, b = ({"Throw": {"Error": name}} for name in "AB")
    execution = run(chain(("T", task(Retry=retry))), mocks={"T": [b, a, b, a]})
    assert execution.error == "A"
    assert types(execution).count("LambdaFunctionFailed") == 4


def test_the_count_of_retries_is_in_the_context():
    told = []

    def work(event, _context):
        told.append(event["n"])
        raise ValueError

    retry = {"ErrorEquals": ["ValueError"], "MaxAttempts": 2}
    state = task(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[retry])
    assert run(chain(("T", state)), functions={"work": work}).error == "ValueError"
    assert told == [0, 1, 2]


def test_attempts_of_zero_never_retry():
    state = task(Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}])
    execution = run(chain(("T", state)), mocks={"T": [FAILED]})
    assert (execution.error, execution.cause) == ("Mine", "why")


@pytest.mark.parametrize(
    ("thrown", "caught"),
    [
        ({"Error": "A", "Cause": "c"}, {"Error": "A", "Cause": "c"}),
        ({"Error": "A"}, {"Error": "A", "Cause": None}),
        ({"Error": "States.Timeout"}, {"Error": "States.Timeout", "Cause": ""}),
        ({}, {"Error": None, "Cause": None}),
    ],
)
def test_what_a_catch_gives(thrown, caught):
    state = task(Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "C"}])
    definition = chain(("T", state), ("C", {"Type": "Pass"}))
    execution = run(definition, input={"in": 1}, mocks={"T": [{"Throw": thrown}]})
    assert execution.output == {"in": 1, "e": caught}


def test_a_catch_assigns_variables():
    state = task(
        Catch=[{"ErrorEquals": ["States.ALL"], "Assign": {"seen.$": "$.Error"}, "Next": "C"}]
    )
    definition = chain(("T", state), ("C", {"Type": "Pass", "Parameters": {"e.$": "$seen"}}))
    assert run(definition, mocks={"T": [FAILED]}).output == {"e": "Mine"}


def test_a_result_over_the_limit_can_be_caught_and_an_output_cannot():
    big = "x" * 262_143
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "C"}]
    definition = chain(("T", task(Catch=catch)), ("C", {"Type": "Pass"}))
    caught = run(definition, mocks={"T": {"Return": big}})
    assert caught.output == {
        "Error": "States.DataLimitExceeded",
        "Cause": "The state/task 'arn:aws:lambda:us-east-1:123456789012:function:work' returned a "
        "result with a size exceeding the maximum number of bytes service limit.",
    }
    definition = chain(("T", task(Catch=catch, ResultPath="$.r")), ("C", {"Type": "Pass"}))
    ended = run(definition, input={"more": 1}, mocks={"T": {"Return": big[:-10]}})
    assert (ended.status, ended.error) == ("FAILED", "States.DataLimitExceeded")
    assert "The state/task 'T' returned" in ended.cause
    assert types(ended)[-2:] == ["LambdaFunctionSucceeded", "ExecutionFailed"]
