from __future__ import annotations

import threading

import pytest

from statebag.local import run
from tests.local.interpreter.events import links, types
from tests.local.machines import chain, task


def test_the_history_of_an_execution():
    execution = run(chain(("A", {"Type": "Pass"}), ("B", {"Type": "Succeed"})), input={"é": 1})
    assert links(execution) == [
        ("ExecutionStarted", ""),
        ("PassStateEntered", ""),  # as recorded: the first state follows no event
        ("PassStateExited", "PassStateEntered"),
        ("SucceedStateEntered", "PassStateExited"),
        ("SucceedStateExited", "SucceedStateEntered"),
        ("ExecutionSucceeded", "SucceedStateExited"),
    ]
    assert execution.history[1]["stateEnteredEventDetails"] == {
        "name": "A",
        "input": '{"é":1}',
        "inputDetails": {"truncated": False},
    }


def test_the_context_object():
    state = {"Type": "Pass", "Parameters": {"c.$": "$$"}}
    context = run(chain(("P", state)), input={"a": 1}, name="Flow", execution_name="one").output[
        "c"
    ]
    arn = "arn:aws:states:us-east-1:123456789012"
    assert context["Execution"]["Id"] == f"{arn}:execution:Flow:one"
    assert context["Execution"]["Input"] == {"a": 1}
    assert context["StateMachine"] == {"Id": f"{arn}:stateMachine:Flow", "Name": "Flow"}
    assert context["State"]["Name"] == "P"
    assert set(context) == {"Execution", "StateMachine", "State"}


def test_a_machine_has_a_timeout():
    definition = chain(("W", {"Type": "Wait", "Seconds": 90_000}), TimeoutSeconds=60)
    execution = run(definition)
    assert execution.status == "TIMED_OUT"
    assert types(execution)[-1] == "ExecutionTimedOut"
    began, ended = execution.history[0]["timestamp"], execution.history[-1]["timestamp"]
    assert 60 <= (ended - began).total_seconds() < 3_600


def test_a_loop_ends_at_the_quota_of_events():
    loop = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}
    execution = run(loop)
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert "maximum number of history events" in execution.cause
    assert len(execution.history) == 25_000
    assert types(execution)[-1] == "ExecutionFailed"


def test_an_endless_express_loop_ends_at_the_timeout():
    loop = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}
    execution = run(loop, type="EXPRESS", timeout=0.3)
    assert (execution.status, types(execution)[-1]) == ("TIMED_OUT", "ExecutionTimedOut")


def test_a_function_that_does_not_return_ends_at_the_timeout():
    inner = chain(("T", task()))
    definition = chain(("M", {"Type": "Map", "ItemProcessor": inner}))
    go_on = threading.Event()
    try:
        execution = run(
            definition, input=[1, 2, 3], functions={"work": lambda *_: go_on.wait()}, timeout=0.3
        )
    finally:
        go_on.set()
    assert execution.status == "TIMED_OUT"
    assert [one for one in types(execution) if one.startswith("Execution")] == [
        "ExecutionStarted", "ExecutionTimedOut",
    ]  # fmt: skip


def test_an_interrupt_ends_all_with_one_event():
    told = []

    def work(_event, _context):
        raise KeyboardInterrupt

    inner = chain(("W", {"Type": "Wait", "Seconds": 5}), ("T", task()))
    definition = chain(("M", {"Type": "Map", "ItemProcessor": inner}))
    with pytest.raises(KeyboardInterrupt):
        run(
            definition, input=[1, 2], functions={"work": work},
            on_event=lambda _, event: told.append((event["type"], event["previousEventId"])),
        )  # fmt: skip
    assert told[-1] == ("ExecutionAborted", 0)
    assert [kind for kind, _ in told if kind.startswith("Execution")] == [
        "ExecutionStarted", "ExecutionAborted",
    ]  # fmt: skip


def test_variables_over_the_quota_end_the_execution():
    state = {"Type": "Pass", "Assign": {"v": "{% $pad('x', 270000) %}"}, "Output": 1}
    execution = run(chain(("S", state), QueryLanguage="JSONata"))
    assert (execution.status, execution.error) == ("FAILED", "States.DataLimitExceeded")


def test_data_that_nests_ever_deeper_fails_the_state():
    loop = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "A"}},
    }
    execution = run(loop)
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert types(execution)[-1] == "ExecutionFailed"


def test_machines_may_nest_deeply():
    machine = chain(("P", {"Type": "Pass", "Result": "inner"}))
    for level in range(60):
        machine = chain((f"L{level}", {"Type": "Parallel", "Branches": [machine]}))
    output = run(machine).output
    for _ in range(60):
        (output,) = output
    assert output == "inner"
