from __future__ import annotations

import threading

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from tests.local.interpreter.events import details, types
from tests.local.machines import chain, invoke, task

ARN = "arn:aws:lambda:us-east-1:123456789012:function:work"


@pytest.mark.parametrize("state", [task(), task(ARN), invoke(), invoke(ARN), task(f"{ARN}:live")])
@pytest.mark.parametrize("given", ["work", ARN])
def test_every_form_of_a_function_calls_it(state, given):
    execution = run(chain(("T", state)), input={"n": 1}, functions={given: lambda e, _: e["n"] + 1})
    assert execution.output == 2


def test_the_result_of_an_invocation_has_the_envelope_of_the_service():
    state = invoke()
    del state["OutputPath"]
    output = run(chain(("T", state)), input=5, functions={"work": lambda e, _: e}).output
    assert output["Payload"] == 5
    assert (output["StatusCode"], output["ExecutedVersion"]) == (200, "$LATEST")
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_what_a_function_raises_is_its_error():
    def work(_event, _context):
        raise LookupError("gone")

    execution = run(chain(("T", task())), functions={"work": work})
    assert execution.error == "LookupError"
    assert '"errorMessage":"gone"' in execution.cause
    assert details(execution.history[-2])["error"] == "LookupError"


def test_bytes_of_a_function_are_text():
    assert run(chain(("T", task())), functions={"work": lambda *_: b"plain"}).output == "plain"


def test_a_function_has_the_context_of_lambda():
    def work(_event, context):
        return [context.function_name, context.get_remaining_time_in_millis() > 0]

    assert run(chain(("T", task())), functions={"work": work}).output == ["work", True]


def test_a_function_that_takes_too_long_times_out():
    go_on = threading.Event()

    def work(_event, _context):
        go_on.wait()

    state = task(TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "C"}])
    definition = chain(("T", state), ("C", {"Type": "Pass"}))
    try:
        execution = run(definition, functions={"work": work})
    finally:
        go_on.set()
    assert execution.output == {"Error": "States.Timeout", "Cause": ""}
    assert "LambdaFunctionTimedOut" in types(execution)


def test_limits_come_from_the_input_and_from_expressions():
    state = task(TimeoutSecondsPath="$.t", HeartbeatSecondsPath="$.h")
    given = {"t": 60, "h": 7}
    execution = run(chain(("T", state)), input=given, mocks={"T": {"Return": 1}})
    scheduled = details(execution.history[2])
    assert (scheduled["timeoutInSeconds"], scheduled["heartbeatInSeconds"]) == (60, 7)
    state = task(TimeoutSeconds="{% $states.input.t * 2 %}")
    execution = run(
        chain(("T", state), QueryLanguage="JSONata"), input=given, mocks={"T": {"Return": 1}}
    )
    assert details(execution.history[2])["timeoutInSeconds"] == 120


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", None])
def test_a_limit_that_is_no_positive_number(value):
    state = task(TimeoutSecondsPath="$.t")
    execution = run(chain(("T", state)), input={"t": value}, mocks={"T": {"Return": 1}})
    assert execution.error == "States.Runtime"
    assert "LambdaFunctionScheduled" not in types(execution)


def test_arguments_over_the_limit_end_the_execution():
    state = task(Parameters={"a.$": "$", "b.$": "$"})
    execution = run(chain(("T", state)), input="x" * 140_000, mocks={"T": {"Return": 1}})
    assert (execution.status, execution.error) == ("FAILED", "States.DataLimitExceeded")


def test_a_function_that_was_not_given_is_refused_before_the_run():
    called = []
    definition = chain(("A", task("a")), ("B", invoke("b")))
    with pytest.raises(ConfigurationError, match="calls b") as caught:
        run(definition, functions={"a": lambda *_: called.append(1)})
    assert called == []
    assert caught.value.path == "$.States.B.Parameters.FunctionName"
    assert (
        run(
            definition, functions={"a": lambda *_: 1}, mocks={"B": {"Return": {"Payload": 2}}}
        ).output
        == 2
    )


def test_a_function_whose_name_is_computed_is_missed_when_it_is_called():
    state = invoke()
    state["Parameters"] = {"FunctionName.$": "$.f"}
    execution = run(chain(("T", state)), input={"f": "gone"})
    assert execution.error == "Lambda.ResourceNotFoundException"
    assert "function:gone" in execution.cause


def test_an_activity_is_worked_on_by_a_function():
    arn = "arn:aws:states:us-east-1:123456789012:activity:chop"
    execution = run(chain(("T", task(arn))), input=2, functions={"chop": lambda e, _: e * 2})
    assert execution.output == 4
    assert types(execution)[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]


def test_a_resource_that_is_nothing_is_refused_by_name():
    with pytest.raises(ConfigurationError) as caught:
        run(chain(("T", task("${Function}"))))
    assert caught.value.path == "$.States.T.Resource"
